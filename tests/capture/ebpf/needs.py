"""What the tests of the kernel capture need; FLOWKIT_REQUIRE_EBPF=1 (in CI) makes a failure of what would be a skip."""

from __future__ import annotations

import functools
import os
import shutil
import sys

import pytest

from capture.ebpf.maps import ARRAY, Shape, made


def need(*programs: str) -> None:
    """Skip the test, or fail it, where BPF or one of these programs is not there."""
    reason = _no_bpf() or next((f"{each} is absent" for each in programs if not shutil.which(each)), None)
    if reason:
        (pytest.fail if os.environ.get("FLOWKIT_REQUIRE_EBPF") == "1" else pytest.skip)(reason)


@functools.cache
def _no_bpf() -> str | None:
    if sys.platform != "linux":
        return "eBPF is Linux's"
    try:
        made("probe", Shape(ARRAY, 4, 4, 1)).close()
    except OSError as error:
        return f"bpf(2), making a map: {error.strerror} (needs CAP_BPF)"
    return None
