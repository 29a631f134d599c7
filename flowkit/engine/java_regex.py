"""RE2 patterns in the words of ``java.util.regex``, which Spark searches by: the same texts match.

Where Java differs: ``$`` also matches before a last newline, ``.`` knows six line ends, ``(?i)`` is ASCII, ``(?U)`` is another
flag, ``\\s \\b \\v`` mean more, brackets nest and intersect inside a class, Unicode scripts begin with ``Is``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from flowkit.errors import SpecError
from flowkit.manifests import re2

_TOKEN = re.compile(
    r"""
    \\Q(?P<quoted>.*?)(?:\\E|\Z)
    | \\(?P<escape>x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|[pP]\{\^?\w+\}|[pP]\w|[0-7]{1,3}|.)
    | \[(?P<negated>\^?)(?P<items>\]?(?:\[:\^?\w+:\]|\\[pPx]\{[^}]*\}|\\.|[^\]\\])*)\]
    | \(\?(?P<flags>[a-zA-Z-]+)(?P<end>[:)])
    | (?P<group>\(\?:|\(\?P?<\w+>|\()
    | (?P<repeat>\{\d+(?:,\d*)?\})
    | (?P<char>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ITEM = re.compile(
    r"""
    \[:(?P<posix>\^?\w+):\]
    | \\(?P<escape>x\{[0-9A-Fa-f]+\}|x[0-9A-Fa-f]{2}|[pP]\{\^?\w+\}|[pP]\w|[0-7]{1,3}|.)
    | (?P<char>.)
    """,
    re.VERBOSE | re.DOTALL,
)
_WORD = "[0-9A-Za-z_]"
_EDGE = rf"(?:(?<={_WORD})(?!{_WORD})|(?<!{_WORD})(?={_WORD}))"
_INSIDE = rf"(?:(?<={_WORD})(?={_WORD})|(?<!{_WORD})(?!{_WORD}))"
_SPACE = r"\t\n\f\r\x20"
_CLASSES = {"s": _SPACE, "S": r"\S\x0B", **{name: rf"\{name}" for name in "dDwW"}}
_SINGLE = {"a": 0x07, "f": 0x0C, "t": 0x09, "n": 0x0A, "r": 0x0D, "v": 0x0B}
_NAMES = ("Alnum", "Alpha", "Blank", "Cntrl", "Digit", "Graph", "Lower", "Print", "Punct", "Space", "Upper")
_POSIX = {"word": "w", **{name.lower(): f"p{{{name}}}" for name in _NAMES}}
_POSIX |= {"xdigit": "p{XDigit}", "ascii": "p{ASCII}"}


def java(pattern: str) -> str:
    """Translate a pattern; raises `SpecError` for one that RE2 refuses.

    >>> java("^10[.]$")
    '(?d)\\\\A10[\\\\x{2E}]\\\\z'
    """
    complaint = re2.complaint(pattern)
    if complaint:
        raise SpecError(f"invalid regular expression '{pattern}': {complaint}")
    # (?d): only \n ends a line.
    return "(?d)" + "".join(_translated(pattern))


def _translated(pattern: str) -> Iterator[str]:
    # Whether ^ and $ mean lines, now and once each open group is closed; flags that wait for a repetition to pass, which to
    # RE2 is still one of what stands before them.
    lines, closing, waiting = False, list[bool](), ""
    for token in _TOKEN.finditer(pattern):
        if not (token["repeat"] or token["char"] in ("*", "+", "?")):
            yield waiting
            waiting = ""
        if token["flags"] is not None:
            if token["end"] == ":":
                closing.append(lines)
                yield _flags(token["flags"], token["end"])
            else:
                waiting = _flags(token["flags"], token["end"])
            lines = _lines(token["flags"], lines)
        elif token["group"] is not None:
            closing.append(lines)
            yield "(?:"
        elif token["char"] == ")":
            lines = closing.pop()
            yield ")"
        else:
            yield _atom(token, lines=lines)


def _lines(flags: str, before: bool) -> bool:  # noqa: FBT001 (a state, carried on)
    on, _, off = flags.partition("-")
    return "m" in on or (before and "m" not in off)


def _flags(flags: str, end: str) -> str:
    """Flags that Java has too: m is done by hand, U changes no match, i is meant for all of Unicode."""
    on, _, off = (re.sub("[mU]", "", part).replace("i", "iu") for part in flags.partition("-"))
    kept = on + (f"-{off}" if off else "")
    return f"(?{kept}{end}" if kept or end == ":" else ""


def _atom(token: re.Match[str], *, lines: bool) -> str:
    if token["quoted"] is not None:
        return "".join(_literal(ord(char)) for char in token["quoted"])
    if token["escape"] is not None:
        return _escape(token["escape"])
    if token["items"] is not None:
        return f"[{token['negated']}{''.join(_items(token['items']))}]"
    return token["repeat"] or _char(token["char"], lines=lines)


def _char(char: str, *, lines: bool) -> str:
    if char == "^":
        return r"(?:\A|(?<=\n))" if lines else r"\A"
    if char == "$":
        return r"(?=\n|\z)" if lines else r"\z"
    return char if char in ".|*+?" else _literal(ord(char))


def _escape(escape: str) -> str:
    edges = {"A": r"\A", "z": r"\z", "b": _EDGE, "B": _INSIDE, "C": r"[\x{0}-\x{10FFFF}]"}
    if escape in edges:
        return edges[escape]
    found = _class(escape)
    return f"[{found}]" if found else _literal(_code(escape))


def _items(items: str) -> Iterator[str]:
    """The inside of a class, every character of it by number, so that none means more to Java."""
    tokens = list(_ITEM.finditer(items))
    place = 0
    while place < len(tokens):
        token = tokens[place]
        found = _posix(token["posix"]) if token["posix"] else _class(token["escape"] or "")
        is_range = not found and place + 2 < len(tokens) and tokens[place + 1][0] == "-"
        if is_range:
            yield f"{_literal(_number(token))}-{_literal(_number(tokens[place + 2]))}"
        else:
            yield found or _literal(_number(token))
        place += 3 if is_range else 1


def _number(token: re.Match[str]) -> int:
    return _code(token["escape"]) if token["escape"] else ord(token[0])


def _posix(name: str) -> str:
    java_name = _POSIX[name.removeprefix("^")]
    return "\\" + (java_name[0].upper() + java_name[1:] if name.startswith("^") else java_name)


def _class(escape: str) -> str:
    """A class as it stands inside brackets; nothing for a single character."""
    if escape[:1] not in ("p", "P"):
        return _CLASSES.get(escape, "")
    negated, name = (escape[0] == "P"), escape[1:].strip("{}")
    negated ^= name.startswith("^")
    name = name.removeprefix("^")
    if name == "Any":
        return r"\x{0}-\x{10FFFF}"
    return rf"\{'P' if negated else 'p'}{{{name if len(name) <= 2 else 'Is' + name}}}"


def _code(escape: str) -> int:
    if escape in _SINGLE:
        return _SINGLE[escape]
    if escape[0] == "x" and len(escape) > 1:
        return int(escape[1:].strip("{}"), 16)
    return int(escape, 8) if escape[0] in "01234567" else ord(escape)


def _literal(code: int) -> str:
    return chr(code) if chr(code).isascii() and chr(code).isalnum() else f"\\x{{{code:X}}}"
