"""Every error flowkit raises on purpose, as one tree.

A message names the thing, its value and the way out. The command line prints it as one line and exits 1.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class FlowkitError(Exception):
    """Whatever flowkit refuses; catch this one to catch them all."""


class ContractError(FlowkitError):
    """A table does not hold what the flow contract asks for."""


class NothingMatched(UserWarning):
    """A metric's or query's table is empty; the message says why, as far as that is known."""


def no_series(name: str, there: Iterable[str]) -> str:
    """The sentence about a metric that is not there, with names that are near.

    >>> no_series("netobserv_syn", ["up", "netobserv_syn_in"])
    "no series 'netobserv_syn': there are netobserv_syn_in"
    """
    known = sorted(there)
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5) or known[:3]
    return f"no series '{name}'" + (f": there are {', '.join(near)}" if any(near) else "")


class FieldNotFound(ContractError):
    """A name that no flow field has.

    >>> str(FieldNotFound("DstPrt", ["DstPort", "SrcPort"]))
    "no field 'DstPrt'. Did you mean 'DstPort'?"
    """

    def __init__(self, name: str, known: Iterable[str], where: str = "") -> None:
        near = difflib.get_close_matches(name, list(known), n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        super().__init__(f"no field '{name}'{' ' + where if where else ''}.{hint}")
        self.name = name


class SpecError(FlowkitError):
    """A definition (FlowMetric, FlowCollector, inventory) that cannot be used.

    `place` is the file and document it came from, `key` the path inside, e.g. ``spec.filters[0].field``.

    >>> str(SpecError("must be a list", place="m.yaml", key="spec.labels"))
    'm.yaml: spec.labels: must be a list'
    """

    def __init__(self, message: str, *, place: str = "", key: str = "") -> None:
        super().__init__(": ".join(part for part in (place, key, message) if part))
        self.place, self.key = place, key


class SourceError(FlowkitError):
    """A source that cannot be read at all; good rows never end here."""


class CaptureError(FlowkitError):
    """Packets that cannot be captured or read: names the file or interface and what is missing."""


class PolicyError(FlowkitError):
    """A policy set that cannot be judged or synthesised."""


class QueryError(FlowkitError):
    """A PromQL query that cannot be read or evaluated; `position` is the character it is about, from 0, or None.

    >>> str(QueryError("no function 'rat'", query="sum(rat(x[1m]))", position=4))
    "no function 'rat', at character 5: sum(>>>rat(x[1m]))"
    """

    def __init__(self, message: str, *, query: str = "", position: int | None = None) -> None:
        super().__init__(
            message if position is None else f"{message}, at character {position + 1}: {_marked(query, position)}"
        )
        self.position = position


def _marked(query: str, position: int) -> str:
    """The query around a position, marked by ``>>>``."""
    begin, end = max(position - 30, 0), position + 30
    before, after = query[begin:position], query[position:end]
    return f"{'…' if begin else ''}{before}>>>{after}{'…' if end < len(query) else ''}"
