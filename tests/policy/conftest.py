"""The recorded cluster's flows, matrix and inventory, read once for all policy tests."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

import capture
import flowkit as fk


@dataclass(frozen=True)
class Recorded:
    flows: pd.DataFrame
    matrix: fk.FlowMatrix
    inventory: fk.Inventory
    subnets: Path


@pytest.fixture(scope="session")
def recorded(cluster: Path) -> Recorded:
    subnets, inventory = cluster / "flowcollector.yaml", fk.Inventory.load(cluster / "cluster.json")
    flows = fk.enrich(capture.read_pcap(sorted(cluster.glob("*.pcap.gz"))), cluster=inventory, subnets=subnets)
    return Recorded(flows, fk.matrix(flows), inventory, subnets)


@pytest.fixture(scope="session")
def strict(recorded: Recorded) -> fk.PolicySet:
    """The cluster's policies under generic, denied by default everywhere."""
    options = fk.Options(default_deny="always")
    return fk.synthesise(recorded.matrix, recorded.inventory, subnets=recorded.subnets, options=options)
