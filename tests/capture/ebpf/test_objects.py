"""The committed objects: the bytes that the pinned compiler makes, the layouts that numpy reads, and other loaders than ours."""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
import os
import subprocess
from importlib.resources import files

import numpy as np
import pytest

from capture.ebpf import records
from capture.ebpf.btf import Btf, Kind, vmlinux
from capture.ebpf.elf import read_elf
from capture.ebpf.objects import Settings
from capture.ebpf.opening import object_of
from capture.ebpf.program.build import HERE, OBJECTS, build
from capture.ebpf.relocating import accesses, kernel_offset
from tests.capture.ebpf.needs import need

LAYOUTS = {
    "flows": {
        "flow_key": records.KEY,
        "flow_value": records.VALUE,
        "overflow_record": records.OVERFLOW,
        "dns_record": records.DNS,
    },
    "sockets": {
        "owner": records.OWNER,
        "round_trip": records.ROUND_TRIP,
        "drop_key": records.DROP_KEY,
        "drop_value": records.DROP_VALUE,
    },
}


def data_of(name: str) -> bytes:
    return files("capture.ebpf.program").joinpath(f"{name}.o").read_bytes()


def types_of(name: str) -> Btf:
    return Btf(read_elf(data_of(name)).content(".BTF"))


@pytest.mark.parametrize(("name", "struct"), [(name, struct) for name, each in LAYOUTS.items() for struct in each])
def test_the_programs_records_are_what_numpy_reads(name, struct):
    types, layout = types_of(name), LAYOUTS[name][struct]
    number = types.find(struct, Kind.STRUCT)
    assert number is not None
    theirs = {each.name: (each.offset // 8, types.size(each.type)) for each in types.members(number)}
    mine = {field: (place, dtype.itemsize) for field, (dtype, place) in layout.fields.items()}
    assert (mine, layout.itemsize) == (theirs, types.size(number))


def test_counters_are_as_many_and_in_the_order_of_the_programs():
    types = types_of("flows")
    names = [name.lower() for _, name in sorted(types.enumerators("counter").items())]
    assert names == [*records.COUNTERS, "counters"]


def test_the_committed_objects_are_what_the_pinned_compiler_makes(tmp_path):
    if importlib.util.find_spec("ziglang") is None:
        pytest.skip("ziglang is absent: make bpf installs it")
    for path in build(tmp_path):
        assert path.read_bytes() == (HERE / path.name).read_bytes(), f"{path.name}: make bpf, and commit it"


@pytest.mark.privileged
@pytest.mark.parametrize("name", OBJECTS)
def test_our_loader_bpftool_and_libbpf_load_the_same_programs(name, tmp_path):
    need("bpftool", "mount")
    mine = object_of(name, Settings())
    programs = sorted(mine.programs)
    mine.close()
    assert by_bpftool(name, tmp_path) == programs
    assert by_libbpf(name) == len(programs)


def by_bpftool(name: str, folder) -> list[str]:
    """The names of the programs that bpftool pins into a BPF file system of its own."""
    command = f"mount -t bpf bpf {folder} && bpftool prog loadall {HERE / name}.o {folder}/all >/dev/null 2>&1 && ls {folder}/all"
    done = subprocess.run(["unshare", "-m", "sh", "-c", command], capture_output=True, text=True, check=True)
    return sorted(done.stdout.split())


def by_libbpf(name: str) -> int:
    """How many programs libbpf loads."""
    library = ctypes.CDLL(ctypes.util.find_library("bpf") or "libbpf.so.1")
    library.bpf_object__open_file.restype = library.bpf_object__next_program.restype = ctypes.c_void_p
    here = ctypes.c_void_p(library.bpf_object__open_file(os.fsencode(HERE / f"{name}.o"), None))
    assert here, "libbpf does not open it"
    assert library.bpf_object__load(here) == 0
    program, count = library.bpf_object__next_program(here, None), 0
    while program:
        program, count = library.bpf_object__next_program(here, ctypes.c_void_p(program)), count + 1
    library.bpf_object__close(here)
    return count


def test_fields_are_found_where_the_running_kernel_has_them():
    """`struct sk_buff` begins with its list, and `len` lies before `head`: asked of the kernel's own types."""
    kernel, local = vmlinux(), types_of("sockets")
    found = accesses(read_elf(data_of("sockets")).content(".BTF.ext"), local)["tp_btf/kfree_skb"]
    number = kernel.find("sk_buff", Kind.STRUCT)
    names = {}
    for access in found:
        if local.name(access.type) == "sk_buff":
            field = list(local.members(access.type))[int(access.path.split(":")[1])].name
            names[field] = kernel_offset(local, access, kernel)
    expected = {name: kernel.field(number, name).offset // 8 for name in names}
    assert names == expected
    assert {"head", "len", "network_header", "dev", "sk"} <= names.keys()


def test_what_is_no_object_is_refused():
    for data in (b"", b"\x7fELF", b"\x7fELF\2\2" + bytes(100)):
        with pytest.raises(ValueError, match="not a little-endian ELF-64 object"):
            read_elf(data)


def test_a_program_that_the_verifier_refuses_is_an_error_with_its_last_words():
    need()
    sound = data_of("flows")
    # The licence is what lets the tracing programs read the kernel's structs.
    spoiled = data_of("sockets").replace(b"Dual MIT/GPL", b"Proprietary!")
    assert sound.count(b"Dual MIT/GPL") == 1
    from capture.ebpf.objects import Object

    with pytest.raises(OSError, match="program .*: .*GPL"):
        Object(spoiled, Settings(programs={"dropped"}))


def test_records_have_no_hidden_padding():
    for layout in (layout for each in LAYOUTS.values() for layout in each.values()):
        assert sum(dtype.itemsize for dtype, _ in layout.fields.values()) == layout.itemsize
        assert layout.itemsize % np.dtype("u8").itemsize == 0
