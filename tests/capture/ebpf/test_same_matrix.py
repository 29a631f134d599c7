"""The same traffic counted in the kernel and read from tcpdump's file: one matrix."""

from __future__ import annotations

import time

import pytest

import capture
import flowkit as fk
from tests.capture.ebpf.lab import lab
from tests.capture.ebpf.needs import need
from tests.capture.ebpf.test_exact import talk, tcpdump
from tests.capture.tables import read_quietly

pytestmark = [pytest.mark.privileged, pytest.mark.slow]

# Neighbours and routers speak to each other at times that nobody chooses; connections is counted by SYN, which both have.
KEY = ["from_workload", "to_workload", "port", "proto", "state", "connections", "bytes", "packets"]


def edges(flows):
    found = fk.matrix(flows, by="address").edges
    # Later fragments have no ports; the offline reader finds those of their first one.
    whole = found[(found["proto"] == 6) | ((found["proto"] == 17) & (found["port"] != 5353))]
    return whole[KEY].astype({"port": "int64"}).sort_values(KEY, ignore_index=True)


def test_the_kernels_matrix_is_the_files(tmp_path):
    need("ip", "tcpdump", "ping")
    with lab() as spaces:
        time.sleep(1.5)
        with tcpdump(spaces, tmp_path / "a.pcap"), capture.ebpf("veth0", netns=spaces.near) as handle:
            talk(spaces)
        flows, read = handle.drain(), read_quietly([tmp_path / "a.pcap"])
    # On this veth the hook sees what tcpdump sees: segments are cut later, if at all.
    hooked = flows.assign(Bytes=flows["HookBytes"], Packets=flows["HookPackets"])
    ours, theirs = edges(hooked), edges(read)
    assert len(ours) >= 8
    assert ours.values.tolist() == theirs.values.tolist()
