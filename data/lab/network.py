"""The machine's side of the cluster: namespaces, links, routes and NAT; and the processes inside them.

    fabric (a switch) ── eth0 n1 br0 ── eth0 of each pod of node 1
                      ├─ eth0 n2 br0 ── eth0 of each pod of node 2
                      └─ eth0 outside (every outside address, on lo)

Each is a namespace; its name begins with the process that made it, so that a machine plays several clusters at once.

A pod knows only its node: everything it sends is routed there, also to a pod next door. So replies pass the node that
did the NAT, as they must. Offloads are off: frames are as on a wire, with their real checksums.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

from data.lab.addresses import GATEWAY6, OUTSIDE_GATEWAY, gateway, link_local, mac
from data.lab.model import Node, Scenario
from data.lab.names import resolv_conf
from data.lab.nat import drop_rules, rules
from data.lab.placement import Pod, pods

PREFIX = "fklab-"
MINE = f"{PREFIX}{os.getpid()}-"
FABRIC, OUTSIDE = f"{MINE}fabric", f"{MINE}outside"
FOLDER = "flowkit-lab-"
RESOLV = Path("/etc/netns")
ROOT = Path(__file__).parents[2]
PATIENCE = 3.0  # seconds that a process has to end when it is asked to

QUIET6 = ("accept_ra=0", "autoconf=0", "accept_dad=0", "dad_transmits=0", "router_solicitations=0")
ROUTER = (
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.ipv4.conf.all.send_redirects=0",  # to a pod that reaches its neighbour through us
    "net.ipv4.conf.default.send_redirects=0",
)
NO_BRIDGE_FILTER = ("net.bridge.bridge-nf-call-iptables=0", "net.bridge.bridge-nf-call-ip6tables=0")


def namespace(place: Node | Pod) -> str:
    """Name the network namespace of a node or a pod; a host-network pod lives in its node's."""
    if isinstance(place, Node):
        return MINE + place.short
    return namespace(place.node) if place.workload.host_network else f"{MINE}{place.workload.namespace}-{place.name}"


class Network:
    """The standing network, as a context: whatever happens inside, nothing is left behind. One at a time a process."""

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.folder = Path()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._logs: list[IO[bytes]] = []

    def __enter__(self) -> Network:
        """Remove what an earlier run left, then build."""
        remove_left_overs()
        self.folder = Path(tempfile.mkdtemp(prefix=f"{FOLDER}{os.getpid()}-"))
        self.folder.chmod(0o755)  # PostgreSQL runs as its own user and must reach its folder
        try:
            self._build()
        except BaseException:
            self._remove()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End every process, remove every namespace and file."""
        self._remove()

    def start(self, place: str, command: list[str], log: str, stdin: int | None = None) -> subprocess.Popen[bytes]:
        """Run a command in a namespace; what it prints goes to a file of the lab's folder."""
        output = (self.folder / f"{log}.log").open("wb")
        self._logs.append(output)
        process = subprocess.Popen(
            ["ip", "netns", "exec", place, *command],
            stdin=subprocess.DEVNULL if stdin is None else stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=ROOT,
            start_new_session=True,
        )
        self._processes.append(process)
        return process

    def log(self, log: str) -> str:
        """Read what a command has printed so far."""
        return (self.folder / f"{log}.log").read_text(errors="replace").strip()

    def _build(self) -> None:
        _add_namespace(FABRIC, *NO_BRIDGE_FILTER, "net.ipv6.conf.default.disable_ipv6=1")
        _ip(FABRIC, "link add br0 type bridge mcast_snooping 0 forward_delay 0", "link set br0 up")
        self._build_outside()
        for node in self.scenario.nodes:
            self._build_node(node)
        for number, pod in enumerate(pods(self.scenario)):
            if not pod.workload.host_network:
                _build_pod(pod, f"veth{number}")

    def _build_outside(self) -> None:
        _add_namespace(OUTSIDE, *(f"net.ipv6.conf.default.{setting}" for setting in QUIET6))
        _plug_in(OUTSIDE, "outside", OUTSIDE_GATEWAY)
        addresses = [address for host in self.scenario.outside for address in host.addresses]
        _ip(
            OUTSIDE,
            f"addr add {OUTSIDE_GATEWAY}/16 dev eth0",
            f"addr add {GATEWAY6}/64 dev eth0 nodad",
            *(f"addr add {a}/{128 if ':' in a else 32} dev lo" for a in addresses),
            *(f"route add {n.pods4} via {n.address}" for n in self.scenario.nodes),
            *(f"route add {n.pods6} via {link_local(n.address)} dev eth0" for n in self.scenario.nodes),
        )

    def _build_node(self, node: Node) -> None:
        place = namespace(node)
        quiet6 = (f"net.ipv6.conf.default.{setting}" for setting in QUIET6)
        _add_namespace(place, *ROUTER, *quiet6, *NO_BRIDGE_FILTER)
        _plug_in(place, node.short, node.address)
        others = [other for other in self.scenario.nodes if other is not node]
        _ip(
            place,
            "link add br0 type bridge mcast_snooping 0 forward_delay 0",
            f"link set br0 address {mac(gateway(node.pods4))} up",
            f"addr add {node.address}/16 dev eth0",
            f"addr add {link_local(node.address)}/64 dev eth0 nodad",
            f"addr add {gateway(node.pods4)}/32 dev br0",
            f"addr add {GATEWAY6}/64 dev br0 nodad",
            # To its own pods a node is known by its own address, as the kubelet's probes are.
            f"route add {node.pods4} dev br0 src {node.address}",
            f"route add {node.pods6} dev br0",
            *(f"route add {other.pods4} via {other.address} src {node.address}" for other in others),
            *(f"route add {other.pods6} via {link_local(other.address)} dev eth0" for other in others),
            f"route add default via {OUTSIDE_GATEWAY} src {node.address}",
            f"-6 route add default via {GATEWAY6} dev eth0",
        )
        # What comes later are the ports of br0, which have nothing to say for themselves.
        _run(["ip", "netns", "exec", place, "sysctl", "-qw", "net.ipv6.conf.default.disable_ipv6=1"])
        _run(["ip", "netns", "exec", place, "ethtool", "-K", "br0", *OFFLOADS])
        load_rules(place, rules(self.scenario))

    def _remove(self) -> None:
        for process in reversed(self._processes):
            stop(process, signal.SIGTERM)
            if process.stdin:
                with suppress(OSError):
                    process.stdin.close()
        deadline = time.monotonic() + PATIENCE
        for process in self._processes:
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.0, deadline - time.monotonic()))
        remove_left_overs()
        for process in self._processes:
            process.wait()
        for log in self._logs:
            log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


OFFLOADS = ("tx", "off", "rx", "off", "tso", "off", "gso", "off", "gro", "off")


def stop(process: subprocess.Popen[bytes], how: signal.Signals) -> None:
    """Ask a process and its children to end."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, how)


def load_rules(place: str, text: str) -> None:
    """Load nftables rules in a namespace."""
    command = ["ip", "netns", "exec", place, "nft", "-f", "-"]
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    if done.returncode:
        raise OSError(f"nft in {place}: {done.stderr.strip()}")


def remove_left_overs() -> None:
    """End what runs in this process's namespaces and in those of processes that are gone; remove them and their files."""
    for place in left_overs():
        members = subprocess.run(["ip", "netns", "pids", place], capture_output=True, text=True, check=False).stdout
        for pid in members.split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)
        subprocess.run(["ip", "netns", "delete", place], capture_output=True, check=False)
    files = [*RESOLV.glob(f"{PREFIX}*"), *Path(tempfile.gettempdir()).glob(f"{FOLDER}*")]
    for folder in (f for f in files if not _belongs_to_another(f.name)):
        shutil.rmtree(folder, ignore_errors=True)
    with suppress(OSError):  # other tools may keep their own files there
        RESOLV.rmdir()


def left_overs() -> list[str]:
    """List the lab's network namespaces that belong to this process or to one that is gone."""
    return [place for place in standing() if not _belongs_to_another(place)]


def standing() -> list[str]:
    """List the lab's network namespaces on this machine, whoever made them."""
    listed = subprocess.run(["ip", "netns", "list"], capture_output=True, text=True, check=True).stdout
    return [line.split()[0] for line in listed.splitlines() if line.startswith(PREFIX)]


def maker(name: str) -> int:
    """Give the process that a namespace or a folder of the lab belongs to.

    >>> maker("fklab-4711-n1"), maker("flowkit-lab-4711-x3k2")
    (4711, 4711)
    """
    return int(name.removeprefix(PREFIX).removeprefix(FOLDER).split("-")[0])


def _belongs_to_another(name: str) -> bool:
    return maker(name) != os.getpid() and Path(f"/proc/{maker(name)}").exists()


def _build_pod(pod: Pod, port: str) -> None:
    place, home = namespace(pod), namespace(pod.node)
    quiet6 = [f"net.ipv6.conf.default.{setting}" for setting in QUIET6]
    _add_namespace(place, *(quiet6 if pod.address6 else ["net.ipv6.conf.default.disable_ipv6=1"]))
    _ip(
        home,
        f"link add {port} type veth peer name eth0 address {mac(pod.address)} netns {place}",
        f"link set {port} master br0 up",
    )
    via = gateway(pod.node.pods4)
    six = [f"addr add {pod.address6}/128 dev eth0 nodad", f"-6 route add default via {GATEWAY6} dev eth0"]
    _ip(
        place,
        "link set eth0 up",
        f"addr add {pod.address}/32 dev eth0",
        f"route add {via} dev eth0 scope link",
        f"route add default via {via}",
        *(six if pod.address6 else ()),
    )
    _run(["ip", "netns", "exec", place, "ethtool", "-K", "eth0", *OFFLOADS])
    (RESOLV / place).mkdir(parents=True, exist_ok=True)
    (RESOLV / place / "resolv.conf").write_text(resolv_conf(pod.workload))
    if pod.workload.drops:
        load_rules(place, drop_rules(pod.workload.drops))


def _add_namespace(name: str, *settings: str) -> None:
    _run(["ip", "netns", "add", name])
    if settings:
        _run(["ip", "netns", "exec", name, "sysctl", "-qw", *settings])
    _run(["ip", "-n", name, "link", "set", "lo", "up"])


def _plug_in(place: str, port: str, address: str) -> None:
    _ip(
        FABRIC,
        f"link add {port} type veth peer name eth0 address {mac(address)} netns {place}",
        f"link set {port} master br0 up",
    )
    _ip(place, "link set eth0 addrgenmode none up")
    _run(["ip", "netns", "exec", place, "ethtool", "-K", "eth0", *OFFLOADS])


def _ip(place: str, *commands: str) -> None:
    for command in commands:
        _run(["ip", "-n", place, *command.split()])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")
