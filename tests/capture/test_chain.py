"""The records of a buffer, followed at many places at once, are those followed one by one, whatever lies in it."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.pcap import chain
from capture.pcap.chain import Chain
from capture.pcap.octets import SPARE


def one_by_one(data: bytes, order: str, header: int) -> list[int]:
    """The plain reading of the format."""
    found, here = [], 0
    while here + header <= len(data):
        (captured,) = struct.unpack_from(f"{order}I", data, here + 8)
        if here + header + captured > len(data):
            break
        found.append(here)
        here += header + captured
    return found


def at_once(data: bytes, order: str, header: int) -> list[int]:
    buffer = np.frombuffer(data + bytes(SPARE), np.uint8)
    return Chain(buffer, len(data), order, header).offsets(0).tolist()


def record(order: str, header: int, second: int, packet: bytes) -> bytes:
    head = struct.pack(f"{order}IIII", second, 7, len(packet), len(packet))
    return head + bytes(header - 16) + packet


def capture_of(seed: int, order: str, header: int, second: int, bait: bool) -> bytes:
    """Records of many sizes; `bait` puts into packets what looks like a record's time."""
    random = np.random.default_rng(seed)
    sizes = random.integers(0, random.choice([40, 400, 1500]), 3000)
    times = second + np.arange(len(sizes)) // 40
    lure = struct.pack(f"{order}I", second) * 5 if bait else b""
    packets = [(lure + random.bytes(size))[: max(size, len(lure))] for size in sizes.tolist()]
    return b"".join(record(order, header, *each) for each in zip(times.tolist(), packets, strict=True))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("header", [16, 24])
@pytest.mark.parametrize("bait", [False, True], ids=["plain", "bait"])
@pytest.mark.parametrize("second", [0, 0xFFFFFF00, 1_800_000_000])
def test_many_places_at_once_find_the_same(order: str, header: int, bait: bool, second: int) -> None:
    data = capture_of(second & 7, order, header, second & 0xFFFFFF00, bait)
    expected = one_by_one(data, order, header)
    assert len(expected) == 3000
    assert at_once(data, order, header) == expected
    assert at_once(data[:-5], order, header) == one_by_one(data[:-5], order, header)


@given(st.integers(0, 2**32), st.integers(0, 5), st.booleans())
def test_damage_anywhere_changes_nothing(seed: int, faults: int, bait: bool) -> None:
    random = np.random.default_rng(seed)
    data = bytearray(capture_of(seed % 4, "<", 16, 1_800_000_000, bait))
    records = one_by_one(bytes(data), "<", 16)
    for _ in range(faults):
        place = (
            int(random.choice(records)) + int(random.integers(8, 12)) if seed & 1 else int(random.integers(len(data)))
        )
        data[place] = random.integers(256)
    data = data[: int(random.integers(len(data) // 2, len(data)))]
    assert at_once(bytes(data), "<", 16) == one_by_one(bytes(data), "<", 16)


def test_guesses_are_made_and_join(monkeypatch: pytest.MonkeyPatch) -> None:
    """Most of a sane capture is not followed one by one."""
    alone: list[int] = []
    follow = Chain._follow

    def counted(self: Chain, *given: object, **named: object) -> object:
        found, here = follow(self, *given, **named)  # type: ignore[arg-type]
        alone.append(len(found))
        return found, here

    monkeypatch.setattr(Chain, "_follow", counted)
    data = capture_of(1, "<", 16, 1_800_000_000, bait=False)
    assert len(at_once(data, "<", 16)) == 3000
    assert sum(alone) == chain._SAMPLE
