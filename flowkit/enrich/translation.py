"""Where a Service sent a flow: conntrack's translation, told by NetObserv's ``Xlat*`` fields or found in the flows.

A connection to a Service is seen again after translation, at the pod or on the way to another node. It is not seen again when
the chosen backend lives on the client's own node in the host network, for it never leaves the node: that backend, where it is
the only such one, is what served the flow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flowkit.enrich.copies import Copies
from flowkit.enrich.inventory import Inventory
from flowkit.enrich.objects import Identity
from flowkit.enrich.services import Socket
from flowkit.enrich.sides import Codes, Ends, Mask, column, common_codes, fill, socket, spread

_OTHER = {"Src": "Dst", "Dst": "Src"}
_XLAT_FIELDS = {
    "K8S_Name": "name",
    "K8S_Type": "type",
    "K8S_Namespace": "namespace",
    "K8S_OwnerName": "owner_name",
    "K8S_OwnerType": "owner_type",
}


@dataclass(frozen=True)
class _Served:
    """For every row the address (a code into `addresses`) and port that served it, -1 where that is not known."""

    addresses: list[str]
    address: Codes
    port: Codes


def translate(flows: pd.DataFrame, inventory: Inventory) -> pd.DataFrame:
    """Fill ``XlatDst*`` of flows to a Service and ``XlatSrc*`` of its replies, where one backend is sure to have served them.

    What the agent tells already stays. Flows whose backend cannot be known keep the fields absent.
    """
    if not inventory.backends or not len(flows):
        return flows
    copies = Copies.of(flows)
    behind = _backend_codes(inventory, copies.ends)
    for side, end in copies.service_ends.items():
        untold = end.rows & (end.told == -1)
        if untold.any():
            seen = np.where(untold, copies.translated(end, np.ones(len(flows), dtype=bool), behind), -1)
            served = _alone(flows, side, untold & (seen < 0), _from_copy(copies.ends, side, seen), inventory)
            flows = flows.assign(**_filled(flows, side, untold, served, inventory))
    return flows


def _backend_codes(inventory: Inventory, ends: Ends) -> pd.DataFrame:
    """Pairs of socket codes (Service, backend), of those addresses that flows have."""
    place = {address: code for code, address in enumerate(ends.addresses)}
    pairs = [
        (place[service[0]], *service[1:], place[backend[0]], backend[1])
        for service, behind in inventory.backends.items()
        for backend in behind
        if service[0] in place and backend[0] in place
    ]
    table = np.array(pairs, dtype=np.int64).reshape(-1, 5)
    return pd.DataFrame(
        {
            "service": socket(table[:, 0], table[:, 1], table[:, 2]),
            "server": socket(table[:, 3], table[:, 4], table[:, 2]),
        }
    )


def _from_copy(ends: Ends, side: str, seen: Codes) -> _Served:
    """The server end of the row after translation."""
    address, port = (ends.dst, ends.dst_port) if side == "Dst" else (ends.src, ends.src_port)
    found = seen >= 0
    return _Served(list(ends.addresses), np.where(found, address[seen], -1), np.where(found, port[seen], -1))


def _alone(flows: pd.DataFrame, side: str, rows: Mask, served: _Served, inventory: Inventory) -> _Served:
    """Add, for rows without a copy, the backend that alone can have served them; each distinct question is asked once."""
    host = column(flows, f"{_OTHER[side]}K8S_HostIP")
    asked = pd.DataFrame(
        {
            "address": flows[f"{side}Addr"].astype(object),
            "port": flows[f"{side}Port"].astype("Int64"),
            "proto": flows["Proto"].astype("Int64"),
            "host": host.astype(object).where(_reported_by(flows, host), None),
        }
    )[rows]
    codes, distinct = pd.factorize(pd.MultiIndex.from_frame(asked))
    answers = [_only_backend(inventory, question) for question in distinct]
    place = {address: code for code, address in enumerate(served.addresses)}
    for answer in answers:
        if answer is not None:
            place.setdefault(answer[0], len(place))
    address, port = served.address.copy(), served.port.copy()
    address[rows] = np.array([place[answer[0]] if answer else -1 for answer in answers] or [-1], dtype=np.int64)[codes]
    port[rows] = np.array([answer[1] if answer else -1 for answer in answers] or [-1], dtype=np.int64)[codes]
    return _Served(list(place), address, port)


def _reported_by(flows: pd.DataFrame, host: pd.Series[Any]) -> Mask:
    """Whether the agent of that very node reports the flow; only then does an unseen copy say anything."""
    (agent, client), _ = common_codes([column(flows, "AgentIP"), host])
    same: Mask = (agent >= 0) & (agent == client)
    return same


def _only_backend(inventory: Inventory, question: tuple[Any, ...]) -> Socket | None:
    address, port, proto, host = question
    behind = inventory.backends.get((address, port, proto), ())
    if len(behind) == 1:
        return behind[0]
    local = [backend for backend in behind if _is_node(inventory.identities.get(backend[0]), host)]
    return local[0] if len(local) == 1 else None


def _is_node(identity: Identity | None, host: Any) -> bool:
    return identity is not None and identity.type == "Node" and identity.host_ip == host


def _filled(
    flows: pd.DataFrame, side: str, rows: Mask, served: _Served, inventory: Inventory
) -> dict[str, pd.Series[Any]]:
    who = [inventory.identities.get(address) for address in served.addresses]
    texts = {"Addr": served.addresses}
    for suffix, attribute in _XLAT_FIELDS.items():
        texts[suffix] = [getattr(person, attribute) if person else "" for person in who]
    filled = {}
    for suffix, each in texts.items():
        fresh = spread(served.address, each)
        filled[f"Xlat{side}{suffix}"] = fill(
            column(flows, f"Xlat{side}{suffix}"), pd.Series(rows, index=flows.index), fresh
        )
    port = pd.arrays.IntegerArray(np.where(served.port < 0, 0, served.port).astype("uint16"), served.port < 0)
    known = flows.get(f"Xlat{side}Port", pd.Series(pd.NA, index=flows.index, dtype="UInt16"))
    filled[f"Xlat{side}Port"] = known.where(~rows, pd.Series(port, index=flows.index))
    return filled
