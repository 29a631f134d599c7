"""Queries as trees, and the place of every complaint."""

import pandas as pd
import promql_parser as pp
import pytest
from hypothesis import given

from flowkit.errors import QueryError
from flowkit.metric.promql import promql
from flowkit.metric.promql.matching import Matching
from flowkit.metric.promql.places import places
from flowkit.metric.promql.query import matchers, matching, parsed, selectors
from tests.promql.asking import table
from tests.promql.grammar import queries

X = table(x__a_1=[1], x__a_2=[2])


@pytest.mark.parametrize(
    "marked",
    [
        "x +>>>",
        "x >>>y",
        ">>>",
        ">>>)",
        "x>>>)",
        "1 +>>>* 2",
        "x >>>$ y",
        "x +\n y >>>z",
        "sum by (a >>>b) (x)",
        "sum by >>>a (x)",
        "sum(rate(x[1m])>>>",
        "x1{a=>>>1}",
        'x{a="b" >>>c="d"}',
        "x{>>>",
        "x[5m>>>",
        "x[>>>]",
        "x[5m] offset >>>1q",
        "x @ >>>foo",
        "x[5m] >>>anchored",
        "sum(>>>rate(x))",
        "rate(y[1m]) + >>>rate(x)",
        "rate + >>>rat(x[1m])",
        "1+>>>topk(x)",
        ">>>topk by (a) (x)",
        "x >>>+ on(a) 1",
        "y - 1 >>>and 2",
        "y + x >>>and bool y",
        "x[5m] >>>+ 1",
        "y*>>>{}",
        'y{a=~"ok",b=~>>>"("}',
        # What the parser takes and the evaluation does not.
        'x + >>>x{a=~"(?x)a"}',
        "x + >>>info(x)",
        "sum(x) by (limitk) + >>>limitk(1, x)",
        "x + (x >>>* on () group_left () x)",
        'absent(x) + count_values(>>>"1a", x)',
        'x + >>>label_replace(x, "1a", "", "b", "")',
        'x + >>>label_replace(x, "b", "", "a", "(?x)a")',
        "x + >>>holt_winters(x[1m], 0.5, 0.5)",
    ],
)
def test_every_complaint_says_where(marked):
    query = marked.replace(">>>", "")
    with pytest.raises(QueryError) as caught:
        promql(query, table=X)
    assert caught.value.position == marked.index(">>>"), str(caught.value)


@given(queries)
def test_every_part_of_a_tree_stands_where_it_begins(query):
    tree = parsed(query)
    found = places(query, tree)
    for selector in selectors(tree):
        assert query[found[id(selector)] :].startswith(selector.name)


def test_calls_and_operators_stand_at_their_words():
    query = "sum by (rate) (rate(x[1m])) - on (x) rate(x[2m] offset 1m) > bool -1 # rate(x)"
    tree = pp.parse(query)
    found = places(query, tree)
    parts = (tree, tree.lhs, tree.lhs.lhs, tree.lhs.lhs.expr, tree.lhs.rhs, tree.lhs.rhs.args[0])
    assert [query[found[id(part)] :].split()[0] for part in parts] == [
        ">",
        "-",
        "sum",
        "rate(x[1m]))",
        "rate(x[2m]",
        "x[2m]",
    ]


def test_selectors_are_found_everywhere():
    tree = parsed("quantile(scalar(a), b) + label_replace(max_over_time(c[5m:1m]), 'x', '', 'y', '') or -(rate(d[1m]))")
    assert sorted(one.name for one in selectors(tree)) == ["a", "b", "c", "d"]


def test_matchers_and_their_alternatives():
    (one,) = selectors(parsed('x{a="1", b!="2", c=~"3", d!~"4"}'))
    assert matchers(one) == [
        [("__name__", "=", "x"), ("a", "=", "1"), ("b", "!=", "2"), ("c", "=~", "3"), ("d", "!~", "4")]
    ]
    (one,) = selectors(parsed('{a="1" or b="2"}'))
    assert matchers(one) == [[("a", "=", "1")], [("b", "=", "2")]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("x + y", Matching()),
        ("x + on (a) y", Matching(("a",), is_on=True)),
        ("x > bool ignoring (a) y", Matching(("a",), as_number=True)),
        ("x * on (a) group_left (b) y", Matching(("a",), is_on=True, group="left", include=("b",))),
        ("x * ignoring (a) group_right () y", Matching(("a",), group="right")),
    ],
)
def test_how_two_vectors_match(query, expected):
    assert matching(parsed(query).modifier) == expected


def test_the_end_of_a_range_need_not_be_one_of_its_steps():
    """Prometheus' documentation: end() resolves to the end of the range query, whatever its step."""
    seconds = [0, 60, 119]
    table = pd.DataFrame(
        {"__name__": "c", "time": pd.to_datetime(seconds, unit="s", utc=True), "value": [1.0, 2.0, 3.0]}
    )
    asked = promql("c @ end()", table=table, start=0, end=119, step="1m")
    assert asked["value"].tolist() == [3.0, 3.0]
