"""All the cells there could be: every client end against every server end, on the ports that anybody knows of that server.

An end is a workload (once for each class of its pods), the nodes (once a class), each class of outside addresses seen, and one
outside address that nobody saw. A server's ports are those seen, those its containers declare, and one that is neither.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from flowkit.enrich import Inventory
from flowkit.enrich.sides import TCP, Codes, Mask
from flowkit.matrix.endpoints import NODES
from flowkit.policy.judge.ruling import Cells, Ruling
from flowkit.policy.verify.calls import Calls
from flowkit.policy.verify.names import names_of

OTHER_ADDRESS = "any other address"
OTHER_PORT = 65_534
_STRANGERS = ("192.0.2.222", "2001:db8:ffff::222")
_AT_ONCE = 2_000_000


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

    @property
    def same(self) -> Codes:
        """A number that ends of one workload share, whatever their classes; every class of outside addresses has its own."""
        inside = [
            name if party >= 0 else (name, int(each))
            for name, party, each in zip(self.names, self.party, self.classes, strict=True)
        ]
        return pd.factorize(pd.Series(inside, dtype=object))[0].astype(np.int64)

    def __len__(self) -> int:
        return len(self.classes)

    def find(self, classes: Codes, names: np.ndarray, parties: Codes) -> Codes:
        """The end that each (class, name) is; of outside addresses the class decides."""
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
    """The cells: ends, for each server end its services (server, proto, port) in sorted order, the calls seen by workload."""

    ends: Ends
    server: Codes
    proto: Codes
    port: Codes
    seen: Codes

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
        called = [
            names_of(party, calls.table[end].tolist(), calls.world, inventory)
            for end, party in zip(("client", "server"), calls.parties, strict=True)
        ]
        client, server = (
            ends.find(classes, names, party)
            for classes, names, party in zip((cells.client, cells.server), called, calls.parties, strict=True)
        )
        every = np.arange(len(ends))
        further = [np.c_[every, every * 0 + proto, every * 0 + port] for proto, port in (*ports, (TCP, OTHER_PORT))]
        listed = [np.c_[server, cells.proto, cells.port], _declared(ends, calls), *further]
        services = np.unique(np.concatenate(listed), axis=0)
        services = services[services[:, 0] >= 0]
        known = (client >= 0) & (server >= 0)
        seen = _between(ends, client[known], server[known], cells.proto[known], cells.port[known])
        return cls(ends, services[:, 0], services[:, 1], services[:, 2], np.unique(seen))

    @property
    def _is_pod(self) -> Mask:
        return np.array([name not in (NODES, OTHER_ADDRESS) for name in self.ends.names]) & (self.ends.party >= 0)

    def portions(self) -> Iterator[Portion]:
        """All cells in portions."""
        width = len(self.ends)
        step = max(1, _AT_ONCE // width)
        is_pod = self._is_pod
        for start in range(0, len(self.server), step):
            service = np.repeat(np.arange(start, min(start + step, len(self.server))), width)
            client = np.tile(np.arange(width), len(service) // width)
            server = self.server[service]
            itself = (server == client) & self.ends.single[client]
            kept = (is_pod[client] | is_pod[server]) & (self.ends.is_v6[client] == self.ends.is_v6[server]) & ~itself
            yield from self._cells(service[kept], client[kept])

    def cells_for(self, ruling: Ruling, portion: Portion) -> Cells:
        """The cells of a portion as another ruling cuts them."""
        classes = ruling.of_ends(self.ends.party, ruling.atoms(pd.Index(self.ends.addresses, dtype="str")))
        cells = portion.cells
        return Cells.of(classes[portion.client], classes[self.server[portion.service]], cells.port, cells.proto)

    def _cells(self, service: Codes, client: Codes) -> Iterator[Portion]:
        if not len(service):
            return
        server, proto, port = self.server[service], self.proto[service], self.port[service]
        cells = Cells.of(self.ends.classes[client], self.ends.classes[server], port, proto)
        fresh = ~np.isin(_between(self.ends, client, server, proto, port), self.seen)
        yield Portion(client, service, cells, fresh)


@dataclass(frozen=True)
class Portion:
    """Some cells: the end of each client, the number of each service, and which nobody was seen to use."""

    client: Codes
    service: Codes
    cells: Cells
    fresh: Mask

    def only(self, rows: Mask) -> Portion:
        """Some of the cells."""
        cells = self.cells
        parts = (each[rows] for each in (cells.client, cells.server, cells.port, cells.proto, cells.relation))
        return Portion(self.client[rows], self.service[rows], Cells(*parts), self.fresh[rows])


def _between(ends: Ends, client: Codes, server: Codes, proto: Codes, port: Codes) -> Codes:
    """One number for (client, server, protocol, port), by workload."""
    same = ends.same
    key: Codes = ((same[client] * (int(same.max()) + 1) + same[server]) << 26) | (proto << 17) | port
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
