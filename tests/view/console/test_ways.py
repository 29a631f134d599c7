"""Back and forth: the answers are found, twice mirrored is once."""

import pandas as pd
import pytest

from flowkit.transform import filter as rows_where
from flowkit.view.console import asked_for, both_ways
from flowkit.view.console.ranges import with_ranges
from tests.flows import exchange, flow, pod, table

FLOWS = table(
    *exchange("10.0.0.1:4000", "10.0.0.2:443", **pod("Src", "web"), **pod("Dst", "cart", "bank")),
    flow("10.0.0.3:4001", "10.0.0.2:443", "SYN", **pod("Dst", "cart", "bank")),
    flow("10.0.0.1:4000", "8.8.8.8:53", proto=17, **pod("Src", "web")),
)


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ("dst_port=443", [0, 1, 2]),
        ('src_namespace="shop"&dst_namespace="bank"', [0, 1]),
        ("src_address=10.0.0.1/32&dst_port=443", [0, 1]),
        ("tcp_flags=SYN_ACK", [1]),  # neither side's: the same filter
        ("port=53", [3]),
        ('dst_namespace!="bank"&protocol=tcp', [0, 1, 2]),  # each is one way or the other away from bank
    ],
)
def test_finds_answers(text, rows):
    asked = both_ways(asked_for(text))
    assert rows_where(with_ranges(FLOWS, asked.ranges), asked.test).index.tolist() == rows


def test_mirrors_translated_ends_too():
    mirrored = both_ways(asked_for("xlat_src_port=1")).test.of[1]
    assert mirrored.field == "XlatDstPort"


def test_an_empty_table_is_no_problem():
    asked = both_ways(asked_for("src_address=10.0.0.1"))
    assert len(rows_where(with_ranges(pd.DataFrame({"SrcAddr": []}), asked.ranges), asked.test)) == 0
