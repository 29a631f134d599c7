"""What outside addresses may be called: by tables of names, and by what their clients asked the DNS just before.

A table's name is taken; a question is only a hint, for a flow's ``DnsName`` says what was asked, not what was answered.
"""

from __future__ import annotations

import ipaddress
from typing import Any

import numpy as np
import pandas as pd

from flowkit.enrich import SubnetLabels
from flowkit.enrich.addresses import canonical, pack
from flowkit.enrich.sides import integers
from flowkit.errors import ContractError

_DNS = 53
_SOON = 5_000  # ms between a question and the connection it was asked for
_INSIDE = (".cluster.local", ".svc", ".cluster.local.")


def names_of(addresses: pd.Index[Any], names: pd.DataFrame) -> pd.Series[Any]:
    """The name of each address, missing without one: of its entries (an address or a CIDR) the narrowest, the last of equals.

    `names` has ``Addr`` and ``Name``. Raises `ContractError` for an entry that is neither.

    >>> names = pd.DataFrame({"Addr": ["203.0.113.0/24", "203.0.113.9"], "Name": ["Partner Ltd", "api.partner.example"]})
    >>> names_of(pd.Index(["203.0.113.9", "203.0.113.7"]), names).tolist()
    ['api.partner.example', 'Partner Ltd']
    """
    texts = canonical(pd.Index(names["Addr"].astype("str")))
    networks = tuple(_network(text) for text in texts[::-1])
    labels = tuple(names["Name"].astype("str").tolist()[::-1])
    table = SubnetLabels(labels, networks).longest_prefix_first()
    found = np.array([*table.labels, None], dtype=object)[table.lookup(pack(addresses))]
    return pd.Series(found, index=addresses)


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ContractError(f"'{text}' in a table of names is neither an address nor a CIDR") from None


def asked_before(flows: pd.DataFrame, unknown: pd.DataFrame) -> pd.Series[Any]:
    """For each row of `unknown` the outside name its ``client`` asked for last, at most 5 s before ``first`` (ms); else "".

    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.2"], "DstAddr": ["10.0.0.1"], "SrcPort": [51000], "DstPort": [53],
    ...                       "DnsName": ["s3.example."], "TimeFlowEndMs": [1_000]})
    >>> asked_before(flows, pd.DataFrame({"client": ["10.0.0.2"], "first": [1_200]})).tolist()
    ['s3.example']
    """
    nothing = pd.Series("", index=unknown.index, dtype="str")
    if "DnsName" not in flows.columns or "TimeFlowEndMs" not in flows.columns or not len(unknown):
        return nothing
    asking = _questions(flows)
    wanted = pd.DataFrame({"client": unknown["client"].astype("str"), "at": unknown["first"].astype("int64")})
    wanted = wanted.assign(row=np.arange(len(wanted))).sort_values("at")
    joined = pd.merge_asof(wanted, asking, on="at", by="client", tolerance=_SOON)
    return nothing.mask(
        joined.sort_values("row")["name"].notna().to_numpy(), joined.sort_values("row")["name"].to_numpy()
    )


def _questions(flows: pd.DataFrame) -> pd.DataFrame:
    """Who asked which outside name when: the end that is not port 53."""
    dns = flows[flows["DnsName"].notna() & flows["TimeFlowEndMs"].notna()]
    ports = integers(dns, "SrcPort")
    client = dns["SrcAddr"].astype("str").where(ports != _DNS, dns["DstAddr"].astype("str"))
    name = dns["DnsName"].astype("str").str.rstrip(".")
    outside = (name != "") & ~name.str.endswith(_INSIDE)
    table = pd.DataFrame({"client": client, "name": name, "at": dns["TimeFlowEndMs"].astype("int64")})
    return table[outside].sort_values("at")
