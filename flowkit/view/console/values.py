"""One value of a console filter as a predicate on one field.

Text: contains, in any case; ``"x"`` exactly; ``*`` any run of characters; ``""`` empty or absent. A value is only ever data:
it becomes a regular expression with every special character quoted, or a number; nothing of it reaches SQL as SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from math import isfinite

from flowkit.contract import FLAG_BITS
from flowkit.contract.plain import plain
from flowkit.engine.query import All, Comparison, Condition, Either, HasPart, Not, Predicate
from flowkit.errors import SpecError
from flowkit.view.console.filter_ids import FilterId
from flowkit.view.console.ranges import Range, bounds
from flowkit.view.console.words import DIRECTIONS, PORTS, PROTOCOLS

EMPTY = '""'
_EVENT_KEYS = ("Feature", "Type", "Namespace", "Name", "Action", "Direction")
_SPECIAL = re.compile(r"([^\w\s]|_)", re.ASCII)


def passes(name: str, wanted: FilterId, text: str) -> tuple[Predicate, tuple[Range, ...]]:
    """The predicate that one of the filter's fields has this value, and the address ranges it needs looked up.

    Raises `SpecError` naming the filter and what it takes.

    >>> passes("dst_port", FilterId(("DstPort",), "port"), "https")[0]
    Condition(field='DstPort', value='443', match='Equal')
    """
    if wanted.written == "resource":
        return _any([_resource(field, name, text) for field in wanted.fields]), ()
    if text == EMPTY:
        return _any([_empty(field, wanted) for field in wanted.fields]), ()
    if wanted.written == "address":
        ranges = _ranges(name, wanted, text)
        return _any([one.test for one in ranges]), ranges
    return _any([_inside(field, wanted, _test(field, name, wanted, text)) for field in wanted.fields]), ()


def at_least(name: str, wanted: FilterId, text: str) -> Predicate:
    """The predicate of ``>=``, which only numbers have."""
    if wanted.written not in ("number", "port"):
        raise _refused(name, text, "compares no numbers, so it has no '>='")
    number = _number(name, text)
    return _any([Comparison(field, ">=", number) for field in wanted.fields])


def _any(tests: list[Predicate]) -> Predicate:
    return tests[0] if len(tests) == 1 else Either(tuple(tests))


def _inside(field: str, wanted: FilterId, test: Predicate) -> Predicate:
    return HasPart(field, test) if wanted.listed else test


def _empty(field: str, wanted: FilterId) -> Predicate:
    if wanted.listed:
        parts = [f"{field}>{key}" for key in _EVENT_KEYS] if wanted.written == "events" else [field]
        return Not(HasPart(field, _any([Condition(part, "", "Presence") for part in parts])))
    return Either((Condition(field, "", "Absence"), Condition(field, "")))


def _test(field: str, name: str, wanted: FilterId, text: str) -> Predicate:
    words: Mapping[str, Mapping[str, int]] = {"port": PORTS, "protocol": PROTOCOLS, "direction": DIRECTIONS}
    match wanted.written:
        case "port" | "protocol" | "direction":
            return Condition(field, str(_named_number(name, text, words[wanted.written])))
        case "number":
            number = _number(name, text)
            return All((Comparison(field, ">=", number), Comparison(field, "<=", number)))
        case "flags":
            return Condition(field, _flag(name, text))
        case "events":
            return _any([text_test(f"{field}>{key}", text) for key in _EVENT_KEYS])
    return text_test(field, text)


def text_test(field: str, text: str) -> Condition:
    """The condition that a field's text is or contains `text`, as the console understands it.

    >>> text_test("SrcK8S_Name", "a.b*")
    Condition(field='SrcK8S_Name', value='(?is)a\\\\.b.*', match='MatchRegex')
    >>> text_test("SrcK8S_Name", '"a.b"')
    Condition(field='SrcK8S_Name', value='a.b', match='Equal')
    """
    exact = len(text) > 1 and text.startswith('"') and text.endswith('"')
    words = text[1:-1] if exact else text
    pattern = ".*".join(quoted(part) for part in words.split("*"))
    if not exact:
        return Condition(field, f"(?is){pattern}", "MatchRegex")
    # Equal fills in $(Field), which a filter of the console does not know: there it is text like any other.
    plainly = "*" not in words and "$(" not in words
    return Condition(field, words) if plainly else Condition(field, f"(?s)^{pattern}$", "MatchRegex")


def quoted(words: str) -> str:
    """The text as a regular expression that matches exactly it, in RE2 as in Java."""
    return _SPECIAL.sub(lambda found: found[0] if found[0] == "_" or ord(found[0]) > 127 else "\\" + found[0], words)


def _ranges(name: str, wanted: FilterId, text: str) -> tuple[Range, ...]:
    found = bounds(text.strip('"'))
    if found is None:
        raise _refused(name, text, "takes an address, a CIDR like 10.0.0.0/8, or a range like 10.0.0.1-10.0.0.9")
    return tuple(Range(field, *found) for field in wanted.fields)


def _named_number(name: str, text: str, words: Mapping[str, int]) -> int:
    known = text.strip('"')
    if known.isascii() and known.isdecimal() and len(known) < 19:
        return int(known)
    found = words.get(known.upper())
    if found is None:
        raise _refused(name, text, f"takes a number or a name such as {', '.join(list(words)[:4])}")
    return found


def _number(name: str, text: str) -> float:
    try:
        number = float(text.strip('"'))
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise _refused(name, text, "takes a number")
    return number


def _flag(name: str, text: str) -> str:
    known = text.strip('"').upper()
    by_bit = {str(bit): flag for flag, bit in FLAG_BITS.items()}
    flag = by_bit.get(known, known)
    if flag not in FLAG_BITS:
        raise _refused(name, text, f"takes {', '.join(FLAG_BITS)}")
    return flag


def _resource(side: str, name: str, text: str) -> Predicate:
    """``Kind.namespace.name``, of a Node ``Node.name``: the object itself or its owner."""
    kind, _, rest = text.strip('"').partition(".")
    namespace, dot, called = ("", ".", rest.lstrip(".")) if kind == "Node" else rest.partition(".")
    if not (kind and dot and called):
        raise _refused(name, text, "takes Kind.namespace.name, such as Deployment.shop.cart, or Node.name")
    place = f"{side}Namespace"
    where = text_test(place, f'"{namespace}"') if namespace else _empty(place, FilterId((place,)))
    exact: Callable[[str, str], Condition] = lambda field, words: text_test(side + field, f'"{words}"')  # noqa: E731
    itself = All((exact("Type", kind), exact("Name", called)))
    owner = All((exact("OwnerType", kind), exact("OwnerName", called)))
    return All((where, Either((itself, owner))))


def _refused(name: str, text: str, takes: str) -> SpecError:
    return SpecError(f"'{plain(text)[:40]}' does not fit: {name} {takes}", place="filters", key=name)
