"""A capture file's container → batches of packet records. Tells containers by their magic; knows nothing of packets."""

from __future__ import annotations

from collections.abc import Iterator

from capture.pcap import classic, pcapng
from capture.pcap.packed import GZIP, XZ, ZSTD
from capture.pcap.records import Damage, Records
from capture.pcap.stream import Stream, Window
from flowkit.errors import CaptureError

CHUNK = 4 << 20

_HEAD = 1024  # bytes enough to tell what a file is

_PACKED_TWICE = {GZIP: "gzip", XZ: "xz", ZSTD: "zstd"}

# Records that have been found but not read yet: small, and reading them is another process's work where that pays.
Walked = classic.Walked | pcapng.Walked


def is_capture(head: bytes) -> bool:
    """Whether bytes begin a capture (pcap of any kind, or pcapng).

    >>> is_capture(bytes.fromhex("d4c3b2a1")), is_capture(b"{}")
    (True, False)
    """
    return head[:4] in classic.MAGIC or head[:4] == pcapng.MAGIC


def batches(stream: Stream, name: str, chunk: int = CHUNK) -> Iterator[Records | Damage]:
    """Yield the records of a capture, about `chunk` bytes at a time, and a last `Damage` if bytes were left over.

    `name` stands in errors. Raises `CaptureError` for what is not a capture, or one whose file header is not whole.

    >>> import io
    >>> one = bytes.fromhex("d4c3b2a1 02000400 00000000 00000000 00000400 01000000") + bytes(8) + b"\\3\\0\\0\\0" * 2 + b"abc"
    >>> [len(records) for records in batches(io.BytesIO(one), "one.pcap")]
    [1]
    """
    for found in walk(stream, name, chunk):
        if isinstance(found, Damage):
            yield found
        else:
            yield from found.parts()


def walk(stream: Stream, name: str, chunk: int = CHUNK) -> Iterator[Walked | Damage]:
    """Do the serial part of `batches`: find the records and leave reading them to `Walked.parts`."""
    window = Window(stream, chunk)
    window.fill(classic.HEADER_SIZE)
    head = bytes(window.buffer[: min(window.have, _HEAD)])
    if pcapng.begins(head):
        return pcapng.batches(window)
    if head[:4] in classic.MAGIC and len(head) >= classic.HEADER_SIZE:
        return classic.batches(window)
    raise CaptureError(f"{name}: {_refusal(head, stream)}")


def _refusal(head: bytes, stream: Stream) -> str:
    """Say why this is not a capture that can be read, and the way out."""
    if not head:
        what = "damaged packed data" if stream.damage is not None else "an empty file (0 bytes)"
        return f"{what}, without even the header of a capture: record or copy it again"
    if twice := next((what for magic, what in _PACKED_TWICE.items() if head.startswith(magic)), None):
        return f"packed twice, inside with {twice}: unpack it once first"
    if is_capture(head):
        size = classic.HEADER_SIZE if head[:4] in classic.MAGIC else pcapng.HEADER_SIZE
        if len(head) >= size:
            return "a pcapng file whose first section header is damaged: record or copy it again"
        return f"cut inside its {size}-byte header: record or copy it again"
    if _is_text(head):
        return "a text file, not a packet capture"
    return f"not a packet capture (starts with {head[:4].hex(' ')}): 'editcap -F pcap IN OUT' may convert it"


def _is_text(head: bytes) -> bool:
    return all(octet >= ord(" ") or octet in b"\t\n\r\f" for octet in head)
