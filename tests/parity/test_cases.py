"""Every case on every way of running, and on the reference."""

import pytest

from tests.parity import reference
from tests.parity.cases import CASES
from tests.parity.running import WAYS, answer, conforms, same

NAMES = [name for name, *_ in CASES]


def test_there_are_enough_cases_and_each_cites_its_rule():
    assert len(CASES) >= 60
    assert len(set(NAMES)) == len(NAMES)
    assert all(name[:4] in ("1.1 ", "1.2 ", "1.3 ", "1.4 ") for name in NAMES)


@pytest.mark.parametrize(("name", "spec", "flows", "expected"), CASES, ids=NAMES)
def test_reference(name, spec, flows, expected):
    same(reference.flowmetric(spec, flows), expected)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(("name", "spec", "flows", "expected"), CASES, ids=NAMES)
def test_engine(way, name, spec, flows, expected):
    if "conformed" in way and not conforms(flows):
        pytest.fail("the contract's form loses something of these flows: no case of this way")
    same(answer(way, spec, flows), expected)
