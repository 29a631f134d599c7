"""Kubernetes objects from YAML streams, JSON, ``List`` kinds, folders or plain dicts, each with its place for messages.

Knows the shape of documents only; what an object means is for whoever asked for it.
"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from flowkit.errors import SpecError

# libyaml's parser is some ten times faster; both construct plain data only.
_Loader: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
# An alias of aliases is small as text and endless once it is walked ("billion laughs").
_MOST_OPENED = 10_000_000
_ENDINGS = (".yaml", ".yml", ".json")
_STDIN = "-"


@dataclass(frozen=True)
class Manifest:
    """One Kubernetes object: its `body`, its `kind`, and its `place` ("file, document 2") for messages."""

    body: dict[str, Any]
    place: str
    kind: str


def load_objects(source: str | Path | Mapping[str, Any], kinds: Iterable[str] | None = None) -> list[Manifest]:
    """Load every object of a file, a folder (sorted; .yaml, .yml, .json), standard input (``-``) or a dict, in order; `kinds`
    keeps only these.

    A YAML file may hold several documents, a JSON file several objects after each other; ``List`` kinds (and
    ``PodList`` …) are opened. Empty documents are nothing. Raises `SpecError` with file, line and way out for what
    cannot be read, and for a document that is no mapping.

    >>> [found.kind for found in load_objects({"kind": "List", "items": [{"kind": "Pod"}, {"kind": "Node"}]})]
    ['Pod', 'Node']
    """
    wanted = None if kinds is None else set(kinds)
    return [found for found in _objects(source) if wanted is None or found.kind in wanted]


def _objects(source: str | Path | Mapping[str, Any]) -> Iterator[Manifest]:
    if isinstance(source, Mapping):
        yield from _opened(dict(source), "dict")
        return
    for path in _files(Path(source)):
        yield from read_objects(_text(path), str(path))


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    found = sorted(file for file in path.rglob("*") if file.suffix in _ENDINGS and file.is_file())
    if not found:
        raise SpecError(f"a folder without {', '.join(_ENDINGS)} files", place=str(path))
    return found


def _text(path: Path) -> str:
    try:
        if str(path) == _STDIN:
            return sys.stdin.read()
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(f"not UTF-8 text (byte {error.start}): save it as UTF-8", place=str(path)) from None
    except OSError as error:
        raise SpecError(f"cannot be read: {(error.strerror or str(error)).lower()}", place=str(path)) from None


def read_objects(text: str, place: str) -> Iterator[Manifest]:
    """Read the objects of a YAML or JSON text; `place` names it in messages.

    >>> [found.place for found in read_objects("kind: Pod\\n---\\nkind: Node\\n", "two.yaml")]
    ['two.yaml, document 1', 'two.yaml, document 2']
    """
    documents = _documents(text, place)
    several = len(documents) > 1
    for number, body in enumerate(documents, start=1):
        here = f"{place}, document {number}" if several else place
        if body is None:
            continue
        if not isinstance(body, dict):
            raise SpecError(f"a {type(body).__name__}, not a Kubernetes object (a mapping with kind:)", place=here)
        yield from _opened(body, here)


def _documents(text: str, place: str) -> list[Any]:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return _json(text)
        except json.JSONDecodeError as error:
            if place.endswith(".json"):
                message = f"broken JSON at line {error.lineno}, column {error.colno}: {error.msg}"
                raise SpecError(message, place=place) from None
    return _yaml(text, place)


def _json(text: str) -> list[Any]:
    """Every JSON value of the text: one as a rule, several where outputs were appended to each other."""
    decoder, position, found = json.JSONDecoder(), _skip(text, 0), []
    while position < len(text):
        value, position = decoder.raw_decode(text, position)
        found.append(value)
        position = _skip(text, position)
    return found


def _skip(text: str, position: int) -> int:
    while position < len(text) and text[position].isspace():
        position += 1
    return position


def _yaml(text: str, place: str) -> list[Any]:
    try:
        documents = list(yaml.load_all(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        raise SpecError(_complaint(error, text), place=place) from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError(f"broken YAML: {str(error).splitlines()[0]}", place=place) from None
    if "&" in text and _opened_size(documents, {}) > _MOST_OPENED:
        raise SpecError("its YAML aliases stand for millions of values, or for themselves: write them out", place=place)
    return documents


def _opened_size(value: Any, known: dict[int, float]) -> float:
    """How many values `value` holds once each alias is written out; without end where one stands for itself."""
    if not isinstance(value, dict | list):
        return 1
    if id(value) not in known:
        known[id(value)] = math.inf  # met again below itself
        parts = value.values() if isinstance(value, dict) else value
        known[id(value)] = 1 + sum(_opened_size(part, known) for part in parts)
    return known[id(value)]


def _complaint(error: yaml.MarkedYAMLError, text: str) -> str:
    mark = error.problem_mark
    if mark is None:
        return f"broken YAML: {error.problem}"
    line = text.splitlines()[mark.line : mark.line + 1]
    is_tab = bool(line) and line[0][mark.column : mark.column + 1] == "\t"
    problem = "a tab: indent with spaces" if is_tab else f"{error.problem}; check indentation and quotes there"
    return f"broken YAML at line {mark.line + 1}, column {mark.column + 1}: {problem}"


def _opened(body: dict[str, Any], place: str) -> Iterator[Manifest]:
    kind = str(body.get("kind", ""))
    if not (kind.endswith("List") and isinstance(body.get("items"), list)):
        yield Manifest(body, place, kind)
        return
    # Items of a typed list (PodList) may leave out what the list says already.
    implied = {"apiVersion": body.get("apiVersion"), "kind": kind.removesuffix("List")} if kind != "List" else {}
    for number, item in enumerate(body["items"]):
        here = f"{place}, items[{number}]"
        if not isinstance(item, dict):
            raise SpecError(f"a {type(item).__name__}, not a Kubernetes object", place=here)
        yield from _opened({**implied, **item}, here)
