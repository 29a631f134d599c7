"""Names: what the cluster's DNS servers and the resolver outside answer, and how a pod asks."""

from __future__ import annotations

from data.lab.addresses import DNS_SERVICE
from data.lab.model import Scenario, Workload
from data.lab.placement import Pod, selected

CLUSTER = "cluster.local"
MACHINES = "eu-west-3.compute.internal"


def resolv_conf(workload: Workload) -> str:
    """Write a pod's resolv.conf as the kubelet does."""
    search = f"{workload.namespace}.svc.{CLUSTER} svc.{CLUSTER} {CLUSTER} {MACHINES}"
    options = "ndots:5" + (" use-vc" if workload.resolves_over == "tcp" else "")
    return f"search {search}\nnameserver {DNS_SERVICE}\noptions {options}\n"


def cluster_dns(scenario: Scenario, pod: Pod) -> str:
    """Write the configuration of a cluster DNS server. It keeps nothing, so each question outside is asked again."""
    port = next(p.number for p in pod.workload.ports if p.speaks == "dns")
    upstream = scenario.host("resolver").addresses[0]
    records = [
        f"host-record={service.name}.{service.namespace}.svc.{CLUSTER},{address}"
        for service in scenario.services
        for address in _addresses(scenario, service.key)
    ]
    own = [f"port={port}", f"listen-address={pod.address}", f"local=/{CLUSTER}/", f"server={upstream}", "cache-size=0"]
    return "\n".join([*COMMON, *own, *records]) + "\n"


def outside_dns(scenario: Scenario) -> str:
    """Write the configuration of the resolver outside."""
    address = scenario.host("resolver").addresses[0]
    records = [
        f"host-record={host.hostname},{each}" for host in scenario.outside if host.hostname for each in host.addresses
    ]
    return "\n".join([*COMMON, "port=53", f"listen-address={address}", "local=/#/", *records]) + "\n"


COMMON = ("no-resolv", "no-hosts", "bind-interfaces", "user=root", "group=root", "pid-file=", "local-ttl=5")


def _addresses(scenario: Scenario, key: str) -> tuple[str, ...]:
    service = scenario.service(key)
    if service.address:
        return tuple(a for a in (service.address, service.address6) if a)
    return tuple(pod.address for pod in selected(scenario, service))
