import pytest

from flowkit.engine.kinds import FLAGS, INTEGER, TEXT, flow_schema
from flowkit.engine.query import Aggregate, All, Comparison, Condition, Filter, Group, Measure, Remap, Scan, Sort
from flowkit.engine.sql import query_text, spelled, statement, to_sql


def text(plan, schema):
    return statement(plan, schema).select.sql(dialect="duckdb")


def test_a_filter_is_a_where():
    plan = Filter(Scan(("Proto",)), Condition("DstPort", "443"))
    assert (
        text(plan, {"Proto": INTEGER, "DstPort": INTEGER})
        == 'SELECT "Proto", "DstPort" FROM flows WHERE "DstPort" = 443'
    )


def test_plain_text_is_compared_as_it_is_so_that_files_can_be_skipped():
    assert text(Filter(Scan(), Condition("a", "it's")), {"a": TEXT}).endswith("""WHERE "a" = 'it''s'""")
    assert text(Filter(Scan(), Condition("a", "x", "NotEqual")), {"a": TEXT}).endswith("IS DISTINCT FROM 'x'")


def test_a_number_never_equals_a_text_that_is_not_its_own():
    for value in ("0443", "443.0", "+443", "", "1e3", "9" * 30):
        assert text(Filter(Scan(), Condition("n", value)), {"n": INTEGER}).endswith("WHERE FALSE")


def test_what_the_table_lacks_is_folded_away():
    assert text(Filter(Scan(("a",)), Condition("b", "x")), {"a": TEXT}).endswith("WHERE FALSE")
    assert text(Filter(Scan(("a",)), Condition("b", "x", "NotEqual")), {"a": TEXT}).endswith("WHERE TRUE")


def test_without_a_label_there_is_a_row_only_if_there_is_a_flow():
    assert text(Group(Scan(), (), (Measure("n", "sum"),)), {}).endswith("HAVING COUNT(*) > 0")


def test_names_that_differ_only_in_case_are_spelled_apart():
    assert spelled(["a", "A", "a>1"]) == {"a": "a", "A": "A>1", "a>1": "a>1>1"}
    assert spelled(["\0"]) == {"\0": "␀"}


@pytest.mark.parametrize("dialect", ["duckdb", "spark"])
def test_every_dialect_quotes_names_and_values(dialect):
    hostile = "\"x`' -- \\"
    plan = Sort(Aggregate(Remap(Filter(Scan(), Condition(hostile, hostile)), ((hostile, "y"),)), ("y",), ()), ("y",))
    found = to_sql(plan, {hostile: TEXT}, dialect)
    assert ("`\"x``' -- \\`" if dialect == "spark" else '"""x`\' -- \\"') in found
    assert ("'\"x`\\' -- \\\\'" if dialect == "spark" else "'\"x`'' -- \\'") in found


def test_the_contracts_schema_has_every_field():
    assert flow_schema()["Flags"] == FLAGS
    assert flow_schema()["NetworkEvents"].item.is_nested


def test_a_query_is_kept_by_how_it_is_spelled_not_by_what_equals_it():
    one, other = (
        Filter(Scan(), All((Comparison("Bytes", ">=", number), Comparison("Bytes", "<=", number))))
        for number in (1, 1.0)
    )
    texts = [query_text(plan, {"Bytes": INTEGER}) for plan in (one, other, one)]
    assert one == other
    assert texts[0] == texts[2] != texts[1]
    assert texts[0][0] == 'SELECT "Bytes" FROM flows WHERE "Bytes" = 1'
