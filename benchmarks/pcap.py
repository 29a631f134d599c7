"""Packets into flows: how fast and in how much memory, against others on the same files.

Inputs are made from the recorded cluster by a seeded generator: (a) 2.5 million packets of mixed sizes, about 1 GB; (b) 10
million packets cut at 96 bytes; (c) 50 small files. Figures: packets a second inside the process (imports apart) and of the
whole process, peak memory of all processes of a tool (pages that they share count once). Slow tools get a prefix.

    python -m benchmarks.pcap [--scale 1.0] [--rounds 3] [--only NAME ...] [--peers PYTHON]

`--peers` is the Python that has nfstream, dpkt, scapy and pyshark. A peer that is not installed is named as such.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.packets import recording, write

ROOT = Path(__file__).parent.parent
SEED = 1
PREFIX = {"tshark fields": 50_000, "tshark conv": 200_000, "dpkt": 200_000, "scapy": 20_000, "pyshark": 2_000}

# Each prints {"inside": seconds, "packets": number, "flows": number} of its work after the imports.
OURS = """
import capture, sys, time, json
read = capture.read_pcap
begun = time.perf_counter()
flows = read(sys.argv[1:], **OPTIONS)
print(json.dumps(dict(inside=time.perf_counter() - begun, packets=capture.report(flows).total("packets"), flows=len(flows))))
"""
NAMES = """
import capture, sys, time, json
find = capture.names
begun = time.perf_counter()
found = [find(path) for path in sys.argv[1:]]
print(json.dumps(dict(inside=time.perf_counter() - begun, packets=0, flows=sum(map(len, found)))))
"""
NFSTREAM = """
import nfstream, sys, time, json
begun, packets, count = time.perf_counter(), 0, 0
for path in sys.argv[1:]:
    stream = nfstream.NFStreamer(path, n_dissections=0, decode_tunnels=False, idle_timeout=10**6, active_timeout=10**6)
    flows = stream.to_pandas()
    packets, count = packets + int(flows.bidirectional_packets.sum()), count + len(flows)
print(json.dumps(dict(inside=time.perf_counter() - begun, packets=packets, flows=count)))
"""
DPKT = """
import dpkt, sys, time, json
begun, packets, flows = time.perf_counter(), 0, {}
for path in sys.argv[1:]:
    with open(path, "rb") as file:
        for when, data in dpkt.pcap.Reader(file):
            packets += 1
            ip = dpkt.ethernet.Ethernet(data).data
            if isinstance(ip, (dpkt.ip.IP, dpkt.ip6.IP6)):
                key = (ip.src, ip.dst, ip.p, getattr(ip.data, "sport", 0), getattr(ip.data, "dport", 0))
                row = flows.setdefault(key, [0, 0, when, when])
                row[0] += 1
                row[1] += len(data)
                row[3] = when
print(json.dumps(dict(inside=time.perf_counter() - begun, packets=packets, flows=len(flows))))
"""
SCAPY = """
import scapy.all as scapy, sys, time, json
begun, packets, flows = time.perf_counter(), 0, {}
for path in sys.argv[1:]:
    for packet in scapy.PcapReader(path):
        packets += 1
        ip = packet.getlayer(scapy.IP) or packet.getlayer(scapy.IPv6)
        if ip is not None:
            key = (ip.src, ip.dst, getattr(ip.payload, "sport", 0), getattr(ip.payload, "dport", 0))
            flows[key] = flows.get(key, 0) + 1
print(json.dumps(dict(inside=time.perf_counter() - begun, packets=packets, flows=len(flows))))
"""
PYSHARK = """
import pyshark, sys, time, json
begun, packets, flows = time.perf_counter(), 0, {}
for path in sys.argv[1:]:
    found = pyshark.FileCapture(path, keep_packets=False)
    for packet in found:
        packets += 1
        if "ip" in packet:
            key = (packet.ip.src, packet.ip.dst, packet.transport_layer)
            flows[key] = flows.get(key, 0) + 1
    found.close()
print(json.dumps(dict(inside=time.perf_counter() - begun, packets=packets, flows=len(flows))))
"""
_FIELDS = "frame.len frame.time_epoch ip.src ip.dst ipv6.src ipv6.dst ip.proto tcp.srcport tcp.dstport udp.srcport udp.dstport"
TSHARK = "tshark -n -r {} -T fields -e " + _FIELDS.replace(" ", " -e ")


@dataclass(frozen=True)
class Tool:
    """Something that reads packets: a Python program, or a shell command a file."""

    name: str
    python: str | None = None
    code: str | None = None
    shell: str | None = None
    needs: str | None = None

    def missing(self) -> bool:
        """Whether it is not installed."""
        if self.shell is not None:
            return any(shutil.which(program) is None for program in (self.needs or "").split())
        if self.needs is None:
            return False
        return (
            subprocess.run([self.python, "-c", f"import {self.needs}"], capture_output=True, check=False).returncode
            != 0
        )

    def commands(self, files: list[Path]) -> list[list[str]]:
        """What to run."""
        if self.code is not None:
            return [[str(self.python), "-c", self.code, *map(str, files)]]
        return [["sh", "-c", str(self.shell).format(file)] for file in files]


def tools(peers: str) -> list[Tool]:
    """Ours first, the others by what they do."""
    ours = {"flowkit": "{}", "flowkit, one process": "dict(workers=1)"}
    ours |= {"flowkit, no RTT nor DNS": "dict(rtt=False, dns=False)", "flowkit, no RTT": "dict(rtt=False)"}
    ours |= {"flowkit, one process, no RTT nor DNS": "dict(rtt=False, dns=False, workers=1)"}
    return [
        *(Tool(name, sys.executable, OURS.replace("OPTIONS", options)) for name, options in ours.items()),
        Tool("flowkit names", sys.executable, NAMES),
        Tool("nfstream", peers, NFSTREAM, needs="nfstream"),
        Tool("argus | ra", shell="argus -F /dev/null -r {} -w - | ra -n -r - > /dev/null", needs="argus ra"),
        Tool("tshark fields", shell=TSHARK + " > /dev/null", needs="tshark"),
        Tool("tshark conv", shell="tshark -n -q -r {} -z conv,tcp > /dev/null", needs="tshark"),
        Tool("dpkt", peers, DPKT, needs="dpkt"),
        Tool("scapy", peers, SCAPY, needs="scapy"),
        Tool("pyshark", peers, PYSHARK, needs="pyshark"),
        Tool("tcpdump -w /dev/null", shell="tcpdump -r {} -w /dev/null", needs="tcpdump"),
        Tool("reading the bytes", shell="cat {} > /dev/null", needs="cat"),
    ]


class Memory:
    """The peak of the memory of a process and all below it, looked at fifty times a second."""

    def __init__(self, pid: int) -> None:
        self.pid, self.peak, self._done = pid, 0, threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._done.wait(0.02):
            self.peak = max(self.peak, sum(map(_resident, _family(self.pid))))

    def stop(self) -> int:
        """MB."""
        self._done.set()
        self._thread.join()
        return self.peak >> 20


def _family(pid: int) -> list[int]:
    try:
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(each for child in below for each in _family(int(child)))]


def _resident(pid: int) -> int:
    """Bytes of memory, pages that several processes share counted in part in each (PSS)."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss:"))


def measure(tool: Tool, files: list[Path], packets: int, scratch: Path) -> dict[str, float]:
    """Run a tool once over files."""
    whole = peak = inside = 0.0
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for command in tool.commands(files):
        begun = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=scratch, env=environment
        )
        memory = Memory(process.pid)
        said, _ = process.communicate()
        whole += time.perf_counter() - begun
        peak = max(peak, memory.stop())
        if process.returncode:
            raise RuntimeError(f"{tool.name} failed")
        inside += json.loads(said.splitlines()[-1])["inside"] if tool.code else 0
    seconds = inside if tool.code else whole
    return {"inside": packets / seconds, "whole": packets / whole, "peak": peak, "seconds": seconds}


def inputs(scratch: Path, scale: float) -> dict[str, tuple[list[Path], int]]:
    """Make the three inputs, and the prefixes for slow tools."""
    paths = sorted((ROOT / "data" / "cluster").glob("*.pcap.gz"))
    mixed, plain = recording(paths, mixed=True, seed=SEED), recording(paths, mixed=False, seed=SEED)
    made: dict[str, tuple[list[Path], int]] = {}

    def make(name: str, source, packets: int, seed: int, snaplen: int = 0) -> Path:
        path = scratch / f"{name}.pcap"
        write(path, source, packets, seed=seed, snaplen=snaplen)
        return path

    full, cut = int(2_500_000 * scale), int(10_000_000 * scale)
    made["a: 2.5 M packets, mixed"] = [make("mixed", mixed, full, 1)], full
    made["b: 10 M packets of 96 bytes"] = [make("cut", plain, cut, 2, 96)], cut
    small = int(20_000 * scale)
    made["c: 50 small files"] = [make(f"small-{n}", mixed, small, 100 + n) for n in range(50)], 50 * small
    for count in sorted(set(PREFIX.values())):
        made[f"prefix {count}"] = [make(f"prefix-{count}", mixed, count, 1)], count
    return made


def main() -> None:
    """Measure, and print one table an input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--peers", default=sys.executable)
    given = parser.parse_args()
    chosen = [tool for tool in tools(given.peers) if not given.only or tool.name in given.only]
    absent = [tool.name for tool in chosen if tool.missing()]
    with tempfile.TemporaryDirectory() as folder:
        made = inputs(Path(folder), given.scale)
        print(
            f"not installed: {', '.join(absent) or 'none'}; load before: {os.getloadavg()[0]:.1f}; cores: {os.cpu_count()}"
        )
        for name in [name for name in made if not name.startswith("prefix")]:
            print(f"\n{name}\n{'':38} {'inside':>12} {'whole':>12} {'peak MB':>8} {'ratio':>8}")
            base = None
            for tool in (tool for tool in chosen if tool.name not in absent):
                base = show(tool, made, name, given.rounds, Path(folder), base)


def show(tool: Tool, made, name: str, rounds: int, scratch: Path, base: float | None) -> float | None:
    """Measure a tool on an input, or on its prefix, print its row; the rate that ratios are taken of."""
    if tool.name in PREFIX and not name.startswith("a"):
        return base
    files, packets = made[f"prefix {PREFIX[tool.name]}" if tool.name in PREFIX else name]
    try:
        runs = [measure(tool, files, packets, scratch) for _ in range(rounds)]
    except RuntimeError as error:
        print(f"{tool.name:38} {error}")
        return base
    inside, whole = (median(run[what] for run in runs) for what in ("inside", "whole"))
    peak = max(run["peak"] for run in runs)
    base = base or inside
    on = f" (on {packets:,} packets)" if tool.name in PREFIX else ""
    print(f"{tool.name:38} {inside:10,.0f}/s {whole:10,.0f}/s {peak:8,.0f} {base / inside:7.2f}×{on}", flush=True)
    return base


if __name__ == "__main__":
    main()
