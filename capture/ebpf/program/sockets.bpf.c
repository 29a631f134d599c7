/* What the kernel knows of sockets: who owns one, TCP's round-trip time, and packets dropped with their reason.
 * Every program is optional; the loader attaches those that are wanted and that this kernel takes. */
#include "flow.h"

#define KERNEL __attribute__((preserve_access_index))

/* The few fields that are read; the loader finds where they are in the running kernel's own BTF. */
struct ns_common { u32 inum; } KERNEL;
struct net { struct ns_common ns; } KERNEL;
typedef struct { struct net *net; } possible_net_t;
struct net_device { int ifindex; possible_net_t nd_net; } KERNEL;
struct sock_common { u16 skc_family; possible_net_t skc_net; } KERNEL;
struct sock { struct sock_common __sk_common; } KERNEL;
struct tcp_sock { u32 srtt_us; } KERNEL;
struct sk_buff {
	unsigned char *head;
	u32 len;
	u16 network_header;
	struct net_device *dev;
	struct sock *sk;
} KERNEL;

volatile const u32 net_inum = 0;   /* drops of this network namespace alone; 0: of all */

enum how { CREATED = 1, CONNECTED, LISTENED, USED };

struct owner {
	u64 time_ns, cgroup;
	u32 pid, uid, how, spare;
	char comm[16];
};

struct round_trip {
	u64 measured;
	u32 last_us, most_us;
};

struct drop_key {
	u8 src[16], dst[16];
	u16 sport, dport;
	u8 proto, spare[3];
	u32 reason, ifindex;
};

struct drop_value {
	u64 packets, bytes, first_ns, last_ns;
};

struct {
	__uint(type, MAP_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, u64);
	__type(value, struct owner);
} owners SEC(".maps");

struct {
	__uint(type, MAP_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, u64);
	__type(value, struct round_trip);
} round_trips SEC(".maps");

struct {
	__uint(type, MAP_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct drop_key);
	__type(value, struct drop_value);
} drops SEC(".maps");

INLINE void own(u64 cookie, enum how how)
{
	struct owner owner = {};
	owner.time_ns = bpf_ktime_get_ns();
	owner.pid = bpf_get_current_pid_tgid() >> 32;
	owner.uid = bpf_get_current_uid_gid();
	owner.cgroup = bpf_get_current_cgroup_id();
	owner.how = how;
	bpf_get_current_comm(owner.comm, sizeof(owner.comm));
	bpf_map_update_elem(&owners, &cookie, &owner, BPF_ANY);
}

/* socket(2), in the caller; not for accepted sockets. */
SEC("cgroup/sock_create") int socket_created(void *context)
{
	own(bpf_get_socket_cookie(context), CREATED);
	return 1;
}

/* connect(2) and listen(2) change the state in the caller, even where no packet follows. */
SEC("tp_btf/inet_sock_set_state") int state_changed(u64 *context)
{
	enum { TCP_SYN_SENT = 2, TCP_LISTEN = 10 };
	if (context[2] == TCP_SYN_SENT) own(bpf_get_socket_cookie((void *)context[0]), CONNECTED);
	if (context[2] == TCP_LISTEN) own(bpf_get_socket_cookie((void *)context[0]), LISTENED);
	return 0;
}

/* Who sends and receives is who it is, also on sockets that were accepted, inherited or there before. */
INLINE void used(void *sock)
{
	u64 cookie = bpf_get_socket_cookie(sock);
	struct owner *known = bpf_map_lookup_elem(&owners, &cookie);
	if (known && (known->how == USED || known->pid == bpf_get_current_pid_tgid() >> 32)) return;
	own(cookie, USED);
}

SEC("tp_btf/sock_send_length") int sent(u64 *context) { used((void *)context[0]); return 0; }
SEC("tp_btf/sock_recv_length") int received(u64 *context) { used((void *)context[0]); return 0; }

/* In tcp_rcv_established, where the agent measures too. */
SEC("tp_btf/tcp_probe") int round_trip_measured(u64 *context)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock((void *)context[0]);
	u32 us = tcp ? tcp->srtt_us >> 3 : 0;
	if (!us) return 0;
	u64 cookie = bpf_get_socket_cookie((void *)context[0]);
	struct round_trip *known = bpf_map_lookup_elem(&round_trips, &cookie);
	if (known) {
		known->measured++;
		known->last_us = us;
		if (us > known->most_us) known->most_us = us;
	} else {
		struct round_trip first = { 1, us, us };
		bpf_map_update_elem(&round_trips, &cookie, &first, BPF_ANY);
	}
	return 0;
}

INLINE int read_dropped(struct sk_buff *skb, struct drop_key *key)
{
	u8 header[40], ports[4];
	const unsigned char *at = skb->head + skb->network_header;
	if (bpf_probe_read_kernel(header, sizeof(header), at)) return 0;
	if (header[0] >> 4 == 4) {
		key->src[10] = key->src[11] = key->dst[10] = key->dst[11] = 0xff;
		__builtin_memcpy(key->src + 12, header + 12, 4);
		__builtin_memcpy(key->dst + 12, header + 16, 4);
		key->proto = header[9];
		at += (header[0] & 15) * 4;
	} else if (header[0] >> 4 == 6) {
		__builtin_memcpy(key->src, header + 8, 16);
		__builtin_memcpy(key->dst, header + 24, 16);
		key->proto = header[6];
		at += 40;
	} else {
		return 0;
	}
	if ((key->proto == 6 || key->proto == 17) && !bpf_probe_read_kernel(ports, sizeof(ports), at)) {
		key->sport = big16(ports);
		key->dport = big16(ports + 2);
	}
	return 1;
}

SEC("tp_btf/kfree_skb") int dropped(u64 *context)
{
	enum { NOT_SPECIFIED = 2 };   /* and below: not dropped, or consumed */
	struct sk_buff *skb = (void *)context[0];
	struct drop_key key = {};
	key.reason = context[2];
	if (key.reason <= NOT_SPECIFIED) return 0;
	struct net_device *device = skb->dev;
	struct sock *sock = skb->sk;
	u32 inum = device ? device->nd_net.net->ns.inum : sock ? sock->__sk_common.skc_net.net->ns.inum : 0;
	if (net_inum && inum != net_inum) return 0;
	if (!read_dropped(skb, &key)) return 0;
	key.ifindex = device ? device->ifindex : 0;
	u64 now = bpf_ktime_get_ns(), size = skb->len;
	struct drop_value *known = bpf_map_lookup_elem(&drops, &key);
	if (known) {
		__sync_fetch_and_add(&known->packets, 1);
		__sync_fetch_and_add(&known->bytes, size);
		known->last_ns = now;
	} else {
		struct drop_value first = { 1, size, now, now };
		bpf_map_update_elem(&drops, &key, &first, BPF_ANY);
	}
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
