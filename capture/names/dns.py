"""DNS responses → which address carries which name.

A chain of CNAMEs gives the address the name that was asked for; an address outside the chain (mDNS, name servers in the
additional section) has its record's own name. Each name of a message is read once, and compression pointers only lead
backwards, so no message costs more than its length. Sources: RFC 1035, RFC 3596, RFC 6762.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from functools import lru_cache

from capture.names.hostname import LONGEST, label

_HEADER = struct.Struct(">2xHHHHH")
_RECORD = struct.Struct(">HHIH")
RESPONSE, _CUT = 0x8000, 0x0200
NOT_ANSWERED = 0xF80F  # with `RESPONSE` alone in these bits, a message answers a query without error
_A, _CNAME, _AAAA = 1, 5, 28
_INTERNET = 1
_CLASS = 0x7FFF  # mDNS uses the upper bit of the class for itself
_MOST_QUESTIONS, _MOST_RECORDS, _MOST_POINTERS = 16, 4096, 64
_OFTEN = 512  # bytes; longer messages are not worth remembering
SHORTEST = 12 + 1 + 10  # a header and the least record


@dataclass(frozen=True)
class Answers:
    """Pairs of name and packed address in the order of the message; `cut` when its end is missing."""

    pairs: list[tuple[str, bytes]]
    cut: bool = False


def answers(message: bytes) -> Answers:
    """Read one message as UDP carries it; questions, errors and what is no DNS give no pairs.

    >>> head = bytes.fromhex("0001 8180 0001 0001 0000 0000") + b"\\4shop\\0" + bytes.fromhex("0001 0001")
    >>> answers(head + bytes.fromhex("c00c 0001 0001 0000003c 0004 0a000001")).pairs
    [('shop', b'\\n\\x00\\x00\\x01')]
    """
    # Name servers repeat themselves; only the first two bytes, the query's number, differ.
    return _repeated(message[2:]) if len(message) <= _OFTEN else _read(message)


def _read(message: bytes) -> Answers:
    if len(message) < _HEADER.size:
        return Answers([])
    flags, questions, *records = _HEADER.unpack_from(message)
    if flags & NOT_ANSWERED != RESPONSE:
        return Answers([])
    walk = _Message(message)
    asked = walk.questions(min(questions, _MOST_QUESTIONS))
    whole = asked is not None and walk.records(min(sum(records), _MOST_RECORDS))
    chain = _chain(asked, walk.aliases)
    pairs = [(asked if asked and owner in chain else owner, address) for owner, address in walk.addresses if owner]
    return Answers(pairs, cut=not whole or bool(flags & _CUT))


@lru_cache(maxsize=4096)
def _repeated(body: bytes) -> Answers:
    return _read(b"\0\0" + body)


def first_message(stream: bytes) -> bytes | None:
    """The message at the start of a TCP stream, without the length before it; None while its end is missing.

    >>> first_message(b"\\0\\2ab"), first_message(b"\\0\\3ab")
    (b'ab', None)
    """
    end = 2 + int.from_bytes(stream[:2], "big")
    return stream[2:end] if 2 <= end <= len(stream) and len(stream) >= 2 else None


def _chain(asked: str | None, aliases: dict[str, str]) -> set[str]:
    """The names that the one asked for stands for, itself included."""
    names: set[str] = set()
    while asked and asked not in names:
        names.add(asked)
        asked = aliases.get(asked)
    return names


@dataclass
class _Message:
    """A walk through a message; what does not fit ends it, and what was read before stays."""

    octets: bytes
    place: int = _HEADER.size
    aliases: dict[str, str] = field(default_factory=dict)
    addresses: list[tuple[str, bytes]] = field(default_factory=list)
    _names: dict[int, str | None] = field(default_factory=dict)

    def questions(self, count: int) -> str | None:
        """Step over the questions; the first one's name ("" without any), None when they do not fit."""
        first = ""
        for number in range(count):
            name = self._name()
            self.place += 4
            if name is None or self.place > len(self.octets):
                return None
            first = first if number else name
        return first

    def records(self, count: int) -> bool:
        """Collect addresses and aliases; False when not all the records are there."""
        return all(self._record() for _ in range(count))

    def _record(self) -> bool:
        owner = self._name()
        begin = self.place + _RECORD.size
        if owner is None or begin > len(self.octets):
            return False
        kind, group, _, size = _RECORD.unpack_from(self.octets, self.place)
        if begin + size > len(self.octets):
            return False
        if group & _CLASS == _INTERNET:
            self._note(owner, kind, begin, size)
        self.place = begin + size
        return True

    def _note(self, owner: str, kind: int, begin: int, size: int) -> None:
        if (kind, size) in ((_A, 4), (_AAAA, 16)):
            self.addresses.append((owner, self.octets[begin : begin + size]))
        elif kind == _CNAME:
            self.place = begin
            self.aliases.setdefault(owner, self._name() or "")

    def _name(self) -> str | None:
        """The name at `place`, and go behind it; None for one that does not fit or does not end."""
        begin = self.place
        if begin + 1 < len(self.octets) and self.octets[begin] >= 0xC0:
            self.place = begin + 2
            return self._pointed(begin, begin, 0)
        return self._labels(begin, 0)

    def _pointed(self, pointer: int, begin: int, depth: int) -> str | None:
        target = int.from_bytes(self.octets[pointer : pointer + 2], "big") & 0x3FFF
        if target >= begin or depth > _MOST_POINTERS:
            return None
        if target not in self._names:
            behind = self.place
            self._names[target] = self._labels(target, depth + 1)
            self.place = behind
        return self._names[target]

    def _labels(self, begin: int, depth: int) -> str | None:
        octets, here, labels = self.octets, begin, list[str]()
        while here < len(octets) and here - begin <= LONGEST:
            size = octets[here]
            if size == 0:
                self.place = here + 1
                return ".".join(labels)
            if size >= 0xC0:
                rest = self._pointed(here, begin, depth) if here + 1 < len(octets) else None
                self.place = here + 2
                return _joined(labels, rest)
            if size > 63 or here + 1 + size > len(octets):
                return None
            labels.append(label(octets[here + 1 : here + 1 + size]))
            here += 1 + size
        return None


def _joined(labels: list[str], rest: str | None) -> str | None:
    if rest is None:
        return None
    whole = ".".join([*labels, rest]) if rest else ".".join(labels)
    # Escapes are four characters a byte; a name in them stays bounded all the same.
    return whole if len(whole) <= 4 * LONGEST else None
