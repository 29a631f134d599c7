"""A PromQL text as a tree, or a complaint that says where; and what a tree's parts ask, in our own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import promql_parser as pp

from flowkit.errors import QueryError
from flowkit.manifests.re2 import complaint
from flowkit.metric.promql.matching import Matching
from flowkit.metric.promql.places import place_of_complaint

_LONGEST = 100_000
_DEEPEST = 200
_NESTING = re.compile(r"[(\[+\-*/%^<>!=]|\b(?:and|or|unless|atan2)\b")
_TEXTS = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*")


def parsed(query: str) -> Any:
    """The tree of a query; raises `QueryError` with the parser's own words and the place they are about."""
    if len(query) > _LONGEST:
        raise QueryError(f"a query of {len(query):,} characters: {_LONGEST:,} are the most")
    if len(_NESTING.findall(_TEXTS.sub("", query))) > _DEEPEST:
        # The parser and the evaluation go down a call for each, and the parser's stack ends without an error.
        raise QueryError(f"a query of more than {_DEEPEST} brackets and operators")
    try:
        return pp.parse(query)
    except ValueError as error:
        position = place_of_complaint(str(error), query)
        raise QueryError(f"PromQL: {error}", query=query, position=position) from None


def unsupported(query: str, word: str, position: int | None) -> QueryError:
    """The complaint about a part of PromQL that is not supported."""
    return QueryError(f"'{word}' is not supported here (docs/promql.md lists what is)", query=query, position=position)


def selectors(tree: Any) -> list[Any]:
    """Every vector selector of a tree."""
    found: list[Any] = []

    def visit(node: Any) -> None:
        if isinstance(node, pp.VectorSelector):
            found.append(node)
        elif isinstance(node, pp.MatrixSelector):
            found.append(node.vector_selector)
        for name in ("expr", "lhs", "rhs", "param"):
            child = getattr(node, name, None)
            if child is not None and hasattr(child, "prettify"):
                visit(child)
        for child in getattr(node, "args", None) or []:
            visit(child)

    visit(tree)
    return found


Matchers = list[tuple[str, str, str]]


def matchers(selector: Any) -> list[Matchers]:
    """What a selector asks of labels: alternatives, each a list of label, operator (``= != =~ !~``) and text."""
    named = [("__name__", "=", selector.name)] if selector.name else []
    alternatives = selector.matchers.or_matchers or [selector.matchers.matchers]
    return [named + [(each.name, _OPERATORS[str(each.op)], each.value) for each in listed] for listed in alternatives]


def checked(selector: Any, query: str, places: Mapping[int, int]) -> list[Matchers]:
    """The same; raises `QueryError` for a regular expression that RE2, Prometheus' dialect, does not know."""
    alternatives = matchers(selector)
    for name, operator, text in (matcher for listed in alternatives for matcher in listed):
        wrong = complaint(text) if operator in ("=~", "!~") else None
        if wrong:
            message = f'{name}{operator}"{text[:50]}" is no regular expression of RE2: {wrong}'
            raise QueryError(message, query=query, position=places.get(id(selector)))
    return alternatives


_OPERATORS = {"MatchOp.Equal": "=", "MatchOp.NotEqual": "!=", "MatchOp.Re": "=~", "MatchOp.NotRe": "!~"}


def matching(modifier: Any) -> Matching:
    """How the series of two vectors match."""
    if modifier is None:
        return Matching()
    cardinality = str(modifier.card)
    group = {"ManyToOne": "left", "OneToMany": "right"}.get(cardinality.rpartition(".")[2], "")
    named = modifier.matching
    return Matching(
        tuple(named.labels) if named is not None else (),
        named is not None and str(named.type).endswith("Include"),
        group,
        tuple(modifier.group_labels or ()) if group else (),
        bool(modifier.return_bool),
    )
