"""Which series of two sides belong together. Source: Prometheus' documentation of vector matching."""

import pytest

from flowkit.errors import QueryError
from tests.promql.asking import answer, table

# The documentation's own example, its errors and requests.
HTTP = table(
    errors__method_get__code_500=[24],
    errors__method_get__code_404=[30],
    errors__method_put__code_501=[3],
    errors__method_post__code_500=[6],
    requests__method_get=[600],
    requests__method_del=[34],
    requests__method_post=[120],
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ('errors{code="500"} / ignoring(code) requests', {"method=get": 0.04, "method=post": 0.05}),
        ('errors{code="500"} / on(method) requests', {"method=get": 0.04, "method=post": 0.05}),
        (
            "errors / ignoring(code) group_left requests",
            {"code=500,method=get": 0.04, "code=404,method=get": 0.05, "code=500,method=post": 0.05},
        ),
        ("requests / ignoring(code) group_right errors{code='404'}", {"code=404,method=get": 20}),
        ("errors{code='404'} * on(method) group_left(code) requests", {"method=get": 18000}),
        ("errors / requests", {}),
        ("errors and on(method) requests{method='post'}", {"__name__=errors,code=500,method=post": 6}),
        ("requests unless on(method) errors", {"__name__=requests,method=del": 34}),
        ("requests{method='del'} or on() errors", {"__name__=requests,method=del": 34}),
    ],
)
def test_the_documentations_example(query, found):
    assert answer(query, HTTP, time=0) == pytest.approx(found)


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("errors / on(method) requests", 'several series of the left side match: .*method="get"'),
        ("requests / on(method) errors", "several series of the right side match"),
        ("errors / on(method) group_right requests", "several series of the 'one' side match"),
    ],
)
def test_several_series_where_one_is_asked_are_an_error_with_its_place(query, said):
    with pytest.raises(QueryError, match=said) as caught:
        answer(query, HTTP, time=0)
    assert caught.value.position == query.index("/")


def test_series_that_are_never_there_together_are_no_several():
    changing = table(x__a_1=[1, 1, None], x__a_2=[None, None, None, 5], y=[10, 10, 10, 10])
    found = answer("last_over_time(x[5s]) * on() y", changing, start=0, end=30, step="10s")
    assert found == {"": [10, 10, 50]}
