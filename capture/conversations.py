"""Flows put together to TCP conversations, and printed as ``tshark -z conv,tcp`` prints them.

The end that sent first stands left. A port pair that is used again stays one conversation here; tshark begins a new one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pandas as pd

_TCP = 6
_ENDS = ["SrcAddr", "SrcPort", "DstAddr", "DstPort"]
_TURNED = ["DstAddr", "DstPort", "SrcAddr", "SrcPort"]
_LINE = "=" * 80
_HEAD = (
    "                                                           "
    "|       <-      | |       ->      | |     Total     |    Relative    |   Duration   |",
    "                                                           "
    "| Frames  Bytes | | Frames  Bytes | | Frames  Bytes |      Start     |              |",
)


def conversations(flows: pd.DataFrame) -> pd.DataFrame:
    """Return one row a TCP conversation: A is the end that sent first, AB its direction.

    Columns: AddrA, PortA, AddrB, PortB, Packets_AB, Bytes_AB, Packets_BA, Bytes_BA, StartNs, EndNs; most packets first, then
    by time. `flows` is what `capture.read_pcap` gives; flows cut in pieces are put together again.

    >>> conversations(pd.DataFrame()).shape
    (0, 10)
    """
    if "Proto" not in flows:
        return pd.DataFrame(columns=_COLUMNS)
    tcp = flows[(flows["Proto"] == _TCP) & flows["SrcPort"].notna()]
    plain = pd.DataFrame({name: tcp[name].astype("str" if "Addr" in name else "int64") for name in _ENDS})
    plain = plain.assign(packets=tcp["Packets"].astype("int64"), octets=tcp["Bytes"].astype("int64"))
    plain = plain.assign(first=tcp["TimeFlowStartNs"].astype("int64"), last=tcp["TimeFlowEndNs"].astype("int64"))
    one_way = plain.groupby(_ENDS, sort=False).agg(
        packets=("packets", "sum"), octets=("octets", "sum"), first=("first", "min"), last=("last", "max")
    )
    return _two_ways(one_way.reset_index().sort_values("first", kind="stable"))


_NUMBERS = ["packets", "octets", "first", "last", "place"]
_COLUMNS = "AddrA PortA AddrB PortB Packets_AB Bytes_AB Packets_BA Bytes_BA StartNs EndNs".split()  # noqa: SIM905


def _two_ways(one_way: pd.DataFrame) -> pd.DataFrame:
    """Each flow with the other direction's beside it; of the two the earlier row is kept."""
    # Nullable integers stay exact where the other direction is missing.
    one_way = one_way.assign(place=range(len(one_way))).astype(dict.fromkeys(_NUMBERS, "Int64"))
    both = one_way.merge(one_way, left_on=_ENDS, right_on=_TURNED, how="left", suffixes=("", "_back"))
    own = (both["place_back"] == both["place"]).fillna(value=False)  # from an end to itself
    both.loc[own, ["packets_back", "octets_back"]] = 0
    both = both[(both["place"] <= both["place_back"]).fillna(value=True)]
    last = both[["last", "last_back"]].max(axis=1).astype("int64")
    values = [*(both[name] for name in (*_ENDS, "packets", "octets")), *_back(both), both["first"], last]
    table = pd.DataFrame(dict(zip(_COLUMNS, values, strict=True)))
    total = table["Packets_AB"] + table["Packets_BA"]
    return table.loc[(-total).sort_values(kind="stable").index].reset_index(drop=True)


def _back(both: pd.DataFrame) -> Iterator[pd.Series[Any]]:
    for name in ("packets_back", "octets_back"):
        yield both[name].fillna(0).astype("int64")


def lines(table: pd.DataFrame, begin_ns: int) -> Iterator[str]:
    """Yield the lines that tshark prints; `begin_ns` is the time of the capture's first frame.

    >>> list(lines(conversations(pd.DataFrame()), 0))[1:3]
    ['TCP Conversations', 'Filter:<No Filter>']
    """
    yield from (_LINE, "TCP Conversations", "Filter:<No Filter>", *_HEAD)
    for row in table.itertuples(index=False, name=None):
        yield _line(*row, begin_ns)
    yield _LINE


def _line(*row: Any) -> str:
    addr_a, port_a, addr_b, port_b, there, octets_there, back, octets_back, first, last, begin = row
    ends = f"{f'{addr_a}:{port_a}':<26} <-> {f'{addr_b}:{port_b}':<26}"
    pairs = ((back, octets_back), (there, octets_there), (there + back, octets_there + octets_back))
    counts = "".join(f"  {packets:6d} {_size(octets):<9}" for packets, octets in pairs)
    start, stop = _seconds(first - begin), _seconds(last - begin)
    return f"{ends}{counts}  {start:14.9f}   {stop - start:12.4f}"


def _seconds(nanoseconds: int) -> float:
    """Seconds as tshark adds them up, which decides how the last digit is rounded."""
    whole, rest = divmod(nanoseconds, 10**9)
    return whole + rest / 1e9


def _size(octets: int) -> str:
    """A size as tshark shortens it: cut, not rounded, from ten of a unit on."""
    for unit, power in (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if octets // power >= 10:
            return f"{octets // power} {unit}"
    return f"{octets} bytes"
