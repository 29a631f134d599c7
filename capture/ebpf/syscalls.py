"""The system call bpf(2) from plain Python: one function, the numbers of its commands, and memory that the kernel may fill.

Source: Linux's uapi/linux/bpf.h (union bpf_attr). Who calls packs the attributes.
"""

from __future__ import annotations

import ctypes
import os
import platform
from enum import IntEnum
from typing import Any

import numpy as np

_NUMBERS = {"x86_64": 321, "aarch64": 280, "riscv64": 280, "loongarch64": 280, "ppc64le": 361}

_libc = ctypes.CDLL(None, use_errno=True)

# What ctypes calls the memory of a string buffer; arrays of numpy are filled by the kernel as well.
Memory = ctypes.Array[ctypes.c_char]


class Command(IntEnum):
    """Commands of bpf(2)."""

    MAP_CREATE = 0
    MAP_LOOKUP = 1
    MAP_UPDATE = 2
    PROGRAM_LOAD = 5
    TEST_RUN = 10
    INFO_BY_DESCRIPTOR = 15
    PROGRAM_QUERY = 16
    RAW_TRACEPOINT_OPEN = 17
    BTF_LOAD = 18
    MAP_FREEZE = 22
    MAP_LOOKUP_BATCH = 24
    MAP_LOOKUP_AND_DELETE_BATCH = 25
    LINK_CREATE = 28


def bpf(command: Command, attributes: bytes | Memory) -> int:
    """Call bpf(2); a writable `attributes` receives the answer. Raises `OSError` with the kernel's number."""
    asked = memory(attributes) if isinstance(attributes, bytes) else attributes
    number = _NUMBERS.get(platform.machine())
    if number is None:
        raise OSError(0, f"the number of bpf(2) on {platform.machine()} is not known here")
    return checked(_libc.syscall(*(ctypes.c_long(word) for word in (number, command, address(asked), len(asked)))))


def checked(result: int) -> int:
    """The result of a call into libc, or the `OSError` that it left.

    >>> checked(3)
    3
    """
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def memory(content: bytes | int) -> Memory:
    """Memory that holds these bytes, or so many zeros, and nothing behind them.

    >>> len(memory(b"abc")), memory(2).raw
    (3, b'\\x00\\x00')
    """
    return ctypes.create_string_buffer(content, len(content) if isinstance(content, bytes) else content)


def address(of: Memory | np.ndarray[Any, Any]) -> int:
    """Where the kernel finds it; it must stay referenced during the call."""
    return of.ctypes.data if isinstance(of, np.ndarray) else ctypes.addressof(of)


def enter_namespace(descriptor: int) -> None:
    """Move this thread into the network namespace behind a descriptor (setns(2))."""
    checked(_libc.setns(descriptor, 0x40000000))


def bind(descriptor: int, place: bytes) -> None:
    """bind(2) with an address that Python's own cannot spell, such as an interface by its number."""
    checked(_libc.bind(descriptor, memory(place), len(place)))
