"""The recorded cluster's flows, read and oriented once for the tests of sources that see the same traffic in another form."""

from __future__ import annotations

import pytest

import capture
import flowkit as fk


@pytest.fixture(scope="package")
def inventory(cluster):
    return fk.Inventory.load(cluster / "cluster.json")


@pytest.fixture(scope="package")
def lab(cluster):
    """The cluster's flows as its packets tell them, client and server known."""
    return fk.orient(capture.read_pcap(sorted(cluster.glob("*.pcap.gz"))))
