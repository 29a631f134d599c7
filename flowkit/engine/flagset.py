"""What a predicate on parts means for the bit set of flags: decided once over the eleven names instead of flow by flow."""

from __future__ import annotations

from flowkit.contract import FLAG_BITS
from flowkit.engine.query import All, Condition, Either, HasPart, Predicate, positive
from flowkit.manifests import re2


def chosen(field: str, test: Predicate) -> int:
    """The bits of those flags whose part passes `test`.

    >>> chosen("Flags", Condition("Flags", "^SYN", "MatchRegex"))
    258
    """
    return sum(bit for name, bit in FLAG_BITS.items() if holds(test, {field: name}))


def empty_passes(test: Predicate) -> bool:
    """Whether the empty part, in which every field is missing, passes `test`.

    >>> empty_passes(Condition("Flags", "SYN", "NotEqual"))
    True
    """
    return holds(test, {})


def holds(test: Predicate, part: dict[str, str]) -> bool:
    """Evaluate a predicate on one part of a flattened list, a mapping of field to text."""
    return _holds(positive(test), part)


def _holds(test: Predicate, part: dict[str, str]) -> bool:
    match test:
        case All(of):
            return all(_holds(one, part) for one in of)
        case Either(of):
            return any(_holds(one, part) for one in of)
        case Condition():
            return _condition_holds(test, part)
        case HasPart(_, inner):
            return _holds(inner, part)
    return False


def _condition_holds(test: Condition, part: dict[str, str]) -> bool:
    found = part.get(test.field)
    match test.match:
        case "Presence" | "Absence":
            return (found is not None) == (test.match == "Presence")
        case "Equal" | "NotEqual":
            wanted = "".join(part.get(piece, "") if place % 2 else piece for place, piece in enumerate(test.pieces))
            return (found == wanted) == (test.match == "Equal")
        case _:
            matches = found is not None and bool(re2.matching(test.value, (found,)))
            return matches == (test.match == "MatchRegex")
