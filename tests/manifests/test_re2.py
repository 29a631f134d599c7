import duckdb
import pytest

from flowkit.manifests import re2


@pytest.mark.parametrize("pattern", ["(?=a)", "(", "[", "a{1001}", r"\1", "*"])
def test_what_re2_refuses_has_a_reason(pattern):
    assert re2.complaint(pattern)


@pytest.mark.parametrize("pattern", ["", "a|b", "(?i)x", r"\d+", r"\p{Greek}", "'", "$"])
def test_what_re2_takes_has_none(pattern):
    assert re2.complaint(pattern) is None


def test_matching_is_a_search_and_dollar_is_the_very_end():
    assert re2.matching("a$", ["ba", "a\n", "ab"]) == {"ba"}
    assert re2.matching(r"\d", ["٤", "4"]) == {"4"}


def test_patterns_share_one_database_which_costs_more_than_they(monkeypatch):
    assert re2.complaint("first") is None
    monkeypatch.delattr(duckdb, "connect")
    assert [re2.complaint(pattern) for pattern in ("second", "th(ird")] == [None, "missing ): th(ird"]
