"""The recorded cluster's flows, read and named once for all tests of this folder."""

from __future__ import annotations

import pytest

import capture
import flowkit as fk
from data.score import truth


@pytest.fixture(scope="package")
def packets(cluster):
    """The flow table as read from the nodes' packets."""
    return capture.read_pcap(sorted(cluster.glob("*.pcap.gz")))


@pytest.fixture(scope="package")
def flows(packets, cluster):
    """The same with names."""
    return fk.enrich(packets, cluster=cluster / "cluster.json", subnets=cluster / "flowcollector.yaml")


@pytest.fixture(scope="package")
def matrix(flows):
    """The flow matrix of it."""
    return fk.matrix(flows)


@pytest.fixture(scope="package")
def wanted(cluster):
    """What the scenario says must be found."""
    return truth(cluster / "truth.json")
