"""From what is wanted to programs that run: loaded, attached, their maps at hand; else one line that says what is missing."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path

from capture.ebpf.attaching import Attachment, names_for, to_cgroup, to_interface, to_tracepoint
from capture.ebpf.cgroups import root as cgroup_root
from capture.ebpf.counting import Counting
from capture.ebpf.namespaces import interface, number_of, within
from capture.ebpf.objects import Object, Settings
from capture.ebpf.sockets import Sockets, programs_for
from flowkit.errors import CaptureError

OVERFLOW_BYTES = 4 << 20
_DNS_BYTES = 1 << 20
_CGROUP_PROGRAMS = ("cgroup_ingress", "cgroup_egress")


@dataclass(frozen=True)
class Wanted:
    """What to count: interfaces of a namespace, or the sockets of a cgroup; how; and what else is wanted of each flow."""

    interfaces: tuple[str, ...] = ()
    cgroup: Path | None = None
    netns: str | None = None
    sampling: int = 1
    max_flows: int = 65_536
    hook: str = "auto"
    owners: bool = False
    dns: bool = False
    rtt: bool = False
    drops: bool = False

    @property
    def name(self) -> str:
        """What the capture is of, in a word."""
        return str(self.cgroup) if self.cgroup else ",".join(self.interfaces)

    def settings(self, programs: set[str]) -> Settings:
        """What the verifier is told."""
        dns_bytes = _DNS_BYTES if self.dns else os.sysconf("SC_PAGE_SIZE")
        entries = {"flows": self.max_flows, "overflow": OVERFLOW_BYTES, "dns": dns_bytes}
        constants = {"sampling": self.sampling, "with_owner": int(self.owners or self.rtt), "with_dns": int(self.dns)}
        return Settings(entries, constants, programs)


@dataclass
class Opened:
    """Programs that run. `interfaces` names the numbers in flow keys, `attached` is by what each is attached to.

    `sockets` knows what was asked for of sockets, `notes` say what this kernel does not tell.
    """

    counting: Counting
    interfaces: dict[int, str]
    sockets: Sockets | None = None
    tracing: list[Attachment] = field(default_factory=list)
    notes: tuple[str, ...] = ()
    attached: dict[str, list[Attachment]] = field(default_factory=dict)
    objects: list[Object] = field(default_factory=list)

    def gone(self) -> tuple[str, ...]:
        """What is no longer there."""
        return tuple(name for name, each in self.attached.items() if not all(one.alive() for one in each))

    def detach(self) -> None:
        """Count nothing more; what was counted can still be drained."""
        for each in self.attached.values():
            for one in each:
                one.close()
        for one in self.tracing:
            one.close()
        self.attached.clear()
        self.tracing.clear()

    def close(self) -> None:
        """Let go of everything."""
        self.detach()
        if self.sockets:
            self.sockets.keep()
        self.counting.close()
        for each in self.objects:
            each.close()
        self.objects.clear()


def object_of(name: str, settings: Settings) -> Object:
    """Load one of the committed objects."""
    return Object(files("capture.ebpf.program").joinpath(f"{name}.o").read_bytes(), settings)


def opened(wanted: Wanted) -> Opened:
    """Begin to count. Raises `CaptureError` that names the missing capability, kernel version, interface or folder."""
    if sys.platform != "linux":
        raise CaptureError(f"{wanted.name}: eBPF is Linux's; capture.live works elsewhere")
    with _explained(wanted):
        here = _of_cgroup(wanted) if wanted.cgroup else within(wanted.netns, partial(_of_interfaces, wanted))
        with _closed_on_failure(here):
            _ask_sockets(here, wanted)
        return here


def _of_interfaces(wanted: Wanted) -> Opened:
    found = [interface(name) for name in wanted.interfaces]
    programs = {name for each in found for name in names_for(each, wanted.hook)}
    here = _loaded(wanted, programs, {each.number: each.name for each in found})
    with _closed_on_failure(here):
        for each in found:
            here.attached[each.name] = to_interface(here.objects[0].programs, each, wanted.hook)
    return here


def _of_cgroup(wanted: Wanted) -> Opened:
    folder = wanted.cgroup or Path()
    if not (folder / "cgroup.procs").exists():
        raise CaptureError(f"'{folder}' is no cgroup: give a folder of the cgroup2 file system")
    # Its sockets may be in any namespace, where the same number is another interface: no name can be given.
    here = _loaded(wanted, set(_CGROUP_PROGRAMS), {})
    with _closed_on_failure(here):
        programs = here.objects[0].programs
        here.attached[str(folder)] = [to_cgroup(programs[name], folder) for name in _CGROUP_PROGRAMS]
    return here


def _ask_sockets(here: Opened, wanted: Wanted) -> None:
    """Load and attach what tells of sockets, as far as this kernel has it."""
    programs = programs_for(wanted.owners, wanted.rtt, wanted.drops)
    if not programs:
        return
    inum = 0 if wanted.cgroup else number_of(wanted.netns)
    loaded = object_of("sockets", Settings(constants={"net_inum": inum}, programs=programs, optional=True))
    here.objects.append(loaded)
    for program in loaded.programs.values():
        create = program.section == "cgroup/sock_create"
        here.tracing.append(to_cgroup(program, cgroup_root()) if create else to_tracepoint(program))
    here.sockets = Sockets(loaded.maps)
    here.notes = tuple(f"{name}: {error.strerror}" for name, error in loaded.refused.items())


def _loaded(wanted: Wanted, programs: set[str], interfaces: dict[int, str]) -> Opened:
    loaded = object_of("flows", wanted.settings(programs))
    try:
        return Opened(Counting.of(loaded), interfaces, objects=[loaded])
    except BaseException:
        loaded.close()
        raise


@contextmanager
def _closed_on_failure(here: Opened) -> Iterator[None]:
    try:
        yield
    except BaseException:
        here.close()
        raise


@contextmanager
def _explained(wanted: Wanted) -> Iterator[None]:
    """The kernel's refusals as one line with the way out."""
    try:
        yield
    except PermissionError as error:
        raise CaptureError(f"{wanted.name}: {refusal(wanted)}") from error
    except OSError as error:
        if error.errno == errno.EINVAL and wanted.hook == "tcx":
            raise CaptureError(f"{wanted.name}: TCX needs Linux 6.6: hook='socket' works before") from error
        raise CaptureError(
            f"{wanted.name}: {error.strerror or error}: 'capture doctor' says what is missing"
        ) from error


def refusal(wanted: Wanted) -> str:
    """What to say of a capture that is not allowed."""
    needs = ["CAP_BPF", "CAP_NET_RAW" if wanted.hook == "socket" else "CAP_NET_ADMIN"]
    needs += ["CAP_PERFMON"] if wanted.owners or wanted.rtt or wanted.drops else []
    needs += ["CAP_SYS_ADMIN"] if wanted.netns else []
    granted = ",".join(name.lower() for name in needs)
    return (
        f"counting in the kernel needs {' and '.join(needs)}, which this process has not: "
        f"'sudo setcap {granted}=ep {os.path.realpath(sys.executable)}' grants it, or run as root"
    )
