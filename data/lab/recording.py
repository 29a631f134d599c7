"""A recording, from the empty machine to the files of a folder: the order of events."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from data.lab.addresses import gateway, mac
from data.lab.duties import client_orders, outside_orders, requests, server_orders
from data.lab.inventory import cluster
from data.lab.merge import merge, write
from data.lab.model import Node, Scenario
from data.lab.names import outside_dns
from data.lab.network import OUTSIDE, Network, namespace, stop
from data.lab.placement import Pod, pods, pods_of
from data.lab.servers import certificate, command
from data.lab.subnets import flow_collector
from data.lab.truth import truth

INTERFACES = ("br0", "eth0")
START = 20.0  # seconds that the servers have to listen
SETTLE = 2.0  # seconds after the last client ends, so that the last packets leave the kernel's buffers

Report = Callable[[str], None]
Processes = dict[str, subprocess.Popen[bytes]]


def record(
    scenario: Scenario, seconds: float, folder: Path, report: Report, prepare: Callable[[Network], None] | None = None
) -> None:
    """Play the scenario for some seconds and write all files.

    `prepare` may change the standing network before anything runs in it, such as load a pod's packet filter.
    """
    folder.mkdir(parents=True, exist_ok=True)
    report("building the network")
    with Network(scenario) as network:
        if prepare:
            prepare(network)
        report("starting the servers")
        start_servers(network)
        start_before(network)
        play(network, seconds, report)
        report("merging the captures")
        for node in scenario.nodes:
            merge_captures(network, node, folder)
    write_definition(scenario, folder)


def merge_captures(network: Network, node: Node, folder: Path) -> None:
    """Make one pcap of the captures of a node's interfaces."""
    captures = [(name, network.folder / f"{node.short}-{name}.pcap") for name in INTERFACES]
    own = frozenset(bytes.fromhex(mac(a).replace(":", "")) for a in (node.address, gateway(node.pods4)))
    write(merge(captures, INTERFACES[0], own), folder / f"{node.name}.pcap.gz")


def write_definition(scenario: Scenario, folder: Path) -> None:
    """Write what follows from the definition alone: inventory, subnet labels and truth."""
    (folder / "cluster.json").write_text(cluster_text(scenario))
    (folder / "flowcollector.yaml").write_text(flow_collector(scenario))
    (folder / "truth.json").write_text(truth_text(scenario))


def cluster_text(scenario: Scenario) -> str:
    """Write the inventory as kubectl prints it."""
    return json.dumps(cluster(scenario), indent=4, sort_keys=True) + "\n"


def truth_text(scenario: Scenario) -> str:
    """Write the truth, a relation a line."""
    return "[\n" + ",\n".join(json.dumps(relation) for relation in truth(scenario)) + "\n]\n"


def start_servers(network: Network) -> None:
    """Start every server and wait until each of its ports listens."""
    scenario = network.scenario
    pem = str(certificate(network.folder))
    dns = network.folder / "outside-dns.conf"
    dns.write_text(outside_dns(scenario))
    network.start(OUTSIDE, ["dnsmasq", "--keep-in-foreground", f"--conf-file={dns}"], "outside-dns")
    for host in scenario.outside:
        orders = outside_orders(host, pem)
        if orders["listen"]:
            network.start(OUTSIDE, python("server", orders), f"server-{host.name}")
    for pod in pods(scenario):
        if pod.workload.ports:
            network.start(namespace(pod), _server(network, pod, pem), f"server-{pod.name}")
    wait_for(lambda: not list(silent(network)), START, lambda: f"not listening: {', '.join(silent(network))}")


def _server(network: Network, pod: Pod, pem: str) -> list[str]:
    if pod.workload.program == "python":
        return python("server", server_orders(network.scenario, pod, pem))
    folder = network.folder / pod.name
    folder.mkdir(mode=0o755)
    return command(network.scenario, pod, folder)


def python(program: str, orders: object) -> list[str]:
    """Give the command that runs one of our programs with its orders."""
    return [sys.executable, "-m", f"data.lab.programs.{program}", json.dumps(orders)]


def silent(network: Network) -> Iterator[str]:
    """Name the ports that should listen and do not yet."""
    wanted = [
        *((namespace(p), port, p.name) for p in pods(network.scenario) for port in p.workload.ports),
        *((OUTSIDE, port, host.name) for host in network.scenario.outside for port in host.ports),
    ]
    listening = {place: _listening(place) for place in {place for place, *_ in wanted}}
    for place, port, name in wanted:
        if (port.protocol, port.number) not in listening[place]:
            yield f"{name} {port.protocol} {port.number}"


def _listening(place: str) -> set[tuple[str, int]]:
    shown = subprocess.run(["ip", "netns", "exec", place, "ss", "-Hltun"], capture_output=True, text=True, check=True)
    rows = [line.split() for line in shown.stdout.splitlines()]
    return {(row[0].upper(), int(row[4].rpartition(":")[2])) for row in rows}


def start_before(network: Network) -> None:
    """Open the connections that are older than the recording; each asks its question again and again."""
    for call in network.scenario.calls:
        if call.when == "before":
            (request,) = requests(network.scenario, call)
            for pod in pods_of(network.scenario, call.client):
                ask = ["psql", "-X", "-h", request.host, "-p", str(request.port), "-U", "postgres", "-d", "postgres"]
                name = f"before-{pod.name}"
                process = network.start(namespace(pod), ask, name, subprocess.PIPE)
                assert process.stdin is not None
                process.stdin.write(b"select count(*) from pg_stat_activity \\watch 2\n")
                process.stdin.flush()
                wait_for_log(network, name, "row")


def play(network: Network, seconds: float, report: Report) -> None:
    """Record while the clients call; fail if a capture lost a packet."""
    captures = start_captures(network)
    report(f"recording {seconds:g} seconds")
    clients = {
        name: network.start(place, python("client", orders), f"client-{name}")
        for name, place, orders in client_places(network.scenario)
    }
    time.sleep(seconds)
    stop_clients(network, clients, report)
    time.sleep(SETTLE)
    stop_captures(network, captures)


def stop_clients(network: Network, clients: Processes, report: Report) -> None:
    """Let every client finish what it does; report what failed for it."""
    for client in clients.values():
        client.terminate()  # itself alone: what it runs may finish
    for name, client in clients.items():
        client.wait()
        for failure in network.log(f"client-{name}").splitlines():
            report(f"  {name}: {failure}")


def stop_captures(network: Network, captures: Processes) -> None:
    """End every tcpdump and read its statistics."""
    for capture in captures.values():
        stop(capture, signal.SIGINT)
    for name, capture in captures.items():
        capture.wait()
        check_nothing_lost(name, network.log(name))


def start_captures(network: Network) -> Processes:
    """Start tcpdump on every interface of every node; wait until all of them listen."""
    captures = {}
    for node in network.scenario.nodes:
        for interface in INTERFACES:
            name = f"{node.short}-{interface}"
            captures[name] = network.start(namespace(node), _capture(network, name, interface), name)
    for name in captures:
        wait_for_log(network, name, "listening on")
    return captures


def _capture(network: Network, name: str, interface: str) -> list[str]:
    path = str(network.folder / f"{name}.pcap")
    whole = ["-s", "0", "-B", "65536", "--time-stamp-precision", "nano"]
    return ["tcpdump", "-n", "-Z", "root", "-i", interface, "-w", path, *whole]


def client_places(scenario: Scenario) -> Iterator[tuple[str, str, dict[str, object]]]:
    """List who calls: a name, a namespace and the orders, for all that have any."""
    places = [
        *((pod.name, namespace(pod), pod.workload.key) for pod in pods(scenario)),
        *((node.short, namespace(node), f"node/{node.short}") for node in scenario.nodes),
        *((host.name, OUTSIDE, f"outside/{host.name}") for host in scenario.outside),
    ]
    for name, place, client in places:
        orders = client_orders(scenario, client)
        if orders["periodic"] or orders["once"]:
            yield name, place, orders


def check_nothing_lost(name: str, log: str) -> None:
    """Read tcpdump's own statistics; raise if it dropped packets or did not say."""
    dropped = re.findall(r"(\d+) packets? dropped", log)
    if not dropped or any(int(count) for count in dropped):
        raise RuntimeError(f"tcpdump on {name} lost packets: {log}")


def wait_for_log(network: Network, name: str, text: str) -> None:
    """Wait until a process has said something."""
    wait_for(lambda: text in network.log(name), START, lambda: f"{name}: {network.log(name)}")


def wait_for(ready: Callable[[], bool], seconds: float, complaint: Callable[[], str]) -> None:
    """Wait until something is so; raise with a complaint when it takes too long."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError(complaint())
        time.sleep(0.1)
