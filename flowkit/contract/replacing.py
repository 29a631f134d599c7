"""Files that appear whole or not at all."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from flowkit.errors import FlowkitError


@contextmanager
def replacing(path: str | Path) -> Iterator[IO[bytes]]:
    """Open a binary stream that takes the place of `path` only when the block ends well; a failure leaves nothing behind."""
    path = Path(path)
    part: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", dir=path.parent)
        part = Path(name)
        with os.fdopen(handle, "wb") as stream:
            yield stream
        part.chmod(0o666 & ~_umask())  # mkstemp's own mode is for secrets
        part.replace(path)
    except OSError as error:
        raise FlowkitError(f"cannot write '{path}': {error.strerror or error}") from error
    finally:
        if part is not None:
            part.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
