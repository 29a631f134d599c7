"""Cgroups by their number, which is their folder's inode, and the container that a folder's name tells."""

from __future__ import annotations

import os
import re
from pathlib import Path

from flowkit.errors import CaptureError

_RUNTIMES = r"(?:docker|cri-containerd|crio|libpod)-([0-9a-f]{12})[0-9a-f]*\.scope"
_PLAIN = r"/(?:docker|(?:kubepods|kubepods/[^/]+)/pod[^/]+)/([0-9a-f]{12})[0-9a-f]*$"
_CONTAINER = re.compile(f"{_RUNTIMES}|{_PLAIN}")


def root() -> Path:
    """Where the cgroup2 file system is; raises `CaptureError` where there is none."""
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind == "cgroup2":
            return Path(place)
    raise CaptureError("no cgroup2 file system is mounted: 'mount -t cgroup2 none /sys/fs/cgroup' does")


def container(path: str) -> str | None:
    """The first 12 digits of the container's id, or None.

    >>> container("/system.slice/docker-0123456789abcdef0123456789abcdef.scope")
    '0123456789ab'
    >>> container("/kubepods/burstable/pod12-34/fedcba9876543210")
    'fedcba987654'
    >>> container("/user.slice") is None
    True
    """
    found = _CONTAINER.search(path)
    return (found[1] or found[2]) if found else None


class Cgroups:
    """Paths by number; one that is gone keeps the path it had."""

    def __init__(self) -> None:
        self._paths: dict[int, str] = {}

    def path(self, number: int) -> str | None:
        """The path below the root; looks again for a number that it does not know."""
        if number not in self._paths:
            self._look()
        return self._paths.get(number)

    def _look(self) -> None:
        top = str(root())
        for folder, _, _ in os.walk(top):
            try:
                self._paths[os.stat(folder).st_ino] = folder[len(top) :] or "/"  # noqa: PTH116 - thousands of them
            except OSError:
                continue
