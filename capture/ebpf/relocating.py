"""Fields of the kernel's structs are elsewhere on each kernel: where they are on this one, for instructions that read them.

The compiler writes into ``.BTF.ext`` which instruction reads which field (CO-RE); only field offsets are used here.
Source: Linux's bpf/llvm_reloc.rst.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from capture.ebpf.btf import Btf, Kind

_FIELD_OFFSET = 0
_LOADS_AND_STORES = (1, 2, 3)
# An unknown helper: the verifier refuses it where it can be reached, and with it the program.
_NEVER = struct.pack("<BBhi", 0x85, 0, 0, 0xBAD2310)


class Access(NamedTuple):
    """The instruction at `offset` of a section reads the field at `path` ("0:1:2") of a type."""

    offset: int
    type: int
    path: str
    kind: int


def accesses(extended: bytes, btf: Btf) -> dict[str, list[Access]]:
    """The accesses of each section, from ``.BTF.ext``."""
    found: dict[str, list[Access]] = {}
    for section, access in _records(extended, btf) if extended else ():
        found.setdefault(section, []).append(access)
    return found


def _records(extended: bytes, btf: Btf) -> Iterator[tuple[str, Access]]:
    (head,), (begin, size) = struct.unpack_from("<I", extended, 4), struct.unpack_from("<II", extended, 24)
    place, end = head + begin + 4, head + begin + size
    while place < end:
        section, count = struct.unpack_from("<II", extended, place)
        place += 8
        for offset, type_, path, kind in struct.iter_unpack("<IIII", extended[place : place + 16 * count]):
            yield _text(btf, section), Access(offset, type_, _text(btf, path), kind)
        place += 16 * count


def _text(btf: Btf, offset: int) -> str:
    return btf.texts[offset : btf.texts.index(b"\0", offset)].decode()


def relocate(code: bytearray, access: Access, local: Btf, kernel: Btf) -> None:
    """Write the running kernel's offset into the instruction at `access`, whose offset is from the code's begin."""
    if access.kind != _FIELD_OFFSET:
        raise ValueError(f"relocations of kind {access.kind} are not known here")
    offset = kernel_offset(local, access, kernel)
    at = access.offset
    if offset is None:
        code[at : at + 8] = _NEVER
    elif code[at] & 7 in _LOADS_AND_STORES:
        struct.pack_into("<h", code, at + 2, offset)
    else:
        struct.pack_into("<i", code, at + 4, offset)


def kernel_offset(local: Btf, access: Access, kernel: Btf) -> int | None:
    """Bytes from the begin of the kernel's struct to the field that the program's own has at `access`; None without it."""
    first, *steps = map(int, access.path.split(":"))
    here = local.behind(access.type)
    there = kernel.find(local.name(here), Kind.STRUCT, Kind.UNION)
    if there is None:
        return None
    offset = 8 * first * kernel.size(there)
    for step in steps:
        member = list(local.members(here))[step]
        found = kernel.field(there, member.name)
        if found is None:
            return None
        offset += found.offset
        here, there = local.behind(member.type), kernel.behind(found.type)
    return offset // 8
