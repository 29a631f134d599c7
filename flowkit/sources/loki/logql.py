"""Conditions on flows as LogQL: what Loki can decide for us, never more.

The query answers at least the flows that pass, so that `flowkit.sources.loki.reading` filters the answer exactly: what Loki
cannot say as FlowMetric means it (lists, ``$(Field)``, an absent field next to an empty one) is left out of the query.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence

from flowkit.contract import FIELDS
from flowkit.engine import Condition, Predicate
from flowkit.engine.query import All, Comparison, Either, conjuncts, positive

# Stream labels of every NetObserv release whose flows are in Loki; zone, cluster and record type are labels in some only.
LABELS = ("SrcK8S_Namespace", "DstK8S_Namespace", "SrcK8S_OwnerName", "DstK8S_OwnerName", "FlowDirection")
APP: Mapping[str, str] = {"app": "netobserv-flowcollector"}
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def logql(where: Predicate | None = None, *, labels: Sequence[str] = LABELS, stream: Mapping[str, str] = APP) -> str:
    """Return a LogQL log query for the flows of `stream` that `where` asks for, or more.

    Conditions on `labels` go into the stream selector, others behind ``| json``. Values are escaped.

    >>> logql(All((Condition("SrcK8S_Namespace", "shop"), Condition("DstPort", "443"))))
    '{app="netobserv-flowcollector",SrcK8S_Namespace="shop"} | json DstPort="DstPort" | DstPort="443"'
    """
    selector = [f"{name}={_quoted(value)}" for name, value in stream.items()]
    stages: list[str] = []
    extracted: list[str] = []
    for part in conjuncts(positive(where)) if where is not None else ():
        if isinstance(part, Condition) and part.field in labels:
            selector += _matcher(part)
        elif (stage := _stage(part)) is not None:
            stages.append(stage)
            extracted += [name for name in _names(part) if name not in labels]
    json_stage = (
        [f"json {', '.join(f'{name}={_quoted(name)}' for name in dict.fromkeys(extracted))}"] if extracted else []
    )
    return " | ".join(["{" + ",".join(selector) + "}", *json_stage, *stages])


def _matcher(condition: Condition) -> list[str]:
    """One stream matcher; Loki has no label that is empty, and anchors its regular expressions, which flowkit searches."""
    match condition:
        case Condition(match="Presence"):
            return [f'{condition.field}!=""']
        case Condition(match="Absence"):
            return [f'{condition.field}=""']
        case Condition(value=value, match="Equal" | "NotEqual") if (
            value and len(condition.pieces) == 1 and _sayable(value)
        ):
            return [f"{condition.field}{_SIGNS[condition.match]}{_quoted(value)}"]
        case Condition(value=value, match="MatchRegex") if _sayable(value):
            return [f"{condition.field}=~{_quoted(f'(?s:.*)(?:{value})(?s:.*)')}"]
    return []


_SIGNS = {"Equal": "=", "NotEqual": "!="}


def _stage(part: Predicate) -> str | None:
    """A label filter behind ``| json``; None for what cannot be said."""
    match part:
        case All(of) | Either(of):
            stages = [_stage(one) for one in of]
            word = " and " if isinstance(part, All) else " or "
            return None if not stages or None in stages else "(" + word.join(filter(None, stages)) + ")"
        case Comparison(field, operator, number) if (
            _scalar(field) == "number" and number == number and abs(number) < 1e15
        ):
            return f"{field}{operator}{number:f}".rstrip("0").rstrip(".")
        case Condition(field, value, "Equal" | "NotEqual" as sign) if (
            value and len(part.pieces) == 1 and _sayable(value)
        ):
            return f"{field}{_SIGNS[sign]}{_quoted(value)}" if _scalar(field) else None
        case Condition(field, value, "MatchRegex") if _scalar(field) and _sayable(value):
            return f"{field}=~{_quoted(f'(?s:.*)(?:{value})(?s:.*)')}"
        case Condition(field, _, "Presence") if _scalar(field) == "number":
            return f'{field}!=""'
    return None


def _scalar(name: str) -> str:
    """ "number" or "text" for a field that is one value in JSON, "" for others."""
    known = FIELDS.get(name)
    if known is None or known.is_list or known.type == "bool" or not _NAME.fullmatch(name):
        return ""
    return "number" if known.is_number else "text"


def _names(part: Predicate) -> list[str]:
    if isinstance(part, All | Either):
        return [name for one in part.of for name in _names(one)]
    return [part.field] if isinstance(part, Condition | Comparison) else []


def _sayable(value: str) -> bool:
    """Whether a Go string can hold the value."""
    return not re.search("[\ud800-\udfff]", value)


def _quoted(value: str) -> str:
    """A Go string literal, which JSON's are."""
    return json.dumps(value, ensure_ascii=False)
