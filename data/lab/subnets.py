"""Subnet labels: the FlowCollector resource, and the label of an address as NetObserv would give it."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from data.lab.addresses import MACHINE_RANGES, POD_RANGES, SERVICE_RANGES
from data.lab.model import Scenario, SubnetLabel

DETECTED = (  # what openShiftAutoDetect adds, in this order, after the custom labels
    SubnetLabel("Machines", MACHINE_RANGES),
    SubnetLabel("Pods", POD_RANGES),
    SubnetLabel("Services", SERVICE_RANGES),
)


def label(scenario: Scenario, address: str) -> str:
    """Give the first label in list order that holds an address, or nothing."""
    ip = ip_address(address)
    for candidate in (*scenario.labels, *DETECTED):
        if any(ip in ip_network(cidr) for cidr in candidate.cidrs):
            return candidate.name
    return ""


def flow_collector(scenario: Scenario) -> str:
    """Write the FlowCollector resource with the scenario's custom labels."""
    lines = [
        "apiVersion: flows.netobserv.io/v1beta2",
        "kind: FlowCollector",
        "metadata:",
        "  name: cluster",
        "spec:",
        "  namespace: netobserv",
        "  agent:",
        "    type: eBPF",
        "    ebpf:",
        "      sampling: 1",
        "  processor:",
        "    addZone: true",
        "    subnetLabels:",
        "      openShiftAutoDetect: true",
        "      customLabels:",
    ]
    for custom in scenario.labels:
        lines += ["      - cidrs:", *(f"        - {cidr}" for cidr in custom.cidrs), f'        name: "{custom.name}"']
    return "\n".join(lines) + "\n"
