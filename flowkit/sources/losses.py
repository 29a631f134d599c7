"""What a reader had to leave out: how much, why, and the first examples of it, for the provenance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from flowkit.contract import Provenance
from flowkit.contract.plain import plain

EXAMPLES = 3
_LENGTH = 60


@dataclass(frozen=True)
class Loss:
    """One reason, which names its unit ("broken JSON lines"), its count and up to three examples, shortened and escaped."""

    reason: str
    count: int
    examples: tuple[str, ...] = ()


def example(place: str, text: str | bytes) -> str:
    """One example: where it stands and the beginning of what stands there, fit for a terminal.

    >>> example("flows.json:2", b'{"SrcAddr": \\x1b')
    'flows.json:2 {"SrcAddr": ·'
    """
    known = text[: 4 * _LENGTH].decode("utf-8", "replace") if isinstance(text, bytes) else text[: 4 * _LENGTH]
    known = plain(known.encode("utf-8", "replace").decode("utf-8").strip())
    short = known if len(known) <= _LENGTH else known[: _LENGTH - 1] + "…"
    return f"{plain(place)} {short}" if place else short


def added(losses: Iterable[Loss]) -> list[Loss]:
    """One loss a reason: counts added, the first examples kept."""
    whole: dict[str, Loss] = {}
    for loss in losses:
        known = whole.get(loss.reason, Loss(loss.reason, 0))
        whole[loss.reason] = replace(
            known, count=known.count + loss.count, examples=(*known.examples, *loss.examples)[:EXAMPLES]
        )
    return [loss for loss in whole.values() if loss.count]


def losing(provenance: Provenance, losses: Iterable[Loss]) -> Provenance:
    """The provenance with these losses counted, and their examples among its notes.

    >>> losing(Provenance(), [Loss("broken JSON lines", 1, ("a.json:2 {",))]).notes
    ('broken JSON lines, first: a.json:2 {',)
    """
    losses = added(losses)
    notes = [f"{loss.reason}, first: {' · '.join(loss.examples)}" for loss in losses if loss.examples]
    return provenance.losing({loss.reason: loss.count for loss in losses}).noting(*notes)
