"""Put names on a flow table: owners, zones, subnet labels, the node's view of direction, as NetObserv's pipeline would.

Each distinct address is looked up once; rows only carry codes. What a flow already says of its ends stays: it was said at
the time of the flow, an inventory speaks of another moment.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flowkit.contract import conform, provenance, with_provenance
from flowkit.enrich import openshift
from flowkit.enrich.addresses import Addresses
from flowkit.enrich.declared import declare
from flowkit.enrich.inventory import Inventory, InventoryWarning
from flowkit.enrich.sides import (
    Codes,
    SmallCodes,
    categorical,
    column,
    common_codes,
    distinct,
    fill,
    integers,
    numbered,
    spread,
)
from flowkit.enrich.subnets import Source, SubnetLabels
from flowkit.enrich.tenancy import FOREVER, NOBODY_THEN
from flowkit.enrich.translation import translate

SIDES = ("Src", "Dst")
_TRANSLATED = ("XlatSrc", "XlatDst")
Ends = dict[str, tuple[Codes, Addresses]]
"""By side: for each row a code (-1: absent) into the distinct addresses."""
_FIELDS = {
    "K8S_Name": "name",
    "K8S_Type": "type",
    "K8S_Namespace": "namespace",
    "K8S_OwnerName": "owner_name",
    "K8S_OwnerType": "owner_type",
    "K8S_HostIP": "host_ip",
    "K8S_HostName": "host_name",
    "K8S_Zone": "zone",
    "K8S_NetworkName": "network",
}
# Below this share of flow ends in the inventory something is wrong with the inventory.
_FEW = 0.02
_INFRASTRUCTURE = r"^(?:openshift|netobserv)"


def enrich(
    flows: pd.DataFrame,
    *,
    cluster: str | Path | Mapping[str, Any] | Inventory | None = None,
    subnets: Source | Sequence[Source] | None = None,
) -> pd.DataFrame:
    """Return `flows` with the ends named, in NetObserv's fields.

    `cluster` (an inventory, see `Inventory.load`) fills ``Src/DstK8S_*`` where the flow has none, ``AgentIP`` where the
    capture is named after a node, ``FlowDirection``, ``K8S_FlowLayer``, ``Xlat*`` (what a Service sent the flow to) and
    ``Src/DstPortDeclared``.
    `subnets` (a FlowCollector, other label sources, or a list of them, see `SubnetLabels.load`) fills
    ``Src/DstSubnetLabel``: first match in list order, absent without a match. Rows keep their order; the provenance
    counts flows whose address is none, and notes CIDRs that can never match. Rules: flowlogs-pipeline
    ``transform_network``.

    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.1"], "DstAddr": ["203.0.113.9"]})
    >>> enrich(flows, subnets={"EXT:partner": ["203.0.113.0/24"]})["DstSubnetLabel"].tolist()
    ['EXT:partner']
    """
    flows = conform(flows)
    detected = openshift.DEFAULTS
    ends = _ends(flows, SIDES)
    if cluster is not None:
        inventory = Inventory.load(cluster)
        detected = inventory.subnets or detected
        flows = with_provenance(flows, provenance(flows).noting(*inventory.notes))
        flows = translate(_layer(_direction(_agents(_owners(flows, inventory, ends), inventory))), inventory)
        flows = declare(flows, inventory.declared) if inventory.declared else flows
    if subnets is not None:
        flows = _label(flows, SubnetLabels.load(subnets, detected), ends | _ends(flows, _TRANSLATED))
    if cluster is not None:
        flows = with_provenance(flows, provenance(flows).noting(*_unattributed(flows)))
    return flows


def _ends(flows: pd.DataFrame, sides: Sequence[str]) -> Ends:
    """The addresses of each side that is there; sides that share their texts share the look-ups."""
    ends: Ends = {}
    for side in sides:
        if f"{side}Addr" in flows.columns:
            codes, texts = distinct(flows[f"{side}Addr"])
            known = (addresses for _, addresses in ends.values() if addresses.texts.equals(texts))
            ends[side] = codes, next(known, None) or Addresses(texts)
    return ends


def _owners(flows: pd.DataFrame, inventory: Inventory, ends: Ends) -> pd.DataFrame:
    named: dict[str, pd.Series[Any]] = {}
    begin, end = integers(flows, "TimeFlowStartMs", FOREVER), integers(flows, "TimeFlowEndMs", FOREVER)
    begin = np.minimum(begin, end)
    losses: dict[str, int] = {}
    for side, (codes, addresses) in ends.items():
        who = inventory.who(codes, addresses, begin, end)
        silent = column(flows, f"{side}K8S_Type").isna() & column(flows, f"{side}K8S_Name").isna()
        losses[f"flows whose {side}Addr no known pod had at that time"] = int((silent & (who == NOBODY_THEN)).sum())
        np.maximum(who, -1, out=who)
        for suffix, attribute in _FIELDS.items():
            field, categories = inventory.field(attribute)
            fresh = pd.Series(categorical(field[who], categories), copy=False)
            named[side + suffix] = fill(column(flows, side + suffix), silent, fresh)
    said = provenance(flows).losing(losses)
    return with_provenance(flows.assign(**named), said.noting(*_foreign(flows, named)))


def _foreign(flows: pd.DataFrame, named: Mapping[str, pd.Series[Any]]) -> list[str]:
    """A loud word when almost nothing of the flows is in the inventory: it is probably another cluster's."""
    known = sum(int(column(flows, f"{side}K8S_Type").notna().sum()) for side in SIDES)
    found = sum(int(values.notna().sum()) for name, values in named.items() if name.endswith("K8S_Type"))
    if known or not len(flows) or found > _FEW * len(flows):
        return []
    note = f"only {found} of {2 * len(flows)} flow ends are in the inventory: is it of this cluster?"
    warnings.warn(note, InventoryWarning, stacklevel=5)
    return [note]


def _agents(flows: pd.DataFrame, inventory: Inventory) -> pd.DataFrame:
    """AgentIP of the node that a capture is named after, by its full name or the part before the first dot."""
    if "CaptureFile" not in flows.columns:
        return flows
    short = {name.split(".")[0]: address for name, address in inventory.node_addresses.items()}
    codes, captures = pd.factorize(flows["CaptureFile"])
    agents = [inventory.node_addresses.get(name) or short.get(name) or "" for name in captures]
    known = column(flows, "AgentIP")
    return flows.assign(AgentIP=fill(known, known.isna(), spread(codes, agents)))


def _direction(flows: pd.DataFrame) -> pd.DataFrame:
    """FlowDirection as upstream: 2 within one node, 1 when the reporting node is the source's, 0 when the destination's."""
    if "AgentIP" not in flows.columns:
        return flows
    ends = [column(flows, f"{side}K8S_HostIP") for side in SIDES]
    (agent, source, destination), _ = common_codes([flows["AgentIP"], *ends])
    within = (source >= 0) & (source == destination)
    value = np.select(
        [within, (source >= 0) & (source == agent), (destination >= 0) & (destination == agent)], [2, 1, 0], -1
    )
    fresh = pd.Series(
        pd.arrays.IntegerArray(np.where(value < 0, 0, value).astype("uint8"), value < 0), index=flows.index
    )
    known = flows["FlowDirection"] if "FlowDirection" in flows.columns else fresh
    return flows.assign(FlowDirection=known.where(known.notna(), fresh))


def _layer(flows: pd.DataFrame) -> pd.DataFrame:
    """K8S_FlowLayer: app when either end is in a namespace that is not the platform's, infra otherwise."""
    app = np.zeros(len(flows), dtype=bool)
    for side in SIDES:
        codes, namespaces = distinct(column(flows, f"{side}K8S_Namespace"))
        ours = [name != "" and not re.match(_INFRASTRUCTURE, name) for name in namespaces]
        mine = np.append(np.array(ours, dtype=bool), False)[codes]
        if "default" in namespaces:
            platform = column(flows, f"{side}K8S_Name").isin(["kubernetes", "openshift"]).to_numpy()
            mine &= ~((codes == namespaces.get_loc("default")) & platform)
        app |= mine
    layer = pd.Series(categorical(app.astype(np.int64), ["infra", "app"]), index=flows.index)
    known = column(flows, "K8S_FlowLayer")
    return flows.assign(K8S_FlowLayer=fill(known, known.isna(), layer))


def _label(flows: pd.DataFrame, subnets: SubnetLabels, ends: Ends) -> pd.DataFrame:
    labelled: dict[str, pd.Series[Any]] = {}
    losses: dict[str, int] = {}
    of_cidr, names = numbered([*subnets.labels, ""])
    found: dict[int, SmallCodes] = {}
    for side, (codes, addresses) in ends.items():
        if id(addresses) not in found:
            found[id(addresses)] = of_cidr[np.append(subnets.lookup(addresses.packed), -1)]
        bad = np.append(addresses.packed.none, False)
        losses[f"flows whose {side}Addr is no IP address"] = int(bad[codes].sum()) if bad.any() else 0
        known = column(flows, f"{side}SubnetLabel")
        fresh = pd.Series(categorical(found[id(addresses)][codes], names), copy=False)
        labelled[f"{side}SubnetLabel"] = fill(known, known.isna(), fresh)
    said = provenance(flows).losing(losses).noting(*_hidden(subnets))
    return with_provenance(flows.assign(**labelled), said)


def _unattributed(flows: pd.DataFrame) -> list[str]:
    """How many flows have an end in the cluster's own ranges that none of its objects had at that time."""
    here = np.zeros(len(flows), dtype=bool)
    for side in SIDES:
        nobody = column(flows, f"{side}K8S_Type").isna() & column(flows, f"{side}K8S_Name").isna()
        here |= (column(flows, f"{side}SubnetLabel").isin(openshift.OWN_RANGES) & nobody).to_numpy()
    count = int(here.sum())
    ranges = " or ".join(openshift.OWN_RANGES)
    return (
        [f"{count} flows have an unattributed end: in the range {ranges}, but of no object at that time"]
        if count
        else []
    )


def _hidden(subnets: SubnetLabels) -> list[str]:
    hidden = subnets.hidden()
    if hidden.empty:
        return []
    first = hidden.iloc[0]
    example = f"{first['cidr']} of {first['label']} by {first['by_cidr']} of {first['by_label']}"
    return [f"{len(hidden)} CIDRs of subnet labels are hidden by earlier ones, such as {example}"]
