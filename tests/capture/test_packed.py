"""xz and zstd: whole, in members, cut and broken; and what is said where nothing can unpack zstd."""

from __future__ import annotations

import lzma
import shutil
import subprocess
from random import Random

import pytest

from capture.pcap import packed
from capture.pcap.stream import Window, open_stream
from flowkit.errors import CaptureError
from tests.capture.craft import save

DATA = bytes(range(256)) * 2000


def content(path, chunk=1000):
    with open_stream(path) as stream:
        window, data = Window(stream, chunk), b""
        while window.slide(window.have):
            data += bytes(window.buffer[: window.have])
        return data, stream.damage


def zstd(data: bytes) -> bytes:
    if not shutil.which("zstd"):
        pytest.skip("zstd is absent")
    return subprocess.run(["zstd", "-qc"], input=data, capture_output=True, check=True).stdout


def test_xz_members_follow_each_other(tmp_path):
    whole = lzma.compress(DATA) + bytes(8) + lzma.compress(b"more")
    assert content(save(tmp_path, "a", whole)) == (DATA + b"more", None)


def test_a_cut_xz_gives_what_came_before_the_cut(tmp_path):
    random = Random(7).randbytes(100_000)
    whole = lzma.compress(random)
    data, damage = content(save(tmp_path, "a", whole[:50_000]))
    assert random.startswith(data)
    assert (len(data) > 30_000, damage) == (True, 50_000)


def test_a_broken_xz_is_damage(tmp_path):
    whole = lzma.compress(DATA)
    data, damage = content(save(tmp_path, "a", whole[:30] + b"\xff" * 20 + whole[50:]))
    assert damage is not None
    assert DATA.startswith(data)


def test_zstd_frames_follow_each_other(tmp_path):
    assert content(save(tmp_path, "a", zstd(DATA) + zstd(b"more"))) == (DATA + b"more", None)


def test_a_cut_zstd_is_damage(tmp_path):
    data, damage = content(save(tmp_path, "a", zstd(DATA)[:-3]))
    assert DATA.startswith(data)
    assert damage is not None


def test_leaving_early_ends_the_program(tmp_path):
    with open_stream(save(tmp_path, "a", zstd(DATA))) as stream:
        assert stream.readinto(memoryview(bytearray(10))) == 10


def test_nothing_to_unpack_zstd_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(packed.shutil, "which", lambda _: None)
    monkeypatch.setattr(packed, "import_module", _absent)
    with pytest.raises(CaptureError, match="install the program 'zstd'"):
        content(save(tmp_path, "a", packed.ZSTD + bytes(9)))


def _absent(name):
    raise ImportError(name)
