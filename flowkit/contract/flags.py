"""TCP flags as NetObserv's agent records them: one bit a packet, chosen by rank.

Source: netobserv-ebpf-agent ``bpf/utils.h`` (the else-if chain) and flowlogs-pipeline ``pkg/utils/tcp_flags.go`` (the names).
A packet with SYN and ACK sets only SYN_ACK, so SYN in a flow means: a connection was opened from Src to Dst.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

FLAG_BITS: dict[str, int] = {
    "FIN": 1,
    "SYN": 2,
    "RST": 4,
    "PSH": 8,
    "ACK": 16,
    "URG": 32,
    "ECE": 64,
    "CWR": 128,
    "SYN_ACK": 256,
    "FIN_ACK": 512,
    "RST_ACK": 1024,
}
ALL_FLAGS = sum(FLAG_BITS.values())

# Which single bit each of the 256 header octets becomes: the first rule that fits wins.
_RANK = (
    (0x12, "SYN_ACK"),
    (0x11, "FIN_ACK"),
    (0x14, "RST_ACK"),
    (0x01, "FIN"),
    (0x02, "SYN"),
    (0x10, "ACK"),
    (0x04, "RST"),
    (0x08, "PSH"),
    (0x20, "URG"),
    (0x40, "ECE"),
    (0x80, "CWR"),
)


def _rank(octet: int) -> int:
    return next((FLAG_BITS[name] for bits, name in _RANK if octet & bits == bits), 0)


AGENT_FLAG = np.array([_rank(octet) for octet in range(256)], dtype=np.uint16)


def agent_flags(header: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint16]:
    """Turn TCP header flag octets (one a packet) into the agent's single bit a packet.

    >>> agent_flags(np.array([0x02, 0x12, 0x18], dtype=np.uint8)).tolist()
    [2, 256, 16]
    """
    return AGENT_FLAG[header]


def flag_names(column: pd.Series[Any]) -> pd.Series[Any]:
    """Name the flags of a ``Flags`` column: a list of names a row, in bit order; missing stays missing.

    >>> flag_names(pd.Series([258, 0, None], dtype="UInt16")).tolist()
    [['SYN', 'SYN_ACK'], [], <NA>]
    """
    codes, distinct = pd.factorize(column)
    lists = [[name for name, bit in FLAG_BITS.items() if int(bits) & bit] for bits in distinct]
    named = [pd.NA if code < 0 else lists[code] for code in codes]
    return pd.Series(named, index=column.index, name=column.name, dtype=object)


def flag_bits(names: list[str]) -> int | None:
    """The bit set of a list of flag names; None when a name is unknown or stands twice, which bits cannot hold.

    >>> flag_bits(["SYN", "ACK"]), flag_bits(["SYN", "SYN"]), flag_bits(["NEW"])
    (18, None, None)
    """
    bits = [FLAG_BITS.get(name, 0) for name in names]
    total = 0
    for bit in bits:
        if not bit or total & bit:
            return None
        total |= bit
    return total
