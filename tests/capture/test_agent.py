"""AgentIP and CaptureFile from file names."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from capture.agent import agent_address, capture_name, given_address
from flowkit.errors import CaptureError


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/b/node-1.pcap.gz", "node-1"),
        ("node-1.CAP", "node-1"),
        ("10.0.0.11.pcap", "10.0.0.11"),
        ("shop.dump", "shop.dump"),
        (".pcap", ".pcap"),
        ("a.gz.pcap.gz", "a"),
    ],
)
def test_a_capture_is_named_by_its_file(path, name):
    assert capture_name(PurePath(path)) == name


@pytest.mark.parametrize(
    ("name", "address"),
    [
        ("10.0.0.11", "10.0.0.11"),
        ("2001:DB8::0b", "2001:db8::b"),
        ("ip-10-0-0-11.eu-west-3.compute.internal", "10.0.0.11"),
        ("ip-10-0-0-11.ec2.internal", "10.0.0.11"),
        ("ip-10-0-0-11", "10.0.0.11"),
        ("ip-10-0-0-300", None),
        ("ip-10-0-0-11x", None),
        ("node-1", None),
        ("10.0.0", None),
    ],
)
def test_a_node_name_may_tell_its_address(name, address):
    assert agent_address(name) == address


def test_a_given_address_must_be_one():
    with pytest.raises(CaptureError, match="agent_ip 'node-1' is not an IP address"):
        given_address("node-1")
