"""Subnet labels: names for address ranges, the first match in list order winning, as upstream's ``add_subnet_label``.

Source: flowlogs-pipeline ``transform_network`` and the operator's order (customLabels as written, then the auto-detected
ones). A CIDR with host bits is masked, an IPv4-mapped IPv6 address matches IPv4 CIDRs, no match leaves the label absent.
"""

from __future__ import annotations

import heapq
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from flowkit.enrich.addresses import Packed
from flowkit.errors import SpecError
from flowkit.manifests.documents import load_objects

_NAME = re.compile(r"^[a-zA-Z_:-][a-zA-Z0-9_:-]*$")

# What openShiftAutoDetect finds on a cluster installed with the documented defaults, in the operator's order.
OPENSHIFT_DEFAULTS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Machines", ("10.0.0.0/16", "100.64.0.0/16", "100.88.0.0/16", "169.254.0.0/17")),
    ("Pods", ("10.128.0.0/14", "fd01::/48")),
    ("Services", ("172.30.0.0/16", "fd02::/112")),
)


@dataclass(frozen=True)
class SubnetLabels:
    """An ordered list of (label, CIDRs); `labels` holds each name once a CIDR, `networks` the CIDR beside it."""

    labels: tuple[str, ...]
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

    @classmethod
    def load(cls, source: str | Path | Mapping[str, Any] | SubnetLabels) -> SubnetLabels:
        """Read subnet labels from a FlowCollector (YAML or JSON file, or its dict) or a plain ``{label: [cidr, …]}``.

        ``openShiftAutoDetect: true`` appends OpenShift's documented default ranges. Raises `SpecError` naming file and key
        for a CIDR that is none, a bare address, or a label NetObserv would refuse.

        >>> SubnetLabels.load({"EXT:partner": ["203.0.113.0/24"]}).labels
        ('EXT:partner',)
        """
        if isinstance(source, SubnetLabels):
            return source
        if isinstance(source, Mapping) and source.get("kind") != "FlowCollector":
            return cls._of(source.items(), "subnets", "")
        collectors = load_objects(source, kinds=["FlowCollector"])
        if len(collectors) != 1:
            found = "no FlowCollector" if not collectors else f"{len(collectors)} FlowCollectors"
            raise SpecError(f"{found}: name a file that holds exactly one", place=str(source))
        return cls._of(
            _flow_collector(collectors[0].body), collectors[0].place, "spec.processor.subnetLabels.customLabels"
        )

    @classmethod
    def _of(cls, pairs: Iterable[tuple[str, Iterable[str]]], place: str, key: str) -> SubnetLabels:
        flat = [(name, cidr) for name, cidrs in pairs for cidr in _listed(cidrs, name, place, key)]
        return cls(
            tuple(_label(name, place, key) for name, _ in flat), tuple(_network(c, n, place, key) for n, c in flat)
        )

    def lookup(self, packed: Packed) -> npt.NDArray[np.int64]:
        """The position in `labels` of the first matching CIDR for each address, -1 for none."""
        found = np.full(len(packed.v4), -1, dtype=np.int64)
        for which, keys, (starts, owners) in ((packed.is_v4, packed.v4, self._v4), (packed.is_v6, packed.v6, self._v6)):
            if len(starts) and which.any():
                at = np.searchsorted(starts, keys[which], side="right") - 1
                found[which] = np.where(at >= 0, owners[np.maximum(at, 0)], -1)
        return found

    @cached_property
    def _v4(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        starts, owners = self._intervals(4)
        return np.array(starts, dtype=np.uint32), owners

    @cached_property
    def _v6(self) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
        starts, owners = self._intervals(6)
        return np.array([start.to_bytes(16, "big") for start in starts], dtype="S16"), owners

    def _intervals(self, version: int) -> tuple[list[int], npt.NDArray[np.int64]]:
        """Cut the address space at every bound; each piece belongs to the covering CIDR that stands first in the list."""
        events: list[tuple[int, int, int]] = []
        limit = 1 << (32 if version == 4 else 128)
        for rank, network in enumerate(self.networks):
            if network.version == version:
                start = int(network.network_address)
                events += [(start, 1, rank), (start + network.num_addresses, 0, rank)]
        starts: list[int] = []
        owners: list[int] = []
        open_ranks: list[int] = []
        closed: set[int] = set()
        for bound, opens, rank in sorted(events):
            if opens:
                heapq.heappush(open_ranks, rank)
            else:
                closed.add(rank)
            while open_ranks and open_ranks[0] in closed:
                heapq.heappop(open_ranks)
            if starts and starts[-1] == bound:
                owners[-1] = open_ranks[0] if open_ranks else -1
            elif bound < limit:
                starts.append(bound)
                owners.append(open_ranks[0] if open_ranks else -1)
        return starts, np.array(owners, dtype=np.int64)


def _flow_collector(body: Mapping[str, Any]) -> list[tuple[str, list[str]]]:
    spec = ((body.get("spec") or {}).get("processor") or {}).get("subnetLabels") or {}
    pairs = [(str(label.get("name", "")), label.get("cidrs") or []) for label in spec.get("customLabels") or []]
    if spec.get("openShiftAutoDetect") is True:
        pairs += [(name, list(cidrs)) for name, cidrs in OPENSHIFT_DEFAULTS]
    return pairs


def _listed(cidrs: Any, name: str, place: str, key: str) -> list[str]:
    if isinstance(cidrs, str) or not isinstance(cidrs, Iterable):
        raise SpecError(f"label '{name}' needs a list of CIDRs, not {cidrs!r}", place=place, key=key)
    return [str(cidr) for cidr in cidrs]


def _label(name: str, place: str, key: str) -> str:
    if not _NAME.match(name):
        raise SpecError(f"label '{name}' is not one NetObserv takes: letters, digits, _ : - only", place=place, key=key)
    return name


def _network(cidr: str, name: str, place: str, key: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    if "/" not in cidr:
        raise SpecError(
            f"'{cidr}' of label '{name}' is an address, not a CIDR: write '{cidr}/32' (or /128)", place=place, key=key
        )
    try:
        return ipaddress.ip_network(cidr, strict=False)
    except ValueError as error:
        raise SpecError(f"label '{name}': {error}", place=place, key=key) from error
