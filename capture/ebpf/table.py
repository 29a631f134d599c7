"""Keys and values of the map → a flow table in the contract's dtypes, by the same code that makes the offline reader's."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from capture.ebpf.grouping import taken
from capture.ebpf.maps import Records
from capture.pcap.link import UNTAGGED
from capture.pcap.meter import Flows
from capture.pcap.octets import U64
from capture.pcap.packets import MACS, Key, key_word
from capture.pcap.places import Place
from capture.pcap.table import integers, sorted_table
from capture.pcap.transport import ICMP_PROTOCOLS, PORT_PROTOCOLS, TCP

_FLAGS, _HEADERS = np.uint32(0xFFFF), np.uint32(16)
_KINDS = [[0], [1]]


def in_order(keys: Records, values: Records) -> tuple[Records, Records]:
    """The flows by the time of their first packet."""
    order = np.argsort(values["first_ns"], kind="stable")
    return taken(keys, order), taken(values, order)


def flow_table(
    keys: Records, values: Records, interfaces: Mapping[int, str], epoch_ns: int, agent_ip: str | None = None
) -> pd.DataFrame:
    """Return one row a flow, direction and interface, in the order given; columns as `capture.read_pcap`, and more.

    ``Bytes`` and ``Packets`` are the wire's, after segmentation; ``HookBytes`` and ``HookPackets`` the hook's own.
    ``IfDirections`` is parallel to ``Interfaces``, ``HeaderFlags`` all TCP flags whatever their rank (missing unless TCP),
    ``Fragments`` packets that were fragments. `epoch_ns` is when the kernel's monotonic clock was 0.

    >>> from capture.ebpf.records import KEY, VALUE
    >>> flow_table(np.zeros(0, KEY), np.zeros(0, VALUE), {}, 0).shape
    (0, 24)
    """
    place, places = _places(keys)
    table = sorted_table(flows_of(keys, values, place, epoch_ns), "", agent_ip, places)
    codes, distinct = pd.factorize(keys["ifindex"])
    recorders = pd.Index([_name(number, interfaces) for number in distinct.tolist()], dtype="str")
    return table.assign(
        CaptureFile=pd.Categorical.from_codes(codes, categories=recorders),
        Interfaces=_shared([[name] for name in recorders], codes),
        IfDirections=_shared(_KINDS, keys["egress"]),
        HookBytes=integers(values["bytes"], "UInt64"),
        HookPackets=integers(values["packets"], "UInt64"),
        HeaderFlags=integers(values["flags"] >> _HEADERS, "UInt8", keys["proto"] == TCP),
        Fragments=integers(values["fragments"], "UInt32"),
    )


def _name(number: int, interfaces: Mapping[int, str]) -> str:
    """An interface may be gone, or of another namespace (a cgroup's): its number tells it apart then."""
    return interfaces.get(number, f"interface {number}")


def _shared(values: list[list[int]] | list[list[str]], codes: np.ndarray) -> pd.Series:
    """A column of lists, each list one object however many rows have it."""
    each = np.empty(len(values), object)
    each[:] = values
    return pd.Series(each[codes], dtype=object)


def _places(keys: Records) -> tuple[U64, list[Place]]:
    """VLANs are what is told of a place here; interfaces have columns of their own."""
    codes, tags = pd.factorize(keys["vlan"], sort=True)
    first = [] if 0 in tags else [Place()]
    return codes.astype(np.uint64) + np.uint64(len(first)), first + [
        Place(vlan=tag or UNTAGGED) for tag in tags.tolist()
    ]


def flows_of(keys: Records, values: Records, place: U64, epoch_ns: int) -> Flows:
    """The flows as the offline reader's meter has them, with the wire's sizes."""
    return Flows(
        key=key_of(keys, place),
        packets=(values["packets"] + values["extra_packets"]).view(np.int64),
        octets=(values["bytes"] + values["extra_bytes"]).view(np.int64),
        first=values["first_ns"].astype(np.int64) + epoch_ns,
        last=values["last_ns"].astype(np.int64) + epoch_ns,
        flags=(values["flags"] & _FLAGS).astype(np.uint16),
        dscp=np.ascontiguousarray(values["dscp"]),
        macs=_macs(values),
    )


def key_of(keys: Records, place: U64) -> Key:
    """The offline reader's form of flow keys."""
    is_v6, proto = (keys["version"] == 6), np.ascontiguousarray(keys["proto"])
    icmp = np.isin(proto, ICMP_PROTOCOLS)
    first = np.where(icmp, keys["icmp_type"], keys["sport"]).astype(np.uint32)
    second = np.where(icmp, keys["icmp_code"], keys["dport"]).astype(np.uint32)
    known = (keys["headless"] == 0) & (icmp | np.isin(proto, PORT_PROTOCOLS))
    ends = np.where(known, first << np.uint32(16) | second, 0).astype(np.uint32)
    word = key_word(is_v6.astype(np.uint8), proto, known, ends, place)
    return Key(*_halves(keys["src"], is_v6), *_halves(keys["dst"], is_v6), word)


def _halves(addresses: Records, is_v6: np.ndarray) -> tuple[U64, U64]:
    """Addresses as two numbers; of an IPv4 address the lower 32 bits alone."""
    halves = np.ascontiguousarray(addresses).view(">u8").reshape(-1, 2).astype(np.uint64)
    low = np.where(is_v6, halves[:, 1], halves[:, 1] & np.uint64(0xFFFFFFFF))
    return np.ascontiguousarray(halves[:, 0]), low


def _macs(values: Records) -> np.ndarray:
    both = np.empty((len(values), 12), np.uint8)
    both[:, :6] = np.ascontiguousarray(values["dst_mac"]).view(np.uint8).reshape(-1, 6)
    both[:, 6:] = np.ascontiguousarray(values["src_mac"]).view(np.uint8).reshape(-1, 6)
    return both.reshape(-1).view(MACS)
