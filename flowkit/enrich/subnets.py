"""Subnet labels: names for address ranges, the first match in list order winning, as upstream's ``add_subnet_label``.

Source: flowlogs-pipeline ``transform_network`` and the operator's order (customLabels as written, then the auto-detected
ones). A CIDR with host bits is masked, an IPv4-mapped IPv6 address matches IPv4 CIDRs, no match leaves the label absent.
"""

from __future__ import annotations

import heapq
import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowkit.enrich import openshift
from flowkit.enrich.addresses import Packed
from flowkit.enrich.cloud_ranges import cloud_ranges
from flowkit.errors import SpecError
from flowkit.manifests.documents import load_objects

_NAME = re.compile(r"^[a-zA-Z_:-][a-zA-Z0-9_:-]*$")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Source: TypeAlias = "str | Path | Mapping[str, Any] | SubnetLabels"
_CUSTOM = "spec.processor.subnetLabels.customLabels"


@dataclass(frozen=True)
class SubnetLabels:
    """An ordered list of (label, CIDRs); `labels` holds each name once a CIDR, `networks` the CIDR beside it."""

    labels: tuple[str, ...]
    networks: tuple[Network, ...]

    @classmethod
    def load(cls, source: Source | Sequence[Source], detected: openshift.Pairs = openshift.DEFAULTS) -> SubnetLabels:
        """Read subnet labels; several sources stand one after the other.

        A source is a FlowCollector (YAML or JSON file or folder with its FlowCollectorSlices, or its dict), a plain
        ``{label: [cidr, …]}``, or a range file a cloud publishes (see `flowkit.enrich.cloud_ranges`). Order as upstream:
        customLabels as written, slices, then, with ``openShiftAutoDetect: true``, the `detected` subnets. Raises `SpecError`
        naming file and key for a CIDR that is none, a bare address, or a label NetObserv would refuse.

        >>> SubnetLabels.load([{"EXT:partner": ["203.0.113.0/24"]}, {"EXT:all": ["0.0.0.0/0"]}]).labels
        ('EXT:partner', 'EXT:all')
        """
        if isinstance(source, SubnetLabels):
            return source
        if not isinstance(source, str | Path | Mapping):
            parts = [cls.load(each, detected) for each in source]
            return cls(tuple(n for p in parts for n in p.labels), tuple(n for p in parts for n in p.networks))
        if isinstance(source, Mapping) and source.get("kind") != "FlowCollector":
            return cls._of([_Labels(source.items(), "subnets", "")])
        published = None if isinstance(source, Mapping) else cloud_ranges(Path(source))
        if published is not None:
            return cls._of([_Labels(published, str(source), "")])
        return cls._of(_flow_collector(source, detected))

    @classmethod
    def _of(cls, parts: Iterable[_Labels]) -> SubnetLabels:
        flat = [
            (_label(name, part.place, part.key), _network(cidr, name, part.place, part.key))
            for part in parts
            for name, cidrs in part.pairs
            for cidr in _listed(cidrs, name, part.place, part.key)
        ]
        return cls(tuple(name for name, _ in flat), tuple(network for _, network in flat))

    def longest_prefix_first(self) -> SubnetLabels:
        """The same labels ordered so that the narrowest CIDR wins, which is not how NetObserv decides.

        >>> labels = SubnetLabels.load({"Wide": ["10.0.0.0/8"], "Narrow": ["10.1.0.0/16"]})
        >>> labels.longest_prefix_first().labels
        ('Narrow', 'Wide')
        """
        order = sorted(range(len(self.networks)), key=lambda at: -self.networks[at].prefixlen)
        return SubnetLabels(tuple(self.labels[at] for at in order), tuple(self.networks[at] for at in order))

    def hidden(self) -> pd.DataFrame:
        """The CIDRs that can never be a first match, because an earlier one of another label covers them whole.

        Columns ``label``, ``cidr``, ``by_label``, ``by_cidr``.
        """
        told = [(self.labels[a], str(self.networks[a]), self.labels[b], str(self.networks[b])) for a, b in self._hidden]
        return pd.DataFrame(told, columns=["label", "cidr", "by_label", "by_cidr"])

    @cached_property
    def _hidden(self) -> list[tuple[int, int]]:
        return [(at, by) for at, by in self._covered() if self.labels[at] != self.labels[by]]

    def _covered(self) -> Iterator[tuple[int, int]]:
        """Each CIDR inside an earlier one, and the earliest such: CIDRs are nested or apart, so a stack finds them."""
        spans = [_span(network) for network in self.networks]
        open_: list[int] = []
        for at in sorted(range(len(spans)), key=lambda at: (*spans[at][:2], -spans[at][2], at)):
            version, _, end = spans[at]
            while open_ and (spans[open_[-1]][0] != version or spans[open_[-1]][2] < end):
                open_.pop()
            earlier = min(open_, default=at)
            if earlier < at:
                yield at, earlier
            open_.append(at)

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


@dataclass(frozen=True)
class _Labels:
    """Labels with their CIDRs as written, and where that is."""

    pairs: Iterable[tuple[str, Any]]
    place: str
    key: str


def _span(network: Network) -> tuple[int, int, int]:
    start = int(network.network_address)
    return network.version, start, start + network.num_addresses - 1


def _flow_collector(source: str | Path | Mapping[str, Any], detected: openshift.Pairs) -> Iterator[_Labels]:
    objects = load_objects(source, kinds=["FlowCollector", "FlowCollectorSlice"])
    collectors = [item for item in objects if item.kind == "FlowCollector"]
    if len(collectors) != 1:
        found = "no FlowCollector" if not collectors else f"{len(collectors)} FlowCollectors"
        raise SpecError(f"{found}: name a file that holds exactly one", place=str(source))
    spec = ((collectors[0].body.get("spec") or {}).get("processor") or {}).get("subnetLabels") or {}
    yield _Labels(_named(spec.get("customLabels")), collectors[0].place, _CUSTOM)
    for item in objects:
        if item.kind == "FlowCollectorSlice":
            yield _Labels(_named((item.body.get("spec") or {}).get("subnetLabels")), item.place, "spec.subnetLabels")
    if spec.get("openShiftAutoDetect") is True:
        yield _Labels(detected, collectors[0].place, "spec.processor.subnetLabels.openShiftAutoDetect")


def _named(listed: Any) -> list[tuple[str, Any]]:
    return [(str(label.get("name", "")), label.get("cidrs") or []) for label in listed or []]


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
