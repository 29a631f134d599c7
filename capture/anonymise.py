"""Addresses of a flow table replaced by others, with a key, so that a report can be shared.

Prefix-preserving as Crypto-PAn: two addresses share exactly as many leading bits afterwards as before, so subnets stay subnets.
Each bit is turned or not by a keyed hash (BLAKE2b) of the bits before it. Bits on the way to a special range are never turned:
private, loopback, link-local, multicast and other special addresses stay in their range, and no other gets there. Names (of
pods, in DNS) are not addresses and stay: leave those columns out where they tell too much.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flowkit.contract import FIELDS
from flowkit.errors import CaptureError

if TYPE_CHECKING:
    import pandas as pd

LEAST_KEY = 16

_SPECIAL_4 = """0.0.0.0/32 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.168.0.0/16 224.0.0.0/4
    224.0.0.0/24 255.255.255.255/32"""
_SPECIAL_6 = "::/127 ::ffff:0:0/96 2000::/3 fc00::/7 fe80::/64 ff00::/8 ff02::/112"
# The eight bits behind it say how far a group reaches.
_MULTICAST_6 = 0xFF
_MACS = ("SrcMac", "DstMac")


class Anonymiser:
    """The mapping of one key: the same address gives the same result in every table.

    >>> one = Anonymiser(b"a key of at least 16 bytes")
    >>> one.address("10.0.0.1").startswith("10."), one.address("224.0.0.251").startswith("224.0.0.")
    (True, True)
    """

    def __init__(self, key: bytes) -> None:
        if len(key) < LEAST_KEY:
            raise CaptureError(f"the key to anonymise with has {len(key)} bytes: it needs at least {LEAST_KEY}")
        # BLAKE2b takes keys of at most 64 bytes.
        self._key = hashlib.blake2b(key).digest()
        self._turned: dict[tuple[int, int, int], int] = {}
        self._fixed = {
            step for network in f"{_SPECIAL_4} {_SPECIAL_6}".split() for step in _steps(ipaddress.ip_network(network))
        }

    def address(self, text: str) -> str:
        """The address in place of another; what is no address stays."""
        try:
            given = ipaddress.ip_address(text)
        except ValueError:
            return text
        if given.version == 6 and given.ipv4_mapped is not None:
            return f"::ffff:{self.address(str(given.ipv4_mapped))}"
        number, size = int(given), given.max_prefixlen
        bits = [self._bit(given.version, length, number >> (size - length)) for length in range(size)]
        mask = sum(bit << (size - 1 - place) for place, bit in enumerate(bits))
        return str(type(given)(number ^ mask))

    def mac(self, text: str) -> str:
        """A locally administered MAC address in place of another; group addresses stay groups."""
        digest = hashlib.blake2b(text.lower().encode(), key=self._key, digest_size=6, person=b"mac").digest()
        group = int(text[:2], 16) & 1
        return bytes([digest[0] & 0xFC | 2 | group, *digest[1:]]).hex(":")

    def _bit(self, version: int, length: int, prefix: int) -> int:
        """Whether the bit behind a prefix is turned."""
        step = (version, length, prefix)
        if step in self._fixed or (version == 6 and 8 <= length < 16 and prefix >> (length - 8) == _MULTICAST_6):
            return 0
        if step not in self._turned:
            said = hashlib.blake2b(b"%d %d %d" % step, key=self._key, digest_size=1).digest()
            self._turned[step] = said[0] & 1
        return self._turned[step]


def _steps(network: ipaddress.IPv4Network | ipaddress.IPv6Network) -> list[tuple[int, int, int]]:
    number, size = int(network.network_address), network.max_prefixlen
    return [(network.version, length, number >> (size - length)) for length in range(network.prefixlen)]


def anonymise(flows: pd.DataFrame, key: bytes) -> pd.DataFrame:
    """Return `flows` with all addresses replaced: IP, MAC, and in the names of captures and their account.

    Raises `CaptureError` for a key shorter than 16 bytes.

    >>> import pandas as pd
    >>> flows = anonymise(pd.DataFrame({"SrcAddr": ["127.0.0.1"], "DstPort": [443]}), b"a key of at least 16 bytes")
    >>> flows["SrcAddr"][0].startswith("127."), int(flows["DstPort"][0])
    (True, 443)
    """
    hidden = Anonymiser(key)
    names = [str(name) for name in flows.columns]
    columns = {name: _replaced(flows[name], hidden.address) for name in names if _is_address(name)}
    columns |= {name: _replaced(flows[name], hidden.mac) for name in _MACS if name in names}
    if "CaptureFile" in flows:
        columns["CaptureFile"] = _replaced(flows["CaptureFile"], lambda name: _file(name, hidden))
    told = flows.assign(**columns)
    told.attrs = {name: _plain(value, hidden) for name, value in flows.attrs.items()}
    return told


def _is_address(name: str) -> bool:
    return name in FIELDS and FIELDS[name].type == "address"


def _replaced(column: pd.Series[Any], change: Any) -> pd.Series[Any]:
    """Change each distinct text once."""
    import pandas as pd

    codes, distinct = pd.factorize(column.astype(object))
    changed = [change(str(value)) for value in distinct]
    new = pd.Categorical([changed[code] if code >= 0 else None for code in codes])
    return pd.Series(new, index=column.index, name=column.name)


def _plain(value: Any, hidden: Anonymiser) -> Any:
    """Provenance and account, with other names for files that are named by an address."""
    if isinstance(value, Mapping):
        return {_plain(name, hidden): _plain(each, hidden) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_plain(each, hidden) for each in value)
    return _words(value, hidden) if isinstance(value, str) else value


def _words(text: str, hidden: Anonymiser) -> str:
    return " ".join(_file(word, hidden) for word in text.split(" "))


def _file(name: str, hidden: Anonymiser) -> str:
    """A file or node name made of an address, with another one."""
    from pathlib import PurePath

    from capture.agent import agent_address, capture_name

    path = PurePath(name)
    node = capture_name(path) if path.name else name
    address = agent_address(node)
    return hidden.address(address) + path.name[len(node) :] if address else name
