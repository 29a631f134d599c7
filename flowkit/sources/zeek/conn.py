"""Zeek's conn.log into flows: one each way, flags from ``history``, the originator as initiator where Zeek saw the opening.

Source: https://docs.zeek.org/en/master/scripts/base/protocols/conn/main.zeek.html. ``history`` tells SYN (``s``) from
SYN with ACK (``h``), each way: that is NetObserv's own encoding, so nothing has to be guessed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from flowkit.contract import FLAG_BITS, Provenance, conform, provenance, stack, with_provenance
from flowkit.errors import SourceError
from flowkit.sources.lacks import with_lacks
from flowkit.sources.losses import Loss, example, losing
from flowkit.sources.objects.columns import columns_of
from flowkit.sources.two_way import both_ways
from flowkit.sources.zeek.log import is_log, read_log

NAME = "Zeek conn.log"

_FIELDS = {
    "id.orig_h": "SrcAddr",
    "id.resp_h": "DstAddr",
    "id.orig_p": "SrcPort",
    "id.resp_p": "DstPort",
    "orig_l2_addr": "SrcMac",
    "resp_l2_addr": "DstMac",
    "vlan": "Vlan",
}
_OWN = (
    "ts", "duration", "proto", "ip_proto", "history", "conn_state", "orig_bytes", "resp_bytes", "orig_pkts", "resp_pkts",
    "orig_ip_bytes", "resp_ip_bytes",
)  # fmt: skip
_PROTO = {"tcp": 6, "udp": 17, "sctp": 132}
_TWO_WAY = {0: 8, 8: 0, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17, 10: 9, 9: 10}  # ICMP types and their answers
_TWO_WAY_6 = {128: 129, 129: 128, 133: 134, 134: 133, 135: 136, 136: 135, 139: 140, 140: 139}

# Letters of history, in capitals for the originator's packets. A FIN comes with ACK after a handshake; of a reset Zeek does
# not say. Others (bad checksums, retransmissions, windows, gaps) say nothing of flags.
_LETTERS = {"S": "SYN", "H": "SYN_ACK", "A": "ACK", "D": "ACK", "F": "FIN_ACK", "R": "RST"}
# What a state tells where a log has no history: the originator's letters, then the responder's.
_STATES = {
    "S0": "S", "S1": "ShAa", "SF": "ShAaFf", "REJ": "Sr", "S2": "ShAaF", "S3": "ShAaf", "RSTO": "ShAaR", "RSTR": "ShAar",
    "RSTOS0": "SR", "RSTRH": "hr", "SH": "SF", "SHR": "hf",
}  # fmt: skip
_PAYLOAD = "Zeek's orig_ip_bytes are not in the log: bytes are those of the payload, without headers"
_BLIND = (
    "TCP connections whose opening Zeek did not see, or whose direction it guessed: their originator is no evidence"
)


def recognises(head: bytes, name: str) -> bool:  # noqa: ARG001 - every source is asked the same way
    """A header of Zeek's, or a JSON object with Zeek's connection id."""
    return is_log(head)


def read(paths: list[Path]) -> pd.DataFrame:
    """Read Zeek's conn.log, any number of them, into one conformed flow table; other logs beside them are noted.

    Raises `SourceError` where no log holds connections.
    """
    tables = [(path, *read_log(path, (*_FIELDS, *_OWN))) for path in paths]
    conns = [(path, table, losses) for path, table, losses in tables if table["proto"].null_count < len(table)]
    if not conns:
        raise SourceError(
            f"cannot read '{paths[0]}': it is a log of Zeek's that holds no connections; names from dns.log, ssl.log and "
            "http.log are read by --names of flowkit external"
        )
    flows = with_lacks(stack([_flows(path, table, losses) for path, table, losses in conns]))
    others = len(tables) - len(conns)
    noted = [f"{others} other logs of Zeek's hold no connections"] if others else []
    return with_provenance(flows, provenance(flows).noting(*noted))


def _flows(path: Path, table: Any, losses: list[Loss]) -> pd.DataFrame:
    ends, spoiled = columns_of(table.select(list(_FIELDS)).rename_columns(list(_FIELDS.values())))
    given = {name: table[name].to_pandas().astype(object) for name in _OWN}
    totals, bad = _totals(table)
    proto = _proto(given, ends)
    history = given["history"].where(given["history"].notna(), given["conn_state"].map(_STATES))
    history = history.where(proto == 6).fillna("").astype("str")
    start, end, late = _times(given)
    forth = ends.assign(TimeFlowStartMs=start, TimeFlowEndMs=end, Proto=proto, Flags=_flags(history, str.upper))
    initiator, blind = _initiator(given, history, proto)
    forth = _with_icmp(forth.assign(Bytes=totals["orig_bytes"], Packets=totals["orig_pkts"], Initiator=initiator))
    answered = _answered(totals, given["history"])
    back = {
        "Bytes": totals["resp_bytes"],
        "Packets": totals["resp_pkts"],
        "Flags": _flags(history, str.lower),
        "Initiator": initiator.map({"Src": "Dst"}),
        "IcmpType": forth["IcmpAnswer"],
    }
    known = losing(Provenance((path.name,)).noting(*_notes(table, blind)), [*losses, *spoiled, *bad, *late])
    whole = both_ways(forth, {**back, "IcmpAnswer": pd.NA}, answered)
    whole = whole.drop(columns="IcmpAnswer").dropna(axis="columns", how="all")
    return conform(with_provenance(whole, known))


def _notes(table: Any, blind: int) -> list[str]:
    no_headers = table["orig_ip_bytes"].null_count == len(table)
    return [*([_PAYLOAD] if no_headers else []), *([f"{blind} {_BLIND}"] if blind else [])]


def _totals(table: Any) -> tuple[dict[str, Any], list[Loss]]:
    """Bytes and packets each way; bytes of IP packets where the log has them, else of the payload."""
    whole = table["orig_ip_bytes"].null_count < len(table)
    read_as = {"orig_bytes": "orig_ip_bytes" if whole else "orig_bytes", "orig_pkts": "orig_pkts"}
    read_as |= {name.replace("orig", "resp"): other.replace("orig", "resp") for name, other in read_as.items()}
    found: dict[str, Any] = {}
    losses: list[Loss] = []
    for name, other in read_as.items():
        typed, lost = columns_of(pa.table({"Bytes": table[other]}))
        found[name] = typed["Bytes"]
        losses += [Loss(f"values of {other} that are not its type", one.count, one.examples) for one in lost]
    return found, losses


def _proto(given: dict[str, Any], ends: pd.DataFrame) -> Any:
    """The protocol's number: told by newer logs, else by name; ICMP's version is that of its addresses."""
    told = pd.to_numeric(given["ip_proto"], errors="coerce")
    is_v6 = ends["SrcAddr"].astype("str").str.contains(":").fillna(value=False).to_numpy(dtype=bool)
    named = given["proto"].map(_PROTO)
    named = named.where(given["proto"] != "icmp", np.where(is_v6, 58, 1))
    return told.where(told.between(0, 255), named).astype("UInt8")


def _times(given: dict[str, Any]) -> tuple[Any, Any, list[Loss]]:
    """Start and end in ms: seconds with a fraction, or ISO 8601 where Zeek was told to write that."""
    seconds = pd.to_numeric(given["ts"], errors="coerce").astype("float64")
    texts = given["ts"].where(seconds.isna())
    stamps = pd.to_datetime(texts, errors="coerce", utc=True, format="ISO8601")
    micros = stamps.astype("datetime64[us, UTC]").astype("int64").where(stamps.notna())
    start = seconds.mul(1000).where(seconds.notna(), micros / 1000)
    start = start.where(start.abs() < 1 << 52)
    length = pd.to_numeric(given["duration"], errors="coerce").astype("float64").clip(0, 1 << 32).fillna(0) * 1000
    wrong = start.isna() & given["ts"].notna()
    lost = Loss(
        "values of ts that are no time", int(wrong.sum()), tuple(example("", one) for one in given["ts"][wrong][:3])
    )
    # Microseconds are exact in a double; what they are in ms is what is before the point.
    floor = [np.floor(each.round(3)).astype("Int64") for each in (start, start + length)]
    return floor[0], floor[1], [lost]


def _flags(history: pd.Series[Any], case: Any) -> Any:
    codes, distinct = pd.factorize(history)
    bits = [_bits(text, case) for text in distinct]
    return pd.array([*bits, None], dtype="UInt16").take(codes)


def _bits(text: str, case: Any) -> int | None:
    names = {name for letter, name in _LETTERS.items() if case(letter) in text}
    return sum(FLAG_BITS[name] for name in names) if text else None


def _initiator(given: dict[str, Any], history: pd.Series[Any], proto: Any) -> tuple[Any, int]:
    """``Src`` where the originator is known to have begun; how many TCP connections leave that open."""
    guessed = given["history"].fillna("").astype("str").str.contains("^", regex=False)
    opened = history.str.contains("[Sh]", regex=True)
    is_tcp = (proto == 6).fillna(value=False).astype(bool)
    known = opened.where(is_tcp, ~guessed).astype(bool)
    return known.map({True: "Src"}), int((is_tcp & ~known).sum())


def _with_icmp(forth: pd.DataFrame) -> pd.DataFrame:
    """ICMP's type stands in the originator's port; in the responder's the type of the answer, else the code."""
    proto, kind, other = forth["Proto"], forth["SrcPort"], forth["DstPort"]
    is_icmp = proto.isin([1, 58])
    answer = kind.map(_TWO_WAY).where(proto == 1, kind.map(_TWO_WAY_6)).astype("UInt8").where(is_icmp)
    code = other.where(answer.isna(), 0).where(is_icmp)
    return forth.assign(
        IcmpType=kind.where(is_icmp),
        IcmpCode=code,
        IcmpAnswer=answer,
        SrcPort=kind.where(~is_icmp & proto.isin([6, 17, 132])),
        DstPort=other.where(~is_icmp & proto.isin([6, 17, 132])),
    )


def _answered(totals: dict[str, Any], history: pd.Series[Any]) -> npt.NDArray[np.bool_]:
    """Whether the responder sent anything, by its packets, bytes, or letters."""
    sent = (totals["resp_pkts"].fillna(0) > 0) | (totals["resp_bytes"].fillna(0) > 0)
    said = totals["resp_pkts"].isna() & history.fillna("").astype("str").str.contains("[a-z]", regex=True)
    answered: npt.NDArray[np.bool_] = (sent | said).to_numpy(dtype=bool)
    return answered
