"""Paths to files: what a user names (file, folder, glob, URL, or several) as a list of Parquet files or of JSON lines."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from flowkit.errors import SourceError

Paths = str | Path | Sequence[str | Path]

_PARQUET = (".parquet", ".pq")
_JSON = tuple(name + packed for name in (".json", ".jsonl", ".ndjson") for packed in ("", ".gz", ".zst"))


@dataclass(frozen=True)
class Files:
    """Files of one form; `names` are paths, or URLs that an engine's own settings reach."""

    form: Literal["Parquet", "JSON lines"]
    names: tuple[str, ...]

    @property
    def patterns(self) -> list[str]:
        """The names for engines that read a name as a glob: a file that exists is meant itself, URLs as they are."""
        return [name if is_url(name) else glob.escape(name) for name in self.names]

    @property
    def summary(self) -> str:
        """The first name, and how many more."""
        more = f" and {len(self.names) - 1} more" if len(self.names) > 1 else ""
        return f"'{self.names[0]}'{more}"


def found(paths: Paths) -> Files:
    """List the files that `paths` mean; of folders all Parquet and JSON files below, hidden ones left out.

    Raises `SourceError` for a path without files, files of both forms together, and files of neither.

    >>> found("s3://bucket/flows/*.parquet").form
    'Parquet'
    """
    several = [paths] if isinstance(paths, str | Path) else list(paths)
    names = tuple(name for each in several for name in _names(str(each)))
    if not names:
        raise SourceError("nothing to read: name at least one file, folder or glob")
    forms = {name: _form(name) for name in names}
    if len(set(forms.values())) > 1:
        one, other = (
            next(name for name, form in forms.items() if form == wanted) for wanted in ("Parquet", "JSON lines")
        )
        raise SourceError(f"'{one}' is Parquet and '{other}' JSON lines: read one form at a time")
    return Files(forms[names[0]], names)


def is_url(name: str) -> bool:
    """Whether a name is the engine's to look up: ``s3://…``, ``https://…``."""
    return "://" in name


def described(paths: Paths) -> tuple[str, ...]:
    """What the user named, as a provenance states it."""
    return tuple(str(path) for path in ([paths] if isinstance(paths, str | Path) else paths))


def _names(where: str) -> list[str]:
    if is_url(where):
        return [where]
    path = Path(where)
    if path.is_dir():
        names = sorted(str(each) for each in path.rglob("*") if each.is_file() and _is_meant(each.relative_to(path)))
    else:
        names = [where] if path.exists() else sorted(glob.glob(where, recursive=True))
    if not names:
        raise SourceError(f"no flows at '{where}': no such file, folder or match")
    return names


def _is_meant(inside: Path) -> bool:
    hidden = any(part.startswith(".") for part in inside.parts) or inside.name.startswith("_")
    return not hidden and inside.name.endswith((*_PARQUET, *_JSON))


def _form(name: str) -> Literal["Parquet", "JSON lines"]:
    if name.endswith(_PARQUET) or is_url(name):
        return "JSON lines" if name.endswith(_JSON) else "Parquet"
    if name.endswith(_JSON):
        return "JSON lines"
    head = _head(name)
    if head.startswith(b"PAR1"):
        return "Parquet"
    if head.lstrip().startswith(b"{"):
        return "JSON lines"
    raise SourceError(f"cannot read '{name}': it is neither Parquet nor JSON lines")


def _head(name: str) -> bytes:
    try:
        with Path(name).open("rb") as stream:
            return stream.read(1024)
    except OSError as error:
        raise SourceError(f"cannot read '{name}': {error.strerror}") from error
