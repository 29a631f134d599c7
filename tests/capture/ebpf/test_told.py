"""DNS as it passes, and packets that the kernel drops: real ones, in namespaces."""

from __future__ import annotations

import subprocess
import time

import pandas as pd
import pytest

import capture
from capture.ebpf.dropping import reasons
from flowkit.contract import provenance
from tests.capture.ebpf.lab import HERE, THERE, Lab, lab
from tests.capture.ebpf.needs import need

pytestmark = pytest.mark.privileged

NAMESERVER = """
import socket, sys, threading, time
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); server.bind(("", 53))
def serve():
    while True:
        data, who = server.recvfrom(512)
        if b"silent" in data: continue
        time.sleep(0.05)
        code = 3 if b"missing" in data else 0
        server.sendto(data[:2] + bytes([0x81, 0x80 | code]) + data[4:], who)
threading.Thread(target=serve, daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""
ASKING = """
import socket, struct
def ask(number, name):
    labels = b"".join(bytes([len(part)]) + part for part in name.encode().split(b"."))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.settimeout(0.3)
        asking.sendto(struct.pack(">HHHHHH", number, 0x100, 1, 0, 0, 0) + labels + bytes([0, 0, 1, 0, 1]), ("192.0.2.2", 53))
        try: asking.recv(512)
        except TimeoutError: pass
for number, name in ((1, "www.example.org"), (2, "missing.example.org"), (3, "silent.example.org")): ask(number, name)
"""


@pytest.fixture
def spaces():
    need("ip", "nft")
    with lab(ipv6=False) as each:
        yield each


@pytest.fixture
def nameserver(spaces: Lab):
    process = spaces.python(spaces.far, NAMESERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout.readline() == b"ready\n"
    yield
    process.kill()
    process.communicate()


def test_answers_have_name_code_and_latency_and_silence_is_said(spaces, nameserver, monkeypatch):
    monkeypatch.setattr(__import__("sys").modules["capture.ebpf.asked"], "_PATIENCE_NS", 200_000_000)
    with capture.ebpf("veth0", netns=spaces.near, dns=True) as handle:
        assert spaces.python(spaces.near, ASKING).wait(20) == 0
        flows = handle.drain()
    answers = flows[flows["DnsId"].notna()].set_index("DnsId")
    assert answers["DnsName"].astype("str").to_dict() == {1: "www.example.org", 2: "missing.example.org"}
    assert answers["DnsFlagsResponseCode"].astype("str").to_dict() == {1: "NoError", 2: "NXDomain"}
    assert answers["DnsLatencyMs"].between(50, 200).all()
    assert set(answers["SrcAddr"]) == {THERE}
    assert provenance(flows).notes == ("1 DNS questions had no answer within 5 s, about silent.example.org",)


def test_drops_have_their_flow_and_the_running_kernels_name_of_the_reason(spaces):
    spaces.run(
        spaces.near,
        "nft",
        "add table t; add chain t o { type filter hook output priority 0; }; add rule t o tcp dport 99 drop",
    )
    dropped = "import socket\ntry: socket.create_connection(('192.0.2.2', 99), 0.3)\nexcept OSError: pass"
    passed = "import socket\ntry: socket.create_connection(('192.0.2.2', 98), 0.3)\nexcept OSError: pass"
    with capture.ebpf("veth0", netns=spaces.near, drops=True) as handle:
        for code in (dropped, passed):
            assert spaces.python(spaces.near, code).wait(20) == 0
        flows = handle.drain()
    row = flows[flows["DstPort"] == 99]
    assert row[["SrcAddr", "DstAddr", "Packets"]].astype("str").values.tolist() == [[HERE, THERE, "0"]]
    assert row["PktDropLatestDropCause"].tolist() == ["SKB_DROP_REASON_NETFILTER_DROP"]
    assert row["PktDropPackets"].tolist() == [1]
    assert flows.loc[flows["DstPort"] == 98, "PktDropPackets"].isna().all()
    assert handle.ledger().waiting == 0


def test_drops_of_other_namespaces_are_not_told(spaces):
    spaces.run(
        spaces.far,
        "nft",
        "add table t; add chain t i { type filter hook input priority 0; }; add rule t i udp dport 99 drop",
    )
    with (
        capture.ebpf("veth0", netns=spaces.near, drops=True) as near,
        capture.ebpf("veth0", netns=spaces.far, drops=True) as far,
    ):
        assert (
            spaces.python(spaces.near, "import socket\nsocket.socket(2, 2).sendto(b'x', ('192.0.2.2', 99))").wait(20)
            == 0
        )
        time.sleep(0.1)
        here, there = near.drain(), far.drain()
    assert of_port(here)["PktDropPackets"].isna().all()
    assert of_port(there)["PktDropPackets"].tolist() == [1]
    assert of_port(there)["PktDropLatestDropCause"].tolist() == ["SKB_DROP_REASON_NETFILTER_DROP"]


def of_port(flows: pd.DataFrame) -> pd.DataFrame:
    return flows[flows["DstPort"] == 99]


def test_reasons_come_from_the_running_kernel():
    names = reasons()
    assert len(names) > 20
    assert all(name.startswith("SKB_") for name in names.values())
