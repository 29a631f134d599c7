"""Every flow against a simultaneous tcpdump, while the maps are drained under the traffic: no flow may differ."""

from __future__ import annotations

import re
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

import capture
from tests.capture.ebpf.lab import Lab, lab
from tests.capture.ebpf.needs import need
from tests.capture.ebpf.parser import parse
from tests.capture.ebpf.traffic import CLIENT, INJECTED, PINGS, SERVER

pytestmark = [pytest.mark.privileged, pytest.mark.slow]

CONNECTIONS = 300
SNAP = 160
# What the kernel says by itself now and then: neighbours, routers, multicast listeners.
_HOUSEKEEPING = range(130, 144)


@contextmanager
def tcpdump(spaces: Lab, path: Path):
    command = (
        "tcpdump",
        "-i",
        "veth0",
        "-s",
        str(SNAP),
        "-B",
        "65536",
        "--immediate-mode",
        "-U",
        "-w",
        str(path),
        "-Z",
        "root",
    )
    process = spaces.start(spaces.near, *command, stderr=subprocess.PIPE, text=True)
    assert any("listening" in line for line in iter(process.stderr.readline, ""))
    try:
        yield
        # It loses what it has not read yet when it is told to end.
        settled = -1
        while settled != (settled := path.stat().st_size):
            time.sleep(0.3)
    finally:
        process.terminate()
        said = process.communicate()[1]
    captured, received = (
        int(re.search(rf"(\d+) packets? {word}", said)[1]) for word in ("captured", "received by filter")
    )
    assert captured == received, said


@contextmanager
def drained(handle, parts: list):
    """Drain all the time, about twenty times a second, and once more when the capture is over."""
    ending = threading.Event()

    def drain() -> None:
        while not ending.wait(0.04):
            parts.append(handle.take())

    thread = threading.Thread(target=drain)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        thread.join()
        handle.stop()
        parts.append(handle.take())


def talk(spaces: Lab) -> None:
    server = spaces.python(spaces.far, SERVER, stdin=subprocess.PIPE)
    try:
        time.sleep(0.5)
        jobs = [
            spaces.python(spaces.near, CLIENT.replace("COUNT", str(CONNECTIONS))),
            spaces.python(spaces.near, INJECTED),
        ]
        jobs += [spaces.start(spaces.near, *ping, stdout=subprocess.DEVNULL) for ping in PINGS]
        for job in jobs:
            assert job.wait(60) == 0
        time.sleep(0.3)
    finally:
        server.kill()
        server.communicate()


def of_pcap(path: Path, mine: str) -> dict:
    """Packets, bytes, agent's and headers' flags of each flow of a capture, by the reference."""
    data, at, flows = path.read_bytes(), 24, {}
    while at < len(data):
        held, wire = (int.from_bytes(data[at + place : at + place + 4], "little") for place in (8, 12))
        frame, at = data[at + 16 : at + 16 + held], at + 16 + held
        packet = parse(frame)
        if packet is None or (packet.proto == 58 and packet.icmp_type in _HOUSEKEEPING):
            continue
        egress = frame[6:12].hex(":") in (mine, "02:00:00:00:00:fe")
        key = (*packet[:10], egress)
        entry = flows.setdefault(key, [0, 0, 0])
        entry[0] += 1
        entry[1] += wire
        entry[2] |= packet.flags
    return flows


def of_drains(parts, *, wire: bool) -> dict:
    """The same of what was drained: as the hook saw it, or as it is on the wire."""
    flows: dict = {}
    for part in parts:
        for key, value in zip(part.keys, part.values, strict=True):
            if key["proto"] == 58 and key["icmp_type"] in _HOUSEKEEPING:
                continue
            names = ("sport", "dport", "proto", "icmp_type", "icmp_code", "version", "headless", "vlan")
            ends = key["src"].tobytes(), key["dst"].tobytes()
            entry = flows.setdefault((*ends, *(int(key[name]) for name in names), bool(key["egress"])), [0, 0, 0])
            entry[0] += int(value["packets"]) + wire * int(value["extra_packets"])
            entry[1] += int(value["bytes"]) + wire * int(value["extra_bytes"])
            entry[2] |= int(value["flags"])
    return flows


@pytest.mark.parametrize(("hook", "offload"), [("tcx", True), ("tcx", False), ("socket", True)])
def test_no_flow_differs_from_tcpdumps(hook, offload, tmp_path):
    need("ip", "tcpdump", "ethtool", "ping")
    parts = []
    with lab(offload=offload) as spaces:
        time.sleep(1.5)  # the kernel's own talk about addresses
        mine = spaces.run(spaces.near, "cat", "/sys/class/net/veth0/address").strip()
        with (
            tcpdump(spaces, tmp_path / "a.pcap"),
            capture.ebpf("veth0", netns=spaces.near, hook=hook) as handle,
            drained(handle, parts),
        ):
            talk(spaces)
    theirs, ours = of_pcap(tmp_path / "a.pcap", mine), of_drains(parts, wire=not offload)
    differing = {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}
    assert not differing, (len(differing), [(key, ours.get(key), theirs.get(key)) for key in sorted(differing)[:5]])
    assert len(ours) >= 6 * CONNECTIONS + 10
    assert len(parts) > 15
    assert handle.ledger().waiting == handle.ledger().lost == 0
