"""Back and forth: a filter and the same filter with source and destination exchanged, answers with requests."""

from __future__ import annotations

from dataclasses import replace

from flowkit.contract import FIELDS
from flowkit.engine.query import All, Condition, Either, HasPart, Not, Predicate
from flowkit.view.console.grammar import Asked


def both_ways(asked: Asked) -> Asked:
    """What `asked` asks or its mirror; a row that passes both is one row.

    >>> both_ways(Asked(Condition("SrcPort", "1"))).test.of[1]
    Condition(field='DstPort', value='1', match='Equal')
    """
    mirrored = tuple(replace(one, field=_other(one.field)) for one in asked.ranges)
    columns = {one.column: other.column for one, other in zip(asked.ranges, mirrored, strict=True)}
    test = Either((asked.test, _mirrored(asked.test, columns)))
    return Asked(test, tuple(dict.fromkeys((*asked.ranges, *mirrored))))


def _mirrored(test: Predicate, columns: dict[str, str]) -> Predicate:
    match test:
        case All(of) | Either(of):
            return type(test)(tuple(_mirrored(one, columns) for one in of))
        case Not(of):
            return Not(_mirrored(of, columns))
        case HasPart(field, inner):
            return HasPart(_other(field), _mirrored(inner, columns))
        case Condition(field):
            return replace(test, field=columns.get(field) or _other(field))
    return replace(test, field=_other(test.field))


def _other(field: str) -> str:
    """The same field of the other side; itself where there is none."""
    for here, there in (("Src", "Dst"), ("Dst", "Src")):
        for before in ("", "Xlat"):
            twin = field.replace(before + here, before + there, 1) if field.startswith(before + here) else ""
            if twin in FIELDS:
                return twin
    return field
