"""Services as nftables rules: what each node does to packets for a Service's address."""

from __future__ import annotations

from collections.abc import Iterator

from data.lab.model import Scenario, Service, ServicePort
from data.lab.placement import backends


def rules(scenario: Scenario) -> str:
    """Write the rule set that is the same on every node: for pods' packets, and for the node's own."""
    body = "\n".join(f"    {rule}" for rule in _service_rules(scenario))
    return (
        "table inet lab {\n"
        f"  chain pods {{\n    type nat hook prerouting priority -100; policy accept;\n{body}\n  }}\n"
        f"  chain host {{\n    type nat hook output priority -100; policy accept;\n{body}\n  }}\n"
        "  chain quiet {\n    type filter hook output priority 0; policy accept;\n"
        # Pods route everything through their node, which would tell them of a shorter way at each packet.
        "    icmpv6 type nd-redirect drop\n  }\n"
        "}\n"
    )


def drop_rules(ports: tuple[int, ...]) -> str:
    """Write the rules of a pod that throws away packets to some of its ports."""
    body = "\n".join(f"    tcp dport {port} drop" for port in ports)
    head = "type filter hook input priority 0; policy accept;"
    return f"table inet lab {{\n  chain in {{\n    {head}\n{body}\n  }}\n}}\n"


def _service_rules(scenario: Scenario) -> Iterator[str]:
    for service in scenario.services:
        for port in service.ports:
            for family, address in ((4, service.address), (6, service.address6)):
                if address:
                    yield _rule(scenario, service, port, family, address)


def _rule(scenario: Scenario, service: Service, port: ServicePort, family: int, address: str) -> str:
    ip = "ip" if family == 4 else "ip6"
    ends = [(b.address, b.port) for b in backends(scenario, service, port, family)]
    # Each connection picks one at random: in turn, clients that march in step would always meet the same one.
    picked = ", ".join(f"{place} : {end} . {number}" for place, (end, number) in enumerate(ends))
    match = f"{ip} daddr {address} {port.protocol.lower()} dport {port.number}"
    return f"{match} dnat {ip} to numgen random mod {len(ends)} map {{ {picked} }}"
