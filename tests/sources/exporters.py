"""Real exporters and collectors of NetFlow for tests: softflowd reads a recording and sends, nfcapd receives and writes."""

from __future__ import annotations

import gzip
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

# Few enough that no receiving buffer of a default kernel overflows.
PROTOCOLS = "tcp or icmp or icmp6"

needs_softflowd = pytest.mark.skipif(shutil.which("softflowd") is None, reason="softflowd is not installed")
needs_nfdump = pytest.mark.skipif(
    shutil.which("nfdump") is None or shutil.which("nfcapd") is None, reason="nfdump is not installed"
)


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def unpacked(packed: Path, folder: Path) -> Path:
    plain = folder / "recording.pcap"
    plain.write_bytes(gzip.decompress(packed.read_bytes()))
    return plain


def export(recording: Path, port: int, version: str, *options: str) -> None:
    """Let softflowd read a recording and send its flows to a port of this machine."""
    command = ["softflowd", "-D", "-r", str(recording), "-n", f"127.0.0.1:{port}", "-v", version, "-6", *options]
    command += ["-p", str(recording.parent / "softflowd.pid"), "-c", "none", PROTOCOLS]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)


def collected(recording: Path, folder: Path, version: str) -> Path:
    """The file that nfcapd writes of what softflowd sends of a recording."""
    folder.mkdir()
    port = free_port()
    command = ["nfcapd", "-p", str(port), "-b", "127.0.0.1", "-w", str(folder), "-t", "3600", "-B", "200000"]
    collector = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _listening(port)
        export(recording, port, version)
        _drained(port)
    finally:
        collector.send_signal(signal.SIGTERM)
        collector.wait(timeout=20)
    return next(each for each in folder.glob("nfcapd.*") if each.suffix[1:].isdigit())


def _listening(port: int) -> None:
    """Wait until some socket of this machine has the UDP port."""
    wanted = f":{port:04X} "
    for _ in range(100):
        if wanted in Path("/proc/net/udp").read_text():
            return
        time.sleep(0.05)
    raise TimeoutError(f"nothing listens at port {port}")


def _drained(port: int) -> None:
    """Wait until a UDP socket has been read empty, then a moment more; raises where the kernel had to drop some."""
    for _ in range(200):
        fields = next(
            line.split() for line in Path("/proc/net/udp").read_text().splitlines() if f":{port:04X} " in line
        )
        if fields[4].endswith(":00000000"):
            time.sleep(0.5)
            assert fields[12] == "0", f"the kernel dropped {fields[12]} datagrams: the collector was too slow"
            return
        time.sleep(0.05)
    raise TimeoutError(f"port {port} is not read")
