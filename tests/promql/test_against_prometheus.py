"""Every query here and many drawn ones: the same series, times and values as a real Prometheus of Debian (2.x)."""

import math
import warnings
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from flowkit.errors import QueryError
from flowkit.metric import NothingMatched
from flowkit.metric.promql import promql
from tests.promql.grammar import queries
from tests.promql.samples import START, openmetrics, sampled
from tests.promql.server import NEEDS_PROMETHEUS, asked, prometheus

LISTED = Path(__file__).with_name("queries.txt").read_text().splitlines()
PERIOD = (START + 300_000, START + 1_900_000, 37_000)
SAMPLES = sampled()

pytestmark = NEEDS_PROMETHEUS


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with prometheus(tmp_path_factory.mktemp("prometheus"), openmetrics(SAMPLES)) as address:
        yield address


def answered(query):
    """What flowkit says, in the same form; the error's text where it refuses."""
    start, end, step = PERIOD
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NothingMatched)
        try:
            table = promql(query, table=SAMPLES, start=start / 1000, end=end / 1000, step=f"{step}ms", rules=2)
        except QueryError as error:
            return str(error)
    return by_series(table)


def by_series(table):
    """A tidy table as the values by label set and time."""
    names = [name for name in table.columns if name not in ("time", "value")]
    found = {}
    times = table["time"].astype("int64").tolist()
    for texts, at, value in zip(table[names].astype(str).to_numpy(), times, table["value"], strict=True):
        labels = frozenset((name, text) for name, text in zip(names, texts, strict=True) if text)
        found.setdefault(labels, {})[at] = value
    return found


def assert_equal(ours, theirs):
    if isinstance(theirs, str) or isinstance(ours, str):
        assert type(ours) is type(theirs), (ours, theirs)
        return
    assert ours.keys() == theirs.keys()
    for labels, values in theirs.items():
        assert ours[labels].keys() == values.keys(), labels
        for at, value in values.items():
            assert same(ours[labels][at], value), (labels, at, ours[labels][at], value)


def same(one, other):
    return one == other or (math.isnan(one) and math.isnan(other)) or math.isclose(one, other, rel_tol=1e-12)


@pytest.mark.parametrize("query", LISTED)
def test_listed_queries_are_answered_as_by_prometheus(server, query):
    assert_equal(answered(query), asked(server, query, *PERIOD))


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(query=queries)
def test_drawn_queries_are_answered_as_by_prometheus(server, query):
    assert_equal(answered(query), asked(server, query, *PERIOD))
