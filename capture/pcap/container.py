"""A capture file's container → batches of packet records. Tells containers by their magic; knows nothing of packets."""

from __future__ import annotations

from collections.abc import Iterator

from capture.pcap import classic
from capture.pcap.records import Damage, Records
from capture.pcap.stream import Stream, Window
from flowkit.errors import CaptureError

CHUNK = 4 << 20

_HEAD = 1024  # bytes enough to tell what a file is

_NOT_YET = {
    b"\x0a\x0d\x0d\x0a": "pcapng is not read yet: convert it with 'editcap -F pcap IN OUT'",
    b"\x28\xb5\x2f\xfd": "packed with zstd: unpack it with 'zstd -d' first",
    b"\xfd7zX": "packed with xz: unpack it with 'xz -d' first",
    b"\x1f\x8b": "packed twice with gzip: unpack it once first",
}


def is_capture(head: bytes) -> bool:
    """Whether bytes begin a capture (pcap of any kind, or pcapng).

    >>> is_capture(bytes.fromhex("d4c3b2a1")), is_capture(b"{}")
    (True, False)
    """
    return head[:4] in classic.MAGIC or head[:4] == b"\x0a\x0d\x0d\x0a"


def batches(stream: Stream, name: str, chunk: int = CHUNK) -> Iterator[Records | Damage]:
    """Yield the records of a capture, about `chunk` bytes at a time, and a last `Damage` if bytes were left over.

    `name` stands in errors. Raises `CaptureError` for what is not a capture, or one whose file header is not whole.

    >>> import io
    >>> one = bytes.fromhex("d4c3b2a1 02000400 00000000 00000000 00000400 01000000") + bytes(8) + b"\\3\\0\\0\\0" * 2 + b"abc"
    >>> [len(records) for records in batches(io.BytesIO(one), "one.pcap")]
    [1]
    """
    window = Window(stream, chunk)
    window.fill(classic.HEADER_SIZE)
    head = bytes(window.buffer[: min(window.have, _HEAD)])
    if head[:4] not in classic.MAGIC or len(head) < classic.HEADER_SIZE:
        raise CaptureError(f"{name}: {_refusal(head, stream)}")
    return classic.batches(window)


def _refusal(head: bytes, stream: Stream) -> str:
    """Say why this is not a capture that can be read, and the way out."""
    if not head:
        what = "damaged gzip data" if stream.damage is not None else "an empty file (0 bytes)"
        return f"{what}, without even the header of a capture: record or copy it again"
    if known := next((way_out for magic, way_out in _NOT_YET.items() if head.startswith(magic)), None):
        return known
    if head[:4] in classic.MAGIC:
        return f"cut inside its {classic.HEADER_SIZE}-byte header: record or copy it again"
    if _is_text(head):
        return "a text file, not a packet capture"
    return f"not a packet capture (starts with {head[:4].hex(' ')}): 'editcap -F pcap IN OUT' may convert it"


def _is_text(head: bytes) -> bool:
    return all(octet >= ord(" ") or octet in b"\t\n\r\f" for octet in head)
