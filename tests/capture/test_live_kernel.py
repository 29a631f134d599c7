"""Live capture on real interfaces: a veth pair into a network namespace, real traffic, tcpdump running beside it."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pandas as pd
import pytest

import capture
from capture.live.capturing import Limits, LiveCapture, Plan
from capture.live.dump import Dumpcap
from capture.live.interval import DROPPED, Interval
from capture.live.ring import Ring, Size
from capture.live.sources import Wanted
from flowkit.contract import provenance
from flowkit.errors import CaptureError
from tests.capture.craft import ether, ip4, udp
from tests.capture.tables import read_quietly

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.skipif(os.geteuid() != 0, reason="not root"),
    pytest.mark.skipif(not (shutil.which("tcpdump") and shutil.which("ip")), reason="tcpdump or ip is absent"),
]

NUMBERS = count(1)
EVERY_PROTOCOL = "0003"  # of a bound packet socket, in the kernel's list
HERE, THERE = "10.203.7.1", "10.203.7.2"
SERVER = """
import socket, threading
def serve(kind, port):
    server = socket.create_server(("", port)) if kind == "tcp" else socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    if kind == "udp": server.bind(("", port))
    while True:
        if kind == "udp":
            data, who = server.recvfrom(65536); server.sendto(data, who)
        else:
            peer, _ = server.accept()
            try:
                while data := peer.recv(65536): peer.sendall(data)
            except OSError: pass
            peer.close()
threading.Thread(target=serve, args=("udp", 7), daemon=True).start()
serve("tcp", 7)
"""


def sh(text: str) -> None:
    subprocess.run(text.split(), check=True, capture_output=True)


@pytest.fixture
def wire():
    """A veth whose other end is in a namespace with an echo server; its name."""
    number = next(NUMBERS)
    space, ours = f"fkl{os.getpid()}-{number}", f"fk{os.getpid() % 10**6}x{number}"
    sh(f"ip netns add {space}")
    sh(f"ip link add {ours} type veth peer name eth0 netns {space}")
    # Without IPv6 an idle interface is silent, so whoever starts first sees no more.
    sh(f"sysctl -qw net.ipv6.conf.{ours}.disable_ipv6=1")
    sh(f"ip netns exec {space} sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
    for command in (f"addr add {HERE}/24 dev {ours}", f"link set {ours} up"):
        sh(f"ip {command}")
    for command in (f"addr add {THERE}/24 dev eth0", "link set eth0 up", "link set lo up"):
        sh(f"ip -n {space} {command}")
    server = subprocess.Popen(["ip", "netns", "exec", space, sys.executable, "-c", SERVER])
    try:
        _until_it_answers()
        yield ours
    finally:
        server.kill()
        server.wait()
        subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)


def _until_it_answers() -> None:
    for _ in range(100):
        try:
            socket.create_connection((THERE, 7), 1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("the echo server did not start")


def talk(times: int = 20) -> None:
    """TCP and UDP there and back, and a ping."""
    for number in range(times):
        with socket.create_connection((THERE, 7), 5) as peer:
            peer.sendall(bytes(100 * number + 1))
            peer.recv(10)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.sendto(bytes(number), (THERE, 7))
    subprocess.run(["ping", "-c", "2", "-i", "0.2", THERE], check=True, capture_output=True)
    time.sleep(0.2)


@contextmanager
def beside(interface, path, *arguments):
    """tcpdump on the same interface."""
    command = [
        "tcpdump",
        "-i",
        interface,
        "-U",
        "-B",
        "16384",
        "-w",
        str(path),
        "--nano",
        "--immediate-mode",
        "-Z",
        "root",
        *arguments,
    ]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert any("listening" in line for line in iter(process.stderr.readline, ""))
            yield
            time.sleep(0.3)
        finally:
            process.terminate()
        assert "0 packets dropped by kernel" in process.stderr.read()


def counted(flows: pd.DataFrame) -> dict:
    """Flows summed over intervals: packets, bytes and flags by key."""
    key = ["SrcAddr", "DstAddr", "Proto", "SrcPort", "DstPort", "IcmpType", "IcmpCode"]
    plain = flows.assign(**{name: flows[name].astype("str") for name in key})
    found: dict = {}
    for row in plain.itertuples(index=False):
        entry = found.setdefault(tuple(getattr(row, name) for name in key), [0, 0, 0])
        entry[0] += row.Packets
        entry[1] += row.Bytes
        entry[2] |= 0 if pd.isna(row.Flags) else row.Flags
    return found


def test_same_flows_and_bytes_as_tcpdump(wire, tmp_path):
    with beside(wire, tmp_path / "a.pcap"), capture.live(wire, every=0.5) as handle:
        talk()
    assert counted(handle.flows) == counted(read_quietly(tmp_path / "a.pcap"))
    assert handle.flows["Packets"].sum() == handle.progress.packets - not_ip(handle) > 200
    assert handle.progress.dropped == 0
    assert handle.progress.intervals >= 2


def not_ip(handle) -> int:
    return capture.report(handle.flows).total("not_ip_packets")


def test_loopback_shows_each_packet_once_as_tcpdump(tmp_path):
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    with beside("lo", tmp_path / "a.pcap", f"port {port}"), capture.live("lo", filter=f"port {port}") as handle:
        with socket.create_connection(("127.0.0.1", port)) as peer:
            listener.accept()[0].close()
            peer.recv(1)
        time.sleep(0.2)
    listener.close()
    assert counted(handle.flows) == counted(read_quietly(tmp_path / "a.pcap"))
    assert len(handle.flows) == 2


def test_a_capture_filter_is_the_kernels(wire):
    with capture.live(wire, filter="udp port 7 or icmp") as handle:
        talk(3)
    assert set(handle.flows["Proto"]) == {1, 17}
    assert not_ip(handle) == 0


def test_tagged_frames_have_their_size_on_the_wire(wire, tmp_path):
    tagged = ether(ip4(udp(payload=bytes(100)), 17, THERE, HERE), 0x0800, [0x8100])
    with beside(wire, tmp_path / "a.pcap"), capture.live(wire) as handle:
        send_from_namespace(tagged, 5)
        time.sleep(0.2)
    assert counted(handle.flows) == counted(read_quietly(tmp_path / "a.pcap"))
    tagged_flow = handle.flows[handle.flows["SrcPort"] == 40000]
    assert tagged_flow["Bytes"].tolist() == [5 * len(tagged)]


def send_from_namespace(frame: bytes, times: int) -> None:
    code = (
        "import socket, sys\n"
        "out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); out.bind(('eth0', 0))\n"
        f"for _ in range({times}): out.send(bytes.fromhex('{frame.hex()}'))"
    )
    space = next(line.split()[0] for line in listed() if line.startswith(f"fkl{os.getpid()}-"))
    subprocess.run(["ip", "netns", "exec", space, sys.executable, "-c", code], check=True)


def listed() -> list[str]:
    return subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True).stdout.splitlines()


def test_drops_are_those_of_the_kernels_counter(wire):
    """A ring of two small blocks that nobody reads while 3,000 packets come."""
    ring = Ring(Wanted(wire, "udp dst port 9"), Size(1 << 16, 2))
    sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for _ in range(3000):
        sender.sendto(bytes(1000), (THERE, 9))
    sender.close()
    with LiveCapture(ring, Plan(wire, None, 60.0, Limits(), None, Interval)) as handle:
        time.sleep(0.3)
    seen = ring.counters()
    assert seen.seen == 3000
    assert seen.dropped is not None
    assert 0 < seen.dropped < 3000
    assert handle.progress.packets + seen.dropped == 3000
    assert handle.progress.dropped == seen.dropped
    assert provenance(handle.flows).losses == {DROPPED: seen.dropped}


def test_an_interface_that_goes_away_ends_the_capture_with_what_was_there(wire):
    handle = capture.live(wire, filter="udp", every=60)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"last", (THERE, 7))
    time.sleep(0.3)
    sh(f"ip link set {wire} down")
    with pytest.raises(CaptureError, match=f"{wire}: the interface is down or gone"):
        handle.wait(5)
    assert handle.flows["Packets"].sum() == 2


def test_dumpcap_gives_the_same(wire, tmp_path):
    if not shutil.which("dumpcap"):
        pytest.skip("dumpcap is absent")
    source = Dumpcap(Wanted(wire, "tcp or udp"))
    with (
        beside(wire, tmp_path / "a.pcap", "tcp or udp"),
        LiveCapture(source, Plan(wire, None, 0.5, Limits(), None, Interval)) as handle,
    ):
        talk(5)
    assert counted(handle.flows) == counted(read_quietly(tmp_path / "a.pcap"))
    assert handle.progress.dropped == 0


def test_dumpcaps_refusal_is_in_its_words():
    with pytest.raises(CaptureError, match="no-such0: dumpcap: "):
        Dumpcap(Wanted("no-such0"))


def test_unknown_interfaces_are_an_error_that_lists_the_others():
    with pytest.raises(CaptureError, match="no interface 'no-such0': there are .*lo"):
        capture.live("no-such0")


class TestCommand:
    """The command in a process of its own."""

    @pytest.fixture
    def start(self, root, wire, tmp_path):
        running = []

        def start_it(*arguments):
            command = [sys.executable, "-m", "capture", "live", "-i", wire, "-o", str(tmp_path / "flows"), *arguments]
            environment = {**os.environ, "PYTHONPATH": str(root), "NO_COLOR": "1"}
            process = subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            running.append(process)
            self.until(lambda: self.ring_is_open(process.pid))
            return process

        yield start_it
        for process in running:
            process.kill()
            process.communicate()

    @staticmethod
    def ring_is_open(pid) -> bool:
        """Whether the process has a ring and its socket is bound, without which no packet comes."""
        ring = re.search(r"socket:\[(\d+)\]", Path(f"/proc/{pid}/maps").read_text())
        sockets = [line.split() for line in Path("/proc/net/packet").read_text().splitlines()[1:]]
        return ring is not None and any(line[8] == ring[1] and line[3] == EVERY_PROTOCOL for line in sockets)

    @staticmethod
    def until(condition) -> None:
        end = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < end, "it did not happen"
            time.sleep(0.05)

    @staticmethod
    def send(packets: int) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for _ in range(packets):
                sender.sendto(b"x", (THERE, 9))
                time.sleep(0.002)

    @staticmethod
    def sent_to_9(folder) -> int:
        flows = pd.concat([pd.read_parquet(path) for path in sorted(folder.glob("*.parquet"))])
        return int(flows.loc[flows["DstPort"] == 9, "Packets"].sum())

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_signal_closes_the_last_file_whole(self, start, tmp_path, number):
        process = start("--every", "60", "-f", "udp port 9")
        self.send(100)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert process.returncode == 0, err
        assert [os.path.dirname(line) for line in out.splitlines()] == [str(tmp_path / "flows")]  # noqa: PTH120
        assert "100 packets, 0 dropped" in err
        assert self.sent_to_9(tmp_path / "flows") == 100

    def test_a_kill_loses_at_most_the_last_interval_and_a_restart_replaces_nothing(self, start, tmp_path):
        first = start("--every", "0.5", "-f", "udp port 9")
        self.send(300)
        self.until(lambda: len(list((tmp_path / "flows").glob("*.parquet"))) >= 1)
        time.sleep(1.2)
        self.send(20)
        first.kill()
        first.communicate()
        kept, files = self.sent_to_9(tmp_path / "flows"), set((tmp_path / "flows").glob("*.parquet"))
        assert 300 <= kept <= 320
        second = start("--every", "0.5", "-f", "udp port 9")
        self.send(100)
        second.terminate()
        assert second.wait(20) == 0
        assert files < set((tmp_path / "flows").glob("*.parquet"))
        assert self.sent_to_9(tmp_path / "flows") == kept + 100

    def test_without_privilege_it_is_one_line_and_exit_1(self, tmp_path):
        # The same user without a single capability, so that this Python can be run wherever it lies.
        drop = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
        command = [*drop, sys.executable, "-m", "capture", "live", "-i", "lo", "-o", str(tmp_path / "flows")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert "CAP_NET_RAW" in done.stderr
        assert "sudo setcap" in done.stderr
