"""Examples in docstrings as code: mkdocstrings loads this extension, which fences what begins with ``>>>``."""

from __future__ import annotations

from typing import Any

from griffe import Extension, Object


class Fences(Extension):
    """Fence each run of lines that begins with ``>>>`` and ends at an empty line or the docstring's end."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rewrite the docstring of an object that was loaded."""
        if obj.docstring is not None:
            obj.docstring.value = fenced(obj.docstring.value)


def fenced(text: str) -> str:
    """Put fences around examples, none of which holds an empty line.

    >>> fenced("Add.\\n\\n>>> 1 + 1\\n2")
    'Add.\\n\\n```pycon\\n>>> 1 + 1\\n2\\n```'
    """
    parts = text.split("\n\n")
    return "\n\n".join(f"```pycon\n{part}\n```" if part.lstrip().startswith(">>>") else part for part in parts)
