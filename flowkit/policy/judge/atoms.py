"""Ports and addresses cut into atoms: stretches that no rule of a policy set tells apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowkit.enrich.addresses import pack
from flowkit.enrich.sides import Codes, Mask
from flowkit.policy.model import Block, Port

NO_ADDRESS = 0
_ALL_V6 = 1 << 128


@dataclass(frozen=True)
class PortAtoms:
    """Ports by the bounds of all rules: the atom of a port is how many bounds lie at or below it."""

    bounds: Codes

    @classmethod
    def of(cls, ports: Iterable[Port]) -> PortAtoms:
        """Cut where one of these ports begins or ends.

        >>> PortAtoms.of([Port(6, 80), Port(6, 8000, 8080)]).bounds.tolist()
        [80, 81, 8000, 8081]
        """
        ranges = {(port.port, port.end or port.port) for port in ports if isinstance(port.port, int)}
        bounds = {bound for first, last in ranges for bound in (first, last + 1)}
        return cls(np.array(sorted(bounds), dtype=np.int64))

    def of_ports(self, ports: Codes) -> Codes:
        """The atom of each port."""
        return np.searchsorted(self.bounds, ports, side="right").astype(np.int64)


@dataclass(frozen=True)
class AddressAtoms:
    """Addresses by the bounds of all networks, IPv4 first, then IPv6; atom 0 is what is no address."""

    v4: npt.NDArray[np.uint64]
    v6: npt.NDArray[np.bytes_]

    @classmethod
    def of(cls, blocks: Iterable[Block]) -> AddressAtoms:
        """Cut where a network of these blocks begins or ends.

        >>> AddressAtoms.of([Block("10.0.0.0/8")]).count
        5
        """
        networks = {ip_network(cidr) for block in blocks for cidr in (block.cidr, *block.excluded)}
        v4 = sorted({bound for net in networks if net.version == 4 for bound in _bounds(net)})
        v6 = sorted({bound for net in networks if net.version == 6 for bound in _bounds(net) if bound < _ALL_V6})
        return cls(np.array(v4, dtype=np.uint64), np.array([_bytes(bound) for bound in v6], dtype="S16"))

    @property
    def count(self) -> int:
        """How many atoms there are."""
        return len(self.v4) + len(self.v6) + 3

    def of_addresses(self, addresses: pd.Index[Any]) -> Codes:
        """The atom of each address text."""
        packed = pack(addresses)
        v4 = 1 + np.searchsorted(self.v4, packed.v4.astype(np.uint64), side="right")
        v6 = 2 + len(self.v4) + np.searchsorted(self.v6, packed.v6, side="right")
        found: Codes = np.where(packed.is_v4, v4, np.where(packed.is_v6, v6, NO_ADDRESS)).astype(np.int64)
        return found

    def within(self, block: Block, atoms: Codes) -> Mask:
        """Whether each atom lies in a block: in its network and in none that it excludes."""
        inside = self._inside(block.cidr, atoms)
        for cidr in block.excluded:
            inside &= ~self._inside(cidr, atoms)
        return inside

    def _inside(self, cidr: str, atoms: Codes) -> Mask:
        network = ip_network(cidr)
        first, after = _bounds(network)
        if network.version == 4:
            low, high = (1 + int(np.searchsorted(self.v4, np.uint64(at), side="right")) for at in (first, after))
        else:
            low = 2 + len(self.v4) + int(np.searchsorted(self.v6, _bytes(first), side="right"))
            high = self.count
            if after < _ALL_V6:
                high = 2 + len(self.v4) + int(np.searchsorted(self.v6, _bytes(after), side="right"))
        inside: Mask = (atoms >= low) & (atoms < high)
        return inside


def _bounds(network: IPv4Network | IPv6Network) -> tuple[int, int]:
    return int(network.network_address), int(network.broadcast_address) + 1


def _bytes(number: int) -> np.bytes_:
    return np.bytes_(number.to_bytes(16, "big"))
