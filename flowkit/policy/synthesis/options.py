"""What a user may choose about a synthesis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from flowkit.policy.verify.coverage import Gate


@dataclass(frozen=True)
class Options:
    """Choices, each with the careful default.

    `namespaces`: which ones get policies; empty means every namespace of the matrix, but not the platform's (``kube-…``,
    ``openshift…``), and where the matrix is filtered by namespace those of the filter. `states`: which edges become rules.
    `doubted`: values of ``direction_by`` that are
    too weak to base a rule on, such as ``inferred: first packet``; none by default. `default_deny`:
    ``gated`` by coverage (`gate`), ``always`` or ``never``. `ports`: ``numbers``, or ``names`` where a container port's name
    means the same number on all pods of the server and the profile knows names.
    """

    namespaces: tuple[str, ...] = ()
    states: tuple[str, ...] = ("answered",)
    doubted: tuple[str, ...] = ()
    default_deny: Literal["gated", "always", "never"] = "gated"
    gate: Gate = field(default_factory=Gate)
    ports: Literal["numbers", "names"] = "numbers"
