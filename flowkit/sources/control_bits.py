"""TCP header flags that were OR-ed over a flow's packets, turned into what the agent's one bit a packet would have been.

NetFlow, IPFIX and clouds OR the header's bits, so a server's SYN with ACK sets SYN as well, and SYN alone says nothing of
who opened. What follows for certain is put into ``Flags``; where both bits stand and nothing tells them apart, neither SYN
nor SYN_ACK is. The bits themselves stay in ``TcpControlBits``. See docs/decisions/0013-foreign-flows.md.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowkit.contract import FLAG_BITS, agent_flags, provenance, with_provenance

_FIN, _SYN, _RST, _ACK = 1, 2, 4, 16
_TCP = 6
_UNDECIDED = (
    "TCP flows have SYN and ACK from several packets, and nothing tells whether they opened or answered: "
    "Flags has neither SYN nor SYN_ACK for them, and direction is inferred"
)

Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def with_flags(flows: pd.DataFrame) -> pd.DataFrame:
    """Return conformed flows with ``Flags`` from ``TcpControlBits`` (OR-ed header bits), as far as they follow.

    Certain are: a flow of one packet; SYN without ACK (the flow opened); bits without SYN. With both, the flow that starts
    first of the two ways of a connection opened it, if one place (``AgentIP``) saw both and each still sends when the other
    starts. The provenance notes how many stay open.

    >>> flows = pd.DataFrame({"Proto": [6, 6, 6], "Packets": [3, 1, 5], "TcpControlBits": [0x02, 0x12, 0x1A]})
    >>> with_flags(flows)["Flags"].tolist()
    [2, 256, 16]
    """
    bits = _integers(flows, "TcpControlBits")
    known = (bits >= 0) & (_integers(flows, "Proto") == _TCP)
    octet = np.where(known, bits & 255, 0)
    single = _integers(flows, "Packets") == 1
    mixed = known & ~single & (octet & _SYN != 0) & (octet & _ACK != 0)
    opened, answered = _by_time(flows, np.flatnonzero(mixed))
    flags = np.where(single, agent_flags(octet.astype(np.uint8)).astype(np.int64), _of_several(octet))
    flags[opened] |= FLAG_BITS["SYN"]
    flags[answered] |= FLAG_BITS["SYN_ACK"]
    open_ = int(mixed.sum()) - len(opened) - len(answered)
    noted = [f"{open_:,} {_UNDECIDED}"] if open_ else []
    column = pd.arrays.IntegerArray(flags.astype(np.uint16), ~known)
    return with_provenance(flows.assign(Flags=column), provenance(flows).noting(*noted))


def _of_several(octet: Numbers) -> Numbers:
    """What several packets' bits tell: after a handshake every segment has ACK, FIN and RST too (RFC 9293)."""
    has_ack = octet & _ACK != 0
    flags = np.where(has_ack, FLAG_BITS["ACK"], 0)
    flags = flags | np.where(octet & _FIN, np.where(has_ack, FLAG_BITS["FIN_ACK"], FLAG_BITS["FIN"]), 0)
    flags = flags | np.where(octet & _RST, np.where(has_ack, FLAG_BITS["RST_ACK"], FLAG_BITS["RST"]), 0)
    return np.asarray(flags | np.where((octet & _SYN != 0) & ~has_ack, FLAG_BITS["SYN"], 0), dtype=np.int64)


def _by_time(flows: pd.DataFrame, rows: Any) -> tuple[Numbers, Numbers]:
    """Of `rows`, those that opened and those that answered their connection, by who started; both empty where that is open."""
    if not len(rows) or "TimeFlowStartMs" not in flows.columns:
        return rows[:0], rows[:0]
    some = flows.iloc[rows]
    talk, forward = _talks(some)
    start, end = _integers(some, "TimeFlowStartMs"), _integers(some, "TimeFlowEndMs")
    order = np.lexsort((start, talk))
    talk, forward, start, end = talk[order], forward[order], start[order], end[order]
    first = np.flatnonzero(np.append(True, talk[1:] != talk[:-1]))
    size = np.diff(np.append(first, len(talk)))
    place = np.arange(len(talk)) - np.repeat(first, size)
    later = np.minimum(np.arange(len(talk)) + 1, len(talk) - 1)
    pair = (forward != forward[later]) & (start < start[later]) & (end >= start[later])
    sound = np.logical_and.reduceat(pair | (place % 2 == 1), first) & (size % 2 == 0)
    told = np.repeat(sound, size)
    opened, answered = (np.asarray(rows[order[told & (place % 2 == half)]], dtype=np.int64) for half in (0, 1))
    return opened, answered


def _talks(flows: pd.DataFrame) -> tuple[Numbers, Mask]:
    """A number of each connection as one place saw it, and whether a row goes from its lower end to its higher."""
    addresses = pd.concat([flows["SrcAddr"], flows["DstAddr"]]).astype(object)
    codes: Any = pd.factorize(addresses)[0].astype(np.int64)
    source = codes[: len(flows)] << 17 | (_integers(flows, "SrcPort") + 1)
    destination = codes[len(flows) :] << 17 | (_integers(flows, "DstPort") + 1)
    agent = flows["AgentIP"].astype(object) if "AgentIP" in flows.columns else pd.Series(0, index=flows.index)
    ends = pd.DataFrame({"low": np.minimum(source, destination), "high": np.maximum(source, destination)})
    number = ends.assign(agent=pd.factorize(agent)[0]).groupby(["low", "high", "agent"]).ngroup()
    return np.asarray(number, dtype=np.int64), np.asarray(source <= destination, dtype=np.bool_)


def _integers(flows: pd.DataFrame, name: str) -> Any:
    """A column's numbers, -1 where there are none."""
    if name not in flows.columns:
        return np.full(len(flows), -1, dtype=np.int64)
    return flows[name].astype("Int64").fillna(-1).to_numpy(dtype=np.int64)
