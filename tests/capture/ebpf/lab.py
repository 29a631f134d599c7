"""Two network namespaces joined by a veth pair, gone again at the end; nothing outside them is touched."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count

_NUMBERS = count(1)
HERE, THERE = "192.0.2.1", "192.0.2.2"
HERE6, THERE6 = "2001:db8::1", "2001:db8::2"


@dataclass(frozen=True)
class Lab:
    """The names of the namespaces; in both the interface is ``veth0``."""

    near: str
    far: str

    def run(self, space: str, *command: str) -> str:
        done = subprocess.run(["ip", "netns", "exec", space, *command], check=True, capture_output=True, text=True)
        return done.stdout

    def start(self, space: str, *command: str, **options) -> subprocess.Popen:
        return subprocess.Popen(["ip", "netns", "exec", space, *command], **options)

    def python(self, space: str, code: str, **options) -> subprocess.Popen:
        return self.start(space, sys.executable, "-I", "-c", code, **options)


def ip(text: str) -> None:
    subprocess.run(["ip", *text.split()], check=True, capture_output=True)


@contextmanager
def lab(*, offload: bool = True, ipv6: bool = True) -> Iterator[Lab]:
    here = f"fke{os.getpid()}-{next(_NUMBERS)}"
    spaces = Lab(f"{here}a", f"{here}b")
    try:
        _join(spaces, offload, ipv6)
        yield spaces
    finally:
        for space in (spaces.near, spaces.far):
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)


def _join(spaces: Lab, offload: bool, ipv6: bool) -> None:
    for space in (spaces.near, spaces.far):
        ip(f"netns add {space}")
    ip(f"-n {spaces.near} link add veth0 type veth peer name veth0 netns {spaces.far}")
    for space, four, six in ((spaces.near, HERE, HERE6), (spaces.far, THERE, THERE6)):
        if not ipv6:
            # An idle interface is silent then.
            spaces.run(space, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
        ip(f"-n {space} link set lo up")
        ip(f"-n {space} addr add {four}/24 dev veth0")
        if ipv6:
            ip(f"-n {space} addr add {six}/64 dev veth0 nodad")
        ip(f"-n {space} link set veth0 up")
        if not offload:
            features = [word for name in ("tso", "gso", "gro", "sg", "tx", "rx") for word in (name, "off")]
            subprocess.run(
                ["ip", "netns", "exec", space, "ethtool", "-K", "veth0", *features], check=False, capture_output=True
            )
