"""Ports that an inventory declares: what containers and Services say they listen on, as evidence for who is the server.

A host-network pod declares its ports on its node's addresses. Kubernetes does not ask for declarations, so a port that is not
declared proves nothing.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from flowkit.enrich.services import Socket
from flowkit.enrich.sides import Codes, Ends, Mask, socket


def declare(flows: pd.DataFrame, sockets: frozenset[Socket]) -> pd.DataFrame:
    """Add ``SrcPortDeclared`` and ``DstPortDeclared``: whether that end's address declares that port; missing without a port.

    >>> ends = {"SrcAddr": ["10.0.0.1"], "DstAddr": ["10.0.0.2"], "SrcPort": [4000], "DstPort": [80]}
    >>> flows = pd.DataFrame({**ends, "Proto": [6]})
    >>> declare(flows, frozenset({("10.0.0.2", 80, 6)}))[["SrcPortDeclared", "DstPortDeclared"]].values.tolist()
    [[False, True]]
    """
    ends = Ends.of(flows)
    known = _codes(ends, sockets)
    return flows.assign(
        SrcPortDeclared=_told(np.isin(ends.source, known), ends.src_port),
        DstPortDeclared=_told(np.isin(ends.destination, known), ends.dst_port),
    )


def _codes(ends: Ends, sockets: frozenset[Socket]) -> Codes:
    place = {address: code for code, address in enumerate(ends.addresses)}
    seen = [(place[address], port, proto) for address, port, proto in sockets if address in place]
    table = np.array(seen, dtype=np.int64).reshape(-1, 3)
    return socket(table[:, 0], table[:, 1], table[:, 2])


def _told(declared: Mask, port: Codes) -> pd.arrays.BooleanArray:
    return pd.arrays.BooleanArray(declared, port < 0)
