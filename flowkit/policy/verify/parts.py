"""Rules taken apart into single peers and single ports, and which of a rule's parts admit a connection.

A rule admits a connection when one of its peers and one of its ports match, so that each side is counted by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from flowkit.enrich.sides import Codes, Mask
from flowkit.policy.judge.classes import Classes
from flowkit.policy.judge.peers import Reach
from flowkit.policy.judge.services import Services, matching
from flowkit.policy.model import Peer, Port, Rule, Selector
from flowkit.policy.profiles import Profile

_SHORT = 64
_AT_ONCE = 1 << 22  # questions of a part and a connection


def peers_of(rule: Rule) -> tuple[Peer, ...]:
    """Single peers: one of a folded ``In`` for each of its values."""
    found: list[Peer] = []
    for peer in rule.peers:
        folded = peer.pods.expressions if peer.pods else ()
        if len(folded) == 1 and folded[0].operator == "In" and peer.pods is not None:
            labels = ((*peer.pods.labels, (folded[0].key, value)) for value in folded[0].values)
            found += [replace(peer, pods=Selector(tuple(sorted(each)))) for each in labels]
        else:
            found.append(peer)
    return tuple(found)


def ports_of(rule: Rule) -> tuple[Port, ...]:
    """Single ports: a short range as its numbers.

    >>> len(ports_of(Rule(ports=(Port(6, 8000, 8003), Port(17, 53)))))
    5
    """
    found: list[Port] = []
    for port in rule.ports:
        if isinstance(port.port, int) and port.end and port.end - port.port < _SHORT:
            found += [Port(port.protocol, number) for number in range(port.port, port.end + 1)]
        else:
            found.append(port)
    return tuple(found)


Table = Callable[[Codes, Codes], Mask]
"""Which parts (by number) match which connections (by number)."""


@dataclass(frozen=True)
class Parts:
    """The parts of every rule one after the other: where those of each rule begin, and the number of each distinct part."""

    starts: Codes
    number: Codes

    @classmethod
    def of(cls, numbers: Sequence[Sequence[int]]) -> Parts:
        """Lay out the parts of rules, given by their numbers."""
        starts = np.cumsum([0, *map(len, numbers)]).astype(np.int64)
        return cls(starts, np.array([number for each in numbers for number in each], dtype=np.int64))

    def alone(self, line: Codes, connection: Codes, table: Table) -> tuple[Codes, Codes]:
        """Of rules (`line`) that alone admit a `connection`: those of which one part does (rule, place of the part)."""
        many = np.diff(self.starts)[line] > 1
        line, connection = line[many], connection[many]
        asked = np.cumsum(np.diff(self.starts)[line])
        cuts = np.searchsorted(asked, np.arange(_AT_ONCE, asked[-1] if len(asked) else 0, _AT_ONCE))
        halves = zip(np.split(line, cuts), np.split(connection, cuts), strict=True)
        rules, places = zip(*(self._alone(*half, table) for half in halves), strict=True)
        return np.concatenate(rules), np.concatenate(places)

    def _alone(self, line: Codes, connection: Codes, table: Table) -> tuple[Codes, Codes]:
        sizes = np.diff(self.starts)[line]
        row = np.repeat(np.arange(len(line)), sizes)
        at = np.arange(len(row)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        hit = np.flatnonzero(table(self.number[self.starts[line[row]] + at], connection[row]))
        sole = np.bincount(row[hit], minlength=len(line)) == 1
        kept = hit[sole[row[hit]]]
        return line[row[kept]], at[kept]


def peers_table(reaches: Sequence[Reach], classes: Classes, ends: Codes) -> Table:
    """Whether single peers, by what they reach, surely match the other ends (classes) of connections."""
    kind, atom = classes.parts(ends)
    width = classes.kinds
    found = [number * width + np.unique(reach.sure) for number, reach in enumerate(reaches)]
    keys = np.concatenate([np.zeros(0, dtype=np.int64), *found])
    blocks = {number: reach.blocks for number, reach in enumerate(reaches) if reach.blocks}

    def matches(peer: Codes, connection: Codes) -> Mask:
        wanted = peer * width + kind[connection]
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        result = keys[at] == wanted if len(keys) else np.zeros(len(peer), dtype=bool)
        for number, rows in _by_number(peer, blocks):
            for block in blocks[number]:
                result[rows] |= classes.atoms.within(block, atom[connection[rows]])
        return result

    return matches


def _by_number(numbers: Codes, wanted: Mapping[int, object]) -> list[tuple[int, Codes]]:
    """The rows of each of the wanted numbers."""
    rows = np.flatnonzero(np.isin(numbers, np.array(list(wanted), dtype=np.int64)))
    rows = rows[np.argsort(numbers[rows], kind="stable")]
    heads = np.flatnonzero(np.diff(numbers[rows], prepend=-1))
    return [(int(numbers[part[0]]), part) for part in np.split(rows, heads[1:]) if len(part)]


def ports_table(ports: Sequence[Port], services: Services, profile: Profile) -> Table:
    """Whether single ports match the services of connections."""
    rows = [matching(services, (port,), profile) for port in ports]
    table = np.array(rows, dtype=bool).reshape(len(ports), len(services.proto))
    return lambda port, connection: table[port, services.code[connection]]
