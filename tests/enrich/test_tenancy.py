"""Who had an address when: held against a plain walk over all tenancies."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import flowkit as fk
from flowkit.contract import provenance
from flowkit.enrich import Inventory, InventoryWarning
from flowkit.enrich.addresses import Addresses
from flowkit.enrich.tenancy import ALWAYS, FOREVER, NOBODY_THEN, STRANGER, Tenancies, Tenancy
from tests.flows import flow, table

SLACK = 5_000
TIMES = st.integers(0, 60).map(lambda n: n * 1_000)
TENANCY = st.tuples(st.sampled_from("abc"), st.one_of(st.just(ALWAYS), TIMES), st.one_of(st.just(FOREVER), TIMES))


def walk(tenancies, landlords, address, begin, end):
    started = [t for t in tenancies if t.address == address and t.start <= end + SLACK]
    latest = max(started, key=lambda t: (t.start, -t.person), default=None)
    if latest is not None and latest.end >= begin - SLACK:
        return latest.person
    if address in landlords:
        return landlords[address]
    return NOBODY_THEN if any(t.address == address for t in tenancies) else STRANGER


@given(
    st.lists(TENANCY, max_size=8),
    st.dictionaries(st.sampled_from("ab"), st.just(99)),
    st.lists(st.tuples(st.sampled_from("abcd"), TIMES, TIMES), min_size=1),
)
def test_find_is_the_plain_walk(listed, landlords, questions):
    tenancies = [Tenancy(address, person, start, end) for person, (address, start, end) in enumerate(listed)]
    codes, distinct = pd.factorize(np.array([address for address, _, _ in questions], dtype=object))
    begin = np.array([min(a, b) for _, a, b in questions])
    end = np.array([max(a, b) for _, a, b in questions])
    found = Tenancies(tenancies, landlords).find(
        codes.astype(np.int64), Addresses(pd.Index(distinct, dtype="str")), begin, end
    )
    assert found.tolist() == [
        walk(tenancies, landlords, q[0], b, e) for q, b, e in zip(questions, begin, end, strict=True)
    ]


def pod(name, start, end=None, address="10.128.0.5"):
    status = {"phase": "Running", "podIP": address, "startTime": start}
    if end:
        status |= {"phase": "Succeeded", "containerStatuses": [{"state": {"terminated": {"finishedAt": end}}}]}
    return {"kind": "Pod", "metadata": {"name": name, "namespace": "shop", "uid": name}, "status": status}


FIRST = pod("first", "2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z")
SECOND = pod("second", "2026-01-01T12:00:00Z")
OTHERS = [{"kind": "Node", "metadata": {"name": "n"}}, {"kind": "Service", "metadata": {"name": "s"}}]


def at(*hours):
    base = pd.Timestamp("2026-01-01", tz="UTC").value // 10**6
    rows = [
        flow("10.128.0.5:80", "9.9.9.9:1", TimeFlowStartMs=base + h * 3_600_000, TimeFlowEndMs=base + h * 3_600_000)
        for h in hours
    ]
    return table(*rows)


def names(flows):
    return flows["SrcK8S_Name"].astype(object).where(flows["SrcK8S_Name"].notna(), None).tolist()


def test_a_flow_belongs_to_the_pod_of_its_own_time():
    flows = fk.enrich(at(9, 10, 11, 11.5, 12, 13), cluster={"kind": "List", "items": [FIRST, SECOND, *OTHERS]})
    assert names(flows) == [None, "first", "first", None, "second", "second"]
    assert provenance(flows).losses == {"flows whose SrcAddr no known pod had at that time": 2}


def test_flows_without_times_belong_to_the_latest():
    flows = at(9).drop(columns=["TimeFlowStartMs", "TimeFlowEndMs"])
    assert names(fk.enrich(flows, cluster={"kind": "List", "items": [FIRST, SECOND, *OTHERS]})) == ["second"]


def test_a_folder_of_moments(tmp_path):
    running = pod("first", "2026-01-01T10:00:00Z")
    for name, items in (("10-00.json", [running, *OTHERS]), ("12-30.json", [SECOND, *OTHERS])):
        (tmp_path / name).write_text(json.dumps({"kind": "List", "items": items}))
    flows = fk.enrich(at(10.5, 12.5), cluster=Inventory.load(tmp_path))
    assert names(flows) == ["first", "second"]


def test_an_inventory_of_another_cluster_is_said_loudly():
    inventory = Inventory.load({"kind": "List", "items": [SECOND, *OTHERS]})
    strangers = table(*(flow(f"10.9.0.{n}:1", "10.9.1.1:2") for n in range(100)))
    with pytest.warns(InventoryWarning, match="only 0 of 200 flow ends are in the inventory"):
        fk.enrich(strangers, cluster=inventory)
