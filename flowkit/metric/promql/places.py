"""Where in a query something stands: the parser's tree and most of its complaints know no places, so they are looked up again.

A part of the tree is found by reading the words of the text in the order in which the tree has them; a mistake in grammar is
the first word with which no query could go on; another is in the smallest part of the text that brings the same complaint.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import promql_parser as pp

_WORD = re.compile(
    r"""(?P<blank>\s+|\#[^\n]*)|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`|[a-zA-Z_:][\w:]*|[\d.][\w.]*|==|!=|<=|>=|=~|!~|.""",
    re.DOTALL | re.VERBOSE,
)
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_OPERATORS = {"+", "-", "*", "/", "%", "^", "==", "!=", ">", "<", ">=", "<=", "and", "or", "unless", "atan2"}
_LISTS = {"on", "ignoring", "group_left", "group_right"}
_GRAMMAR = ("invalid promql", "unexpected", "unclosed", "unterminated", "bad number", "missing unit", "no expression")
# What any query that has begun well can be ended with, after its open brackets and before or behind them.
_INSIDE = ("", "x", "1", "1m", " 1m", "(x)", '"b"', '="b"', 'a="b"', "x[1m]", "5m:]", " bool x")
_BEHIND = ("", "(x)", " x", " (x, x)")


@dataclass(frozen=True)
class Word:
    """A word of a query, and where it stands."""

    text: str
    start: int

    @property
    def end(self) -> int:
        """The place after it."""
        return self.start + len(self.text)


def words(query: str) -> list[Word]:
    """The words of a query without blanks and comments.

    >>> [word.text for word in words('rate(x{a="b c"}[1m]) > 2 # often')]
    ['rate', '(', 'x', '{', 'a', '=', '"b c"', '}', '[', '1m', ']', ')', '>', '2']
    """
    return [Word(found[0], found.start()) for found in _WORD.finditer(query) if found["blank"] is None]


def place_of_complaint(message: str, query: str) -> int:
    """Where what the parser complains of stands."""
    if message.startswith(_GRAMMAR):
        return _where_grammar_ends(query)
    start, end = _smallest(message, query)
    return start + _within(message, query[start:end])


def _complaint(query: str) -> str:
    try:
        pp.parse(query)
    except ValueError as error:
        return str(error)
    return ""


def _where_grammar_ends(query: str) -> int:
    """The first word with which no query goes on; the end where one could."""
    found = words(query)
    good, bad = 0, len(found) + 1
    while bad - good > 1:
        middle = (good + bad) // 2
        if _may_go_on(query[: found[middle - 1].end], found[:middle]):
            good = middle
        else:
            bad = middle
    return found[bad - 1].start if bad <= len(found) else len(query)


def _may_go_on(begun: str, found: list[Word]) -> bool:
    closing = "".join(_CLOSING[word.text] for word in reversed(_open(found)))
    endings = (f"{begun}{inside}{closing}{behind}" for inside in _INSIDE for behind in _BEHIND)
    return any(not _complaint(ending).startswith(_GRAMMAR) for ending in endings)


def _open(found: list[Word]) -> list[Word]:
    """The brackets that are still open."""
    stack: list[Word] = []
    for word in found:
        if word.text in _CLOSING:
            stack.append(word)
        elif stack and word.text == _CLOSING[stack[-1].text]:
            stack.pop()
    return stack


def _smallest(message: str, query: str) -> tuple[int, int]:
    """The smallest part, in brackets or called, that brings the same complaint."""
    for start, end in sorted(_parts(words(query)), key=lambda part: part[1] - part[0]):
        if _complaint(query[start:end]) == message:
            return start, end
    return 0, len(query)


def _parts(found: list[Word]) -> Iterator[tuple[int, int]]:
    opened: list[int] = []
    for at, word in enumerate(found):
        if word.text == "(":
            opened.append(at)
        elif word.text == ")" and opened:
            yield found[_called(found, opened.pop())].start, word.end


def _called(found: list[Word], at: int) -> int:
    """Where what a bracket belongs to begins: a function, an aggregation and its labels, or the bracket."""
    before = at - 1
    if before >= 0 and found[before].text == ")":
        while before > 0 and found[before].text != "(":
            before -= 1
        before -= 2 if before > 1 and found[before - 1].text in ("by", "without") else 0
    named = before >= 0 and re.fullmatch(r"[a-zA-Z_:][\w:]*", found[before].text)
    return before if named and found[before].text not in _OPERATORS | _LISTS else at


def _within(message: str, part: str) -> int:
    """Where in the smallest part: its pattern, braces, or last operator before the complaint begins, else its beginning."""
    found = words(part)
    if message.startswith("illegal regex for "):
        pattern = message.removeprefix("illegal regex for ")
        return next((word.start for word in found if word.text[:1] in "\"'`" and pattern in word.text), 0)
    if "argument" in message or "in call to" in message:
        return 0
    upto = next((at for at in range(1, len(found) + 1) if _complaint(part[: found[at - 1].end]) == message), len(found))
    wanted = {"{"} if "matcher" in message or "metric name" in message else _OPERATORS
    return next((word.start for word in reversed(found[:upto]) if word.text in wanted), 0)


@dataclass
class _Reading:
    """The words of a query and how far they were read; `places` of the parts of the tree found so far."""

    found: list[Word]
    at: int = 0
    places: dict[int, int] = field(default_factory=dict)

    def named(self, node: Any, text: str) -> None:
        """Read on to a word and let it be the node's place; nothing where it is not there."""
        for at in range(self.at, len(self.found)):
            if self.found[at].text.lower() == text.lower():
                self.places[id(node)] = self.found[at].start
                self.at = at + 1
                return

    def to(self, begins: str) -> None:
        """Read on to behind a word that begins so."""
        rest = range(self.at, len(self.found))
        self.at = next((at + 1 for at in rest if re.match(begins, self.found[at].text, re.IGNORECASE)), self.at)

    def over(self, first: str) -> None:
        """Read over brackets that begin here."""
        if self.at < len(self.found) and self.found[self.at].text == first:
            self.to(re.escape(_CLOSING[first]))

    def over_list(self, names: set[str]) -> None:
        """Read over words such as ``by (a, b)``."""
        while self.at < len(self.found) and self.found[self.at].text.lower() in names:
            word = self.found[self.at].text.lower()
            self.at += 1
            if word != "bool":
                self.over("(")


def places(query: str, tree: Any) -> dict[int, int]:
    """Where each part of the tree stands, by its identity: a call at its name, an operator between its sides.

    >>> tree = pp.parse("sum by (x) (x) / rate(x[1m])")
    >>> found = places("sum by (x) (x) / rate(x[1m])", tree)
    >>> found[id(tree)], found[id(tree.lhs)], found[id(tree.rhs)], found[id(tree.rhs.args[0])]
    (15, 0, 17, 22)
    """
    reading = _Reading(words(query))
    _read(reading, tree)
    return reading.places


def _read(reading: _Reading, node: Any) -> None:
    if isinstance(node, pp.BinaryExpr):
        _read(reading, node.lhs)
        reading.named(node, str(node.op))
        reading.over_list({"bool", *_LISTS})
        _read(reading, node.rhs)
    elif isinstance(node, pp.AggregateExpr):
        reading.named(node, str(node.op))
        reading.over_list({"by", "without"})
        reading.at += 1  # the bracket
        for part in (node.param, node.expr):
            if part is not None:
                _read(reading, part)
        _read_over_grouping(reading)
    elif isinstance(node, pp.Call):
        reading.named(node, node.func.name)
        reading.at += 1  # the bracket
        for argument in node.args:
            _read(reading, argument)
    else:
        _read_plain(reading, node)


def _read_over_grouping(reading: _Reading) -> None:
    """Behind an aggregation's brackets its labels may stand."""
    at = reading.at
    while at < len(reading.found) and reading.found[at].text == ")":
        at += 1
        if at < len(reading.found) and reading.found[at].text.lower() in ("by", "without"):
            reading.at = at
            reading.over_list({"by", "without"})
            return


def _read_plain(reading: _Reading, node: Any) -> None:
    if isinstance(node, pp.VectorSelector):
        reading.named(node, node.name or "{")
        if node.name:
            reading.over("{")
        else:
            reading.to("}")
    elif isinstance(node, pp.MatrixSelector | pp.SubqueryExpr | pp.ParenExpr | pp.UnaryExpr):
        inner = node.vector_selector if isinstance(node, pp.MatrixSelector) else node.expr
        sign = {pp.ParenExpr: "(", pp.UnaryExpr: "-"}.get(type(node))
        if sign:
            reading.named(node, sign)
        _read(reading, inner)
        reading.places.setdefault(id(node), reading.places.get(id(inner), 0))
    else:
        reading.to(r"[\d.]|inf|nan" if isinstance(node, pp.NumberLiteral) else "[\"'`]")
        reading.places[id(node)] = reading.found[reading.at - 1].start if reading.at else 0
