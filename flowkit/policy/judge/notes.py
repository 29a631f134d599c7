"""What a reader of verdicts must know about the policies: port names that mean nothing, or more than they say."""

from __future__ import annotations

from collections.abc import Iterator

from flowkit.policy.judge.ruling import Ruling
from flowkit.policy.model import EGRESS, INGRESS


def named_ports(ruling: Ruling) -> Iterator[str]:
    """Say which port names no pod declares (they match nothing), or that a profile knows no names (they match everything)."""
    used = {
        (port.port, f"{line.policy} {line.rule}")
        for direction in (EGRESS, INGRESS)
        for line in ruling.lines(direction)
        for port in line.ports
        if isinstance(port.port, str)
    }
    if not used:
        return
    profile = ruling.classes.profile
    if not profile.named_ports:
        yield f"{profile.name} does not know port names: {len(used)} rules with one open the whole protocol"
        return
    declared = {name for pod in ruling.classes.world.pods for name, _, _ in pod.ports}
    for name, rule in sorted(each for each in used if each[0] not in declared):
        yield f"port '{name}' of {rule} is declared by no pod: it matches nothing"
