"""Where Prometheus 3 departs from 2, and what both refuse; no server needed.

Sources: Prometheus 3.0 migration guide (``prometheus.io/docs/prometheus/latest/migration``): "Range selectors and lookback now
exclude samples coinciding with the left boundary"; CHANGELOG 3.0.0: "PromQL: … extrapolation … zero point" and "use Kahan
summation for sum() and avg()".
"""

import warnings

import numpy as np
import pandas as pd
import pytest

import flowkit as fk
from flowkit.errors import ContractError, NothingMatched, QueryError
from flowkit.metric.promql import promql


def samples(values, every=60, name="x", **labels):
    times = pd.to_datetime(1000 * every * np.arange(len(values)), unit="ms", utc=True)
    return pd.DataFrame({"__name__": name, **labels, "time": times, "value": np.asarray(values, dtype=float)})


def values(query, table, rules, time):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NothingMatched)
        return promql(query, table=table, time=time, rules=rules)["value"].tolist()


@pytest.mark.parametrize(
    ("query", "two", "three"),
    [
        # Migration guide: [5m] at a step of 1m held six samples, and holds five.
        ("count_over_time(x[5m])", [6.0], [5.0]),
        ("sum_over_time(x[1m])", [9.0 + 10.0], [10.0]),
        # "a subquery foo[1m:1m] … returned two points, and returns one".
        ("count_over_time(x[1m:1m])", [2.0], [1.0]),
        # One sample alone has no rate.
        ("rate(x[1m])", [1 / 60], []),
    ],
)
def test_ranges_lose_their_left_border(query, two, three):
    table = samples(range(11))
    assert values(query, table, 2, 600) == pytest.approx(two)
    assert values(query, table, 3, 600) == pytest.approx(three)


def test_a_sample_as_old_as_the_look_back_counts_in_2_alone():
    table = samples([7])
    assert [values("x", table, rules, 300) for rules in (2, 3)] == [[7.0], []]
    assert [values("x", table, rules, 299.999) for rules in (2, 3)] == [[7.0], [7.0]]


def test_sums_lose_no_small_addend_in_3():
    table = pd.concat([samples([value], n=str(at)) for at, value in enumerate([1e100, 10, -1e100])])
    assert [values("sum(x)", table, rules, 0) for rules in (2, 3)] == [[0.0], [10.0]]
    assert values("avg(x)", table, 3, 0) == pytest.approx([10 / 3])


def test_sums_over_time_lose_none_in_both():
    table = samples([1e100, 10, -1e100], every=10)
    assert [values("sum_over_time(x[5m])", table, rules, 20) for rules in (2, 3)] == [[10.0], [10.0]]


def test_a_counter_far_from_the_border_is_stretched_to_zero_by_3_only_within_half_a_gap():
    # Samples at 40, 50, 60 s of a minute: 1, 2, 3. In 2 the zero point (10 s before) is near, in 3 so is half a gap (5 s).
    times = pd.to_datetime([40, 50, 60], unit="s", utc=True)
    table = pd.DataFrame({"__name__": "x", "time": times, "value": [1.0, 2.0, 3.0]})
    assert values("increase(x[1m])", table, 2, 60) == pytest.approx([2 * 30 / 20])
    assert values("increase(x[1m])", table, 3, 60) == pytest.approx([2 * 25 / 20])


def test_atan2_drops_the_name_in_3():
    kept, dropped = (promql("x atan2 2", table=samples([1]), rules=rules).columns.tolist() for rules in (2, 3))
    assert (kept, dropped) == (["__name__", "time", "value"], ["time", "value"])


@pytest.mark.parametrize(
    ("query", "position"),
    [
        ("sum(rat(x[1m]))", 4),
        ("sum(rate(x[1m])", 15),
        ("x{a=1}", 4),
        ("x +", None),
        ("x y", None),
        ("rate(x)", None),
        ("sum by (a b) (x)", None),
        ("holt_winters(x[1m], 0.5, 0.5)", 0),
        ("x[5m] offset 1q", None),
        ("", None),
        (")", 0),
        ('x{a=~"("}', None),
        ('label_replace(x, "1a", "", "b", "")', 0),
        ('count_values("1a", x)', None),
        ("x * on () group_left () x", 2),
    ],
)
def test_what_cannot_be_answered_is_a_clear_error_with_its_place(query, position):
    table = pd.concat([samples([1], a="1"), samples([2], a="2")])
    with pytest.raises(QueryError) as caught:
        promql(query, table=table)
    if position is not None:
        assert caught.value.position == position, str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_metric_that_is_not_there_is_an_empty_table_and_a_hint():
    with pytest.warns(NothingMatched, match="no series 'syn_inn': there are syn_in"):
        table = promql("sum by (port) (syn_inn)", table=samples([1], name="syn_in"))
    assert table.empty
    assert fk.provenance(table).notes == ("no series 'syn_inn': there are syn_in",)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"rules": 4}, "2 or 3 are known"),
        ({"start": 0}, "a range needs a step"),
        ({"time": 1, "step": "1m"}, "not both"),
        ({"start": 10, "end": 0, "step": "1m"}, "ends after it starts"),
        ({"time": "soon"}, "is no moment"),
        ({"metrics": []}, "ask either metrics= over flows=, or a table="),
    ],
)
def test_contradictions_are_refused(asked, said):
    with pytest.raises(ContractError, match=said):
        promql("x", **{"table": samples([1]), **asked})


def test_a_query_of_ten_megabytes_is_refused_in_a_line():
    with pytest.raises(QueryError, match="100,000 are the most"):
        promql("x" + " + 1" * 2_500_000, table=samples([1]))


@pytest.mark.parametrize("query", ["(" * 40_000 + "x" + ")" * 40_000, "x" + "+1" * 40_000, "-" * 40_000 + "x"])
def test_deep_nesting_is_refused_before_it_breaks_the_parser(query):
    with pytest.raises(QueryError, match="more than 200 brackets and operators"):
        promql(query, table=samples([1]))


@pytest.mark.parametrize("query", ["(" * 200 + "x" + ")" * 200, "x" + "+1" * 200, "-" * 200 + "x"])
def test_what_is_not_refused_is_answered(query):
    assert len(promql(query, table=samples([1]))) == 1


def test_labels_with_quotes_newlines_and_letters_of_all_kinds():
    odd = 'a "q"\nline \\ 日本'
    table = samples([5], zone=odd)
    written = odd.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    found = promql(f'x{{zone="{written}"}}', table=table)
    assert found["zone"].astype(str).tolist() == [odd]
    # Migration guide: since 3 the dot of a regular expression means new lines, too.
    assert [values('x{zone=~".*日本"}', table, rules, 0) for rules in (2, 3)] == [[], [5.0]]


def test_missing_and_empty_labels_are_the_same():
    table = pd.concat(
        [samples([1], zone=pd.Categorical([None], categories=["", "a"])), samples([2], name="y", zone="")]
    )
    assert promql("x + on (zone) y", table=table)["value"].tolist() == [3.0]
