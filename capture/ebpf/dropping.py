"""Packets that the kernel dropped, with the reason's name as the running kernel's own types have it.

The numbers of reasons move between kernels, so a fixed table would go wrong.
"""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd

from capture.ebpf.btf import vmlinux
from capture.ebpf.grouping import numbered
from capture.ebpf.maps import Records
from capture.ebpf.records import KEY, UNKNOWN_UID, VALUE
from capture.pcap.octets import I64
from capture.pcap.table import integers

# Packets that waited in a socket when it was closed: no fault of the network's.
_NO_DROP = "SKB_DROP_REASON_QUEUE_PURGE"
_MAPPED = bytes(10) + b"\xff\xff"
_ENDS = np.dtype([("src", "V16"), ("dst", "V16"), ("sport", "<u2"), ("dport", "<u2"), ("proto", "u1"), ("spare", "V3")])
_ALIKE = ("src", "dst", "sport", "dport", "proto")


@functools.cache
def reasons() -> dict[int, str]:
    """The names of the running kernel's drop reasons."""
    return vmlinux().enumerators("skb_drop_reason")


def real_drops(keys: Records, values: Records) -> tuple[Records, Records]:
    """Without those that are no fault."""
    number = next((number for number, name in reasons().items() if name == _NO_DROP), -1)
    real = keys["reason"] != number
    return keys[real], values[real]


def with_dropped_flows(flows: tuple[Records, Records], drops: Records, dropped: Records) -> tuple[Records, Records]:
    """The flows, and behind them one without packets for each whose packets were dropped before any hook saw them."""
    keys, values = flows
    row = _rows(keys, drops)
    alone = np.flatnonzero(row < 0)
    alone = alone[numbered(_ends(drops[alone]))[1]]
    more, counts = np.zeros(len(alone), KEY), np.zeros(len(alone), VALUE)
    for name in (*_ALIKE, "ifindex"):
        more[name] = drops[name][alone]
    mapped = np.ascontiguousarray(drops["src"][alone]).view(np.uint8).reshape(-1, 16)[:, :12] == np.frombuffer(
        _MAPPED, "u1"
    )
    more["version"] = np.where(mapped.all(axis=1), 4, 6)
    more["headless"] = (more["sport"] == 0) & (more["dport"] == 0)
    counts["first_ns"], counts["last_ns"] = dropped["first_ns"][alone], dropped["last_ns"][alone]
    counts["uid"] = UNKNOWN_UID
    return np.concatenate([keys, more]), np.concatenate([values, counts])


def drop_columns(keys: Records, drops: Records, dropped: Records) -> dict[str, object]:
    """``PktDropPackets PktDropBytes PktDropLatestDropCause`` of each flow; of a flow seen twice the first row has them."""
    row = _rows(keys, drops)
    order = np.argsort(dropped["last_ns"], kind="stable")
    order = order[row[order] >= 0]
    packets, octets, cause = (np.zeros(len(keys), np.int64) for _ in range(3))
    np.add.at(packets, row[order], dropped["packets"][order].astype(np.int64))
    np.add.at(octets, row[order], dropped["bytes"][order].astype(np.int64))
    cause[row[order]] = drops["reason"][order]
    present = packets > 0
    codes, distinct = pd.factorize(cause[present])
    names = pd.Index([reasons().get(number, f"reason {number}") for number in distinct.tolist()], dtype="str")
    whole = np.full(len(keys), -1)
    whole[present] = codes
    return {
        "PktDropPackets": integers(packets, "UInt32", present),
        "PktDropBytes": integers(octets, "UInt32", present),
        "PktDropLatestDropCause": pd.Categorical.from_codes(whole, categories=names),
    }


def _rows(keys: Records, drops: Records) -> I64:
    """The first row of the flow that each drop is of, -1 where there is none."""
    number, first = numbered(np.concatenate([_ends(keys), _ends(drops)]))
    row = first[number[len(keys) :]]
    return np.where(row < len(keys), row, -1)


def _ends(rows: Records) -> Records:
    ends = np.zeros(len(rows), _ENDS)
    for name in _ALIKE:
        ends[name] = rows[name]
    return ends
