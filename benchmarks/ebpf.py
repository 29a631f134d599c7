"""Flows counted in the kernel: nanoseconds a packet by the kernel's own accounting, drains, tables, and what each option costs.

    python -m benchmarks.ebpf [--rounds 5] [--packets 10000000] [--flows 1000000]

Needs root. Traffic runs between two network namespaces that it makes: UDP of 64 bytes, cut from larger sends by the kernel,
seen where it arrives. `kernel.bpf_stats_enabled` is on meanwhile, whose own cost is in the figures.
"""

from __future__ import annotations

import argparse
import os
import resource
import struct
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import capture
from capture.ebpf.counting import Counting
from capture.ebpf.objects import Settings
from capture.ebpf.opening import object_of
from capture.ebpf.records import KEY, VALUE
from capture.ebpf.syscalls import address, bpf, memory
from capture.ebpf.table import flow_table, in_order
from tests.capture.ebpf.lab import lab

MARKS = {"ns": 160.0, "drain": 2e6, "table": 0.9}
UPDATE_BATCH = 26
STATISTICS = Path("/proc/sys/kernel/bpf_stats_enabled")
SENDER = """
import socket, sys
out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
out.setsockopt(socket.SOL_UDP, 103, 22)  # UDP_SEGMENT: frames of 64 bytes
left, ports, data = int(sys.argv[1]), int(sys.argv[2]), bytes(22 * 60)
while left > 0:
    for port in range(ports):
        try: out.sendto(data, ("192.0.2.2", 10000 + port))
        except OSError: pass
    left -= 60 * ports
"""
OPTIONS = {
    "flows alone": {},
    "owners": {"owners": True},
    "rtt": {"rtt": True},
    "drops": {"drops": True},
    "dns": {"dns": True},
}


@contextmanager
def accounting():
    STATISTICS.write_text("1")
    try:
        yield
    finally:
        STATISTICS.write_text("0")


def cost(descriptor: int) -> tuple[int, int]:
    """Nanoseconds and runs of a program so far."""
    lines = dict(
        line.split(":\t") for line in Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines() if ":\t" in line
    )
    return int(lines["run_time_ns"]), int(lines["run_cnt"])


def send(spaces, packets: int, ports: int) -> None:
    command = ["ip", "netns", "exec", spaces.near, sys.executable, "-I", "-c", SENDER, str(packets), str(ports)]
    subprocess.run(command, check=True)


@contextmanager
def quiet():
    """Two namespaces whose far end throws the packets away behind the hook, so that no ICMP comes back."""
    with lab(offload=False, ipv6=False) as spaces:
        spaces.run(
            spaces.far, "nft", "add table t; add chain t i { type filter hook prerouting priority 0; policy drop; }"
        )
        # Without an answer to ARP nothing would be sent.
        mac = spaces.run(spaces.far, "cat", "/sys/class/net/veth0/address").strip()
        spaces.run(spaces.near, "ip", "neigh", "replace", "192.0.2.2", "lladdr", mac, "dev", "veth0")
        yield spaces


def per_packet(options: dict, flows: int, packets: int = 600_000) -> float:
    with quiet() as spaces, capture.ebpf("veth0", netns=spaces.far, **options) as handle:
        program = handle._running.objects[0].programs["ethernet_ingress"].descriptor
        send(spaces, 60 * flows, flows)  # every flow is there
        before = cost(program)
        send(spaces, packets, flows)
        after = cost(program)
    return (after[0] - before[0]) / (after[1] - before[1])


def tracing_costs() -> dict[str, float]:
    """Nanoseconds a run of each program that tells of sockets, under connections and datagrams on a loopback."""
    talk = (
        "import socket\n"
        "server = socket.create_server(('127.0.0.1', 0)); at = server.getsockname()\n"
        "for _ in range(2000):\n"
        "    one = socket.create_connection(at); two, _ = server.accept(); two.sendall(bytes(100)); one.recv(100)\n"
        "    one.close(); two.close()\n"
        "for _ in range(2000): socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 9))\n"
    )
    with lab(ipv6=False) as spaces, capture.ebpf("lo", netns=spaces.near, owners=True, rtt=True, drops=True) as handle:
        programs = handle._running.objects[1].programs
        before = {name: cost(each.descriptor) for name, each in programs.items()}
        spaces.run(spaces.near, sys.executable, "-I", "-c", talk)
        after = {name: cost(each.descriptor) for name, each in programs.items()}
    return {name: (after[name][0] - before[name][0]) / max(after[name][1] - before[name][1], 1) for name in programs}


def keys_of(count: int) -> np.ndarray:
    """As many keys, a thousand addresses each way."""
    keys, number = np.zeros(count, KEY), np.arange(count, dtype=np.uint32)
    for name, part in (("src", number % 1000), ("dst", number // 1000 % 1000)):
        octets = np.zeros((count, 16), np.uint8)
        octets[:, 10:12] = 255
        octets[:, 12:] = (part + 0x0A000000).astype(">u4").view(np.uint8).reshape(-1, 4)
        keys[name] = octets.view("V16").ravel()
    keys["sport"], keys["dport"], keys["proto"], keys["version"] = 40_000 + number % 20_000, 443, 6, 4
    return keys


def fill(flows, keys: np.ndarray) -> None:
    values = np.zeros(len(keys), VALUE)
    values["packets"], values["bytes"], values["flags"] = 3, 300, 16
    values["first_ns"] = values["last_ns"] = np.arange(len(keys))
    asked = memory(struct.pack("<QQQQIIQQ", 0, 0, address(keys), address(values), len(keys), flows.descriptor, 0, 0))
    bpf(UPDATE_BATCH, asked)


def drains(count: int, rounds: int) -> tuple[float, float, int]:
    """Best seconds of a drain and of a table, and bytes of the two maps."""
    loaded = object_of(
        "flows", Settings({"flows": count + count // 8, "overflow": 1 << 20}, programs={"ethernet_ingress"})
    )
    counting, keys, best = Counting.of(loaded), keys_of(count), [9e9, 9e9]
    maps = [loaded.maps["flows"], loaded.maps["spare"]]
    for number in range(rounds):
        fill(maps[number % 2], keys)
        begun = time.perf_counter()
        found, values = counting.drain()
        drained = time.perf_counter()
        table = flow_table(*in_order(found, values), {0: "eth0"}, 0)
        best = [min(best[0], drained - begun), min(best[1], time.perf_counter() - drained)]
        assert len(table) == count
    size = sum(_locked(each.descriptor) for each in maps)
    counting.close()
    loaded.close()
    return best[0], best[1], size


def _locked(descriptor: int) -> int:
    lines = Path(f"/proc/self/fdinfo/{descriptor}").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("memlock"))


def under_load(packets: int) -> tuple[int, int, int, float]:
    """Packets that arrived by the device's counter, packets in flows, drains, packets a second."""
    drained, ending, count = [0], threading.Event(), [0]
    with quiet() as spaces, capture.ebpf("veth0", netns=spaces.far, max_flows=4096) as handle:

        def drain() -> None:
            while not ending.wait(0.02):
                drained[0] += len(handle.take())
                count[0] += 1

        counter = ("cat", "/sys/class/net/veth0/statistics/rx_packets")
        before, begun = int(spaces.run(spaces.far, *counter)), time.perf_counter()
        thread = threading.Thread(target=drain)
        thread.start()
        send(spaces, packets, 1000)
        seconds = time.perf_counter() - begun
        ending.set()
        thread.join()
        arrived = int(spaces.run(spaces.far, *counter)) - before
    drained[0] += len(handle.take())
    known = handle.ledger()
    assert known.waiting == known.lost == 0, known
    return arrived, drained[0] + known.not_ip, count[0], arrived / seconds


def say(what: str, figure: float, mark: float | None = None, *, most: bool = True) -> None:
    met = "" if mark is None else f"  mark {mark:,g}: {'met' if (figure <= mark) == most else 'missed'}"
    print(f"{what:<52} {figure:>14,.2f}{met}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--packets", type=int, default=10_000_000)
    parser.add_argument("--flows", type=int, default=1_000_000)
    parser.add_argument("--only", choices=["packet", "drain", "load"])
    options = parser.parse_args()
    if options.only in (None, "packet"):
        with accounting():
            for flows in (1, 1000, 20_000):
                best = min(per_packet({}, flows) for _ in range(options.rounds))
                say(f"ns a packet, {flows:,} flows", best, MARKS["ns"] if flows == 1000 else None)
            for name, each in OPTIONS.items():
                say(f"ns a packet, 1,000 flows, {name}", min(per_packet(each, 1000) for _ in range(2)))
            for name, each in tracing_costs().items():
                say(f"ns a run, {name}", each)
    if options.only in (None, "drain"):
        for count in (100_000, options.flows):
            drain, table, size = drains(count, options.rounds)
            say(f"flows drained a second, {count:,}", count / drain, MARKS["drain"], most=False)
            say(f"seconds to a DataFrame, {count:,}", table, MARKS["table"])
            say(f"bytes a flow in the two maps, {count:,}", size / count)
    if options.only in (None, "load"):
        arrived, counted, turns, rate = under_load(options.packets)
        say(f"packets a second while drained {turns} times", rate)
        say("packets that arrived", arrived)
        say("packets counted", counted)
    say("peak MB", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


if __name__ == "__main__":
    if os.geteuid():
        sys.exit("needs root")
    main()
