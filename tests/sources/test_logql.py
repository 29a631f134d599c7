"""LogQL: what Loki may decide, escaped; what it cannot say as FlowMetric means it stays with us."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.engine import All, Comparison, Condition, Either, Not
from flowkit.sources import logql

APP = 'app="netobserv-flowcollector"'


@pytest.mark.parametrize(
    ("where", "query"),
    [
        (None, f"{{{APP}}}"),
        (Condition("SrcK8S_Namespace", "a"), f'{{{APP},SrcK8S_Namespace="a"}}'),
        (Condition("SrcK8S_Namespace", "a", "NotEqual"), f'{{{APP},SrcK8S_Namespace!="a"}}'),
        (Condition("SrcK8S_Namespace", match="Presence"), f'{{{APP},SrcK8S_Namespace!=""}}'),
        (Not(Condition("SrcK8S_Namespace", match="Presence")), f'{{{APP},SrcK8S_Namespace=""}}'),
        (Condition("FlowDirection", "0|2", "MatchRegex"), f'{{{APP},FlowDirection=~"(?s:.*)(?:0|2)(?s:.*)"}}'),
        (Condition("DstPort", "443"), f'{{{APP}}} | json DstPort="DstPort" | DstPort="443"'),
        (Comparison("Bytes", ">", 1000), f'{{{APP}}} | json Bytes="Bytes" | Bytes>1000'),
        (Comparison("Bytes", "<=", 0.5), f'{{{APP}}} | json Bytes="Bytes" | Bytes<=0.5'),
        (
            Either((Condition("SrcK8S_Namespace", "a"), Condition("DstAddr", "b"))),
            f'{{{APP}}} | json DstAddr="DstAddr" | (SrcK8S_Namespace="a" or DstAddr="b")',
        ),
    ],
)
def test_what_loki_decides(where, query):
    assert logql(where) == query


@pytest.mark.parametrize(
    "where",
    [
        Condition("Flags", "SYN"),
        Condition("Interfaces", "eth0", "MatchRegex"),
        Condition("NetworkEvents>Name", "x"),
        Condition("SrcK8S_Zone", "$(DstK8S_Zone)", "NotEqual"),
        Condition("SrcK8S_Namespace", "$(DstK8S_Namespace)"),
        Condition("SrcAddr", "", "Equal"),
        Condition("SrcAddr", "", "NotEqual"),
        Condition("SrcAddr", match="Presence"),
        Condition("DstPort", "x", "NotMatchRegex"),
        Condition("SrcK8S_Namespace", "x", "NotMatchRegex"),
        Condition("DstAddr", "\ud800"),
        Comparison("Bytes", "<", float("nan")),
        Not(Comparison("Bytes", "<", 1)),
        Either((Condition("SrcAddr", "a"), Condition("Flags", "SYN"))),
    ],
)
def test_what_stays_with_us(where):
    assert logql(where) == f"{{{APP}}}"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: "$(" not in text))
def test_values_are_escaped(value):
    query = logql(All((Condition("SrcK8S_Namespace", value), Condition("DstAddr", value))))
    head, _, tail = query.partition(' | json DstAddr="DstAddr" | DstAddr=')
    assert json.loads(head.removeprefix(f"{{{APP},SrcK8S_Namespace=").removesuffix("}")) == value
    assert json.loads(tail) == value


def test_other_labels_and_streams():
    where = Condition("SrcK8S_Zone", "a")
    assert logql(where, labels=("SrcK8S_Zone",), stream={"app": "x"}) == '{app="x",SrcK8S_Zone="a"}'
