"""Packets into flows: how fast and in how much memory, against others on the same files.

Inputs are made from the recorded cluster by a seeded generator: (a) 2.5 million packets of mixed sizes, about 1 GB; (b) 10
million packets cut at 96 bytes; (c) 50 small files. Figures: packets a second inside the process (imports apart), a CPU second
there (all processes of a tool; it stays comparable on a busy machine), and of the whole process; peak memory of all processes
of a tool (pages that they share count once). Slow tools get a prefix.

    python -m benchmarks.pcap [--quick] [--inputs a b c] [--scale 1.0] [--rounds 3] [--only NAME ...] [--peers PYTHON]

`--peers` is the Python that has nfstream, dpkt, scapy and pyshark. A peer that is not installed is named as such. `--quick` is
one round with peers on small prefixes. `--keep` is a folder where inputs stay for the next run. At the end stands each mark,
met or missed, with the figures that it rests on; rates mean nothing on a machine that does something else as well.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

from benchmarks.packets import Recording, recording, write

ROOT = Path(__file__).parent.parent
SEED = 1
INPUTS = {"a": "2.5 M packets, mixed", "b": "10 M packets of 96 bytes", "c": "50 small files"}
PREFIX = {"tshark fields": 50_000, "tshark conv": 200_000, "dpkt": 200_000, "scapy": 20_000, "pyshark": 2_000}
QUICK = {
    "tshark fields": 20_000,
    "tshark conv": 50_000,
    "dpkt": 50_000,
    "scapy": 5_000,
    "pyshark": 1_000,
    "nfstream": 200_000,
}

CLOCK = """
import resource
def cpu():
    each = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in each)
"""
# Each prints {"inside": seconds, "cpu": seconds, "packets": number, "flows": number} of its work after the imports.
OURS = """
import capture, sys, time, json
read = capture.read_pcap
used, begun = cpu(), time.perf_counter()
flows = read(sys.argv[1:], **OPTIONS)
packets = capture.report(flows).total("packets")
print(json.dumps(dict(inside=time.perf_counter() - begun, cpu=cpu() - used, packets=packets, flows=len(flows))))
"""
NAMES = """
import capture, sys, time, json
find = capture.names
used, begun = cpu(), time.perf_counter()
found = [find(path) for path in sys.argv[1:]]
print(json.dumps(dict(inside=time.perf_counter() - begun, cpu=cpu() - used, packets=0, flows=sum(map(len, found)))))
"""
NFSTREAM = """
import nfstream, sys, time, json
used = cpu()
begun, packets, count = time.perf_counter(), 0, 0
for path in sys.argv[1:]:
    stream = nfstream.NFStreamer(path, n_dissections=0, decode_tunnels=False, idle_timeout=10**6, active_timeout=10**6)
    flows = stream.to_pandas()
    packets, count = packets + int(flows.bidirectional_packets.sum()), count + len(flows)
print(json.dumps(dict(inside=time.perf_counter() - begun, cpu=cpu() - used, packets=packets, flows=count)))
"""
DPKT = """
import dpkt, sys, time, json
used = cpu()
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
print(json.dumps(dict(inside=time.perf_counter() - begun, cpu=cpu() - used, packets=packets, flows=len(flows))))
"""
SCAPY = """
import scapy.all as scapy, sys, time, json
used = cpu()
begun, packets, flows = time.perf_counter(), 0, {}
for path in sys.argv[1:]:
    for packet in scapy.PcapReader(path):
        packets += 1
        ip = packet.getlayer(scapy.IP) or packet.getlayer(scapy.IPv6)
        if ip is not None:
            key = (ip.src, ip.dst, getattr(ip.payload, "sport", 0), getattr(ip.payload, "dport", 0))
            flows[key] = flows.get(key, 0) + 1
print(json.dumps(dict(inside=time.perf_counter() - begun, cpu=cpu() - used, packets=packets, flows=len(flows))))
"""
PYSHARK = """
import pyshark, sys, time, json
used = cpu()
begun, packets, flows = time.perf_counter(), 0, {}
for path in sys.argv[1:]:
    found = pyshark.FileCapture(path, keep_packets=False)
    for packet in found:
        packets += 1
        if "ip" in packet:
            key = (packet.ip.src, packet.ip.dst, packet.transport_layer)
            flows[key] = flows.get(key, 0) + 1
    found.close()
print(json.dumps(dict(inside=time.perf_counter() - begun, cpu=cpu() - used, packets=packets, flows=len(flows))))
"""
_FIELDS = "frame.len frame.time_epoch ip.src ip.dst ipv6.src ipv6.dst ip.proto tcp.srcport tcp.dstport udp.srcport udp.dstport"
TSHARK = "tshark -n -r {} -T fields -e " + _FIELDS.replace(" ", " -e ")


# The figures of each tool on each input.
Figures = dict[tuple[str, str], dict[str, float]]


@dataclass(frozen=True)
class Mark:
    """What is promised: a tool's figure, or its ratio to another's, is at least (or at most) a bound."""

    text: str
    input: str
    tool: str
    bound: float
    than: str | None = None
    peak: bool = False

    def told(self, figures: Figures) -> str:
        """Whether it is met, and by which figures."""
        what = "peak" if self.peak else "inside"
        on = [(self.input, name) for name in (self.tool, self.than) if name]
        if any(each not in figures for each in on):
            return f"{'not run':8}{self.text}"
        values = [figures[each][what] for each in on]
        value = values[0] / values[1] if self.than else values[0]
        met = value <= self.bound if self.peak else value >= self.bound
        rests = " against ".join(f"{number:,.0f}{' MB' if self.peak else '/s'}" for number in values)
        return f"{'met' if met else 'MISSED':8}{self.text}: {value:,.2f} for {self.bound:,.2f} ({rests})"


MARKS = (
    Mark("(a) flows, at least 15 times nfstream without DPI", "a", "flowkit", 15, "nfstream"),
    Mark("(a) flows, at least as fast as argus | ra", "a", "flowkit", 1, "argus | ra"),
    Mark("(a) flows, at least 3,000 times pyshark", "a", "flowkit", 3000, "pyshark"),
    Mark(
        "(a) no RTT nor DNS, a third of tcpdump's rate", "a", "flowkit, no RTT nor DNS", 1 / 3, "tcpdump -w /dev/null"
    ),
    Mark("(a) names, packets a second", "a", "flowkit names", 1.5e6),
    Mark("(a) memory of all processes, MB at most", "a", "flowkit", 400, peak=True),
    Mark("(b) memory of all processes, MB at most", "b", "flowkit", 600, peak=True),
)


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
            return [[str(self.python), "-c", CLOCK + self.code, *map(str, files)]]
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
    whole = peak = inside = cpu = 0.0
    before = _cpu()
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
        told = json.loads(said.splitlines()[-1]) if tool.code else {"inside": 0, "cpu": 0}
        inside, cpu = inside + told["inside"], cpu + told["cpu"]
    seconds, cpu = (inside, cpu) if tool.code else (whole, _cpu() - before)
    return {"inside": packets / seconds, "cpu": packets / cpu, "whole": packets / whole, "peak": peak}


def _cpu() -> float:
    """CPU seconds of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


@dataclass(frozen=True)
class Inputs:
    """The inputs, each made when it is first asked for."""

    folder: Path
    scale: float

    def files(self, name: str) -> tuple[list[Path], int]:
        """An input's files and packets; its name is a letter, or a number for a prefix of (a)."""
        if name == "a":
            return self._one(int(2_500_000 * self.scale), seed=1)
        if name == "b":
            return self._one(int(10_000_000 * self.scale), seed=2, snaplen=96)
        if name == "c":
            each = int(20_000 * self.scale)
            return [file for n in range(50) for file in self._one(each, seed=100 + n)[0]], 50 * each
        return self._one(int(name), seed=1)

    def _one(self, packets: int, *, seed: int, snaplen: int = 0) -> tuple[list[Path], int]:
        path = self.folder / f"{packets}-{seed}-{snaplen}.pcap"
        if not path.exists():
            write(path, _source(mixed=not snaplen), packets, seed=seed, snaplen=snaplen)
        return [path], packets


@cache
def _source(*, mixed: bool) -> Recording:
    return recording(sorted((ROOT / "data" / "cluster").glob("*.pcap.gz")), mixed=mixed, seed=SEED)


@dataclass(frozen=True)
class Run:
    """How to measure: which tools, how often, slow ones on how many packets."""

    tools: list[Tool]
    rounds: int
    prefix: dict[str, int]


def main() -> None:
    """Measure, and print one table an input, then the marks."""
    given = _arguments()
    chosen = [tool for tool in tools(given.peers) if not given.only or tool.name in given.only]
    absent = [tool.name for tool in chosen if tool.missing()]
    print(f"not installed: {', '.join(absent) or 'none'}; cores: {os.cpu_count()}")
    present = [tool for tool in chosen if tool.name not in absent]
    run = Run(present, 1 if given.quick else given.rounds, QUICK if given.quick else PREFIX)
    figures: Figures = {}
    with tempfile.TemporaryDirectory() as folder:
        made = Inputs(given.keep or Path(folder), given.scale)
        for name in given.inputs:
            figures |= table(run, made, name)
    print("\n" + "\n".join(mark.told(figures) for mark in MARKS if mark.input in given.inputs))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--inputs", nargs="*", choices=list(INPUTS), default=list(INPUTS))
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--peers", default=sys.executable)
    return parser.parse_args()


def table(run: Run, made: Inputs, name: str) -> Figures:
    """Measure all tools on an input and print a row each; slow ones only on a prefix of (a)."""
    figures: Figures = {}
    made.files(name)
    print(f"\n({name}) {INPUTS[name]}; load before: {os.getloadavg()[0]:.1f}")
    print(f"{'':38} {'inside':>12} {'a CPU s':>12} {'whole':>12} {'peak MB':>8} {'ratio':>8}")
    for tool in run.tools:
        if name == "a" or tool.name not in run.prefix:
            on = run.prefix.get(tool.name) if name == "a" else None
            if found := figure(run, tool, *made.files(str(on) if on else name), made.folder):
                figures[name, tool.name] = found
                show(tool.name, found, next(iter(figures.values()))["inside"], on)
    print(f"load after: {os.getloadavg()[0]:.1f}")
    return figures


def figure(run: Run, tool: Tool, files: list[Path], packets: int, scratch: Path) -> dict[str, float] | None:
    """A tool's rates (median of the rounds) and peak memory; None where it failed, which is told."""
    try:
        runs = [measure(tool, files, packets, scratch) for _ in range(run.rounds)]
    except RuntimeError as error:
        print(f"{tool.name:38} {error}")
        return None
    rates = {what: median(each[what] for each in runs) for what in ("inside", "whole", "cpu")}
    return rates | {"peak": max(each["peak"] for each in runs)}


def show(name: str, found: dict[str, float], base: float, prefix: int | None) -> None:
    """Print a row; its ratio is that of the first tool to it."""
    on = f" (on {prefix:,} packets)" if prefix else ""
    rates = " ".join(f"{found[what]:10,.0f}/s" for what in ("inside", "cpu", "whole")) + f" {found['peak']:8,.0f}"
    print(f"{name:38} {rates} {base / found['inside']:7.2f}×{on}", flush=True)


if __name__ == "__main__":
    main()
