"""FlowCollector's filter language: text into predicates, and predicates into text.

``SrcK8S_Namespace="shop" and not (DstPort=53 or with(DnsId))``: ``and``, ``or``, ``not`` (ours) in any case, parentheses,
``=  !=  =~  !~  >  >=  <  <=``, ``with(field)``, ``without(field)``; text in double quotes with Go's escapes, or raw in
backquotes; bare numbers. ``and`` binds tighter than ``or``, ``not`` tightest.

What upstream's ``pkg/dsl`` decides of missing fields holds here: ``!=`` with a text and ``!~`` pass them, every comparison
with a number fails, ``!=`` included. A list matches as its text (``[SYN ACK]``), as upstream, or by one of its items (ours).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NoReturn, cast

from flowkit.contract import FIELDS, FLAG_BITS
from flowkit.engine.query import All, Comparison, Condition, Either, HasPart, Match, Not, Predicate, fields_of
from flowkit.errors import FieldNotFound, SpecError
from flowkit.manifests import re2

_TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<text>"(?:[^"\\\n]|\\.)*"|`[^`]*`)
      | (?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)(?![\w.])
      | (?P<name>[^\W\d]\w*(?:>[^\W\d]\w*)?)
      | (?P<sign>=~|!=|!~|>=|<=|[=<>()])""",
    re.VERBOSE,
)
_WORDS = ("and", "or", "not", "with", "without")
_MATCHES: dict[str, Match] = {"=": "Equal", "!=": "NotEqual", "=~": "MatchRegex", "!~": "NotMatchRegex"}
_SIGNS = {match: sign for sign, match in _MATCHES.items()}
_ESCAPE = re.compile(
    r'\\(?:([abfnrtv\\"])|x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))', re.DOTALL
)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "\\": "\\", '"': '"'}
_SURROGATE = re.compile("[\ud800-\udfff]")
_DEEPEST = 50
_LONGEST = 100_000

Operator = Literal["<", "<=", ">", ">="]


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    place: int

    def is_word(self, word: str) -> bool:
        return self.kind == "name" and self.text.lower() == word


def parse(text: str, known: Iterable[str] = FIELDS) -> Predicate:
    """Parse a filter; `known` are the fields it may name, of ``Parent>child`` the parent.

    Raises `SpecError` that says at which character and near what, with a hint for a misspelt field.

    >>> parse('Proto=6 and SrcK8S_Namespace!="shop"').of[1]
    Condition(field='SrcK8S_Namespace', value='shop', match='NotEqual')
    """
    _check(text)
    parser = _Parser(text, frozenset(known))
    found = parser.either()
    if parser.token.kind != "end":
        parser.refuse("expected 'and', 'or' or the end")
    return found


def _check(text: str) -> None:
    if len(text) > _LONGEST:
        raise SpecError(f"longer than {_LONGEST:,} characters", place="filter")
    if _SURROGATE.search(text):
        raise SpecError("not valid Unicode: write the text in UTF-8", place="filter")


def _refuse(text: str, place: int, message: str) -> NoReturn:
    near = text[place : place + 20]
    where = f"character {place + 1}, near '{near}'" if near else "at its end"
    raise SpecError(message, place="filter", key=where)


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            _refuse(text, place, _complaint(text[place]))
        if found.lastgroup != "space":
            yield _Token(str(found.lastgroup), found[0], place)
        place = found.end()
    yield _Token("end", "", place)


def _complaint(letter: str) -> str:
    if letter in '"`':
        return "a text that is not closed"
    if letter == "'":
        return "a text stands in double quotes"
    return f"'{letter}' has no meaning here"


@dataclass
class _Parser:
    """Reads tokens from left to right; each method reads one rule of the grammar and returns its predicate."""

    text: str
    known: frozenset[str]
    depth: int = 0
    token: _Token = field(init=False)
    rest: Iterator[_Token] = field(init=False)

    def __post_init__(self) -> None:
        self.rest = _tokens(self.text)
        self.token = next(self.rest)

    def refuse(self, message: str, token: _Token | None = None) -> NoReturn:
        _refuse(self.text, (token or self.token).place, message)

    def take(self) -> _Token:
        taken = self.token
        if taken.kind != "end":
            self.token = next(self.rest)
        return taken

    def sign(self, sign: str) -> None:
        if self.token.text != sign:
            self.refuse(f"expected '{sign}'")
        self.take()

    def either(self) -> Predicate:
        return self._chain("or", Either, lambda: self._chain("and", All, self.one))

    def _chain(self, word: str, join: type[All] | type[Either], part: Callable[[], Predicate]) -> Predicate:
        found = [part()]
        while self.token.is_word(word):
            self.take()
            found.append(part())
        return found[0] if len(found) == 1 else join(tuple(found))

    def one(self) -> Predicate:
        if self.token.is_word("not"):
            self.take()
            return Not(self._deeper(self.one))
        if self.token.text == "(":
            return self._enclosed(self.either)
        if self.token.is_word("with") or self.token.is_word("without"):
            return self._presence(self.take())
        return self._test(self._field())

    def _enclosed(self, inner: Callable[[], Predicate]) -> Predicate:
        self.sign("(")
        found = self._deeper(inner)
        self.sign(")")
        return found

    def _deeper(self, inner: Callable[[], Predicate]) -> Predicate:
        self.depth += 1
        if self.depth > _DEEPEST:
            self.refuse(f"more than {_DEEPEST} levels deep")
        found = inner()
        self.depth -= 1
        return found

    def _presence(self, word: _Token) -> Predicate:
        present = self._enclosed(lambda: _present(self._field()))
        return present if word.is_word("with") else _opposite(present)

    def _field(self) -> str:
        token = self.token
        if token.kind != "name" or token.text.lower() in _WORDS:
            self.refuse("expected a field, 'not', 'with(field)', 'without(field)' or '('")
        self._look_up(token.text, token)
        return self.take().text

    def _look_up(self, name: str, token: _Token) -> None:
        parent, _, child = name.partition(">")
        if name in self.known:
            return
        if child and parent in FIELDS and FIELDS[parent].type != "maps":
            self.refuse(
                f"'{parent}' has no '{child}': compare it with a number, or with a text in double quotes", token
            )
        if parent not in self.known:
            self.refuse(str(FieldNotFound(parent, self.known)).removesuffix("."), token)

    def _test(self, name: str) -> Predicate:
        sign = self.take()
        if sign.kind != "sign" or sign.text in "()":
            self.refuse(f"expected a comparison after '{name}': {' '.join(_MATCHES)} > >= < <=", sign)
        value = self.take()
        if value.kind == "number":
            return self._number_test(name, sign, value)
        if value.kind != "text":
            self.refuse(f"expected a number, or a text in double quotes, after '{sign.text}'", value)
        return self._text_test(name, sign, value)

    def _text_test(self, name: str, sign: _Token, value: _Token) -> Predicate:
        match = _MATCHES.get(sign.text)
        if match is None:
            self.refuse(f"'{sign.text}' compares numbers: write the number without quotes", value)
        words = self._words(value)
        test = Condition(name, words, match)
        complaint = re2.complaint(words) if match.endswith("Regex") else None
        if complaint:
            self.refuse(f"no regular expression of RE2: {complaint}", value)
        for referred in test.fields[1:]:
            self._look_up(referred, value)
        return _matching(test)

    def _words(self, value: _Token) -> str:
        if value.text.startswith("`"):
            return value.text[1:-1].replace("\r", "")
        return _ESCAPE.sub(lambda found: self._escaped(found, value), value.text[1:-1])

    def _escaped(self, found: re.Match[str], value: _Token) -> str:
        letter, *codes, octal, other = found.groups()
        if letter:
            return _LETTERS[letter]
        code = int(octal, 8) if octal else int(next((one for one in codes if one), "-1"), 16)
        if other or not 0 <= code < 0x110000 or 0xD800 <= code < 0xE000 or (octal and code > 0xFF):
            self.refuse(f"'{found[0]}' is no escape: write the backslash twice, or the text in backquotes", value)
        return chr(code)

    def _number_test(self, name: str, sign: _Token, value: _Token) -> Predicate:
        number = _number(value.text)
        if number is None:
            self.refuse("a number too large", value)
        if sign.text.endswith("~"):
            self.refuse(f"'{sign.text}' wants a regular expression in double quotes", value)
        if name in FIELDS and FIELDS[name].type == "flags":
            return self._bits_test(name, sign, value)
        return _numeric(name, sign.text, number)

    def _bits_test(self, name: str, sign: _Token, value: _Token) -> Predicate:
        bits = int(value.text) if value.text.isdecimal() else -1
        if sign.text not in ("=", "!=") or not 0 <= bits <= sum(FLAG_BITS.values()):
            self.refuse(f'{name} has names: write {name}="SYN", or = and != with the whole bit set', sign)
        tests = ((_matching(Condition(name, flag)), bits & bit) for flag, bit in FLAG_BITS.items())
        exactly = All(tuple(test if on else Not(test) for test, on in tests))
        return All((Condition(name, "", "Presence"), exactly if sign.text == "=" else Not(exactly)))


def _number(text: str) -> float | None:
    if len(text) <= len(str(2**64)) and text.lstrip("-+").isdecimal():
        return int(text)
    number = float(text)
    return number if math.isfinite(number) else None


def _owner(name: str) -> str | None:
    """The list that `name` is an item of, by the contract: the field itself or the parent of a child."""
    parent = name.split(">", 1)[0]
    return parent if parent in FIELDS and FIELDS[parent].is_list else None


def _matching(test: Condition) -> Predicate:
    """The test; on a list, of its text or of one of its items, and the opposite that neither holds."""
    owner = _owner(test.field)
    if owner is None or len(test.fields) > 1:
        return test
    if test.match.startswith("Not"):
        return Not(_matching(Condition(test.field, test.value, cast("Match", test.match.removeprefix("Not")))))
    return Either((test, HasPart(owner, test)))


def _present(name: str) -> Predicate:
    test, owner = Condition(name, "", "Presence"), _owner(name)
    return Either((test, HasPart(owner, test))) if owner and owner != name else test


def _opposite(present: Predicate) -> Predicate:
    return Condition(present.field, "", "Absence") if isinstance(present, Condition) else Not(present)


def _numeric(name: str, sign: str, number: float) -> Predicate:
    """Numbers against numbers; what is missing or no number fails, ``!=`` too."""
    match sign:
        case "=":
            test: Predicate = All((Comparison(name, ">=", number), Comparison(name, "<=", number)))
        case "!=":
            test = Either((Comparison(name, "<", number), Comparison(name, ">", number)))
        case _:
            test = Comparison(name, cast("Operator", sign), number)
    owner = _owner(name)
    return test if owner is None else Either((test, HasPart(owner, test)))


def written(test: Predicate) -> str:
    """Write a predicate in the filter language: `parse` of it is the same predicate.

    Raises `SpecError` for what the language has no words for, such as an empty `All` or a name with a space.

    >>> written(Not(Either((Comparison("Bytes", ">", 10), Condition("SrcK8S_Zone", 'a"b', "MatchRegex")))))
    'not (Bytes>10 or SrcK8S_Zone=~"a\\\\"b")'
    """
    words = _composed(test)
    if parse(words, {name.split(">", 1)[0] for name in (*FIELDS, *fields_of(test))}) != test:
        raise _unspeakable(test)
    return words


def _composed(test: Predicate) -> str:
    if (atom := _atom(test)) is not None:
        return atom
    match test:
        case Not(of):
            return f"not {_bracketed(of)}"
        case All(of) | Either(of) if len(of) > 1:
            return (" and " if isinstance(test, All) else " or ").join(_bracketed(one) for one in of)
    raise _unspeakable(test)


def _bracketed(test: Predicate) -> str:
    words = _composed(test)
    return f"({words})" if isinstance(test, All | Either) and _atom(test) is None else words


def _unspeakable(test: Predicate) -> SpecError:
    return SpecError(f"the filter language has no words for {test}", place="filter")


def _atom(test: Predicate) -> str | None:
    """The one comparison, or presence, that `parse` reads as `test`, which may be several tests; None if it is none."""
    match test:
        case Condition():
            return _condition(test)
        case Comparison(name, operator, number):
            return f"{_named(name)}{operator}{number!r}"
        case All((Comparison(name, ">=", low), Comparison(other, "<=", high))) if (name, low) == (other, high):
            return f"{_named(name)}={low!r}"
        case Either((Comparison(name, "<", low), Comparison(other, ">", high))) if (name, low) == (other, high):
            return f"{_named(name)}!={low!r}"
        case Either((one, HasPart(_, same))) if one == same:
            return _atom(one)
    return None


def _condition(test: Condition) -> str:
    name = _named(test.field)
    if test.match in ("Presence", "Absence"):
        return f"with({name})" if test.match == "Presence" else f"without({name})"
    escaped = test.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{name}{_SIGNS[test.match]}"{escaped}"'


def _named(name: str) -> str:
    found = _TOKEN.fullmatch(name)
    if found is None or found.lastgroup != "name" or name.lower() in _WORDS:
        raise SpecError(f"the filter language cannot name '{name}'", place="filter")
    return name
