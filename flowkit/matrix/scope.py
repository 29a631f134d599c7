"""Which flows can be an edge at all: unicast traffic between two addresses that somebody asked for.

Left out and counted: flows without addresses, multicast and broadcast, link-local (neighbour discovery and the like; an IPv4
link-local server such as 169.254.169.254 asked by an ordinary address stays), and ICMP errors, which report on other traffic.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from flowkit.contract import provenance, with_provenance
from flowkit.enrich.addresses import pack
from flowkit.enrich.sides import ICMP, ICMPV6, Ends, Mask, integers

_ECHO = {ICMP: (0, 8, 13, 14, 15, 16, 17, 18), ICMPV6: (128, 129)}
_UNICAST, _SPREAD, _LOCAL4, _LOCAL6 = range(4)


def in_scope(flows: pd.DataFrame) -> pd.DataFrame:
    """The flows that can be an edge; the provenance counts the others by reason."""
    ends = Ends.of(flows)
    kind = _kinds(ends.addresses)
    source, destination = kind[ends.src], kind[ends.dst]
    nobody = (ends.src < 0) | (ends.dst < 0)
    spread = (source == _SPREAD) | (destination == _SPREAD)
    local = (source == _LOCAL6) | (destination == _LOCAL6) | ((source == _LOCAL4) & (destination == _LOCAL4))
    reasons = {
        "flows without addresses": nobody,
        "multicast and broadcast flows": spread,
        "link-local flows": local,
        "ICMP errors": icmp_errors(flows, ends),
    }
    out = np.zeros(len(flows), dtype=bool)
    losses = {}
    for reason, mask in reasons.items():
        losses[reason] = int((mask & ~out).sum())
        out |= mask
    kept = flows[~out] if out.any() else flows  # a table costs less to hand on than to copy
    return with_provenance(kept.reset_index(drop=True), provenance(flows).losing(losses))


def icmp_errors(flows: pd.DataFrame, ends: Ends) -> Mask:
    """ICMP messages that are neither a request nor a reply to one."""
    kind = integers(flows, "IcmpType")
    errors = np.zeros(len(flows), dtype=bool)
    for protocol, asked in _ECHO.items():
        errors |= (ends.proto == protocol) & (kind >= 0) & ~np.isin(kind, asked)
    return errors


def refusals(flows: pd.DataFrame) -> pd.DataFrame:
    """Port-unreachable messages, one row a pair of addresses: ``server`` (who sent it) and ``client`` (who is told).

    Source: RFC 792 (type 3, code 3) and RFC 4443 (type 1, code 4).
    """
    proto, kind, code = (integers(flows, name) for name in ("Proto", "IcmpType", "IcmpCode"))
    refused = ((proto == ICMP) & (kind == 3) & (code == 3)) | ((proto == ICMPV6) & (kind == 1) & (code == 4))
    pairs = flows.loc[refused, ["SrcAddr", "DstAddr"]].astype("str").drop_duplicates() if refused.any() else None
    return pd.DataFrame(columns=["server", "client"]) if pairs is None else pairs.set_axis(["server", "client"], axis=1)


def _kinds(addresses: pd.Index[Any]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """What each distinct address is; the last item serves code -1 (absent)."""
    packed = pack(addresses)
    kinds = np.full(len(addresses) + 1, _UNICAST, dtype=np.int64)
    v4 = packed.v4
    kinds[:-1][packed.is_v4 & ((v4 >> 28 == 14) | (v4 == 0xFFFFFFFF) | (v4 == 0))] = _SPREAD
    kinds[:-1][packed.is_v4 & (v4 >> 16 == 0xA9FE)] = _LOCAL4
    octets = np.frombuffer(packed.v6.tobytes(), dtype=np.uint8).reshape(-1, 16)
    multicast = packed.is_v6 & ((octets[:, 0] == 0xFF) | ~octets.any(axis=1))
    kinds[:-1][multicast] = _SPREAD
    kinds[:-1][packed.is_v6 & (octets[:, 0] == 0xFE) & (octets[:, 1] & 0xC0 == 0x80)] = _LOCAL6
    return kinds
