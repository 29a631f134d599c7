"""Where a connection ended after what a Service did: told by the flow's ``Xlat*`` fields, else the Service's first backend."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from flowkit.enrich.services import Socket
from flowkit.enrich.sides import Codes, Ends, column, common_codes, integers, socket
from flowkit.policy.world import World


def served(flows: pd.DataFrame, world: World) -> tuple[Ends, int]:
    """The ends of every row after translation, and at how many ends a Service had unlike backends to choose from."""
    ends = _told(flows)
    found = (
        {each: behind for each, behind in world.backends.items() if behind and each[0] in set(ends.addresses)}
        if world.backends
        else {}
    )
    return _moved(ends, found, world) if found else (ends, 0)


def _told(flows: pd.DataFrame) -> Ends:
    """A translated destination is the server. A translated source is it in replies from a Service only; elsewhere it is
    masquerading, which hides the pod.
    """
    names = ("SrcAddr", "DstAddr", "XlatSrcAddr", "XlatDstAddr")
    (src, dst, sender, server), addresses = common_codes([column(flows, name) for name in names])
    ports = [integers(flows, name) for name in ("SrcPort", "DstPort", "XlatSrcPort", "XlatDstPort")]
    from_service = (sender >= 0) & (column(flows, "SrcK8S_Type") == "Service").to_numpy(dtype=bool)
    return Ends(
        np.where(from_service, sender, src),
        np.where(server >= 0, server, dst),
        np.where(from_service & (ports[2] > 0), ports[2], ports[0]),
        np.where((server >= 0) & (ports[3] > 0), ports[3], ports[1]),
        integers(flows, "Proto"),
        pd.Index(addresses),
    )


def _moved(ends: Ends, found: dict[Socket, tuple[Socket, ...]], world: World) -> tuple[Ends, int]:
    """Ends that still are a Service's socket, moved to its first backend."""
    place = {address: at for at, address in enumerate(ends.addresses)}
    for behind in found.values():
        place.setdefault(behind[0][0], len(place))
    table = np.array(
        [
            (place[at], port, proto, place[to[0][0]], to[0][1], _unlike(world, to))
            for (at, port, proto), to in found.items()
        ],
        dtype=np.int64,
    )
    keys = socket(table[:, 0], table[:, 1], table[:, 2])
    table, keys = table[np.argsort(keys)], np.sort(keys)
    src, src_port, one = _end(ends.src, ends.src_port, ends.proto, keys, table)
    dst, dst_port, other = _end(ends.dst, ends.dst_port, ends.proto, keys, table)
    moved = replace(ends, src=src, src_port=src_port, dst=dst, dst_port=dst_port, addresses=pd.Index(list(place)))
    return moved, one + other


def _end(address: Codes, port: Codes, proto: Codes, keys: Codes, table: Codes) -> tuple[Codes, Codes, int]:
    own = socket(address, port, proto)
    at = np.minimum(np.searchsorted(keys, own), len(keys) - 1)
    hit = keys[at] == own
    several = int((hit & (table[at, 5] > 0)).sum())
    return np.where(hit, table[at, 3], address), np.where(hit, table[at, 4], port), several


def _unlike(world: World, backends: tuple[Socket, ...]) -> bool:
    """Whether selectors or port numbers can tell the backends of a Service apart."""
    seen = set()
    for address, port, _ in backends:
        party = world.party(address)
        pod = world.pods[party] if 0 <= party < len(world.pods) else None
        seen.add((port, (pod.namespace, *sorted(pod.labels.items())) if pod else address))
    return len(seen) > 1
