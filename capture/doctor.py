"""What this machine lacks for which capture: capabilities, kernel, settings, programs; and the command that grants each."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

_CAPABILITIES = {"CAP_NET_ADMIN": 12, "CAP_NET_RAW": 13, "CAP_SYS_ADMIN": 21, "CAP_PERFMON": 38, "CAP_BPF": 39}
_FIRST_KERNEL, _TCX, _BY_USE = (5, 12), (6, 6), (6, 3)


@dataclass(frozen=True)
class Finding:
    """One feature: whether it works here, and if not what is missing and the way out."""

    feature: str
    missing: tuple[str, ...] = ()

    def __str__(self) -> str:
        """One line for people.

        >>> print(Finding("capture live"))
        ok       capture live
        >>> print(Finding("capture live", ("CAP_NET_RAW",)))
        missing  capture live: CAP_NET_RAW
        """
        return f"missing  {self.feature}: {'; '.join(self.missing)}" if self.missing else f"ok       {self.feature}"


def findings() -> list[Finding]:
    """Look at this process and machine; nothing is attached or changed."""
    found = [
        _feature("capture live", ("CAP_NET_RAW",)),
        _feature("capture live with a filter", (), _program("tcpdump", "to compile it")),
        _feature("capture ebpf by TCX", ("CAP_BPF", "CAP_NET_ADMIN"), _kernel(_TCX)),
        _feature("capture ebpf by packet socket", ("CAP_BPF", "CAP_NET_RAW"), _kernel(_FIRST_KERNEL)),
        _feature("capture ebpf of a cgroup", ("CAP_BPF", "CAP_NET_ADMIN"), _kernel(_FIRST_KERNEL), _cgroup2()),
    ]
    tracing = ("CAP_BPF", "CAP_NET_ADMIN", "CAP_PERFMON")
    found += [
        _feature("owners of flows", tracing, _kernel(_TCX), _types(), _cgroup2()),
        _feature("owners of accepted and older sockets", tracing, _kernel(_BY_USE), _types()),
        _feature("round trips, drops", tracing, _kernel(_FIRST_KERNEL), _types()),
        _feature("another network namespace", ("CAP_SYS_ADMIN",)),
        _feature("deep fields", (), _program("tshark", "to dissect packets")),
    ]
    return found


def _feature(name: str, capabilities: tuple[str, ...], *others: str | None) -> Finding:
    lacking = [each for each in capabilities if not _has(each)]
    granted = ",".join(each.lower() for each in lacking)
    python = os.path.realpath(sys.executable)
    missing = [f"{' and '.join(lacking)}: 'sudo setcap {granted}=ep {python}'"] if lacking else []
    return Finding(name, (*missing, *(each for each in others if each)))


def _has(capability: str) -> bool:
    status = Path("/proc/self/status")
    found = re.search(r"CapEff:\s*([0-9a-f]+)", status.read_text()) if status.exists() else None
    return found is not None and bool(int(found[1], 16) >> _CAPABILITIES[capability] & 1)


def _kernel(least: tuple[int, int]) -> str | None:
    """What to say of a kernel that is older than that."""
    found = re.match(r"(\d+)\.(\d+)", platform.release()) if sys.platform == "linux" else None
    wanted = ".".join(map(str, least))
    if found and (int(found[1]), int(found[2])) >= least:
        return None
    return f"Linux {wanted} (this is {platform.system()} {platform.release()})"


def _types() -> str | None:
    there = Path("/sys/kernel/btf/vmlinux").exists()
    return None if there else "a kernel with CONFIG_DEBUG_INFO_BTF (/sys/kernel/btf/vmlinux)"


def _cgroup2() -> str | None:
    mounts = Path("/proc/self/mounts")
    there = mounts.exists() and " cgroup2 " in mounts.read_text()
    return None if there else "a cgroup2 file system: 'sudo mount -t cgroup2 none /sys/fs/cgroup'"


def _program(name: str, why: str) -> str | None:
    return None if shutil.which(name) else f"{name} {why}: 'sudo apt install {name}'"
