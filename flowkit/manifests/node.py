"""A mapping of a manifest that knows where it stands, so that every complaint names file and key."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from flowkit.errors import SpecError


@dataclass(frozen=True)
class Node:
    """One mapping at `key` of the document at `place`; its readers check type and spelling and raise `SpecError`.

    >>> Node({"type": "Counter"}, "m.yaml", "spec").text("type", choices=("Counter", "Gauge"))
    'Counter'
    """

    body: Mapping[str, Any]
    place: str
    key: str

    def refuse(self, message: str, name: str = "") -> NoReturn:
        """Raise `SpecError` at this mapping, or at its key `name`."""
        raise SpecError(message, place=self.place, key=f"{self.key}.{name}".strip("."))

    def only(self, names: Iterable[str]) -> None:
        """Refuse keys that are not in `names`, with a near name as hint."""
        known = list(names)
        for name in self.body:
            if name not in known:
                self.refuse(f"no such key.{hint(str(name), known)}", str(name))

    def text(self, name: str, default: str | None = "", choices: Sequence[str] = ()) -> str:
        """The text at `name`; without it `default`, and with None as default a refusal."""
        value = self.body.get(name)
        if value is None:
            value = self.refuse("is required", name) if default is None else default
        if not isinstance(value, str):
            self.refuse(f'must be text, not {_shown(value)}: write it in quotes, "{_plain(value)}"', name)
        if choices and value not in choices:
            self.refuse(f"'{value}' is none of {', '.join(c or repr(c) for c in choices)}.{hint(value, choices)}", name)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """The list of texts at `name`; none without it."""
        items = self._list(name)
        for number, item in enumerate(items):
            if not isinstance(item, str):
                self.refuse(
                    f'must be text, not {_shown(item)}: write it in quotes, "{_plain(item)}"', f"{name}[{number}]"
                )
        return tuple(items)

    def mapping(self, name: str) -> Node:
        """The mapping at `name`; an empty one without it."""
        value = self.body.get(name)
        if value is not None and not isinstance(value, Mapping):
            self.refuse(f"must be a mapping, not {_shown(value)}", name)
        return Node(value or {}, self.place, f"{self.key}.{name}".strip("."))

    def mappings(self, name: str) -> Iterator[Node]:
        """The list of mappings at `name`, each knowing its number."""
        for number, item in enumerate(self._list(name)):
            if not isinstance(item, Mapping):
                self.refuse(f"must be a mapping, not {_shown(item)}", f"{name}[{number}]")
            yield Node(item, self.place, f"{self.key}.{name}[{number}]".strip("."))

    def _list(self, name: str) -> list[Any]:
        value = self.body.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            self.refuse(f"must be a list, not {_shown(value)}", name)
        return value


def hint(name: str, known: Iterable[str]) -> str:
    """A hint at the nearest known name, or nothing.

    >>> hint("filter", ["filters", "labels"])
    " Did you mean 'filters'?"
    """
    near = difflib.get_close_matches(name, [one for one in known if one], n=1)
    return f" Did you mean '{near[0]}'?" if near else ""


def _shown(value: Any) -> str:
    words = {"bool": "a boolean", "int": "a number", "float": "a number", "list": "a list", "dict": "a mapping"}
    return words.get(type(value).__name__, f"a {type(value).__name__}")


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
