"""Conversations: the flows of one client socket with one server socket as one row, with what became of it.

Whether a server answered is read from the flags of both ways (RFC 9293: ACK is set in every segment after the handshake, a
closed port answers SYN with RST), so that a scan or a closed port is never taken for traffic somebody needs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from flowkit.contract import FLAG_BITS
from flowkit.enrich.numbering import paired
from flowkit.enrich.sides import (
    TCP,
    UDP,
    Codes,
    Ends,
    Mask,
    categorical,
    column,
    common_codes,
    flags_of,
    integers,
)

ANSWERED, REFUSED, UNANSWERED = range(3)
_ACKNOWLEDGED = FLAG_BITS["ACK"] | FLAG_BITS["FIN_ACK"] | FLAG_BITS["SYN_ACK"] | FLAG_BITS["PSH"] | FLAG_BITS["FIN"]
_RESET = FLAG_BITS["RST"] | FLAG_BITS["RST_ACK"]


def conversations(
    flows: pd.DataFrame, identity: dict[str, str], refused: pd.DataFrame, talk: Codes | None = None
) -> pd.DataFrame:
    """Group oriented flows into conversations; `talk` is the number of each row's, where it is known already.

    `identity` maps an output name (``from_namespace`` …) to the suffix of the ``Src``/``Dst`` field it is read from; `refused`
    are the pairs of addresses between which a port was reported unreachable. One row a conversation: the identity columns,
    ``port``, ``proto``, ``state`` (code), ``flows``, ``connections``, ``bytes``, ``packets``, ``first``, ``last`` (ms),
    ``rule`` (code of DirectionBy), ``folded``, ``client`` and ``server`` (addresses, categorical); ``dropped_by`` where
    flows have ``DroppedBy``. Flows, bytes and packets are weighted by ``Sampling``.
    """
    ends = Ends.of(flows)
    from_client = (flows["Client"] == "Src").to_numpy()
    talk, head = _paired(ends, from_client) if talk is None else (talk, first_rows(talk))
    names: dict[str, Any] = {
        name: _side(flows, suffix, from_client, name.startswith("from_")).take(head)
        for name, suffix in identity.items()
    }
    evidence = _evidence(flows, talk, len(head), from_client)
    evidence["port"] = np.where(from_client, ends.dst_port, ends.src_port)[head]
    evidence["proto"] = ends.proto[head]
    evidence["state"] = _state(evidence, _is_refused(flows, head, from_client[head], refused))
    if "DroppedBy" in flows.columns:
        names["dropped_by"] = _names_of(flows["DroppedBy"], talk, len(head))
    evidence["client"], evidence["server"] = (
        categorical(np.where(from_client, mine, other)[head], ends.addresses)
        for mine, other in ((ends.src, ends.dst), (ends.dst, ends.src))
    )
    evidence["connections"] = np.where(evidence["proto"] == TCP, np.maximum(evidence.pop("syns"), 1), 1)
    return pd.DataFrame({**names, **evidence}, copy=False)


def talk_numbers(flows: pd.DataFrame) -> Codes:
    """The conversation of each oriented flow, numbered as `conversations` numbers its rows: by first appearance."""
    return _paired(Ends.of(flows), (flows["Client"] == "Src").to_numpy())[0]


def first_rows(numbers: Codes) -> Codes:
    """The first row of each number, for numbers by first appearance.

    >>> first_rows(np.array([0, 1, 0, 2])).tolist()
    [0, 1, 3]
    """
    return np.flatnonzero(np.diff(np.maximum.accumulate(numbers), prepend=-1))


def _paired(ends: Ends, from_client: Mask) -> tuple[Codes, Codes]:
    client = np.where(from_client, ends.source, ends.destination)
    server = np.where(from_client, ends.destination, ends.source)
    return paired(client, server)


def _side(flows: pd.DataFrame, suffix: str, from_client: Mask, client: bool) -> pd.Categorical:  # noqa: FBT001 - which end
    """One end's text, the client's or the server's, whichever field it stands in; ``""`` where absent, categories sorted."""
    if not {f"Src{suffix}", f"Dst{suffix}"} & {*flows.columns}:
        return categorical(np.zeros(len(flows), dtype=np.int8), [""])
    (source, destination), texts = common_codes([column(flows, f"{side}{suffix}") for side in ("Src", "Dst")])
    named = sorted({"", *texts})
    place = np.append(pd.Index(named).get_indexer(texts), 0).astype(np.int64)
    return categorical(place[np.where(from_client == client, source, destination)], named)


def _names_of(column: pd.Series[Any], talk: Codes, count: int) -> pd.Series[Any]:
    """The distinct texts of each conversation, joined; most have none."""
    known = column.notna().to_numpy(dtype=bool)
    told = pd.DataFrame({"talk": talk[known], "name": column[known].astype(object)}).drop_duplicates()
    return told.groupby("talk")["name"].agg(", ".join).reindex(range(count), fill_value="")


def _evidence(flows: pd.DataFrame, talk: Codes, count: int, from_client: Mask) -> dict[str, Any]:
    flags = flags_of(flows)
    sent = {"client": np.zeros(count, dtype=np.int64), "server": np.zeros(count, dtype=np.int64)}
    for who, rows in (("client", from_client), ("server", ~from_client)):
        np.bitwise_or.at(sent[who], talk[rows], flags[rows])
    # A packet that was sampled stands for so many.
    weight = np.maximum(integers(flows, "Sampling", missing=1), 1) if "Sampling" in flows.columns else None
    start = integers(flows, "TimeFlowStartMs", missing=0)
    first = np.full(count, np.iinfo(np.int64).max)
    last = np.zeros(count, dtype=np.int64)
    np.minimum.at(first, talk, start)
    np.maximum.at(last, talk, np.maximum(start, integers(flows, "TimeFlowEndMs", missing=0)))
    rule = np.full(count, len(flows["DirectionBy"].cat.categories), dtype=np.int64)
    np.minimum.at(rule, talk, flows["DirectionBy"].cat.codes.to_numpy(dtype=np.int64))
    return {
        "flows": np.bincount(talk, minlength=count) if weight is None else _added(weight, talk, count),
        "syns": np.bincount(talk[from_client & (flags & FLAG_BITS["SYN"] != 0)], minlength=count),
        "bytes": _weighted(flows, "Bytes", weight, (talk, count)),
        "packets": _weighted(flows, "Packets", weight, (talk, count)),
        "first": first,
        "last": last,
        "rule": rule,
        "folded": _added(integers(flows, "FoldedCopies", missing=0), talk, count),
        "client_flags": sent["client"],
        "server_flags": sent["server"],
        "answers": np.bincount(talk[~from_client], minlength=count),
    }


def _weighted(flows: pd.DataFrame, name: str, weight: Codes | None, talks: tuple[Codes, int]) -> Codes:
    if name not in flows.columns:
        return np.zeros(talks[1], dtype=np.int64)
    values = integers(flows, name, missing=0)
    return _added(values if weight is None else weight * values, *talks)


def _added(values: Codes, talk: Codes, count: int) -> Codes:
    # Not bincount's weights: they are floats, and totals must be exact.
    total = np.zeros(count, dtype=np.int64)
    np.add.at(total, talk, values)
    return total


def _state(evidence: dict[str, Any], refused: Mask) -> Codes:
    client, server, answers = (evidence.pop(name) for name in ("client_flags", "server_flags", "answers"))
    proto = evidence["proto"]
    tcp_answered = (server & _ACKNOWLEDGED != 0) | (client & _ACKNOWLEDGED != 0)
    tcp = np.where(tcp_answered, ANSWERED, np.where(server & _RESET != 0, REFUSED, UNANSWERED))
    # One way is how syslog and statsd talk: without a word of refusal it is traffic that works.
    udp = np.where((answers == 0) & refused, REFUSED, ANSWERED)
    other = np.where(answers > 0, ANSWERED, UNANSWERED)
    return np.where(proto == TCP, tcp, np.where(proto == UDP, udp, other))


def _is_refused(flows: pd.DataFrame, head: Codes, from_client: Mask, refused: pd.DataFrame) -> Mask:
    if not len(refused):
        return np.zeros(len(head), dtype=bool)
    source, destination = (flows[name].iloc[head].astype(object).to_numpy() for name in ("SrcAddr", "DstAddr"))
    pairs = pd.MultiIndex.from_arrays(
        [np.where(from_client, destination, source), np.where(from_client, source, destination)]
    )
    return pairs.isin(pd.MultiIndex.from_frame(refused))
