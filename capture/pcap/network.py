"""IPv4 and IPv6 headers of a batch as columns: addresses, protocol, where the next layer starts and ends, fragments.

Sources: RFC 791, RFC 8200, IANA's list of IPv6 extension headers. Options and extension headers are stepped over (the
agent's kernel program does not: it reads ports at a fixed offset). One IP header a packet is read; what tunnels carry is
another round of the same.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from capture.pcap.link import Located
from capture.pcap.octets import I64, U8, U16, U32, U64, Bool, big16, gather
from capture.pcap.records import Records

IPV4 = 0x0800
IPV6 = 0x86DD
FRAGMENT_OFFSET = 0x1FFF
MORE_FRAGMENTS = 0x2000

_FRAGMENT = 44
_AUTHENTICATION = 51
_EXTENSION = np.zeros(256, np.bool_)
_EXTENSION[[0, 43, _FRAGMENT, _AUTHENTICATION, 60, 135, 139, 140]] = True
_MOST_EXTENSIONS = 64

_IPV4 = np.dtype(
    {
        "names": ["version", "tos", "length", "ident", "fragment", "proto", "src", "dst"],
        "formats": ["u1", "u1", ">u2", ">u2", ">u2", "u1", ">u4", ">u4"],
        "offsets": [0, 1, 2, 4, 6, 9, 12, 16],
        "itemsize": 20,
    }
)
_IPV6 = np.dtype(
    {
        "names": ["version", "length", "proto", "src_hi", "src_lo", "dst_hi", "dst_lo"],
        "formats": [">u2", ">u2", "u1", ">u8", ">u8", ">u8", ">u8"],
        "offsets": [0, 4, 6, 8, 16, 24, 32],
        "itemsize": 40,
    }
)


@dataclass(frozen=True)
class Network:
    """One row an IP packet: `row` is its record, addresses as two 64-bit halves (IPv4: the low 32 bits).

    `start` is where the layer after all IP headers begins, `end` where the datagram or its captured part ends;
    `fragment` holds the 13-bit offset and the more-fragments bit as IPv4 does, `ident` the datagram's identification,
    `dscp` the six bits of the differentiated services field.
    """

    row: I64
    is_v6: U8
    src_hi: U64
    src_lo: U64
    dst_hi: U64
    dst_lo: U64
    proto: U8
    start: I64
    end: I64
    fragment: U16
    ident: U32
    dscp: U8

    def __len__(self) -> int:
        return len(self.row)

    def take(self, rows: npt.NDArray[np.integer] | Bool) -> Network:
        """Some of the packets."""
        return Network(**{field.name: getattr(self, field.name)[rows] for field in fields(Network)})

    def replaced(self, places: I64, others: Network) -> Network:
        """The same packets with other headers at some places."""
        changed = {field.name: getattr(self, field.name).copy() for field in fields(Network)}
        for name, column in changed.items():
            column[places] = getattr(others, name)
        return Network(**changed)


@dataclass(frozen=True)
class Frames:
    """Where a network layer may begin: the record each belongs to, its EtherType, where it starts and its bytes end."""

    buffer: U8
    row: I64
    etype: U16
    start: I64
    end: I64


def decode(records: Records, located: Located) -> Network:
    """Read the IP headers of a batch; frames whose header is cut or no IP header are left out.

    >>> packet = bytes.fromhex("4500001c 00000000 40110000 0a000001 0a000002 0035 0035 0008 0000") + bytes(128)
    >>> one = np.array([0])
    >>> records = Records(np.frombuffer(packet, np.uint8), one, one + 28, one + 28, one, link=101)
    >>> network = decode(records, Located(np.array([0x0800], np.uint16), one))
    >>> int(network.proto[0]), int(network.start[0]), int(network.end[0])
    (17, 20, 28)
    """
    frames = Frames(records.buffer, np.arange(len(records)), located.etype, located.start, records.end)
    return headers(frames)


def headers(frames: Frames) -> Network:
    """Read the IP headers of frames, IPv4 first; `row` of the result is that of the frames."""
    v4 = _ipv4(frames)
    return _joined(v4, _ipv6(frames)) if (frames.etype == IPV6).any() else v4


def _joined(v4: Network, v6: Network) -> Network:
    if not len(v4):
        return v6
    both = {field.name: (getattr(v4, field.name), getattr(v6, field.name)) for field in fields(Network)}
    return Network(**{name: np.concatenate(parts) for name, parts in both.items()})


def _candidates(frames: Frames, etype: int, size: int) -> I64:
    rows = np.flatnonzero(frames.etype == etype)
    return rows[frames.start[rows] + size <= frames.end[rows]]


def _ipv4(frames: Frames) -> Network:
    rows = _candidates(frames, IPV4, 20)
    header = gather(frames.buffer, frames.start[rows], _IPV4)
    good = _is_ipv4(header)
    if not good.all():
        rows, header = rows[good], header[good]
    start, length = frames.start[rows], header["length"]
    none = np.zeros(len(rows), np.uint64)
    return Network(
        row=frames.row[rows],
        is_v6=np.zeros(len(rows), np.uint8),
        src_hi=none,
        src_lo=header["src"].astype(np.uint64),
        dst_hi=none,
        dst_lo=header["dst"].astype(np.uint64),
        proto=header["proto"],
        start=start + ((header["version"] & 15).astype(np.int64) << 2),
        end=_end(frames.end[rows], start, length.astype(np.int64), length == 0),
        fragment=(header["fragment"] & (MORE_FRAGMENTS | FRAGMENT_OFFSET)).astype(np.uint16),
        ident=header["ident"].astype(np.uint32),
        dscp=(header["tos"] >> 2).astype(np.uint8),
    )


def _is_ipv4(header: npt.NDArray[np.void]) -> Bool:
    """Version 4, a header of at least 20 bytes that fits the total length (0 there: segmentation offload)."""
    version, length = header["version"], header["length"]
    words = version & 15
    fits: Bool = (length >= words.astype(np.uint16) << 2) | (length == 0)
    return (version >= 0x45) & (version <= 0x4F) & fits


def _end(captured: I64, start: I64, length: I64, unknown: Bool) -> I64:
    """Where the datagram ends: by its own length (an Ethernet trailer is not part of it), or where capturing stopped."""
    return np.where(unknown, captured, np.minimum(captured, start + length))


def _ipv6(frames: Frames) -> Network:
    rows = _candidates(frames, IPV6, 40)
    header = gather(frames.buffer, frames.start[rows], _IPV6)
    good = header["version"] >> 12 == 6
    rows, header = rows[good], header[good]
    chain = _chain(frames, rows, header)
    chain.follow()
    addresses = {name: header[name].astype(np.uint64) for name in ("src_hi", "src_lo", "dst_hi", "dst_lo")}
    return Network(
        row=frames.row[rows],
        is_v6=np.ones(len(rows), np.uint8),
        **addresses,
        proto=chain.proto,
        start=chain.start,
        end=chain.end,
        fragment=chain.fragment,
        ident=chain.ident,
        dscp=(header["version"] >> 6 & 0x3F).astype(np.uint8),
    )


def _chain(frames: Frames, rows: I64, header: npt.NDArray[np.void]) -> _Chain:
    start, length = frames.start[rows], header["length"]
    return _Chain(
        buffer=frames.buffer,
        proto=header["proto"].copy(),
        start=start + 40,
        # Payload length 0: a jumbogram or segmentation offload.
        end=_end(frames.end[rows], start, length.astype(np.int64) + 40, length == 0),
        fragment=np.zeros(len(rows), np.uint16),
        ident=np.zeros(len(rows), np.uint32),
    )


@dataclass
class _Chain:
    """IPv6 packets whose next header is stepped forward in place; a cut chain stays at the header that is not whole."""

    buffer: U8
    proto: U8
    start: I64
    end: I64
    fragment: U16
    ident: U32

    def follow(self) -> None:
        """Step over extension headers; behind a later fragment's header there is no further one to read."""
        packets = np.flatnonzero(_EXTENSION[self.proto])
        for _ in range(_MOST_EXTENSIONS):
            packets = packets[self.start[packets] + 8 <= self.end[packets]]
            if not len(packets):
                break
            self._note_fragments(packets[self.proto[packets] == _FRAGMENT])
            self._step(packets)
            later = self.fragment[packets] & FRAGMENT_OFFSET > 0
            packets = packets[_EXTENSION[self.proto[packets]] & ~later]

    def _note_fragments(self, packets: I64) -> None:
        word = big16(self.buffer, self.start[packets] + 2)
        self.fragment[packets] = (word >> 3) | np.where(word & 1, MORE_FRAGMENTS, 0).astype(np.uint16)
        self.ident[packets] = gather(self.buffer, self.start[packets] + 4, np.dtype(">u4"))

    def _step(self, packets: I64) -> None:
        here, kind = self.start[packets], self.proto[packets]
        size = self.buffer[here + 1].astype(np.int64)
        length = np.select([kind == _FRAGMENT, kind == _AUTHENTICATION], [8, (size + 2) * 4], (size + 1) * 8)
        self.proto[packets] = self.buffer[here]
        self.start[packets] = here + length
