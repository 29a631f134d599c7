"""A PromQL text as a tree, or a complaint that says where.

promql-parser reads and type-checks; its tree knows no places, so a word is looked up in the text again.
"""

from __future__ import annotations

import re
from typing import Any

import promql_parser as pp

from flowkit.errors import QueryError
from flowkit.metric.promql.matching import Matching

_LONGEST = 100_000
_DEEPEST = 200
_NESTING = re.compile(r"[(\[+\-*/%^<>!=]|\b(?:and|or|unless|atan2)\b")
_TEXTS = re.compile(r"\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|`[^`]*`|#[^\n]*")


def parsed(query: str) -> Any:
    """The tree of a query; raises `QueryError` with the parser's own words and, where a word can be found, its place."""
    if len(query) > _LONGEST:
        raise QueryError(f"a query of {len(query):,} characters: {_LONGEST:,} are the most")
    if len(_NESTING.findall(_TEXTS.sub("", query))) > _DEEPEST:
        # The parser and the evaluation go down a call for each, and the parser's stack ends without an error.
        raise QueryError(f"a query of more than {_DEEPEST} brackets and operators")
    try:
        return pp.parse(query)
    except ValueError as error:
        raise _complaint(str(error), query) from None


def _complaint(message: str, query: str) -> QueryError:
    word = re.search(r"(?:function with name|function) '(\w+)'|: '?([\w:]+)'?$", message)
    position = place(query, next(filter(None, word.groups()), "")) if word else None
    if position is None and (sign := re.search(r"'([^\w']+)'", message)):
        position = query.find(sign[1]) if sign[1] in query else None
    return QueryError(f"PromQL: {message}", query=query, position=len(query) if _is_cut(message) else position)


def _is_cut(message: str) -> bool:
    return any(word in message for word in ("unclosed", "unexpected end", "unterminated"))


def place(query: str, word: str) -> int | None:
    """Where a word stands in a query, outside of texts in quotes and comments.

    >>> place('x{a="rate"} + rate(y[1m])', "rate")
    14
    """
    blank = _TEXTS.sub(lambda found: " " * len(found[0]), query)
    found = re.search(rf"(?<![\w:]){re.escape(word)}(?![\w:])", blank) if word else None
    return found.start() if found else None


def unsupported(query: str, word: str) -> QueryError:
    """The complaint about a part of PromQL that is not supported."""
    return QueryError(
        f"'{word}' is not supported here (docs/promql.md lists what is)", query=query, position=place(query, word)
    )


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
