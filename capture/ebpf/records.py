"""The layouts of the programs' records as numpy types: ``program/flow.h`` and ``sockets.bpf.c`` have the same."""

from __future__ import annotations

import numpy as np

KEY = np.dtype(
    [
        ("src", "V16"),
        ("dst", "V16"),
        ("sport", "<u2"),
        ("dport", "<u2"),
        ("proto", "u1"),
        ("icmp_type", "u1"),
        ("icmp_code", "u1"),
        ("egress", "u1"),
        ("ifindex", "<u4"),
        ("version", "u1"),
        ("headless", "u1"),
        ("vlan", "<u2"),
    ]
)
VALUE = np.dtype(
    [
        ("first_ns", "<u8"),
        ("last_ns", "<u8"),
        ("bytes", "<u8"),
        ("packets", "<u8"),
        ("extra_bytes", "<u8"),
        ("extra_packets", "<u8"),
        ("cookie", "<u8"),
        ("cgroup", "<u8"),
        ("flags", "<u4"),
        ("fragments", "<u4"),
        ("uid", "<u4"),
        ("dscp", "u1"),
        ("spare", "V3"),
        ("src_mac", "V6"),
        ("dst_mac", "V6"),
        ("more_spare", "V4"),
    ]
)
OVERFLOW = np.dtype([("key", KEY), ("value", VALUE)])
DNS = np.dtype([("time_ns", "<u8"), ("key", KEY), ("size", "<u4"), ("spare", "V4"), ("message", "V256")])
OWNER = np.dtype(
    [
        ("time_ns", "<u8"),
        ("cgroup", "<u8"),
        ("pid", "<u4"),
        ("uid", "<u4"),
        ("how", "<u4"),
        ("spare", "V4"),
        ("comm", "S16"),
    ]
)
ROUND_TRIP = np.dtype([("measured", "<u8"), ("last_us", "<u4"), ("most_us", "<u4")])
DROP_KEY = np.dtype(
    [
        ("src", "V16"),
        ("dst", "V16"),
        ("sport", "<u2"),
        ("dport", "<u2"),
        ("proto", "u1"),
        ("spare", "V3"),
        ("reason", "<u4"),
        ("ifindex", "<u4"),
    ]
)
DROP_VALUE = np.dtype([("packets", "<u8"), ("bytes", "<u8"), ("first_ns", "<u8"), ("last_ns", "<u8")])
COOKIE = np.dtype("<u8")

COUNTERS = (
    "seen",
    "not_ip",
    "not_ip_bytes",
    "cut",
    "cut_bytes",
    "map_full",
    "ring_ok",
    "ring_lost",
    "no_map",
    "dns_ok",
    "dns_lost",
)
UNKNOWN_UID = 0xFFFFFFFF
OVERFLOW_UID = 65534  # what the kernel says of packets without a socket
