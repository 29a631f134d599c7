"""Of a flow only the copies of the place that saw it first are kept."""

from __future__ import annotations

import gzip
from pathlib import Path

from data.lab.merge import FILE_HEADER, NANOSECONDS, PACKET_HEADER, flow_of, merge, write

NODE, POD = bytes.fromhex("0a580a800001"), bytes.fromhex("0a580a800005")


def frame(source: bytes, ports: bytes = b"\x9c\x40\x00\x50") -> bytes:
    ip = bytes([0x45]) + bytes(8) + b"\x06" + bytes(2) + b"\x0a\x80\x00\x05" + b"\x0a\x80\x00\x06"
    return bytes(6) + source + b"\x08\x00" + ip + ports + bytes(16)


ARP = bytes(6) + POD + b"\x08\x06" + bytes(28)


def capture(path: Path, *packets: tuple[int, bytes]) -> Path:
    parts = [FILE_HEADER.pack(NANOSECONDS, 2, 4, 0, 0, 262144, 1)]
    parts += [PACKET_HEADER.pack(1, at, len(data), len(data)) + data for at, data in packets]
    path.write_bytes(b"".join(parts))
    return path


def test_a_routed_packet_counts_once(tmp_path: Path) -> None:
    inner = capture(tmp_path / "br0", (10, frame(POD)), (20, frame(NODE)), (50, frame(POD)), (60, frame(NODE)))
    outer = capture(tmp_path / "eth0", (30, frame(NODE)))
    kept = merge([("br0", inner), ("eth0", outer)], "br0", frozenset({NODE}))
    assert [packet.nanoseconds for packet in kept] == [10, 50]


def test_other_ports_are_another_flow(tmp_path: Path) -> None:
    inner = capture(tmp_path / "br0", (10, frame(POD)), (20, frame(NODE, b"\x9c\x40\x1f\x90")))
    kept = merge([("br0", inner)], "br0", frozenset({NODE}))
    assert [packet.nanoseconds for packet in kept] == [10, 20]


def test_arp_is_kept_from_the_inner_interface(tmp_path: Path) -> None:
    inner, outer = capture(tmp_path / "br0", (10, ARP)), capture(tmp_path / "eth0", (20, ARP))
    kept = merge([("br0", inner), ("eth0", outer)], "br0", frozenset())
    assert flow_of(ARP) is None
    assert [packet.interface for packet in kept] == ["br0"]


def test_the_same_packets_give_the_same_file(tmp_path: Path) -> None:
    inner = capture(tmp_path / "br0", (10, ARP), (20, frame(POD)))
    packets = merge([("br0", inner)], "br0", frozenset())
    write(packets, tmp_path / "a.pcap.gz")
    write(packets, tmp_path / "b.pcap.gz")
    assert (tmp_path / "a.pcap.gz").read_bytes() == (tmp_path / "b.pcap.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.pcap.gz").read_bytes()) == inner.read_bytes()
