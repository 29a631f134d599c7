"""Declared ports: of containers at their pod's or node's address, of Services at theirs."""

from __future__ import annotations

import flowkit as fk
from flowkit.enrich.services import declared
from tests.flows import flow, table

POD = {
    "kind": "Pod",
    "metadata": {"name": "a", "namespace": "shop"},
    "spec": {"containers": [{"ports": [{"containerPort": 8080}, {"containerPort": 53, "protocol": "UDP"}]}, {}]},
    "status": {"podIPs": [{"ip": "10.128.0.5"}, {"ip": "FD01::5"}]},
}
SERVICE = {
    "kind": "Service",
    "metadata": {"name": "a", "namespace": "shop"},
    "spec": {"clusterIPs": ["172.30.0.9"], "ports": [{"port": 80, "targetPort": "http"}]},
}
HEADLESS = {"kind": "Service", "metadata": {"name": "h"}, "spec": {"clusterIP": "None", "ports": [{"port": 80}]}}


def test_every_address_declares_every_port():
    assert set(declared([SERVICE, HEADLESS], [POD])) == {
        ("172.30.0.9", 80, 6),
        ("10.128.0.5", 8080, 6),
        ("10.128.0.5", 53, 17),
        ("fd01::5", 8080, 6),
        ("fd01::5", 53, 17),
    }


def test_it_marks_the_end_and_decides_the_direction():
    rows = [flow("10.128.0.5:53", "10.128.0.9:5353", proto=17), flow("10.128.0.5", "10.128.0.9", proto=1)]
    flows = fk.enrich(
        table(*rows), cluster={"kind": "List", "items": [POD, SERVICE, {"kind": "Node", "metadata": {"name": "n"}}]}
    )
    marks = flows[["SrcPortDeclared", "DstPortDeclared"]].astype(object)
    assert marks.where(marks.notna(), None).values.tolist() == [[True, False], [None, None]]
    assert fk.orient(flows)[["Client", "DirectionBy"]].values.tolist()[0] == ["Dst", "inferred: declared port"]
