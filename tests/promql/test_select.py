"""What matchers select. Sources: Prometheus' documentation of selectors; RE2."""

import pytest

from flowkit.metric.promql.samples import Rules
from flowkit.metric.promql.select import chosen
from tests.promql.test_labels import labels

SERIES = labels(__name__=["x", "x", "y"], a=["web", "", "a\nb"])


@pytest.mark.parametrize(
    ("matchers", "found"),
    [
        ([("__name__", "=", "x")], [0, 1]),
        ([("a", "!=", "web")], [1, 2]),
        ([("a", "=", "")], [1]),
        ([("nope", "=", "")], [0, 1, 2]),
        ([("nope", "!=", "")], []),
        ([("a", "=~", "w.*")], [0]),
        ([("a", "=~", "we")], []),  # a whole text has to match
        ([("a", "=~", "web|")], [0, 1]),
        ([("a", "!~", "web|")], [2]),
        ([("a", "=~", "a.b")], [2]),
        ([("__name__", "=~", "x|y"), ("a", "=", "web")], [0]),
    ],
)
def test_matchers(matchers, found):
    assert chosen(SERIES, [matchers], Rules(3)).tolist() == found


def test_a_dot_is_no_new_line_in_2():
    assert chosen(SERIES, [[("a", "=~", "a.b")]], Rules(2)).tolist() == []


def test_alternatives_are_united():
    assert chosen(SERIES, [[("a", "=", "web")], [("__name__", "=", "y")]], Rules()).tolist() == [0, 2]
