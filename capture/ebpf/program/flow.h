/* The records that user space reads; capture/ebpf/records.py has the same layouts, and a test compares them. */
#pragma once
#include "kernel.h"

/* Hashed and compared as raw memory: no padding. IPv4 as ::ffff:a.b.c.d, ports in host order. headless: ports, or ICMP type and
 * code, were not in the packet (a later fragment, a cut one). */
struct flow_key {
	u8 src[16], dst[16];
	u16 sport, dport;
	u8 proto, icmp_type, icmp_code, egress;
	u32 ifindex;
	u8 version, headless;
	u16 vlan;
};

/* bytes and packets are the hook's, where a packet that the kernel segments later is one; the extra ones are what segmenting
 * adds on the wire. flags: the agent's bit set below, the headers' own bits above bit 16. */
struct flow_value {
	u64 first_ns, last_ns;
	u64 bytes, packets, extra_bytes, extra_packets;
	u64 cookie, cgroup;
	u32 flags, fragments, uid;
	u8 dscp, spare[3];
	u8 src_mac[6], dst_mac[6];
	u32 more_spare;
};

/* A packet whose flow found no room in the map. */
struct overflow_record {
	struct flow_key key;
	struct flow_value value;
};

enum { DNS_KEPT = 256 };

/* A DNS message as it passed; size is the whole message's. */
struct dns_record {
	u64 time_ns;
	struct flow_key key;
	u32 size, spare;
	u8 message[DNS_KEPT];
};

enum counter { SEEN, NOT_IP, NOT_IP_BYTES, CUT, CUT_BYTES, MAP_FULL, RING_OK, RING_LOST, NO_MAP, DNS_OK, DNS_LOST, COUNTERS };
