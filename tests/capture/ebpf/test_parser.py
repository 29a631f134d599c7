"""The BPF parser against the reference in Python: frames of every kind, every truncation of them, and mutated ones."""

from __future__ import annotations

import pytest

from tests.capture.ebpf import fuzz
from tests.capture.ebpf.fuzz import loaded, read_by, runnable
from tests.capture.ebpf.needs import need
from tests.capture.ebpf.parser import agents_flag, parse, seeds

pytestmark = pytest.mark.privileged


@pytest.fixture(scope="module", params=fuzz.PROGRAMS.items(), ids=fuzz.PROGRAMS)
def reading(request):
    need()
    name, link = request.param
    with loaded([name]) as (here, _):
        yield lambda frame: (read_by(here, name, frame), parse(frame, link))


def test_every_kind_of_frame_is_read_as_the_reference_reads_it(reading):
    for frame in seeds():
        mine, theirs = reading(frame)
        assert mine == theirs, frame.hex()


def test_every_truncation_too(reading):
    for frame in seeds():
        for size in range(14, len(frame)):
            if runnable(frame[:size]):
                mine, theirs = reading(frame[:size])
                assert mine == theirs, frame[:size].hex()


def test_a_slice_of_the_fuzz():
    need()
    assert fuzz.run(15_000, 7) > 8_000


def test_the_reference_ranks_flags_as_the_agent_does():
    assert [agents_flag(bits) for bits in (0x02, 0x12, 0x18, 0x11, 0x14, 0x04, 0xC2, 0)] == [
        2,
        256,
        16,
        512,
        1024,
        4,
        2,
        0,
    ]
