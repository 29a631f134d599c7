"""The flow table by pyshark is the fast reader's: on crafted packets of every kind and on the recorded cluster's beginning."""

from __future__ import annotations

import subprocess

import pytest

import capture
from capture.dissect.engine import flows_by_pyshark
from flowkit.errors import CaptureError
from tests.capture.craft import pcap, save
from tests.capture.tables import as_dict, read_quietly
from tests.capture.test_dissect import needs_pyshark, needs_tshark
from tests.capture.test_tshark import whole_frames

pytestmark = [pytest.mark.tshark, needs_tshark, needs_pyshark]


def assert_same(path):
    ours, theirs = read_quietly(path), flows_by_pyshark(path)
    assert as_dict(theirs) == as_dict(ours)
    assert list(theirs) == [name for name in ours if name in theirs]
    assert theirs.dtypes.astype(str).to_dict() == ours[list(theirs)].dtypes.astype(str).to_dict()
    seen, found = capture.report(theirs), capture.report(ours)
    for count in ("packets", "bytes", "ip_packets", "ip_bytes"):
        assert seen.total(count) == found.total(count)


def test_crafted_packets_of_every_kind(tmp_path):
    assert_same(save(tmp_path, "10.0.0.11.pcap", pcap(whole_frames(), nano=True)))


def test_the_beginning_of_the_recorded_cluster(tmp_path, cluster):
    whole = next(iter(sorted(cluster.glob("*.pcap.gz"))))
    path = tmp_path / "prefix.pcap"
    subprocess.run(
        ["editcap", "-F", "nsecpcap", "-r", str(whole), str(path), "1-1500"], check=True, capture_output=True
    )
    assert_same(path)


def test_no_file_is_an_error():
    with pytest.raises(CaptureError, match="no capture file was given"):
        flows_by_pyshark([])


def test_the_reader_hands_over_to_it(tmp_path):
    path = save(tmp_path, "10.0.0.11.pcap", pcap(whole_frames()[:3], nano=True))
    assert as_dict(capture.read_pcap(path, engine="pyshark")) == as_dict(flows_by_pyshark(path))
