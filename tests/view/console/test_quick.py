"""Quick filters are texts that the grammar reads, and find what the console's defaults find."""

import pytest

from flowkit.errors import SpecError
from flowkit.transform import filter as rows_where
from flowkit.view.console import QUICK, asked_for, quick_filter
from tests.flows import flow, pod, service, table

FLOWS = table(
    flow("10.0.0.1:1", "10.0.0.2:2", K8S_FlowLayer="app", **pod("Src", "a"), **pod("Dst", "b"), SrcSubnetLabel="Pods"),
    flow(
        "10.0.0.1:1",
        "10.0.1.2:2",
        K8S_FlowLayer="infra",
        **pod("Src", "a"),
        **service("Dst", "s"),
        DstSubnetLabel="EXT:x",
    ),
    flow("10.0.0.1:1", "8.8.8.8:2", K8S_FlowLayer="app", SrcSubnetLabel="Pods", DstSubnetLabel="notEXT:"),
)


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        ("applications", [0, 2]),
        ("infrastructure", [1]),
        (["applications", "infrastructure"], [0, 1, 2]),
        ("pods", [0]),
        ("services", [1]),
        (["pods", "services"], [0, 1]),  # of one filter, values are alternatives
        ("external ingress", [1]),
        ("external egress", [0, 1]),
        ("external", [0, 1]),
        (["applications", "pods"], [0]),
    ],
)
def test_finds(names, rows):
    assert rows_where(FLOWS, asked_for(quick_filter(names)).test).index.tolist() == rows


def test_a_name_that_is_none():
    with pytest.raises(SpecError, match="no quick filter 'app': there are applications, "):
        quick_filter("app")


def test_all_are_known_to_the_grammar():
    assert all(asked_for(quick_filter(name)) for name in QUICK)
