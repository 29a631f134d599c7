"""Verdicts of edges are those of the connections behind them, the worst first; an edit shows where it changes one."""

from __future__ import annotations

import dataclasses

import pandas as pd
import pytest

import flowkit as fk
from flowkit.errors import PolicyError
from flowkit.policy.edges import judge_edges, what_if


def pod(namespace: str, name: str, address: str, node: str = "n1", **labels: str) -> dict:
    owner = {
        "kind": "StatefulSet",
        "name": labels["app"],
        "controller": True,
        "uid": labels["app"],
        "apiVersion": "apps/v1",
    }
    meta = {"namespace": namespace, "name": name, "labels": labels, "ownerReferences": [owner]}
    addresses = {"podIPs": [{"ip": address}], "hostIP": "10.0.0.1", "phase": "Running"}
    return {
        "kind": "Pod",
        "apiVersion": "v1",
        "metadata": meta,
        "spec": {"nodeName": node, "containers": []},
        "status": addresses,
    }


def other(kind: str, name: str, **body: object) -> dict:
    return {"kind": kind, "apiVersion": "v1", "metadata": {"name": name}, **body}


CLUSTER = {
    "kind": "List",
    "items": [
        pod("shop", "web-0", "10.1.0.1", app="web", version="old"),
        pod("shop", "web-1", "10.1.0.2", app="web", version="new"),
        pod("data", "db-0", "10.1.0.3", app="db"),
        pod("data", "db-1", "10.1.0.4", node="n2", app="db"),
        other("Namespace", "shop"),
        other("Namespace", "data"),
        other("Node", "n1", status={"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}),
        other("Node", "n2", status={"addresses": [{"type": "InternalIP", "address": "10.0.0.2"}]}),
        {**other("Service", "x"), "metadata": {"name": "x", "namespace": "data"}, "spec": {"clusterIP": "None"}},
    ],
}


def flow(client: str, server: str, port: int) -> list[dict]:
    end = {"SrcAddr": client, "DstAddr": server, "SrcPort": 40_000, "DstPort": port, "Proto": 6, "Flags": 2}
    back = {"SrcAddr": server, "DstAddr": client, "SrcPort": port, "DstPort": 40_000, "Proto": 6, "Flags": 256 | 16}
    when = {"TimeFlowStartMs": 1_800_000_000_000, "TimeFlowEndMs": 1_800_000_000_500, "Bytes": 60, "Packets": 1}
    return [{**end, **when}, {**back, **when}]


@pytest.fixture(scope="module")
def seen() -> fk.FlowMatrix:
    talks = [
        ("10.1.0.1", "10.1.0.3", 5432),
        ("10.1.0.3", "10.1.0.4", 5433),
        ("203.0.113.9", "10.1.0.1", 443),
        ("10.0.0.1", "10.1.0.1", 8080),
        ("10.0.0.2", "10.1.0.1", 8081),
        ("10.1.0.9", "10.1.0.1", 443),
    ]
    flows = pd.DataFrame([row for talk in talks for row in flow(*talk)])
    return fk.matrix(fk.enrich(flows, cluster=CLUSTER))


def policy(namespace: str, name: str, **spec: object) -> dict:
    meta = {"namespace": namespace, "name": name}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": meta,
        "spec": {"podSelector": {}, **spec},
    }


def policies(*manifests: dict) -> fk.PolicySet:
    return fk.PolicySet.load({"kind": "List", "apiVersion": "v1", "items": list(manifests)})


def by_port(matrix: fk.FlowMatrix, table: pd.DataFrame) -> dict[str, str]:
    ends = matrix.edges["from_workload"].where(matrix.edges["from_workload"] != "", matrix.edges["from_subnet_label"])
    return dict(zip(ends + ":" + matrix.edges["port"].astype("str"), table["verdict"], strict=True))


SOME = {"namespaceSelector": {}, "podSelector": {"matchLabels": {"version": "old"}}}


def test_without_policies_everything_is_allowed(seen):
    table = judge_edges(fk.PolicySet(), seen, CLUSTER)
    assert set(table["verdict"]) == {"allowed"}
    assert table.index.equals(seen.edges.index)


def test_an_edge_is_denied_where_one_of_its_pods_is(seen):
    table = judge_edges(
        policies(policy("data", "some", ingress=[{"from": [SOME, {"podSelector": {}}]}])), seen, CLUSTER
    )
    (edge,) = seen.edges.index[seen.edges["port"] == 5432]
    row = table.loc[edge]
    # Of web's pods one may; the server's two are alike to the policy.
    assert (row["verdict"], row["policy"], row["reason"]) == ("denied", "data/some", "same port, other peer")
    assert (row["asked"], row["denied"]) == (4, 2)
    assert by_port(seen, table)["db:5433"] == "allowed"  # one pod to the other, not each to itself


def test_outside_addresses_and_nodes_are_judged_as_they_were_seen(seen):
    blocks = [{"ipBlock": {"cidr": "203.0.113.0/24"}}]
    verdicts = by_port(
        seen, judge_edges(policies(policy("shop", "outside", ingress=[{"from": blocks}])), seen, CLUSTER)
    )
    assert verdicts["n1:8080"] == "allowed"  # the pod's own node
    assert verdicts["n2:8081"] == "denied"
    ends = seen.edges[seen.edges["port"] == 443]
    assert sorted(
        judge_edges(policies(policy("shop", "outside", ingress=[{"from": blocks}])), seen, CLUSTER)["verdict"][
            ends.index
        ]
    ) == ["denied"]


def test_one_address_of_an_edge_denied_denies_the_edge(seen):
    # Both unnamed clients of web:443 are one edge: 203.0.113.9 may, 10.1.0.9 may not.
    blocks = [{"ipBlock": {"cidr": "203.0.113.0/24"}}]
    table = judge_edges(policies(policy("shop", "outside", ingress=[{"from": blocks}])), seen, CLUSTER)
    (row,) = table[seen.edges["port"] == 443].itertuples()
    assert (row.asked, row.denied) == (2, 1)


def test_what_an_edit_changes_is_listed_and_nothing_else(seen):
    whole = policies(policy("shop", "closed"), policy("data", "some", ingress=[{"from": [SOME]}]))
    changed = what_if(seen, whole, whole.without("shop/closed"), CLUSTER)
    assert set(changed["to_workload"]) == {"web"}
    assert set(zip(changed["before"], changed["after"], strict=True)) == {("denied", "allowed")}
    assert what_if(seen, whole, whole, CLUSTER).empty


def test_a_policy_that_is_not_there_cannot_be_dropped():
    with pytest.raises(PolicyError, match=r"no policy 'shop/opne'.*Did you mean 'shop/open'"):
        policies(policy("shop", "open", ingress=[{}])).without("shop/opne")


def test_an_edited_policy_takes_the_place_of_the_one_of_its_name(seen):
    closed = policies(policy("shop", "web"))
    opened = closed.having(policy("shop", "web", ingress=[{}]))
    assert len(opened) == 1
    assert set(judge_edges(opened, seen, CLUSTER)["verdict"]) == {"allowed"}


def test_an_end_the_inventory_lacks_is_not_judged(seen):
    gone = {**CLUSTER, "items": [item for item in CLUSTER["items"] if item["metadata"]["name"] not in ("db-0", "db-1")]}
    verdicts = by_port(seen, judge_edges(fk.PolicySet(), seen, gone))
    assert verdicts["web:5432"] == ""
    assert verdicts["n2:8081"] == "allowed"


def test_other_levels_are_refused(seen):
    with pytest.raises(PolicyError, match="by workload"):
        judge_edges(fk.PolicySet(), dataclasses.replace(seen, by="pod"), CLUSTER)


def behind_service(*backends: tuple[str, int]) -> dict:
    """The cluster with a Service at 172.30.0.7:80, whose backends are these sockets."""
    service = {
        **other("Service", "db"),
        "metadata": {"name": "db", "namespace": "data"},
        "spec": {"clusterIP": "172.30.0.7", "clusterIPs": ["172.30.0.7"], "ports": [{"port": 80, "protocol": "TCP"}]},
    }
    meta = {"name": "db-1", "namespace": "data", "labels": {"kubernetes.io/service-name": "db"}}
    slices = [
        {
            "kind": "EndpointSlice",
            "apiVersion": "discovery.k8s.io/v1",
            "metadata": {**meta, "name": f"db-{at}"},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
            "ports": [{"port": port, "protocol": "TCP"}],
        }
        for at, (address, port) in enumerate(backends)
    ]
    return {**CLUSTER, "items": [*CLUSTER["items"], service, *slices]}


@pytest.mark.parametrize(("port", "verdict"), [(5432, "allowed"), (80, "denied")])
def test_an_edge_to_a_service_is_judged_at_the_pods_port(port, verdict):
    """Half a recording: only the copy before translation was seen, and either backend may have served it."""
    cluster = behind_service(("10.1.0.3", 5432), ("10.1.0.4", 5432))
    matrix = fk.matrix(fk.enrich(pd.DataFrame(flow("10.1.0.1", "172.30.0.7", 80)), cluster=cluster))
    assert matrix.edges[["to_kind", "to_workload", "port"]].values.tolist() == [["Service", "db", 80]]
    only = policies(policy("data", "db", ingress=[{"ports": [{"port": port}]}]))
    assert judge_edges(only, matrix, cluster)["verdict"].tolist() == [verdict]
