/* Count packets by flow, on whichever hook: TCX, packet socket or cgroup. User space swaps the map and reads it. */
#include "packet.h"

/* Set by the loader before the programs are verified, so that the verifier removes what is off. */
volatile const u32 sampling = 1;   /* 1: every packet, N: one in N */
volatile const u8 with_owner = 0;  /* socket cookie, cgroup and user of the sending socket */
volatile const u8 with_dns = 0;    /* copy DNS messages */

enum { DNS_PORT = 53, DNS_HEADER = 12, UNKNOWN_UID = 0xffffffff };
enum socket_of { NOBODY, SENDER, BOTH };

struct hook {
	int has_link_header, egress;
	enum socket_of socket;
};

struct flow_map {
	__uint(type, MAP_HASH);
	__type(key, struct flow_key);
	__type(value, struct flow_value);
	__uint(max_entries, 65536);
};
struct flow_map flows SEC(".maps");

/* Slot 0: the map that packets are counted in now. */
struct {
	__uint(type, MAP_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, u32);
	__array(values, struct flow_map);
} active SEC(".maps");

struct {
	__uint(type, MAP_RINGBUF);
	__uint(max_entries, 4096);
} overflow SEC(".maps");

struct {
	__uint(type, MAP_RINGBUF);
	__uint(max_entries, 4096);
} dns SEC(".maps");

struct {
	__uint(type, MAP_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64[COUNTERS]);
} counters SEC(".maps");

/* A cgroup hook may be interrupted by another on its CPU; the others run with bottom halves off. */
INLINE void raise(u64 *counts, enum counter which, u64 by, struct hook hook)
{
	if (hook.socket == BOTH) __sync_fetch_and_add(&counts[which], by);
	else counts[which] += by;
}

INLINE void tick(u64 *counts, enum counter which, struct hook hook) { raise(counts, which, 1, hook); }

INLINE void note_socket(struct flow_value *value, struct __sk_buff *skb, struct packet *packet, struct hook hook)
{
	if (!with_owner || hook.socket == NOBODY || (hook.socket == SENDER && !hook.egress)) return;
	int handshake = packet->tcp & SYN;
	/* In a cgroup hook a handshake's packets belong to the listening socket; a request socket has no user. */
	if (!value->cookie && !(handshake && hook.socket == BOTH)) {
		value->cookie = bpf_get_socket_cookie(skb);
		value->cgroup = bpf_skb_cgroup_id(skb);
	}
	if (value->uid == UNKNOWN_UID && (packet->tcp & (SYN | ACK)) != (SYN | ACK)) value->uid = bpf_get_socket_uid(skb);
}

/* The VLAN tag that the kernel takes out of a packet. */
INLINE u64 tag_size(struct __sk_buff *skb) { return skb->vlan_present ? 4 : 0; }

/* What segmenting adds: all but the first segment, each with the headers again. */
INLINE u64 extra_packets(struct __sk_buff *skb) { return skb->gso_segs > 1 ? skb->gso_segs - 1 : 0; }

INLINE u64 extra_bytes(struct __sk_buff *skb, struct packet *packet)
{
	return packet->headers ? extra_packets(skb) * (packet->headers + tag_size(skb)) : 0;
}

INLINE u32 flags_of(struct packet *packet)
{
	return packet->tcp ? agents_flag(packet->tcp) | (u32)packet->tcp << 16 : 0;
}

INLINE void add_to(struct flow_value *to, struct __sk_buff *skb, struct packet *packet, u64 now, struct hook hook)
{
	u32 flags = flags_of(packet);
	__sync_fetch_and_add(&to->bytes, skb->len + tag_size(skb));
	__sync_fetch_and_add(&to->packets, 1);
	if (skb->gso_segs > 1) {
		__sync_fetch_and_add(&to->extra_bytes, extra_bytes(skb, packet));
		__sync_fetch_and_add(&to->extra_packets, extra_packets(skb));
	}
	if ((to->flags & flags) != flags) __sync_fetch_and_or(&to->flags, flags);
	if (packet->fragment) __sync_fetch_and_add(&to->fragments, 1);
	to->last_ns = now;
	if (to->dscp != packet->dscp) to->dscp = packet->dscp;
	note_socket(to, skb, packet, hook);
}

INLINE void copy_dns(struct __sk_buff *skb, struct flow_key *key, struct packet *packet, u64 now, u64 *counts,
		     struct hook hook)
{
	u32 left = skb->len > packet->headers ? skb->len - packet->headers : 0;
	if (key->proto != UDP || (key->sport != DNS_PORT && key->dport != DNS_PORT) || left < DNS_HEADER) return;
	struct dns_record *record = bpf_ringbuf_reserve(&dns, sizeof(*record), 0);
	if (!record) {
		tick(counts, DNS_LOST, hook);
		return;
	}
	__builtin_memset(record, 0, sizeof(*record));
	record->time_ns = now;
	record->key = *key;
	record->size = left;
	if (left > DNS_KEPT) left = DNS_KEPT;
	if (left > 0) bpf_skb_load_bytes(skb, packet->headers, record->message, left);
	bpf_ringbuf_submit(record, RINGBUF_NO_WAKEUP);
	tick(counts, DNS_OK, hook);
}

INLINE struct flow_value one_packet(struct __sk_buff *skb, struct packet *packet, u64 now)
{
	struct flow_value one = {};
	one.first_ns = one.last_ns = now;
	one.bytes = skb->len + tag_size(skb);
	one.packets = 1;
	one.extra_bytes = extra_bytes(skb, packet);
	one.extra_packets = extra_packets(skb);
	one.flags = flags_of(packet);
	one.fragments = packet->fragment;
	one.uid = UNKNOWN_UID;
	one.dscp = packet->dscp;
	__builtin_memcpy(one.src_mac, packet->src_mac, 6);
	__builtin_memcpy(one.dst_mac, packet->dst_mac, 6);
	return one;
}

INLINE void overflows(struct flow_key *key, struct flow_value *one, u64 *counts, struct hook hook)
{
	tick(counts, MAP_FULL, hook);
	struct overflow_record *record = bpf_ringbuf_reserve(&overflow, sizeof(*record), 0);
	if (!record) {
		tick(counts, RING_LOST, hook);
		return;
	}
	record->key = *key;
	record->value = *one;
	bpf_ringbuf_submit(record, RINGBUF_NO_WAKEUP);
	tick(counts, RING_OK, hook);
}

INLINE void count(struct __sk_buff *skb, struct hook hook)
{
	u32 zero = 0;
	if (sampling > 1 && bpf_get_prandom_u32() % sampling) return;
	u64 *counts = bpf_map_lookup_elem(&counters, &zero);
	if (!counts) return;
	tick(counts, SEEN, hook);
	struct flow_key key = {};
	struct packet packet = {};
	int failed = read_packet(skb, hook.has_link_header, &key, &packet);
	if (failed) {
		tick(counts, failed == CUT ? CUT : NOT_IP, hook);
		raise(counts, failed == CUT ? CUT_BYTES : NOT_IP_BYTES, skb->len + tag_size(skb), hook);
		return;
	}
	key.egress = hook.egress;
	key.ifindex = skb->ifindex;
	u64 now = bpf_ktime_get_ns();
	if (with_dns) copy_dns(skb, &key, &packet, now, counts, hook);
	void *map = bpf_map_lookup_elem(&active, &zero);
	if (!map) {
		tick(counts, NO_MAP, hook);
		return;
	}
	struct flow_value *known = bpf_map_lookup_elem(map, &key);
	if (known) {
		add_to(known, skb, &packet, now, hook);
		return;
	}
	struct flow_value one = one_packet(skb, &packet, now);
	note_socket(&one, skb, &packet, hook);
	long error = bpf_map_update_elem(map, &key, &one, BPF_NOEXIST);
	if (!error) return;
	/* Another CPU may have entered the flow meanwhile. */
	if (error == -EEXIST) known = bpf_map_lookup_elem(map, &key);
	if (known) add_to(known, skb, &packet, now, hook);
	else overflows(&key, &one, counts, hook);
}

#define HOOK(link, out, whose) ((struct hook){ .has_link_header = link, .egress = out, .socket = whose })

SEC("tc") int ethernet_ingress(struct __sk_buff *skb) { count(skb, HOOK(1, 0, SENDER)); return TCX_NEXT; }
SEC("tc") int ethernet_egress(struct __sk_buff *skb) { count(skb, HOOK(1, 1, SENDER)); return TCX_NEXT; }

/* Devices without a link layer: tun, WireGuard. */
SEC("tc") int ip_ingress(struct __sk_buff *skb) { count(skb, HOOK(0, 0, SENDER)); return TCX_NEXT; }
SEC("tc") int ip_egress(struct __sk_buff *skb) { count(skb, HOOK(0, 1, SENDER)); return TCX_NEXT; }

/* The sockets of a cgroup, in every network namespace. */
SEC("cgroup_skb/ingress") int cgroup_ingress(struct __sk_buff *skb) { count(skb, HOOK(0, 0, BOTH)); return CGROUP_PASS; }
SEC("cgroup_skb/egress") int cgroup_egress(struct __sk_buff *skb) { count(skb, HOOK(0, 1, BOTH)); return CGROUP_PASS; }

/* Filters of a packet socket, which hand nothing to user space. */
SEC("socket") int ethernet_socket(struct __sk_buff *skb)
{
	count(skb, HOOK(1, skb->pkt_type == PACKET_OUTGOING, NOBODY));
	return SOCKET_KEEP_NOTHING;
}

SEC("socket") int ip_socket(struct __sk_buff *skb)
{
	count(skb, HOOK(0, skb->pkt_type == PACKET_OUTGOING, NOBODY));
	return SOCKET_KEEP_NOTHING;
}

/* On loopback each packet goes out and comes in: counted once, going out, where its sender is known. */
SEC("socket") int loopback_socket(struct __sk_buff *skb)
{
	if (skb->pkt_type == PACKET_OUTGOING) count(skb, HOOK(1, 1, NOBODY));
	return SOCKET_KEEP_NOTHING;
}

/* So that the object describes what goes through the rings, and the test of layouts finds it. */
const struct overflow_record *const overflow_layout __attribute__((used)) = 0;
const struct dns_record *const dns_layout __attribute__((used)) = 0;
const enum counter counters_layout __attribute__((used)) = COUNTERS;

char _license[] SEC("license") = "Dual MIT/GPL";
