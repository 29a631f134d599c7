"""The words in which a scenario is written: plain frozen values, and nothing that runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["Deployment", "DaemonSet", "StatefulSet", "Job", "Pod", "Static"]
State = Literal["answered", "refused", "unanswered"]
Speaks = Literal["http", "https", "redis", "postgres", "line", "sink", "clock", "dns", "dns-tcp", "ping", "connect"]
When = Literal["periodic", "request", "once", "before"]

PROTOCOLS = {"TCP": 6, "UDP": 17, "ICMP": 1, "ICMPv6": 58}
UDP_SPEECH: frozenset[Speaks] = frozenset({"sink", "clock", "dns"})


@dataclass(frozen=True)
class Node:
    """A machine of the cluster; `short` names its network namespace."""

    short: str
    name: str
    address: str
    zone: str
    pods4: str
    pods6: str


@dataclass(frozen=True)
class Port:
    """A port that a workload's pods listen on."""

    number: int
    name: str = ""
    speaks: Speaks = "http"
    protocol: Literal["TCP", "UDP"] = "TCP"


@dataclass(frozen=True)
class Workload:
    """Pods of one kind. `nodes` holds one entry a pod: the place of its node in the scenario's list.

    `probe` is the TCP port that the kubelet of each pod's node asks, with HTTP if `probe_path` is given.
    Packets to the ports in `drops` are thrown away by the pod itself. `Static` is a pod owned by its Node.
    """

    namespace: str
    name: str
    kind: Kind
    nodes: tuple[int, ...]
    labels: Mapping[str, str]
    ports: tuple[Port, ...] = ()
    program: Literal["python", "nginx", "redis", "postgres", "dnsmasq"] = "python"
    probe: int = 0
    probe_path: str = ""
    host_network: bool = False
    dual_stack: bool = False
    resolves_over: Literal["udp", "tcp"] = "udp"
    drops: tuple[int, ...] = ()

    @property
    def key(self) -> str:
        """Name the workload in calls: `namespace/name`."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class ServicePort:
    """A Service's port and the port of its pods: a number, or the name of a container port."""

    number: int
    target: int | str
    name: str = ""
    protocol: Literal["TCP", "UDP"] = "TCP"


@dataclass(frozen=True)
class Service:
    """A Service; no `address` makes it headless, no `selector` gives it the endpoints of `nodes_serve`."""

    namespace: str
    name: str
    address: str
    ports: tuple[ServicePort, ...]
    selector: Mapping[str, str] = field(default_factory=dict)
    address6: str = ""
    nodes_serve: bool = False

    @property
    def key(self) -> str:
        """Name the Service in calls: `namespace/name`."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Outside:
    """A host outside the cluster."""

    name: str
    addresses: tuple[str, ...]
    hostname: str = ""
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True)
class ToService:
    """Call a Service by its DNS name (a node's own processes: by its address)."""

    service: str
    port: int


@dataclass(frozen=True)
class ToPods:
    """Call each pod of a workload in turn by its address; only pods of `node`, when given."""

    workload: str
    port: int | None
    node: str = ""


@dataclass(frozen=True)
class ToNodes:
    """Call nodes in turn by their addresses; `short` picks one."""

    port: int | None
    short: str = ""


@dataclass(frozen=True)
class ToOutside:
    """Call an outside host, by its name when it has one."""

    host: str
    port: int | None


@dataclass(frozen=True)
class ToAddress:
    """Call an address that nobody has."""

    address: str
    port: int


Target = ToService | ToPods | ToNodes | ToOutside | ToAddress


@dataclass(frozen=True)
class Call:
    """One thing that a client does.

    `client` is a workload's key, `node/<short>` for a node's own processes, or `outside/<name>`.
    `when`: every `every` seconds, on each request that the client itself gets, once, or once before the recording
    (and then kept open). `state` is what the client gets; `upload` counts the bytes sent after the page `path`.
    """

    client: str
    target: Target
    speaks: Speaks
    every: float = 2.0
    when: When = "periodic"
    state: State = "answered"
    family: Literal[4, 6] = 4
    path: str = "/"
    upload: int = 0


@dataclass(frozen=True)
class SubnetLabel:
    """A name for address ranges, as in a FlowCollector's `customLabels`."""

    name: str
    cidrs: tuple[str, ...]


@dataclass(frozen=True)
class Scenario:
    """All that the lab plays."""

    nodes: tuple[Node, ...]
    workloads: tuple[Workload, ...]
    services: tuple[Service, ...]
    outside: tuple[Outside, ...]
    calls: tuple[Call, ...]
    labels: tuple[SubnetLabel, ...]

    def workload(self, key: str) -> Workload:
        """Find a workload by `namespace/name`."""
        return next(w for w in self.workloads if w.key == key)

    def service(self, key: str) -> Service:
        """Find a Service by `namespace/name`."""
        return next(s for s in self.services if s.key == key)

    def host(self, name: str) -> Outside:
        """Find an outside host."""
        return next(h for h in self.outside if h.name == name)

    def node(self, short: str) -> Node:
        """Find a node by its short name."""
        return next(n for n in self.nodes if n.short == short)
