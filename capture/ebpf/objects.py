"""A compiled object into the kernel: its maps are made, its constants set, its programs relocated, verified and loaded."""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from capture.ebpf.btf import Btf, Kind, vmlinux
from capture.ebpf.elf import Elf, Symbol, read_elf
from capture.ebpf.maps import ARRAY, ARRAY_OF_MAPS, HASH, READ_ONLY_FOR_PROGRAMS, Map, Shape, made
from capture.ebpf.relocating import Access, accesses, relocate
from capture.ebpf.syscalls import Command, address, bpf, memory

_CONSTANTS = ".rodata"
_MAP_DESCRIPTOR, _MAP_VALUE = 1, 2
_LOG = 1 << 20
_LOG_LINES = 3
_TRACING, _TRACEPOINT = 26, 23

# The kernel's kind of a program and of where it is attached, by the section's name.
_KINDS = {
    "tc": (3, 0),
    "socket": (1, 0),
    "cgroup_skb/ingress": (8, 0),
    "cgroup_skb/egress": (8, 1),
    "cgroup/sock_create": (9, 2),
}


@dataclass(frozen=True)
class Settings:
    """What is decided before the verifier looks: entries of maps, values of constants, programs wanted (None: all)."""

    entries: Mapping[str, int] = field(default_factory=dict)
    constants: Mapping[str, int] = field(default_factory=dict)
    programs: Collection[str] | None = None
    optional: bool = False  # what this kernel does not know is left out, and stands in `Object.refused`


@dataclass(frozen=True)
class Program:
    """A loaded program by its descriptor; `section` says what it is made for."""

    name: str
    section: str
    descriptor: int

    @property
    def place(self) -> int:
        """The kernel's number for where it is attached."""
        return _KINDS[self.section][1]

    def run(self, frame: bytes, times: int = 1, context: bytes = b"") -> int:
        """Run it on a frame (BPF_PROG_TEST_RUN); returns nanoseconds a run."""
        given, out, around = memory(frame), memory(len(frame) + 256), memory(context or bytes(1))
        places = (address(given), address(out), times, 0, len(context), 0, address(around) if context else 0)
        asked = memory(struct.pack("<IIIIQQIIIIQQIIII", self.descriptor, 0, len(frame), len(out), *places, *[0] * 5))
        bpf(Command.TEST_RUN, asked)
        return int(struct.unpack_from("<I", asked, 36)[0])


class Object:
    """An object in the kernel, its `maps` and `programs` by name; closing it ends what is not held elsewhere."""

    def __init__(self, data: bytes, settings: Settings) -> None:
        self.maps: dict[str, Map] = {}
        self.programs: dict[str, Program] = {}
        self.refused: dict[str, OSError] = {}
        self._elf, self._settings = read_elf(data), settings
        self._btf = _completed(Btf(self._elf.content(".BTF")), self._elf)
        self._btf_descriptor = _load_btf(self._btf)
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def _load(self) -> None:
        for name, shape in _shapes(self._btf).items():
            inner = next((each.descriptor for each in self.maps.values() if each.shape.kind == HASH), 0)
            entries = self._settings.entries.get(name, shape.entries)
            inside = inner if shape.kind == ARRAY_OF_MAPS else 0
            self.maps[name] = made(name, replace(shape, entries=entries), self._btf_descriptor, inside)
        self._set_constants()
        found = accesses(self._elf.content(".BTF.ext"), self._btf)
        wanted = self._settings.programs
        for symbol in self._elf.functions():
            if wanted is None or symbol.name in wanted:
                section = self._elf.sections[symbol.section].name
                self._add(symbol, section, found.get(section, []))

    def _add(self, symbol: Symbol, section: str, found: list[Access]) -> None:
        try:
            self.programs[symbol.name] = self._program(symbol, section, found)
        except PermissionError:
            raise
        except OSError as error:
            if not self._settings.optional:
                raise
            self.refused[symbol.name] = error

    def twin(self, name: str) -> Map:
        """One more map like the one of this name."""
        return made(name, self.maps[name].shape, self._btf_descriptor)

    def _set_constants(self) -> None:
        content = bytearray(self._elf.content(_CONSTANTS))
        if not content:
            return
        for symbol in self._elf.symbols:
            value = self._settings.constants.get(symbol.name)
            if value is not None and symbol.section == self._elf.number(_CONSTANTS):
                content[symbol.value : symbol.value + symbol.size] = value.to_bytes(symbol.size, "little")
        constants = made("constants", Shape(ARRAY, 4, len(content), 1, READ_ONLY_FOR_PROGRAMS))
        self.maps[_CONSTANTS] = constants
        constants.update(bytes(content))
        constants.freeze()

    def _program(self, symbol: Symbol, section: str, found: list[Access]) -> Program:
        begin, end = symbol.value, symbol.value + symbol.size
        code = bytearray(self._elf.sections[symbol.section].content[begin:end])
        for at, target in self._elf.relocations(symbol.section):
            if begin <= at < end:
                self._point_to_map(code, at - begin, target)
        for access in found:
            if begin <= access.offset < end:
                relocate(code, access._replace(offset=access.offset - begin), self._btf, vmlinux())
        return Program(symbol.name, section, self._verified(symbol.name, section, bytes(code)))

    def _point_to_map(self, code: bytearray, at: int, target: Symbol) -> None:
        """A two-word load of an address becomes one of a map, or of a place in the constants."""
        section = self._elf.sections[target.section].name
        constant = section == _CONSTANTS
        offset = target.value + struct.unpack_from("<i", code, at + 4)[0] if constant else 0
        code[at + 1] = code[at + 1] & 15 | (_MAP_VALUE if constant else _MAP_DESCRIPTOR) << 4
        struct.pack_into("<I", code, at + 4, self.maps[_CONSTANTS if constant else target.name].descriptor)
        struct.pack_into("<I", code, at + 12, offset)

    def _verified(self, name: str, section: str, code: bytes) -> int:
        """Load a program; without a word first, which is much faster, and again for the verifier's words when it is refused."""
        held, licence, log = memory(code), memory(self._elf.content("license")), memory(_LOG)
        kind, place, target = _kind(section)
        words = (kind, len(code) // 8, address(held), address(licence))
        for talking in (0, 1):
            where = (talking, _LOG * talking, address(log) * talking)
            rest = (name.encode()[:15], 0, place, self._btf_descriptor, *[0] * 6, target, 0)
            try:
                return bpf(Command.PROGRAM_LOAD, struct.pack("<IIQQIIQII16sIIIIQIIQIII", *words, *where, 0, 0, *rest))
            except OSError as error:
                if talking:
                    raise OSError(error.errno, f"program {name}: {error.strerror}{_last_words(log.value)}") from None
        raise AssertionError("the second turn returns or raises")

    def close(self) -> None:
        """Let go of everything."""
        for program in self.programs.values():
            os.close(program.descriptor)
        for each in self.maps.values():
            each.close()
        self.programs, self.maps = {}, {}
        if self._btf_descriptor:
            os.close(self._btf_descriptor)
            self._btf_descriptor = 0


def _last_words(log: bytes) -> str:
    lines = [line for line in log.decode(errors="replace").splitlines() if line and not line.startswith("processed ")]
    return ": " + "; ".join(lines[-_LOG_LINES:]) if lines else ""


def _kind(section: str) -> tuple[int, int, int]:
    """The kernel's kind of program and place for a section's name, and for tracing the type of what is traced."""
    if section in _KINDS:
        return *_KINDS[section], 0
    _, _, target = section.partition("/")
    number = vmlinux().find("btf_trace_" + target, Kind.TYPEDEF)
    if number is None:
        raise OSError(errno.ESRCH, f"this kernel has no tracepoint {target}")
    return _TRACING, _TRACEPOINT, number


def _completed(btf: Btf, elf: Elf) -> Btf:
    """The compiler leaves sizes and offsets of data sections zero, which the kernel refuses: they come from the symbols."""
    raw = bytearray(btf.raw)
    for number in range(1, len(btf)):
        section = elf.number(btf.name(number)) if btf.type(number).kind == Kind.DATA_SECTION else None
        if section is None:
            continue
        place = btf.places[number]
        struct.pack_into("<I", raw, place + 8, len(elf.sections[section].content))
        offsets = {symbol.name: symbol.value for symbol in elf.symbols if symbol.section == section}
        entries = sorted((offsets[btf.name(variable)], variable, size) for variable, _, size in btf.entries(number))
        for each, (offset, variable, size) in enumerate(entries):
            struct.pack_into("<III", raw, place + 12 + 12 * each, variable, offset, size)
    return Btf(bytes(raw))


def _load_btf(btf: Btf) -> int:
    held = memory(btf.raw)
    return bpf(Command.BTF_LOAD, struct.pack("<QQIII", address(held), 0, len(btf.raw), 0, 0))


def _shapes(btf: Btf) -> dict[str, Shape]:
    """The maps that an object declares, arrays of maps last, since those need one to go by."""
    maps = btf.find(".maps", Kind.DATA_SECTION)
    declared = [variable for variable, _, _ in btf.entries(maps)] if maps else []
    shapes = {btf.name(variable): _shape(btf, variable) for variable in declared}
    return dict(sorted(shapes.items(), key=lambda item: item[1].kind == ARRAY_OF_MAPS))


def _shape(btf: Btf, variable: int) -> Shape:
    """Numbers are declared as arrays of so many elements, types as what a pointer points to."""
    numbers, types = {"max_entries": 0, "map_flags": 0}, {"key": 0, "value": 0}
    for member in btf.members(btf.behind(btf.type(variable).size_or_type)):
        pointed = btf.type(btf.behind(member.type)).size_or_type
        if member.name in types:
            types[member.name] = pointed
        elif member.name != "values":
            numbers[member.name] = btf.array(pointed)[1]
    kind = numbers["type"]
    sizes = {name: btf.size(each) if each else 0 for name, each in types.items()}
    value = 4 if kind == ARRAY_OF_MAPS else sizes["value"]
    described = (types["key"], types["value"]) if all(types.values()) else (0, 0)
    return Shape(kind, sizes["key"], value, numbers["max_entries"], numbers["map_flags"], described)
