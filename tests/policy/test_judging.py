"""Rows as they stand: order and columns, replies, translation, time, and what a row lacks."""

from __future__ import annotations

import time
import warnings

import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import flowkit as fk
from flowkit.errors import PolicyError
from flowkit.policy.model import NetworkPolicy, Peer, Port, Rule, Selector
from flowkit.policy.profiles import PROFILES
from flowkit.policy.world import Host, Pod, World
from tests.flows import exchange, flow, table
from tests.policy import reference

WEB, DB, OTHER, OUT = "10.0.0.1", "10.0.0.2", "10.0.0.3", "203.0.113.9"
WORLD = World(
    (
        Pod("shop", "web", {"app": "web"}, node="n1", addresses=(WEB,)),
        Pod("data", "db", {"app": "db"}, node="n2", addresses=(DB,)),
        Pod("data", "other", {"app": "other"}, node="n2", addresses=(OTHER,)),
    ),
    (Host("n1", {}, ("10.9.0.1",)), Host("n2", {}, ("10.9.0.2",))),
    {"shop": {}, "data": {}},
    {("172.30.0.1", 80, 6): ((DB, 5432, 6),)},
)
POLICIES = fk.PolicySet.load(
    {
        "kind": "List",
        "items": [
            {
                "apiVersion": "networking.k8s.io/v1",
                "kind": "NetworkPolicy",
                "metadata": {"name": "db", "namespace": "data"},
                "spec": {
                    "podSelector": {"matchLabels": {"app": "db"}},
                    "ingress": [
                        {
                            "from": [
                                {
                                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "shop"}},
                                    "podSelector": {"matchLabels": {"app": "web"}},
                                }
                            ],
                            "ports": [{"port": 5432}],
                        }
                    ],
                },
            }
        ],
    }
)
TOLD = ["verdict", "policy", "rule", "direction", "reason"]


def judged(*rows, world=WORLD, policies=POLICIES):
    found = fk.judge(policies, table(*rows), world)[TOLD].astype(object)
    return [tuple(None if pd.isna(value) else value for value in row) for row in found.itertuples(index=False)]


def test_each_verdict_with_its_rule_and_its_reason():
    rule = ("data/db", "data/db ingress[0]", "Ingress")
    assert judged(
        flow(f"{WEB}:50000", f"{DB}:5432", "SYN"),
        flow(f"{WEB}:50001", f"{DB}:5433", "SYN"),
        flow(f"{OTHER}:50000", f"{DB}:5432", "SYN"),
        flow(f"{OTHER}:50000", f"{DB}:9", "SYN"),
        flow(f"{OUT}:50000", f"{OTHER}:80", "SYN"),
        flow("10.9.0.2:50000", f"{DB}:9", "SYN"),
        flow(DB, DB, proto=1),
        flow(WEB, DB, proto=1),
        flow(WEB, DB, proto=47),
    ) == [
        ("allowed", *rule, "admitted"),
        ("denied", *rule, "same peer, other port"),
        ("denied", *rule, "same port, other peer"),
        ("denied", "data/db", None, "Ingress", "no rule comes near"),
        ("allowed", None, None, None, "not isolated"),
        ("allowed", None, None, "Ingress", "own node"),
        ("allowed", None, None, "Ingress", "own pod"),
        ("undecided", "data/db", None, "Ingress", "ICMP"),
        ("undecided", "data/db", None, "Ingress", "protocol without ports"),
    ]


def test_right_labels_wrong_namespace():
    lost = World((*WORLD.pods, Pod("ops", "web", {"app": "web"}, addresses=("10.0.0.9",))), namespaces={"ops": {}})
    (row,) = judged(flow("10.0.0.9:50000", f"{DB}:5432", "SYN"), world=lost)
    assert row == ("denied", "data/db", "data/db ingress[0]", "Ingress", "right labels, wrong namespace")


def test_replies_share_the_verdict_of_their_connection():
    verdicts = [
        (row[0], row[4])
        for row in judged(*exchange(f"{WEB}:50000", f"{DB}:5432"), *exchange(f"{WEB}:50001", f"{DB}:9"))
    ]
    assert verdicts == [
        ("allowed", "admitted"),
        ("allowed", "reply"),
        ("denied", "same peer, other port"),
        ("denied", "reply of a denied connection"),
    ]


def test_a_reply_is_known_by_its_flags_or_by_its_request():
    assert judged(flow(f"{DB}:5432", f"{WEB}:50000", "SYN_ACK"))[0][4] == "reply"
    request, answer = flow(f"{WEB}:50000", f"{OTHER}:53", proto=17), flow(f"{OTHER}:53", f"{WEB}:50000", proto=17)
    assert [row[4] for row in judged(answer, request)] == ["reply", "not isolated"]
    assert judged(answer)[0][4] == "not isolated"


def test_ports_and_servers_are_those_after_translation():
    service = {"XlatDstAddr": DB, "XlatDstPort": 5432}
    assert judged(flow(f"{WEB}:50000", "172.30.0.1:80", "SYN", **service))[0][0] == "allowed"
    assert judged(flow(f"{OTHER}:50000", "172.30.0.7:80", "SYN", **service))[0][0] == "denied"


def test_a_service_that_no_flow_translates_is_its_backend():
    assert judged(flow(f"{WEB}:50000", "172.30.0.1:80", "SYN"))[0][4] == "admitted"
    assert judged(flow(f"{OTHER}:50000", "172.30.0.1:80", "SYN"))[0][0] == "denied"
    assert judged(flow("172.30.0.1:80", f"{WEB}:50000", "SYN_ACK"))[0][4] == "reply"


def test_an_inventory_without_services_works():
    bare = World(WORLD.pods, namespaces=WORLD.namespaces)
    assert judged(flow(f"{WEB}:50000", "172.30.0.1:80", "SYN"), world=bare)[0][0] == "allowed"


def test_who_had_the_address_at_that_time():
    pods = (
        Pod("shop", "old", {"app": "web"}, addresses=("10.0.0.7",), start=0, end=100_000),
        Pod("shop", "new", {"app": "cron"}, addresses=("10.0.0.7",), start=200_000),
        *WORLD.pods,
    )
    times = [{"TimeFlowStartMs": at, "TimeFlowEndMs": at + 1} for at in (50_000, 150_000, 250_000)]
    rows = [flow("10.0.0.7:50000", f"{DB}:5432", "SYN", **time) for time in times]
    found = fk.judge(POLICIES, table(*rows), World(pods, namespaces=WORLD.namespaces))
    assert found["verdict"].tolist() == ["allowed", "denied", "denied"]
    assert fk.provenance(found).notes == (
        "1 flow ends had an address that no known pod had at that time: judged as outside addresses",
    )


def test_rows_keep_order_index_and_columns():
    flows = table(*exchange(f"{WEB}:50000", f"{DB}:5432"), flow(f"{OUT}:1", f"{OTHER}:2", "SYN")).set_index(
        pd.Index([7, 3, 5])
    )
    found = fk.judge(POLICIES, flows, WORLD)
    assert_frame_equal(found.drop(columns=TOLD), flows)
    assert list(found.columns) == [*flows.columns, *TOLD]


def test_no_rows_are_no_error():
    found = fk.judge(POLICIES, table(flow(f"{WEB}:1", f"{DB}:2")).iloc[:0], WORLD)
    assert (len(found), list(found.columns[-5:])) == (0, TOLD)


def test_a_row_without_port_or_address_is_undecided():
    rows = judged(flow(WEB, DB), {**flow(f"{WEB}:1", f"{DB}:2"), "DstAddr": None})
    assert rows == [("undecided", None, None, None, "the row lacks address, port or protocol")] * 2


def test_a_port_name_nobody_declares_is_noted():
    spec = {"podSelector": {}, "ingress": [{"ports": [{"port": "metrics"}]}]}
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "m", "namespace": "data"},
    }
    flows = table(flow(f"{WEB}:1", f"{DB}:2"))
    notes = [fk.provenance(fk.judge({**policy, "spec": spec}, flows, WORLD, name)).notes for name in ("generic", "ovn")]
    assert notes == [
        ("port 'metrics' of data/m ingress[0] is declared by no pod: it matches nothing",),
        ("ovn does not know port names: 1 rules with one open the whole protocol",),
    ]


def test_an_unknown_profile_is_refused():
    with pytest.raises(PolicyError, match=r"no profile 'cillium': generic, ovn, cilium. Did you mean 'cilium'\?"):
        fk.judge(POLICIES, table(flow(f"{WEB}:1", f"{DB}:2")), WORLD, "cillium")


def test_the_recorded_cluster_needs_no_more_than_it_is_given(cluster):
    with warnings.catch_warnings(action="ignore"):
        flows = fk.enrich(fk.read(cluster / "*.pcap.gz"), cluster=cluster / "cluster.json")
    found = fk.judge(fk.PolicySet(), flows, cluster / "cluster.json")
    assert set(found["verdict"]) == {"allowed"}
    assert set(found["reason"]) == {"not isolated", "reply", "own node", "own pod"} & set(found["reason"])


def test_ten_thousand_policies_on_one_namespace_are_judged_in_seconds():
    pods = tuple(Pod("shop", f"p{at}", {"app": f"a{at % 50}"}, addresses=(f"10.0.0.{at + 1}",)) for at in range(200))
    policies = tuple(
        NetworkPolicy(
            "shop",
            f"n{at}",
            Selector((("app", f"a{at % 50}"),)) if at % 3 else Selector(),
            ("Ingress",),
            (Rule((Peer(Selector((("app", f"a{at * 7 % 50}"),))),), (Port(6, 1000 + at % 3000),)),),
        )
        for at in range(10_000)
    )
    world = World(pods, (), {"shop": {}})
    asked = [(f"10.0.0.{at % 200 + 1}", f"10.0.0.{at * 3 % 200 + 1}", 1000 + at % 4000) for at in range(2_000)]
    flows = pd.DataFrame(asked, columns=["SrcAddr", "DstAddr", "DstPort"]).assign(SrcPort=40000, Proto=6, Flags=2)
    begun = time.process_time()
    told = fk.judge(fk.PolicySet(policies), flows, world)["verdict"].tolist()
    assert time.process_time() - begun < 10
    some = range(0, 2_000, 97)
    expected = [reference.verdict(fk.PolicySet(policies), world, (*asked[at], 6), PROFILES["generic"]) for at in some]
    assert [told[at] for at in some] == expected
