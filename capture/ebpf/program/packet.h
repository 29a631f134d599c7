/* One packet's headers: link layer, VLAN tags, IPv4 with options, IPv6 with extension headers, ports. */
#pragma once
#include "flow.h"

enum { ETH_IP4 = 0x0800, ETH_IP6 = 0x86dd, ETH_VLAN = 0x8100, ETH_SERVICE_VLAN = 0x88a8 };
enum { HOP_BY_HOP = 0, ICMP = 1, TCP = 6, UDP = 17, ROUTING = 43, FRAGMENT = 44, AUTHENTICATION = 51, ICMP6 = 58,
       DESTINATION = 60, SCTP = 132, UDP_LITE = 136 };
enum { MOST_TAGS = 2, MOST_EXTENSIONS = 6 };
enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, URG = 32, ECE = 64, CWR = 128 };
enum { SYN_ACK = 256, FIN_ACK = 512, RST_ACK = 1024 };

/* What is not in the key. headers: bytes before the payload, as each segment repeats them; 0 where that is not known. */
struct packet {
	u8 src_mac[6], dst_mac[6];
	u8 dscp, tcp, fragment;
	u32 headers;
};

/* Reading ends with 0 for a packet to count, or with the counter of the reason why not. */
enum { COUNT = 0 };

/* The agent sets one flag a packet, by rank. */
INLINE u32 agents_flag(u8 bits)
{
	if ((bits & (SYN | ACK)) == (SYN | ACK)) return SYN_ACK;
	if ((bits & (FIN | ACK)) == (FIN | ACK)) return FIN_ACK;
	if ((bits & (RST | ACK)) == (RST | ACK)) return RST_ACK;
	if (bits & FIN) return FIN;
	if (bits & SYN) return SYN;
	if (bits & ACK) return ACK;
	return bits & -bits;
}

INLINE int read_link(struct __sk_buff *skb, struct flow_key *key, struct packet *packet, u32 *at, u16 *ethertype)
{
	u8 header[14];
	if (bpf_skb_load_bytes(skb, 0, header, 14)) return CUT;
	__builtin_memcpy(packet->dst_mac, header, 6);
	__builtin_memcpy(packet->src_mac, header + 6, 6);
	*ethertype = big16(header + 12);
	if (skb->vlan_present) key->vlan = skb->vlan_tci & 0xfff;
	*at = 14;
#pragma clang loop unroll(disable)
	for (int i = 0; i < MOST_TAGS; i++) {
		if (*ethertype != ETH_VLAN && *ethertype != ETH_SERVICE_VLAN) break;
		u8 tag[4];
		if (bpf_skb_load_bytes(skb, *at, tag, 4)) return CUT;
		if (!key->vlan) key->vlan = big16(tag) & 0xfff;
		*ethertype = big16(tag + 2);
		*at += 4;
	}
	return COUNT;
}

/* Returns whether the layer above begins at *at. */
INLINE int read_ip4(struct __sk_buff *skb, struct flow_key *key, struct packet *packet, u32 *at)
{
	u8 header[20];
	if (bpf_skb_load_bytes(skb, *at, header, 20)) return -1;
	key->src[10] = key->src[11] = key->dst[10] = key->dst[11] = 0xff;
	__builtin_memcpy(key->src + 12, header + 12, 4);
	__builtin_memcpy(key->dst + 12, header + 16, 4);
	key->proto = header[9];
	packet->dscp = header[1] >> 2;
	u16 fragment = big16(header + 6);
	packet->fragment = (fragment & 0x3fff) != 0;
	*at += (header[0] & 15) * 4;
	return (fragment & 0x1fff) == 0;
}

INLINE int read_ip6(struct __sk_buff *skb, struct flow_key *key, struct packet *packet, u32 *at)
{
	u8 header[40];
	if (bpf_skb_load_bytes(skb, *at, header, 40)) return -1;
	__builtin_memcpy(key->src, header + 8, 16);
	__builtin_memcpy(key->dst, header + 24, 16);
	key->proto = header[6];
	packet->dscp = (big16(header) >> 6) & 0x3f;
	*at += 40;
#pragma clang loop unroll(disable)
	for (int i = 0; i < MOST_EXTENSIONS; i++) {
		u8 here = key->proto, extension[4];
		if (here != HOP_BY_HOP && here != ROUTING && here != DESTINATION && here != FRAGMENT && here != AUTHENTICATION)
			break;
		if (bpf_skb_load_bytes(skb, *at, extension, 4)) return 0;
		key->proto = extension[0];
		if (here == FRAGMENT) {
			packet->fragment = 1;
			*at += 8;
			if (big16(extension + 2) & 0xfff8) return 0;
		} else {
			*at += here == AUTHENTICATION ? (extension[1] + 2) * 4 : (extension[1] + 1) * 8;
		}
	}
	return 1;
}

/* Returns whether ports, or ICMP type and code, are there. */
INLINE int read_transport(struct __sk_buff *skb, struct flow_key *key, struct packet *packet, u32 at)
{
	u8 header[14];
	if (key->proto == ICMP || key->proto == ICMP6) {
		if (bpf_skb_load_bytes(skb, at, header, 2)) return 0;
		key->icmp_type = header[0];
		key->icmp_code = header[1];
		return 1;
	}
	if (key->proto == TCP) {
		if (bpf_skb_load_bytes(skb, at, header, 14)) return 0;
		packet->tcp = header[13];
		packet->headers = at + (header[12] >> 4) * 4;
	} else {
		if (key->proto != UDP && key->proto != SCTP && key->proto != UDP_LITE) return 0;
		if (bpf_skb_load_bytes(skb, at, header, 4)) return 0;
		packet->headers = at + 8;
	}
	key->sport = big16(header);
	key->dport = big16(header + 2);
	return 1;
}

INLINE int read_packet(struct __sk_buff *skb, int has_link_header, struct flow_key *key, struct packet *packet)
{
	u32 at = 0;
	u16 ethertype = __builtin_bswap16(skb->protocol);
	if (has_link_header && read_link(skb, key, packet, &at, &ethertype)) return CUT;
	if (ethertype != ETH_IP4 && ethertype != ETH_IP6) return NOT_IP;
	key->version = ethertype == ETH_IP4 ? 4 : 6;
	int above = ethertype == ETH_IP4 ? read_ip4(skb, key, packet, &at) : read_ip6(skb, key, packet, &at);
	if (above < 0) return CUT;
	key->headless = !(above && read_transport(skb, key, packet, at));
	return COUNT;
}
