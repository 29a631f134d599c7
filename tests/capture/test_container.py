"""Containers by their magic: what is a capture, and one clear line for what is none."""

from __future__ import annotations

import gzip

import pytest

from capture.pcap.container import batches, is_capture
from capture.pcap.stream import open_stream
from flowkit.errors import CaptureError
from tests.capture.craft import pcap, save

WHOLE = pcap([])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", r"an empty file \(0 bytes\)"),
        (WHOLE[:23], "cut inside its 24-byte header"),
        (WHOLE[:4], "cut inside its 24-byte header"),
        (b"time,src,dst\n1,2,3\n", "a text file, not a packet capture"),
        (b"\x0a\x0d\x0d\x0a" + bytes(40), "first section header is damaged"),
        (b"\x28\xb5\x2f\xfd" + bytes(40), "damaged packed data"),
        (b"\xfd7zXZ\0" + bytes(40), "damaged packed data"),
        (bytes(40), r"not a packet capture \(starts with 00 00 00 00\)"),
        (gzip.compress(gzip.compress(WHOLE, mtime=0), mtime=0), "packed twice"),
        (gzip.compress(WHOLE, mtime=0)[:9], "damaged packed data"),
        (gzip.compress(b"", mtime=0), "an empty file"),
    ],
    ids=["empty", "short", "magic", "text", "pcapng", "zstd", "xz", "zeros", "twice", "damaged", "empty-gzip"],
)
def test_what_is_no_capture_is_refused_in_one_line_with_its_name(tmp_path, data, message):
    path = save(tmp_path, "a.pcap", data)
    with pytest.raises(CaptureError, match=message) as caught, open_stream(path) as stream:
        list(batches(stream, str(path)))
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("magic", ["a1b2c3d4", "d4c3b2a1", "a1b23c4d", "4d3cb2a1", "a1b2cd34", "34cdb2a1", "0a0d0d0a"])
def test_captures_are_recognised_by_their_magic(magic):
    assert is_capture(bytes.fromhex(magic))


def test_a_header_alone_gives_no_batch(tmp_path):
    with open_stream(save(tmp_path, "a.pcap", WHOLE)) as stream:
        assert list(batches(stream, "a.pcap")) == []
