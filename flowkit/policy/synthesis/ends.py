"""The ends of connections as policies name them: pods, the cluster's DNS and API servers, nodes, subnet labels, addresses,
ranges and everywhere outside."""

from __future__ import annotations

from dataclasses import dataclass

from flowkit.policy.synthesis.selectors import Subject

PODS, DNS, API_SERVER, NODES, LABEL, ADDRESS = "pods", "dns", "api server", "nodes", "subnet label", "address"
RANGE, ANYWHERE = "range", "anywhere outside"
INFRASTRUCTURE = (DNS, API_SERVER, NODES)


@dataclass(frozen=True)
class End:
    """One end: its kind, and the subject (pods), the label, address, range or IP version that it is."""

    kind: str
    subject: Subject | None = None
    name: str = ""

    def __str__(self) -> str:
        if self.subject is not None:
            return ", ".join(f"{namespace}/{name}" for namespace, _, name in self.subject.workloads)
        named = {
            LABEL: f"label {self.name}",
            ADDRESS: self.name,
            RANGE: self.name,
            ANYWHERE: f"({ANYWHERE}, {self.name})",
        }
        return named.get(self.kind, f"({self.kind})")

    @property
    def order(self) -> tuple[str, str, str]:
        """A key that sorts ends for a reader: by kind, namespace, name."""
        return self.kind, self.subject.namespace if self.subject else "", str(self)
