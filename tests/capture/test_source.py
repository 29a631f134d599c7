"""The plug-in by which flowkit reads captures."""

from __future__ import annotations

import pytest

from capture import source
from flowkit.errors import CaptureError
from tests.capture.craft import Frame, ether, ip4, pcap, save, udp

HEAD = pcap([])


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (HEAD, "flows.bin", True),
        (b"\x0a\x0d\x0d\x0a", "x", True),
        (b"some text", "x.pcap", True),
        (b"", "X.PCAP.GZ", True),
        (b"[{}]", "flows.json", False),
        (b"", "flows.json", False),
    ],
)
def test_captures_are_recognised(head, name, expected):
    assert source.recognises(head, name) is expected


def test_it_reads_as_read_pcap_does(tmp_path):
    assert source.NAME == "pcap"
    assert len(source.read([save(tmp_path, "a.pcap", pcap([Frame(ether(ip4(udp(), 17)))]))])) == 1
    with pytest.raises(CaptureError, match="a text file"):
        source.read([save(tmp_path, "b.pcap", b"text\n")])
