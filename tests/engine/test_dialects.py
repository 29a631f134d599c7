"""What the two dialects write for our own nodes, and that no value stands in what Spark is told."""

import pytest
from sqlglot import exp

from flowkit.engine.dialects import Entries, FloatText, Numeral, Total, for_spark, written
from flowkit.engine.kinds import TEXT
from flowkit.engine.query import Condition, Filter, Scan
from flowkit.engine.sql import spelled, statement


@pytest.mark.parametrize(
    ("node", "duckdb", "spark"),
    [
        (Total, "SUM(a)", "SUM(CAST(a AS DECIMAL(38, 0)))"),
        (Entries, "LIST_SORT(MAP_ENTRIES(a))", "ARRAY_SORT(MAP_ENTRIES(a))"),
        (Numeral, "TRY_CAST(a AS DOUBLE)", None),
        (FloatText, None, None),
    ],
)
def test_every_node_has_words_in_both(node, duckdb, spark):
    select = exp.select(node(this=exp.column("a")))
    for dialect, expected in (("duckdb", duckdb), ("spark", spark)):
        found = written(select, dialect).removeprefix("SELECT ")
        assert ":x" not in found
        assert expected in (None, found)


def test_what_spark_runs_holds_no_value_and_doubles_the_braces_of_names():
    test = Condition("{a}", "${env:HOME}' x")
    select = statement(Filter(Scan(), test), {"{a}": TEXT}).select
    assert for_spark(select, "flows") == (
        "SELECT `{{a}}` FROM {flows} WHERE `{{a}}` = :p0",
        {"p0": "${env:HOME}' x"},
    )


def test_a_name_that_spark_would_fill_in_is_spelled_apart():
    assert spelled(["${x}", "$ {x}"]) == {"${x}": "$ {x}", "$ {x}": "$ {x}>1"}


def test_struct_keys_are_quoted_as_text_in_spark():
    select = exp.select(exp.func("struct_extract", exp.column("a"), exp.Literal.string("k'; x")))
    assert written(select, "spark") == "SELECT a['k\\'; x']"


def test_patterns_are_in_javas_words_in_spark_only():
    select = exp.select(exp.RegexpLike(this=exp.column("a"), expression=exp.Literal.string("b$")))
    assert written(select, "spark") == "SELECT a RLIKE '(?d)b\\\\z'"
    assert written(select, "duckdb") == "SELECT REGEXP_MATCHES(a, 'b$')"
