"""What a user may choose about a synthesis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from flowkit.errors import PolicyError
from flowkit.policy.verify.coverage import Gate


@dataclass(frozen=True)
class Options:
    """Choices, each with the careful default.

    `namespaces`: which ones get policies; empty means every namespace of the matrix, but not the platform's (``kube-…``,
    ``openshift…``), and where the matrix is filtered by namespace those of the filter. `states`: which edges become rules.
    `doubted`: values of ``direction_by`` that are
    too weak to base a rule on, such as ``inferred: first packet``; none by default. `default_deny`:
    ``gated`` by coverage (`gate`), ``always`` or ``never``. `ports`: ``numbers``, or ``names`` where a container port's name
    means the same number on all pods of the server and the profile knows names. `widen`: outside addresses of one port become
    prefixes of which at least this share was seen (0 to 1), never over pods, Services or nodes. `anywhere`: from so many
    outside addresses on one port on every outside address is allowed there, but private ones and the metadata service.
    """

    namespaces: tuple[str, ...] = ()
    states: tuple[str, ...] = ("answered",)
    doubted: tuple[str, ...] = ()
    default_deny: Literal["gated", "always", "never"] = "gated"
    gate: Gate = field(default_factory=Gate)
    ports: Literal["numbers", "names"] = "numbers"
    widen: float | None = None
    anywhere: int | None = None

    def __post_init__(self) -> None:
        """Refuse what would open everything by a slip."""
        if self.widen is not None and not 0 < self.widen <= 1:
            raise PolicyError(f"widen={self.widen} is no share of seen addresses: above 0, at most 1")
        if self.anywhere is not None and self.anywhere < 1:
            raise PolicyError(f"anywhere={self.anywhere} is no number of outside addresses: at least 1")
