"""Bytes of a capture: plain, gzip in members, damaged, through a pipe; the window that slides over them."""

from __future__ import annotations

import gzip
import os
import threading
import zlib

import pytest

from capture.pcap.stream import Window, open_stream
from flowkit.errors import CaptureError
from tests.capture.craft import save

DATA = bytes(range(256)) * 2000


def content(path, chunk=1000) -> tuple[bytes, int | None, int]:
    with open_stream(path) as stream:
        window, data = Window(stream, chunk), b""
        while window.slide(window.have):
            data += bytes(window.buffer[: window.have])
        return data, stream.damage, stream.position


def test_plain_bytes_come_as_they_are(tmp_path):
    assert content(save(tmp_path, "a", DATA)) == (DATA, None, len(DATA))


def test_gzip_is_told_by_content_not_by_name(tmp_path):
    packed = gzip.compress(DATA)
    assert content(save(tmp_path, "a.pcap", packed)) == (DATA, None, len(packed))
    assert content(save(tmp_path, "a.pcap.gz", DATA)) == (DATA, None, len(DATA))


def test_gzip_members_and_padding_follow_each_other(tmp_path):
    packed = gzip.compress(DATA) + bytes(7) + gzip.compress(b"more") + bytes(300_000)
    assert content(save(tmp_path, "a.gz", packed)) == (DATA + b"more", None, len(packed))


@pytest.mark.parametrize("kept", [30, 200, 1000])
def test_a_cut_gzip_gives_what_came_before_the_cut(tmp_path, kept):
    packed = gzip.compress(os.urandom(5000), 0)[:kept]
    data, damage, _ = content(save(tmp_path, "a.gz", packed))
    assert (len(data), damage) == (len(zlib.decompressobj(31).decompress(packed)), kept)


def test_a_broken_gzip_gives_all_bytes_before_the_break(tmp_path):
    first, second = gzip.compress(DATA), gzip.compress(b"x" * 50)
    broken = first + second[:10] + b"\xff" * 20
    data, damage, _ = content(save(tmp_path, "a.gz", broken))
    assert data == DATA
    assert len(first) + 10 <= damage < len(broken)


def test_a_wrong_checksum_is_damage_but_costs_no_byte(tmp_path):
    packed = gzip.compress(DATA)
    data, damage, _ = content(save(tmp_path, "a.gz", packed[:-8] + b"\0" * 8))
    assert data == DATA
    assert damage >= len(packed) - 8


def test_a_pipe_is_read_although_it_cannot_be_rewound(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(gzip.compress(DATA),))
    writer.start()
    assert content(pipe)[0] == DATA
    writer.join()


@pytest.mark.parametrize(("name", "reason"), [("absent", "No such file"), ("", "Is a directory")])
def test_what_cannot_be_opened_is_one_line(tmp_path, name, reason):
    with pytest.raises(CaptureError, match=reason), open_stream(tmp_path / name):
        pass


def test_a_window_keeps_what_was_not_used(tmp_path):
    with open_stream(save(tmp_path, "a", b"abcdefgh")) as stream:
        window = Window(stream, 3)
        assert window.fill(5)
        assert bytes(window.buffer[: window.have]) == b"abcdef"
        assert window.slide(4)
        assert (bytes(window.buffer[: window.have]), window.origin) == (b"efgh", 4)
        assert not window.fill(9)
        assert (window.drain(), window.origin) == (4, 8)


def test_a_window_uses_memory_again_that_nobody_looks_at_any_more(tmp_path):
    with open_stream(save(tmp_path, "a", DATA)) as stream:
        window = Window(stream, 1000)
        places = {window.buffer.ctypes.data for _ in range(20) if window.slide(window.have)}
        assert len(places) == 2


def test_who_keeps_an_array_over_a_window_keeps_its_bytes(tmp_path):
    with open_stream(save(tmp_path, "a", DATA)) as stream:
        window, kept = Window(stream, 1000), []
        while window.slide(window.have):
            kept.append(window.buffer[: window.have])
        assert b"".join(part.tobytes() for part in kept) == DATA
