"""Which files are meant: paths, globs and standard input, each named once."""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path

from flowkit.errors import CaptureError

AnyPath = str | PathLike[str]


def named_files(paths: AnyPath | Sequence[AnyPath]) -> dict[str, Path]:
    """Name each file: by its file name, or as it was given where two have the same one."""
    given = [paths] if isinstance(paths, str | PathLike) else paths
    each = [path for one in given for path in _globbed(Path(one))]
    if not each:
        raise CaptureError("no capture file was given")
    twice = next((path for path, times in Counter(path.absolute() for path in each).items() if times > 1), None)
    if twice is not None:
        raise CaptureError(f"{twice.name} is given twice: its packets would count double")
    names = Counter(path.name for path in each)
    return {path.name if names[path.name] == 1 else str(path): path for path in each}


def _globbed(path: Path) -> Iterator[Path]:
    """The file itself, or the files a pattern means, in order of their names."""
    if not glob.has_magic(str(path)) or path.exists():
        yield path
    elif found := sorted(glob.glob(str(path), recursive=True)):
        yield from (Path(each) for each in found if not Path(each).is_dir())
    else:
        raise CaptureError(f"{path}: no file has a name like this")
