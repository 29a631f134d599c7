"""Random clusters with their traffic, and by plain reasoning which connections their policies must allow.

Labels as Helm writes them, so that they clash now and then; some workloads without any lasting label; several namespaces, IPv4 and
IPv6, nodes, the cluster's DNS, outside addresses with and without a subnet label, ports in a row, named ports.
"""

from __future__ import annotations

import ipaddress
import warnings
from dataclasses import dataclass, field
from random import Random

import pandas as pd

from flowkit.enrich import Inventory

SPACES = ("shop", "data", "ops")
LABEL, RANGES = "EXT:partner", ("203.0.113.128/25", "2001:db8:beef::/48")
OUTSIDE = (
    "203.0.113.9",
    "203.0.113.10",
    "203.0.113.200",
    "203.0.113.201",
    "2001:db8::7",
    "2001:db8:beef::1",
    "198.51.100.1",
)
NODES = {"n1": "10.0.0.11", "n2": "10.0.0.12"}
PORTS = (80, 443, 5432, 8080, 9000, 9001, 9002)
PROTOCOLS = {6: "TCP", 17: "UDP"}
Key = tuple[str, str, str]


@dataclass
class Pod:
    key: Key
    name: str
    labels: dict[str, str]
    node: str
    addresses: tuple[str, ...]
    ports: list[dict]


@dataclass
class Cluster:
    """Pods; edges as (client, server, port, protocol), an end being a workload key, ``(nodes)`` or an address."""

    pods: list[Pod]
    has_dns: bool
    edges: set[tuple] = field(default_factory=set)
    flows: list[dict] = field(default_factory=list)

    @property
    def of(self) -> dict[str, Pod]:
        return {address: pod for pod in self.pods for address in pod.addresses}

    def members(self, key) -> list[Pod]:
        return [pod for pod in self.pods if pod.key == key]


def cluster(random: Random) -> Cluster:
    """Make a cluster and its traffic."""
    made = Cluster(_pods(random), has_dns=random.random() < 0.5)
    if made.has_dns:
        made.pods += [
            _pod(("kube-system", "Deployment", "coredns"), 0, {"k8s-app": "kube-dns"}, len(made.pods), random)
        ]
        made.pods[-1].ports = [
            {"containerPort": 53, "protocol": each, "name": f"dns-{each.lower()}"} for each in ("UDP", "TCP")
        ]
    for _ in range(random.randint(1, 25)):
        _edge(random, made)
    return made


def _pods(random: Random) -> list[Pod]:
    found: list[Pod] = []
    for space in random.sample(SPACES, random.randint(1, 3)):
        for at in range(random.randint(1, 5)):
            key = (space, random.choice(("StatefulSet", "DaemonSet", "Deployment")), f"w{at}")
            shared = _labels(random, at)
            for number in range(random.choice((1, 1, 2, 3))):
                found.append(_pod(key, number, shared, len(found), random))
    return found


def _labels(random: Random, at: int) -> dict[str, str]:
    kind = random.random()
    if kind < 0.06:
        return {}
    if kind < 0.4:
        return {"app": f"w{at}"}
    names = {
        "app.kubernetes.io/name": random.choice(("web", "db")),
        "app.kubernetes.io/instance": random.choice(("blue", "red")),
    }
    if random.random() < 0.5:
        names["app.kubernetes.io/component"] = random.choice(("api", "worker", "cache"))
    return names


def _pod(key: Key, number: int, shared: dict[str, str], at: int, random: Random) -> Pod:
    own = {"pod-template-hash": "abc123", "app.kubernetes.io/version": str(random.randint(1, 2))}
    addresses = (f"10.128.{at}.5", f"fd01::{at + 1:x}") if random.random() < 0.5 else (f"10.128.{at}.5",)
    ports = [{"containerPort": port, "name": f"p{port}", "protocol": "TCP"} for port in random.sample(PORTS, 2)]
    return Pod(
        key, f"{key[2]}-{key[1].lower()}-{number}", {**shared, **own}, random.choice(list(NODES)), addresses, ports
    )


def _edge(random: Random, made: Cluster) -> None:
    """Let a workload, a node or an outside address call a workload or an outside address, from some of its pods."""
    clients = [*dict.fromkeys(pod.key for pod in made.pods), "(nodes)", random.choice(OUTSIDE)]
    client = random.choice(clients)
    inside = list(dict.fromkeys(pod.key for pod in made.pods))
    server = (
        random.choice([*inside, *inside, random.choice(OUTSIDE)])
        if isinstance(client, tuple)
        else random.choice(inside)
    )
    start, proto = random.choice(PORTS), random.choice((6, 6, 17))
    run = random.choice((1, 1, 1, 3)) if start == 9000 else 1
    if made.has_dns and isinstance(server, tuple) and server[0] == "kube-system":
        start, run = 53, 1
    answered = proto == 17 or random.random() < 0.9
    for port in range(start, start + run):
        _call(random, made, (client, server, port, proto), answered)


def _call(random: Random, made: Cluster, edge: tuple, answered: bool) -> None:
    client, server, port, proto = edge
    sources = _addresses(client, made)
    targets = _addresses(server, made)
    pairs = [(a, b) for a in sources for b in targets if (":" in a) == (":" in b) and a != b]
    if not pairs:
        return
    for source, target in random.sample(pairs, min(len(pairs), 2)):
        flags = ["SYN", "ACK"] if answered else ["SYN"]
        row = {
            "SrcAddr": source,
            "DstAddr": target,
            "SrcPort": 40000 + len(made.flows),
            "DstPort": port,
            "Proto": proto,
        }
        when = 1_800_000_000_000 + len(made.flows) * 1000
        made.flows.append(
            {
                **row,
                "Flags": flags if proto == 6 else [],
                "Bytes": 100,
                "Packets": 2,
                "TimeFlowStartMs": when,
                "TimeFlowEndMs": when + 10,
            }
        )
        if answered and not _own_node(source, target, made):
            made.edges.add((_end(source, made), _end(target, made), port, proto))


def _own_node(source: str, target: str, made: Cluster) -> bool:
    pod = made.of.get(target)
    return pod is not None and NODES[pod.node] == source


def _addresses(end, made: Cluster) -> list[str]:
    if end == "(nodes)":
        return list(NODES.values())
    return [address for pod in made.members(end) for address in pod.addresses] if isinstance(end, tuple) else [end]


def _end(address: str, made: Cluster):
    pod = made.of.get(address)
    return pod.key if pod else "(nodes)" if address in NODES.values() else address


def table(made: Cluster) -> pd.DataFrame:
    return pd.DataFrame(made.flows)


def inventory(made: Cluster) -> Inventory:
    """The cluster as ``kubectl get -o json`` prints it."""
    items = [
        {"kind": "Namespace", "metadata": {"name": s, "labels": {"kubernetes.io/metadata.name": s}}}
        for s in (*SPACES, "kube-system")
    ]
    items += [
        {"kind": "Node", "metadata": {"name": n}, "status": {"addresses": [{"type": "InternalIP", "address": a}]}}
        for n, a in NODES.items()
    ]
    items += [_object(pod) for pod in made.pods]
    if made.has_dns:
        ports = [{"name": f"dns-{p.lower()}", "port": 53, "protocol": p, "targetPort": 53} for p in ("UDP", "TCP")]
        spec = {
            "clusterIP": "172.30.0.10",
            "clusterIPs": ["172.30.0.10"],
            "selector": {"k8s-app": "kube-dns"},
            "ports": ports,
        }
        items.append({"kind": "Service", "metadata": {"name": "kube-dns", "namespace": "kube-system"}, "spec": spec})
    with warnings.catch_warnings(action="ignore"):
        return Inventory.load({"kind": "List", "items": items})


def _object(pod: Pod) -> dict:
    space, kind, name = pod.key
    owner = {"kind": "ReplicaSet", "name": f"{name}-abc123"} if kind == "Deployment" else {"kind": kind, "name": name}
    meta = {"name": pod.name, "namespace": space, "labels": pod.labels, "ownerReferences": [owner]}
    status = {"phase": "Running", "hostIP": NODES[pod.node], "podIPs": [{"ip": each} for each in pod.addresses]}
    return {
        "kind": "Pod",
        "metadata": meta,
        "spec": {"nodeName": pod.node, "containers": [{"ports": pod.ports}]},
        "status": status,
    }


@dataclass
class Expectation:
    """What must be allowed: the edges seen, spread over what is reported (clashing workloads, nodes, labels, DNS)."""

    made: Cluster
    together: dict[Key, frozenset[Key]]
    unselectable: frozenset[Key]
    edges: set[tuple] = field(default_factory=set)
    dns_clients: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, made: Cluster, findings: pd.DataFrame) -> Expectation:
        together: dict[Key, frozenset[Key]] = {}
        for row in findings[findings["finding"] == "label clash"].itertuples():
            keys = frozenset((row.namespace, *part.split(" ", 1)) for part in row.what.split(", "))
            together.update(dict.fromkeys(keys, keys))
        lost = findings[findings["finding"] == "not selectable"].itertuples()
        found = cls(made, together, frozenset((row.namespace, *row.what.split(" ", 1)) for row in lost))
        for client, server, port, proto in made.edges:
            if found.dns(server, port, proto):
                if client not in found.unselectable:
                    found.dns_clients.add(client[0] if isinstance(client, tuple) else client)
                if isinstance(client, tuple):
                    continue
            found.edges.add((found.spread(client), found.spread(server), port, proto))
        return found

    def dns(self, server, port: int, proto: int) -> bool:
        return self.made.has_dns and server == ("kube-system", "Deployment", "coredns") and port == 53

    def spread(self, end):
        if isinstance(end, tuple):
            return self.together.get(end, frozenset([end]))
        if end != "(nodes)" and any(_within(end, network) for network in RANGES):
            return LABEL
        return end

    def allows(self, source: str, target: str, port: int, proto: int, covered: set[str]) -> bool:
        """Whether the policies must let a connection through."""
        client, server = _end(source, self.made), _end(target, self.made)
        if isinstance(client, tuple) and self.made.of[source] is self.made.of.get(target):
            return True
        isolated = [isinstance(end, tuple) and end[0] in covered for end in (client, server)]
        if client == "(nodes)" and isinstance(server, tuple) and NODES[self.made.of[target].node] == source:
            return True
        if not any(isolated):
            return True
        if self.dns(server, port, proto) and isinstance(client, tuple) and not isolated[1]:
            return client[0] in self.dns_clients
        if {client, server} & self.unselectable:
            return False
        return (self.spread(client), self.spread(server), port, proto) in self.edges


def _within(address: str, network: str) -> bool:
    net = ipaddress.ip_network(network)
    here = ipaddress.ip_address(address)
    return here.version == net.version and here in net
