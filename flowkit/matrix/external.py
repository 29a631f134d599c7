"""What is still unknown: outside addresses that no subnet label names, with all that helps to name them.

The article's "rinse and repeat": look at what is left, find out whose it is, add a customLabel, look again. Addresses that
share a name are one row; those without a name are grouped by block, /24 for IPv4 and /48 for IPv6.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from flowkit.contract import conform, provenance, with_provenance
from flowkit.enrich.addresses import parse
from flowkit.errors import SourceError
from flowkit.matrix.building import WORKLOAD, talk
from flowkit.matrix.conversations import ANSWERED
from flowkit.matrix.endpoints import EDGE_ENDS, is_unattributed, side_names
from flowkit.matrix.outside_names import asked_before, names_of
from flowkit.sources.names import names_in

NAMED = {**WORKLOAD, "address": "Addr"}
_BLOCK = {4: 24, 16: 48}
_SHOWN = 5
_DNS = "53/"


def external(flows: pd.DataFrame, names: pd.DataFrame | None = None) -> pd.DataFrame:
    """List unknown outside addresses of (enriched) flows, the busiest first: one row a name or block and role.

    `names` is a table with ``Addr`` (an address or, as whois tells it, a CIDR) and ``Name``, such as `capture.names` makes.
    Only answered conversations count: nobody needs a label for a scan. Columns: ``role`` (``server``: called by us;
    ``client``: calls us), ``block`` (a name or a CIDR), ``addresses`` (how many), ``ports`` (of the server), ``peers`` (our
    workloads), ``asked`` (what the flows' ``DnsName`` says their clients asked for just before: a hint, not an answer;
    none at a DNS server), ``connections``, ``bytes``, ``first``, ``last``, ``label`` (proposed), ``cidrs`` (the addresses
    seen, collapsed). The
    provenance notes the share that is still unknown of all connections and bytes with the outside.

    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.2"], "DstAddr": ["203.0.113.9"], "SrcPort": [51000], "DstPort": [443],
    ...                       "Proto": [6], "Flags": [18], "SrcK8S_OwnerType": ["Deployment"], "Bytes": [60]})
    >>> external(flows)[["role", "block", "ports", "label"]].values.tolist()
    [['server', '203.0.113.0/24', '443/TCP', 'EXT:net_203_0_113_0_24']]
    """
    flows = conform(flows)
    return external_of(talk(flows, NAMED)[0], flows, names)


def external_of(talks: pd.DataFrame, flows: pd.DataFrame, names: pd.DataFrame | None = None) -> pd.DataFrame:
    """The table of `external` from conversations that are known already: those of the conformed `flows`, by ``NAMED``."""
    talks = talks[talks["state"] == ANSWERED]
    ends = [_end(talks, role) for role in ("server", "client")]
    unknown = pd.concat([end[end["label"] == ""] for end in ends], ignore_index=True)
    outside = pd.concat(ends, ignore_index=True)
    # At a DNS server the hint would only repeat what was asked through it.
    is_hint = (unknown["role"] == "server") & ~unknown["port"].astype("str").str.startswith(_DNS)
    asked = asked_before(flows, unknown).where(is_hint, "")
    table = _rows(unknown.assign(block=_blocks(unknown["address"], names), asked=asked))
    return with_provenance(table, provenance(talks).noting(_share(unknown, outside)))


def read_names(path: Path) -> pd.DataFrame:
    """Read a names table (CSV, JSON lines or Parquet by ending), or what Zeek's and Hubble's logs tell of names.

    Raises `SourceError` naming what is wrong with it.
    """
    told = names_in(path)
    if told is not None:
        return told
    if path.suffix not in _NAME_READERS:
        raise SourceError(f"cannot read names from '{path}': give it an ending of {', '.join(_NAME_READERS)}")
    try:
        names = _NAME_READERS[path.suffix](path)
    except (OSError, ValueError) as error:
        raise SourceError(f"cannot read names from '{path}': {str(error).splitlines()[0]}") from error
    missing = [name for name in ("Addr", "Name") if name not in names.columns]
    if missing:
        raise SourceError(f"cannot read names from '{path}': it has no column {' and no '.join(missing)}")
    return names


_NAME_READERS: dict[str, Callable[[Path], pd.DataFrame]] = {
    ".csv": lambda path: pd.read_csv(path),
    ".parquet": lambda path: pd.read_parquet(path),
    ".jsonl": lambda path: pd.read_json(path, lines=True),
    ".json": lambda path: pd.read_json(path, lines=True),
}


def custom_labels(table: pd.DataFrame) -> str:
    """The proposals of `external` as a FlowCollector's ``customLabels``, ready to paste; one label a row, names made unique.

    >>> print(custom_labels(pd.DataFrame({"label": ["EXT:a"], "cidrs": [["203.0.113.9/32"]], "block": ["a"]})))
    customLabels:
    - name: EXT:a
      cidrs:
      - 203.0.113.9/32
    """
    lines = ["customLabels:"]
    for label, group in table.groupby("label", sort=False):
        cidrs = _collapsed(cidr for listed in group["cidrs"] for cidr in listed)
        lines += [f"- name: {label}", "  cidrs:", *(f"  - {cidr}" for cidr in cidrs)]
    return "\n".join(lines)


def _end(talks: pd.DataFrame, role: str) -> pd.DataFrame:
    """Conversations whose `role` is outside (no object of the cluster, not in its own ranges), its address, its peer."""
    here, there = ("to", "from") if role == "server" else ("from", "to")
    kind, label = (talks[f"{here}_{name}"].astype("str").fillna("") for name in ("kind", "subnet_label"))
    mine = talks[(kind == "") & ~is_unattributed(kind, label)]
    texts = mine[[f"{end}_{name}" for end in ("from", "to") for name in EDGE_ENDS]].astype("str").fillna("")
    return pd.DataFrame(
        {
            "role": role,
            "address": mine[f"{here}_address"].astype("str"),
            "label": texts[f"{here}_subnet_label"],
            "client": mine["from_address"].astype("str"),
            "peer": side_names(texts, there)["endpoint"],
            "port": _port_names(mine["port"], mine["proto"]),
            **{name: mine[name] for name in ("connections", "bytes", "first", "last")},
        }
    )


def _port_names(ports: pd.Series[Any], protos: pd.Series[Any]) -> pd.Series[Any]:
    words = {6: "TCP", 17: "UDP", 132: "SCTP", 1: "ICMP", 58: "ICMPv6"}
    proto = protos.map(lambda number: words.get(number, str(number))).astype("str")
    return (ports.astype("str") + "/" + proto).where(ports >= 0, proto)


def _blocks(addresses: pd.Series[Any], names: pd.DataFrame | None) -> pd.Series[Any]:
    distinct = pd.Index(addresses.unique(), dtype="str")
    blocks = pd.Series([_block(address) for address in distinct], index=distinct, dtype="object")
    named = blocks if names is None else names_of(distinct, names)
    return addresses.map(named.where(named.notna(), blocks)).astype("str")


def _block(address: str) -> str:
    octets = parse(address)
    return str(ipaddress.ip_network((octets, _BLOCK[len(octets)]), strict=False)) if octets else address


def _rows(unknown: pd.DataFrame) -> pd.DataFrame:
    grouped = unknown.groupby(["role", "block"], sort=False)
    table = grouped.agg(
        addresses=("address", "nunique"),
        ports=("port", _listed),
        peers=("peer", _listed),
        asked=("asked", _listed),
        connections=("connections", "sum"),
        bytes=("bytes", "sum"),
        first=("first", "min"),
        last=("last", "max"),
    ).reset_index()
    cidrs = {key: _collapsed(group.unique()) for key, group in grouped["address"]}
    table["label"] = table["block"].map(_label).astype("str")
    table["cidrs"] = [cidrs[key] for key in zip(table["role"], table["block"], strict=True)]
    for name in ("first", "last"):
        table[name] = pd.to_datetime(table[name], unit="ms", utc=True).astype("datetime64[ms, UTC]")
    order = table.sort_values(["bytes", "connections", "block", "role"], ascending=[False, False, True, True])
    return order.reset_index(drop=True)


def _listed(values: pd.Series[Any]) -> str:
    distinct = values[values != ""].value_counts().index.tolist()
    more = f" +{len(distinct) - _SHOWN}" if len(distinct) > _SHOWN else ""
    return ", ".join(map(str, distinct[:_SHOWN])) + more


def _collapsed(addresses: Iterable[str]) -> list[str]:
    """The addresses as the fewest CIDRs that hold them and nothing else."""
    networks = [ipaddress.ip_network(address) for address in addresses if parse(address.split("/")[0])]
    v4 = ipaddress.collapse_addresses(net for net in networks if isinstance(net, ipaddress.IPv4Network))
    v6 = ipaddress.collapse_addresses(net for net in networks if isinstance(net, ipaddress.IPv6Network))
    return [str(network) for network in (*v4, *v6)]


def _label(block: str) -> str:
    """A label NetObserv takes, with its prefix for what is outside."""
    prefix = "net_" if "/" in block else ""
    return "EXT:" + prefix + re.sub(r"[^a-zA-Z0-9_:-]", "_", block)


def _share(unknown: pd.DataFrame, outside: pd.DataFrame) -> str:
    parts = []
    for measure in ("connections", "bytes"):
        part, whole = int(unknown[measure].sum()), int(outside[measure].sum())
        parts.append(f"{part:,} of {whole:,} {measure} ({100 * part / max(1, whole):.1f} %)")
    return f"unknown of the traffic with the outside: {', '.join(parts)}"
