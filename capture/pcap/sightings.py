"""What was seen of single packets and belongs to flows: handshake round trips and DNS answers, as columns of a flow table."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from capture.pcap import dns
from capture.pcap.dns import Answers
from capture.pcap.handshake import RoundTrips
from capture.pcap.keys import hashed, numbered
from capture.pcap.meter import Flows
from capture.pcap.octets import I64
from capture.pcap.packets import Key, join_keys
from capture.pcap.places import Place
from capture.pcap.table import integers

_MS = 1_000_000


def rtt_columns(flows: Flows, found: RoundTrips | None) -> dict[str, object]:
    """``TimeFlowRttNs``: the largest round trip of each flow's handshakes; no column where none was seen."""
    if found is None or not len(found.time):
        return {}
    row = rows(flows, found.key, found.time)
    rtt = np.full(len(flows), -1, np.int64)
    np.maximum.at(rtt, row[row >= 0], found.rtt[row >= 0])
    return {"TimeFlowRttNs": integers(rtt, "UInt64", rtt >= 0)}


def dns_columns(flows: Flows, found: Answers | None) -> dict[str, object]:
    """Of each flow's last response ``DnsId DnsFlags DnsFlagsResponseCode DnsName``, and the largest ``DnsLatencyMs``."""
    if found is None:
        return {}
    row = rows(flows, found.key, found.time)
    order = np.argsort(found.time, kind="stable")
    order = order[row[order] >= 0]
    last, latency = np.full(len(flows), -1, np.int64), np.full(len(flows), -1, np.int64)
    last[row[order]] = order
    np.maximum.at(latency, row[order], found.latency[order])
    present = last >= 0
    flags = found.flags[last]
    return {
        "DnsId": integers(found.ident[last], "UInt16", present),
        "DnsFlags": integers(flags, "UInt16", present),
        "DnsFlagsResponseCode": _masked(dns.code_names(flags), present),
        "DnsLatencyMs": integers(latency // _MS, "UInt32", latency >= 0),
        "DnsName": _names(found.name[last[present]], present),
    }


def name_columns(named: I64 | None, places: Sequence[Place]) -> dict[str, object]:
    """The fields that comments in the capture gave, ``SrcK8S_Name`` and its like, of flows with these places; none usually."""
    if named is None:
        return {}
    used, code = np.unique(named, return_inverse=True)
    said = [dict(places[each].named or ()) if each >= 0 else {} for each in used.tolist()]
    columns: dict[str, object] = {}
    for field in sorted({field for names in said for field in names}):
        codes, texts = pd.factorize(np.array([names.get(field) for names in said], object))
        columns[field] = pd.Categorical.from_codes(codes[code], categories=pd.Index(texts, dtype="str"))
    return columns


def _masked(column: pd.Categorical, present: np.ndarray) -> pd.Categorical:
    codes = np.where(present, column.codes, -1)
    return pd.Categorical.from_codes(codes, dtype=column.dtype).remove_unused_categories()


def _names(raw: np.ndarray, present: np.ndarray) -> pd.Categorical:
    codes, distinct = pd.factorize(raw.astype(object))
    names, texts = pd.factorize(np.array([dns.text(each) for each in distinct], object))
    column = np.full(len(present), -1, np.int32)
    column[present] = names[codes] if len(names) else -1
    return pd.Categorical.from_codes(column, categories=pd.Index(texts, dtype="str"))


def rows(flows: Flows, key: Key, time: I64) -> I64:
    """The row of the flow that each sighting belongs to: of its key, begun last at that time; -1 where there is none.

    >>> one, none = np.array([1], np.uint64), np.zeros(1, np.uint16)
    >>> key, time = Key(one, one, one, one, one), np.array([5])
    >>> rows(Flows(key, time, time, time, time, none, none, none), key, time).tolist()
    [0]
    """
    # Most flows have no sighting: a hash leaves few of them to be compared.
    mine = np.flatnonzero(pd.Series(hashed(flows.key)).isin(hashed(key)).to_numpy())
    number = numbered(join_keys([flows.key.take(mine), key]))[0]
    of_flows, of_sightings = number[: len(mine)], number[len(mine) :]
    kind = np.repeat([0, 1], [len(mine), len(time)])
    whose = np.concatenate([of_flows, of_sightings])
    order = np.lexsort((kind, np.concatenate([flows.first[mine], time]), whose))
    place = np.maximum.accumulate(np.where(kind[order] == 0, np.arange(len(order)), -1))
    found = np.full(len(time), -1, np.int64)
    sighting = kind[order] == 1
    before = order[place[sighting]]
    fits = (place[sighting] >= 0) & (whose[before] == whose[order[sighting]])
    found[order[sighting][fits] - len(mine)] = mine[before[fits]]
    return found
