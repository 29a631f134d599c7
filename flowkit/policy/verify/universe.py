"""All the cells there could be: every client end against every server end, on the ports that anybody knows of that server.

An end is a workload (once for each class of its pods), the nodes (once a class), each class of outside addresses seen, and one
outside address that nobody saw. A server's ports are those seen, those its containers declare, and one that is neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from flowkit.enrich import Inventory
from flowkit.enrich.numbering import paired
from flowkit.enrich.sides import TCP, Codes, Mask
from flowkit.matrix.endpoints import NODES
from flowkit.policy.judge.ruling import Cells, Ruling
from flowkit.policy.verify.calls import Calls
from flowkit.policy.verify.names import names_of, names_of_parties

OTHER_ADDRESS = "any other address"
OTHER_PORT = 65_534
_STRANGERS = ("192.0.2.222", "2001:db8:ffff::222")
_CELLS, _AT_ONCE = 16_000_000, 2_000_000  # looked at, and judged, at a time


@dataclass(frozen=True)
class Ends:
    """The distinct ends: class, name, a party that stands for it, whether it is one single pod, IPv6, an address."""

    classes: Codes
    names: tuple[str, ...]
    party: Codes
    single: Mask
    is_v6: Mask
    addresses: tuple[str, ...]

    @classmethod
    def of(cls, ruling: Ruling, calls: Calls, inventory: Inventory, addresses: Iterable[str] = ()) -> Ends:
        """Find the ends of a world, of the addresses that calls have, and of further addresses."""
        world = calls.world
        pods = [(at, address) for at, pod in enumerate(world.pods) for address in pod.addresses]
        hosts = [(at, each) for at, host in enumerate(world.hosts, len(world.pods)) for each in host.addresses]
        asked = [address for address in addresses if world.party(address) < 0]
        outside = [(-1, address) for address in (*_outside(calls), *asked, *_STRANGERS)]
        party, texts = zip(*pods, *hosts, *outside, strict=True)
        parties = np.array(party, dtype=np.int64)
        classes = ruling.of_ends(parties, ruling.atoms(pd.Index(texts, dtype="str")))
        names = names_of(parties, texts, world, inventory)
        names[-len(_STRANGERS) :] = OTHER_ADDRESS
        is_v6 = np.array([":" in text for text in texts], dtype=bool)
        frame = pd.DataFrame(
            {"classes": classes, "name": np.where(parties < 0, "", names), "party": parties, "v6": is_v6}
        )
        heads = frame.drop_duplicates(["classes", "name", "v6"]).index.to_numpy()
        counts = frame.groupby("name")["party"].transform("nunique").to_numpy()
        single = (parties >= 0) & (counts == 1) & (names != NODES)
        kept = tuple(texts[at] for at in heads)
        return cls(classes[heads], tuple(names[heads]), parties[heads], single[heads], is_v6[heads], kept)

    @cached_property
    def same(self) -> Codes:
        """A number that ends of one workload share, whatever their classes; every class of outside addresses has its own."""
        inside = [
            name if party >= 0 else (name, int(each))
            for name, party, each in zip(self.names, self.party, self.classes, strict=True)
        ]
        return pd.factorize(pd.Series(inside, dtype=object))[0].astype(np.int64)

    def __len__(self) -> int:
        return len(self.classes)

    def find(self, classes: Codes, parties: Codes, names: np.ndarray) -> Codes:
        """The end that each class of a party is, `names` being those of the parties; of outside addresses the class decides."""
        number, head = paired(classes, np.maximum(parties, -1))
        return self._find(classes[head], names[parties[head]], parties[head])[number]

    def _find(self, classes: Codes, names: np.ndarray, parties: Codes) -> Codes:
        place = {
            (int(each), name if party >= 0 else ""): at
            for at, (each, name, party) in enumerate(zip(self.classes, self.names, self.party, strict=True))
        }
        keys = zip(classes.tolist(), np.where(parties < 0, "", names).tolist(), strict=True)
        return np.array([place.get(key, -1) for key in keys], dtype=np.int64)


def _outside(calls: Calls) -> list[str]:
    client, server = calls.parties
    found = [*calls.table["client"][client < 0], *calls.table["server"][server < 0]]
    return list(dict.fromkeys(found))


@dataclass(frozen=True)
class Universe:
    """The cells: ends, for each server end its services (server, proto, port) in sorted order, the number that services of one
    workload share, and which clients (by `Ends.same`) were seen to use which of these.
    """

    ends: Ends
    server: Codes
    proto: Codes
    port: Codes
    alike: Codes
    seen: tuple[Codes, Codes]

    @classmethod
    def of(
        cls,
        ruling: Ruling,
        calls: Calls,
        inventory: Inventory,
        ports: Iterable[tuple[int, int]] = (),
        addresses: Iterable[str] = (),
    ) -> Universe:
        """List the services of every end and the cells that calls are in; `ports` (protocol, number) are further services of
        every end, `addresses` further outside ends.
        """
        ends = Ends.of(ruling, calls, inventory, addresses)
        cells = calls.cells(ruling)
        names = names_of_parties(calls.world, inventory)
        client, server = (
            ends.find(classes, party, names)
            for classes, party in zip((cells.client, cells.server), calls.parties, strict=True)
        )
        services = _services(ends, calls, np.c_[server, cells.proto, cells.port], (*ports, (TCP, OTHER_PORT)))
        each = services[:, 0], services[:, 1], services[:, 2]
        keys, alike = np.unique(_service(ends, *each), return_inverse=True)
        known = np.flatnonzero((client >= 0) & (server >= 0))
        used = np.searchsorted(keys, _service(ends, server[known], cells.proto[known], cells.port[known]))
        return cls(ends, *each, alike, (ends.same[client[known]], used))

    @cached_property
    def _is_pod(self) -> Mask:
        return np.array([name not in (NODES, OTHER_ADDRESS) for name in self.ends.names]) & (self.ends.party >= 0)

    def slabs(self) -> Iterator[Slab]:
        """All cells, some services at a time."""
        step = max(1, _CELLS // len(self.ends))
        for start in range(0, len(self.server), step):
            services = np.arange(start, min(start + step, len(self.server)))
            yield Slab(services, self._valid(services), self._fresh(services))

    def _valid(self, services: Codes) -> Mask:
        """Whether there is such a cell: an end is a pod, both speak one IP version, and no single pod meets itself."""
        server, ends = self.server[services], self.ends
        either = self._is_pod[server][:, None] | self._is_pod[None, :]
        valid: Mask = either & (ends.is_v6[server][:, None] == ends.is_v6[None, :])
        valid[np.arange(len(server)), server] &= ~ends.single[server]
        return valid

    def _fresh(self, services: Codes) -> Mask:
        """Whether nobody of the client's workload was seen to use the service of the server's workload."""
        alike, place = np.unique(self.alike[services], return_inverse=True)
        same = self.ends.same
        client, used = self.seen
        here = np.isin(used, alike)
        seen = np.zeros((len(alike), int(same.max()) + 1), dtype=bool)
        seen[np.searchsorted(alike, used[here]), client[here]] = True
        fresh: Mask = ~seen[:, same][place]
        return fresh

    def portions(self, slab: Slab, wanted: Mask) -> Iterator[Portion]:
        """Some cells of a slab, in portions."""
        at = np.flatnonzero(wanted)
        for start in range(0, len(at), _AT_ONCE):
            row, client = np.divmod(at[start : start + _AT_ONCE], len(self.ends))
            service = slab.services[row]
            cells = self.cells(self.ends.classes, client, service)
            yield Portion(client, service, cells, slab.fresh.ravel()[at[start : start + _AT_ONCE]])

    def cells(self, classes: Codes, client: Codes, service: Codes) -> Cells:
        """Cells of clients and services; `classes` are those of the ends, as a ruling cuts them."""
        server = self.server[service]
        return Cells.of(classes[client], classes[server], self.port[service], self.proto[service])

    def classes_of(self, ruling: Ruling) -> Codes:
        """The classes of the ends as another ruling cuts them."""
        return ruling.of_ends(self.ends.party, ruling.atoms(pd.Index(self.ends.addresses, dtype="str")))

    def may(self, ruling: Ruling, classes: Codes, slab: Slab) -> Mask:
        """Which cells of a slab are not surely denied by NetworkPolicies of the server: a superset, cheaply found."""
        return ruling.may_enter(self.cells(classes, slab.services * 0, slab.services), classes)


@dataclass(frozen=True)
class Slab:
    """Some services (rows) against every end (columns): which cells there are, and which nobody was seen to use."""

    services: Codes
    valid: Mask
    fresh: Mask


@dataclass(frozen=True)
class Portion:
    """Some cells: the end of each client, the number of each service, and which nobody was seen to use."""

    client: Codes
    service: Codes
    cells: Cells
    fresh: Mask


def _services(ends: Ends, calls: Calls, called: Codes, ports: Iterable[tuple[int, int]]) -> Codes:
    """Rows of (server, protocol, port) in sorted order: those `called`, those declared, and some ports of every end."""
    every = np.arange(len(ends))
    further = [np.c_[every, every * 0 + proto, every * 0 + port] for proto, port in ports]
    _, head = paired(called[:, 0].copy(), called[:, 1] << 17 | called[:, 2])
    services = np.unique(np.concatenate([called[head], _declared(ends, calls), *further]), axis=0)
    found: Codes = services[services[:, 0] >= 0]
    return found


def _service(ends: Ends, server: Codes, proto: Codes, port: Codes) -> Codes:
    """One number for (server, protocol, port), by workload."""
    key: Codes = (ends.same[server] << 26) | (proto << 17) | port
    return key


def _declared(ends: Ends, calls: Calls) -> Codes:
    pods = calls.world.pods
    rows = [
        (at, proto, number)
        for at, party in enumerate(ends.party)
        if 0 <= party < len(pods)
        for _, number, proto in pods[party].ports
    ]
    return np.array(rows, dtype=np.int64).reshape(-1, 3)
