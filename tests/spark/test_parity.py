"""Every parity case, and random metrics over random flows, on Spark: the rows DuckDB and the reference give."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flowkit.contract import conform
from flowkit.engine import run, run_as_is
from flowkit.engine.spark import Spark
from flowkit.metric.plan import plan
from tests.parity import reference
from tests.parity.cases import CASES
from tests.parity.running import metric, raw, rows, same
from tests.parity.test_laws import flag_lists, flag_sets, flow, odd, specs

NAMES = [name for name, *_ in CASES]
ON_BITS = [case for case in CASES if "Flags" in case[1]["flatten"]]
few = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def answer(spark, spec, flows, runner=run):
    return rows(runner(plan(metric(spec).spec), flows, Spark(spark)))


@pytest.mark.parametrize(("name", "spec", "flows", "expected"), CASES, ids=NAMES)
def test_case(spark, name, spec, flows, expected):
    same(answer(spark, spec, raw(flows)), expected)


@pytest.mark.parametrize(("name", "spec", "flows", "expected"), ON_BITS, ids=[name for name, *_ in ON_BITS])
def test_case_on_the_bit_set(spark, name, spec, flows, expected):
    same(answer(spark, spec, conform(raw(flows))), expected)


@few
@given(specs(), st.lists(flow(flag_sets), max_size=8))
def test_random_metrics_on_the_bit_set(spark, spec, flows):
    expected = reference.flowmetric(spec, flows)
    same(answer(spark, spec, conform(raw(flows))), expected)
    same(answer(spark, spec, conform(raw(flows)), run_as_is), expected)


@few
@given(specs(), st.lists(flow(flag_lists), max_size=8))
def test_random_metrics_on_lists(spark, spec, flows):
    expected = reference.flowmetric(spec, flows)
    same(answer(spark, spec, raw(flows)), expected)
    same(answer(spark, spec, raw(flows), run_as_is), expected)


@settings(few, max_examples=5)
@given(st.lists(st.floats(allow_nan=False, allow_subnormal=False), min_size=20, max_size=40))
def test_floats_are_shortest_without_an_exponent(spark, numbers):
    flows = [{"SrcK8S_Zone": number} for number in numbers]
    spec = {"type": "Counter", "labels": ["SrcK8S_Zone"]}
    same(answer(spark, spec, raw(flows)), reference.flowmetric(spec, flows))


@settings(few, max_examples=5)
@given(st.lists(st.fixed_dictionaries({"SrcK8S_Zone": odd}), max_size=6))
def test_odd_types_have_the_text_go_prints(spark, flows):
    present = [{key: found for key, found in one.items() if found is not None} for one in flows]
    spec = {"type": "Counter", "labels": ["SrcK8S_Zone"]}
    same(answer(spark, spec, raw(present)), reference.flowmetric(spec, present))
