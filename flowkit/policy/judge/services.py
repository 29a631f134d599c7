"""What of a server's ports rules can tell apart, and which rules match it: a protocol, a port atom, and the names of the port.

A container port's name is the server pod's own: the same number may be ``http`` on one pod and nothing on another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from flowkit.enrich.numbering import paired
from flowkit.enrich.sides import Codes, Mask
from flowkit.policy.judge.atoms import PortAtoms
from flowkit.policy.judge.classes import Grouping
from flowkit.policy.model import ANY_PROTOCOL, Port
from flowkit.policy.profiles import Profile

_NAMELESS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Naming:
    """The names that a pod group's containers give to a port and protocol: sorted keys, and a set of names for each key."""

    keys: Codes
    code: Codes
    sets: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, grouping: Grouping) -> Naming:
        """Read the named ports of all groups."""
        found: dict[int, frozenset[str]] = {}
        for group, ports in enumerate(grouping.ports):
            for name, number, proto in ports:
                key = _key(group, number, proto)
                found[key] = found.get(key, _NAMELESS) | {name}
        keys = np.array(sorted(found), dtype=np.int64)
        sets = {_NAMELESS: 0}
        code = [sets.setdefault(found[int(key)], len(sets)) for key in keys]
        return cls(keys, np.array(code, dtype=np.int64), tuple(sets))

    def of_ports(self, group: Codes, port: Codes, proto: Codes) -> Codes:
        """The code of the names of each server's port; 0 is nameless."""
        if not len(self.keys):
            return np.zeros(len(group), dtype=np.int64)
        wanted: Codes = _key(group, port, proto)
        at = np.minimum(np.searchsorted(self.keys, wanted), len(self.keys) - 1)
        result: Codes = np.where((self.keys[at] == wanted) & (group >= 0), self.code[at], 0)
        return result


def _key(group: Any, port: Any, proto: Any) -> Any:
    """One number of a group, port and protocol, of integers or of columns of them."""
    return (group << 26) | (proto << 17) | (port + 1)


@dataclass(frozen=True)
class Services:
    """Distinct (protocol, port atom, names) of some cells: `code` is each cell's, the rest stands by code; `port` is any of
    its atom.
    """

    code: Codes
    proto: Codes
    port: Codes
    names: tuple[frozenset[str], ...]

    @classmethod
    def of(cls, atoms: PortAtoms, naming: Naming, group: Codes, port: Codes, proto: Codes) -> Services:
        """Number the services of cells whose servers are in these pod groups (-1: no pod)."""
        names = naming.of_ports(group, port, proto)
        code, head = paired(atoms.of_ports(port) << 9 | (proto + 1), names)
        return cls(code, proto[head], port[head], tuple(naming.sets[at] for at in names[head]))


def matching(services: Services, ports: tuple[Port, ...], profile: Profile) -> Mask:
    """Which services match any of the ports; ``()`` is every port and protocol."""
    found = np.full(len(services.proto), not ports)
    for port in ports:
        found |= _matches(services, port, profile)
    return found


def _matches(services: Services, port: Port, profile: Profile) -> Mask:
    right: Mask = services.proto == port.protocol
    if port.protocol == ANY_PROTOCOL:
        right = np.ones(len(services.proto), dtype=bool)
    if port.port is None or (isinstance(port.port, str) and not profile.named_ports):
        return right
    if isinstance(port.port, str):
        named: Mask = right & np.array([port.port in names for names in services.names], dtype=bool)
        return named
    within: Mask = right & (services.port >= port.port) & (services.port <= (port.end or port.port))
    return within
