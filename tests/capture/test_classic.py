"""Classic pcap records: units, byte orders, the wide header, link type bits, cuts and damage."""

from __future__ import annotations

import struct

import pytest

from capture.pcap.container import batches
from capture.pcap.records import Damage
from capture.pcap.stream import open_stream
from tests.capture.craft import NOON, SECOND, Frame, pcap, record, save

FRAMES = [Frame(b"\x01" * 60, 1500, NOON + 123_456_789), Frame(b"", 0, NOON + SECOND), Frame(b"\x02" * 90, None, NOON)]


def read(folder, data, chunk=1 << 20):
    with open_stream(save(folder, "a.pcap", data)) as stream:
        found = list(batches(stream, "a.pcap", chunk))
    rows = [
        (bytes(part.buffer[start : start + size]), wire, time, part.link)
        for part in found
        if not isinstance(part, Damage)
        for start, size, wire, time in zip(*(column.tolist() for column in columns(part)), strict=True)
    ]
    return rows, [part for part in found if isinstance(part, Damage)]


def columns(part):
    return part.start, part.captured, part.wire, part.time


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("magic", "nano", "header"),
    [(0xA1B2C3D4, False, 16), (0xA1B23C4D, True, 16), (0xA1B2CD34, False, 24)],
    ids=["us", "ns", "wide"],
)
@pytest.mark.parametrize("chunk", [1, 50, 1 << 20])
def test_every_kind_gives_the_same_records(tmp_path, order, magic, nano, header, chunk):
    data = pcap(FRAMES, order=order, nano=nano, magic=magic, header=header)
    unit = 1 if nano else 1000
    expected = [(frame.data, frame.length, frame.time // unit * unit, 1) for frame in FRAMES]
    assert read(tmp_path, data, chunk) == (expected, [])


def test_upper_bits_of_the_link_type_are_not_part_of_it(tmp_path):
    rows, _ = read(tmp_path, pcap(FRAMES, link=0xF4000001))
    assert {row[3] for row in rows} == {1}


@pytest.mark.parametrize("chunk", [7, 1 << 20])
@pytest.mark.parametrize("lost", [1, 89, 90, 91, 105])
def test_a_cut_record_is_left_over_with_its_offset(tmp_path, lost, chunk):
    rows, damage = read(tmp_path, pcap(FRAMES)[:-lost], chunk)
    assert len(rows) == 2
    assert damage == [Damage(24 + 76 + 16, 106 - lost, cut=True)]


@pytest.mark.parametrize("chunk", [7, 1 << 20])
def test_a_record_too_long_to_be_true_stops_the_reading(tmp_path, chunk):
    insane = struct.pack("<IIII", 0, 0, 256 * 1024 + 1, 60)
    data = pcap(FRAMES) + insane + record(FRAMES[0]) * 3
    rows, damage = read(tmp_path, data, chunk)
    assert len(rows) == 3
    assert damage == [Damage(len(pcap(FRAMES)), 16 + 3 * 76, cut=False)]


def test_a_long_insane_record_that_lies_whole_in_the_file_stops_it_too(tmp_path):
    insane = struct.pack("<IIII", 0, 0, 300_000, 60) + bytes(300_000)
    rows, damage = read(tmp_path, pcap(FRAMES) + insane + record(FRAMES[0]))
    assert (len(rows), damage[0].cut) == (3, False)


def test_the_longest_sane_record_is_read_in_small_chunks(tmp_path):
    rows, damage = read(tmp_path, pcap([Frame(bytes(256 * 1024))]), 100_000)
    assert (len(rows[0][0]), damage) == (256 * 1024, [])


def test_time_cannot_overflow_and_a_long_fraction_is_carried(tmp_path):
    data = pcap([]) + struct.pack("<IIII", 0xFFFFFFFF, 0xFFFFFFFF, 0, 0)
    rows, _ = read(tmp_path, data)
    assert rows[0][2] == 0xFFFFFFFF * SECOND + 0xFFFFFFFF * 1000
