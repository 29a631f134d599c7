"""Matrices cut down and made nameless: what stays, what goes, and that both are said."""

from __future__ import annotations

import pytest

from flowkit.errors import ContractError
from flowkit.view.page import page
from flowkit.view.payload import payload, to_json
from flowkit.view.reduced import anonymised, largest


def test_the_largest_edges_stay_in_their_order_and_the_rest_is_said(sample):
    matrix = sample.cluster()
    small = largest(matrix, 3)
    assert small.edges["bytes"].tolist() == [61_200_000, 90_400_000, 88_100_000]
    header = payload(small)["header"]
    assert header["filters"] == "Only the 3 largest edges: 3 of 81 edges"
    assert {
        "text": "Only the 3 edges with the most bytes are here: 78 smaller edges (68.2% of the bytes) are left out."
    } in (header["notices"])
    assert largest(matrix, 81) is matrix


def test_no_name_survives_and_the_shape_does(sample):
    matrix = sample.cluster()
    hidden = anonymised(matrix.where(namespace="shop"), "key")
    text = page(payload(hidden)) + to_json(payload(hidden)).decode()
    for name in ("shop", "postgres", "router", "corp-vpn", "node-a", "object-store", "Services"):
        assert name not in text
    assert "Names are pseudonyms." in text
    shown = matrix.where(namespace="shop").edges
    assert hidden.edges[["port", "bytes", "state"]].equals(shown[["port", "bytes", "state"]])
    assert hidden.edges["to_namespace"].nunique() == shown["to_namespace"].nunique()


def test_the_key_decides_the_pseudonyms(sample):
    one, same, other = (anonymised(sample.cluster(), key).edges["to_workload"].tolist() for key in ("a", "a", "b"))
    assert one == same
    assert not set(one) & set(other) - {""}


@pytest.mark.parametrize(
    ("act", "message"), [(lambda m: largest(m, 0), "at least one"), (lambda m: anonymised(m, ""), "key")]
)
def test_nonsense_is_refused(sample, act, message):
    with pytest.raises(ContractError, match=message):
        act(sample.cluster())
