"""Synthesis: the law on random clusters, the four mistakes of the field, and what happens at the edges."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

import flowkit as fk
from flowkit.enrich import InventoryWarning
from flowkit.errors import PolicyError
from flowkit.policy.model import Block, Peer, Port, Selector
from flowkit.policy.profiles import PROFILES
from flowkit.policy.synthesis.selectors import subjects
from flowkit.policy.synthesis.workloads import Pod, Workload
from tests.policy import synthesis_law


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1000, 1040))
def test_allows_what_was_seen_and_nothing_else(seed):
    cells, faults = synthesis_law.check(seed, list(PROFILES)[seed % len(PROFILES)], cells=80)
    assert faults == []
    assert cells >= 0


def policy(policies, namespace, name):
    return next(each for each in policies.policies if (each.namespace, each.name) == (namespace, name))


def ports(rules):
    return {port.port for rule in rules for port in rule.ports}


def test_the_pods_port_not_the_services(strict):
    """Mistake 1: shop/api is called at its Service's port 80; its pods listen on 8000."""
    assert ports(policy(strict, "shop", "api").ingress) == {8000}
    assert 80 not in ports(policy(strict, "shop", "frontend").egress)


def test_no_reply_ports(strict):
    """Mistake 2: no rule speaks of a port that only a client used."""
    every = {port for each in strict.policies for port in ports((*each.ingress, *each.egress))}
    assert every == {
        443,
        587,
        1514,
        2055,
        3100,
        5353,
        5432,
        6379,
        6443,
        8000,
        8080,
        8081,
        8125,
        8443,
        9001,
        9002,
        9090,
        9091,
        9100,
        9102,
        9401,
    }


@pytest.mark.parametrize(
    ("profile", "peer"),
    [
        ("generic", Peer(block=Block("10.0.0.0/16"))),
        ("ovn", Peer(None, Selector((("policy-group.network.openshift.io/host-network", ""),)))),
        ("cilium", Peer(nodes=Selector())),
    ],
)
def test_host_network_clients_are_nodes(recorded, profile, peer):
    """Mistake 3: the agents run in the host network; no selector of theirs may stand in the collector's policy."""
    made = fk.synthesise(recorded.matrix, recorded.inventory, profile, subnets=recorded.subnets)
    rule = next(rule for rule in policy(made, "netobserv", "flowlogs-pipeline").ingress if rule.ports[0].port == 2055)
    assert rule.peers == (peer,)
    assert fk.verify(made, recorded.flows, recorded.inventory, profile).is_complete


def test_dns_on_the_pods_port_over_both_protocols(strict):
    """Mistake 4: OpenShift's DNS pods listen on 5353, and answer over TCP as well."""
    dns = policy(strict, "netobserv", "allow-dns")
    (rule,) = dns.egress
    assert (dns.subject, rule.ports) == (Selector(), (Port(6, 5353), Port(17, 5353)))
    assert rule.peers[0].pods == Selector((("dns.operator.openshift.io/daemonset-dns", "default"),))


def test_the_operators_own_policy_is_covered_and_tighter(recorded):
    """The seed's case (np_objects.go): same peers where the traffic is, with ports and pods the hand-written set leaves open."""
    made = fk.synthesise(
        recorded.matrix.where(namespace="netobserv"), recorded.inventory, "ovn", subnets=recorded.subnets
    )
    assert {each.namespace for each in made.policies} == {"netobserv"}
    hand = fk.PolicySet.load(OPERATORS_OWN)
    changes = fk.policy_diff(hand, made, recorded.inventory, "ovn", flows=recorded.flows)
    assert set(changes["change"]) == {"removed"}, "nothing that the operator's policy denies is allowed"
    assert len(changes) > 100
    both = [fk.verify(each, recorded.flows, recorded.inventory, "ovn") for each in (hand, made)]
    assert [each.is_complete for each in both] == [True, True]
    assert both[1].denied > both[0].denied


def _from(namespace, ports=(), pods=None):
    peer = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}
    return {
        "peer": {**peer, **({"podSelector": {}} if pods else {})},
        "ports": [{"protocol": "TCP", "port": each} for each in ports],
    }


def _rules(key, entries):
    return [{key: [each["peer"]], **({"ports": each["ports"]} if each["ports"] else {})} for each in entries]


_HOST = {
    "peer": {"namespaceSelector": {"matchLabels": {"policy-group.network.openshift.io/host-network": ""}}},
    "ports": [{"protocol": "TCP", "port": 2055}],
}
_SAME = {"peer": {"podSelector": {}}, "ports": []}
OPERATORS_OWN = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "netobserv", "namespace": "netobserv"},
    "spec": {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "ingress": _rules("from", [_SAME, _from("openshift-console", (9001,)), _from("monitoring"), _HOST]),
        "egress": _rules(
            "to",
            [
                _SAME,
                _from("openshift-dns"),
                _from("monitoring"),
                _from("netobserv-loki"),
                _from("openshift-kube-apiserver", (6443,), pods=True),
            ],
        ),
    },
}


def test_the_order_of_the_edges_does_not_matter(recorded, strict):
    shuffled = replace(recorded.matrix, edges=recorded.matrix.edges.sample(frac=1, random_state=3))
    again = fk.synthesise(
        shuffled, recorded.inventory, subnets=recorded.subnets, options=fk.Options(default_deny="always")
    )
    assert again.policies == strict.policies


def test_every_dropped_edge_is_a_finding(recorded, strict):
    """The scan of debug-shell and the refused search: none becomes a rule, each is listed."""
    dropped = strict.findings[strict.findings["finding"] == "dropped"]
    scans = dropped[dropped["what"].str.startswith("shop/debug-shell")]
    assert len(scans) == 14
    assert "shop/cart-canary → data/search:9200/TCP" in dropped["what"].tolist()
    assert policy(strict, "data", "redis").ingress[0].ports == (Port(6, 6379),)


def test_a_namespace_with_an_unknown_workload_is_not_denied_by_default(recorded):
    made = fk.synthesise(recorded.matrix, recorded.inventory, subnets=recorded.subnets)
    withheld = made.findings[made.findings["finding"] == "not isolated"]
    assert "shop" in withheld["namespace"].tolist()
    assert withheld.loc[withheld["namespace"] == "shop", "reason"].str.contains("unknown: debug-shell").all()
    assert not any(each.namespace == "shop" and each.name == "default-deny" for each in made.policies)


def test_a_matrix_without_flows_still_works_and_says_so(recorded):
    """As from metrics: no addresses; labelled outside ends are written by their ranges, the others are findings."""
    bare = replace(recorded.matrix, unnamed=None)
    made = fk.synthesise(bare, recorded.inventory, subnets=recorded.subnets, options=fk.Options(default_deny="always"))
    assert any("not made of flows" in note for note in made.notes)
    lost = made.findings[made.findings["reason"].str.contains("matrix does not hold")]
    assert lost["what"].tolist() == ["shop/checkout → outside:443/TCP"]


def test_a_filtered_matrix_is_refused_unless_by_namespace(recorded):
    with pytest.raises(PolicyError, match="filtered \\(port 443\\)"):
        fk.synthesise(recorded.matrix.where(port=443), recorded.inventory)
    with pytest.raises(PolicyError, match="no pods of namespace 'shpo'"):
        fk.synthesise(recorded.matrix, recorded.inventory, options=fk.Options(namespaces=("shpo",)))


def workload(name, labels, kind="Deployment"):
    return Workload("shop", kind, name, (Pod(f"{name}-0", labels, "n1", ()),))


def test_clashing_workloads_become_one_subject():
    helm = {"app.kubernetes.io/name": "web"}
    listed = [
        workload("a", helm),
        workload("b", {**helm, "extra": "1"}),
        workload("c", {"app": "c"}),
        workload("d", {"job-name": "x"}),
    ]
    found = subjects({each.key: each for each in listed})
    assert [[key[2] for key in clash.subject.workloads] for clash in found.clashes] == [["a", "b"]]
    assert found.of["shop", "Deployment", "a"].selector == Selector((("app.kubernetes.io/name", "web"),))
    assert found.of["shop", "Deployment", "c"].selector == Selector((("app", "c"),))
    assert found.unselectable == (("shop", "Deployment", "d"),)


def test_two_helm_releases_are_told_apart_by_instance():
    """The label that others drop."""
    releases = [
        workload(name, {"app.kubernetes.io/name": "web", "app.kubernetes.io/instance": name})
        for name in ("blue", "red")
    ]
    found = subjects({each.key: each for each in releases})
    assert found.clashes == ()
    assert found.of["shop", "Deployment", "red"].selector == Selector((("app.kubernetes.io/instance", "red"),))


def test_evidence_names_every_edge_behind_a_rule(strict):
    rows = strict.evidence[(strict.evidence["policy"] == "redis") & (strict.evidence["direction"] == "Ingress")]
    assert rows[["edge", "connections", "direction_by"]].values.tolist() == [
        ["shop/api → data/redis:6379/TCP", 91, "SYN"],
        ["shop/cart → data/redis:6379/TCP", 38, "SYN"],
        ["shop/cart-canary → data/redis:6379/TCP", 53, "SYN"],
        ["shop/worker → data/redis:6379/TCP", 20, "SYN"],
    ]
    assert isinstance(strict.evidence["first"].dtype, pd.DatetimeTZDtype)


def with_outside(addresses, port=443):
    """A workload that calls outside addresses, each once."""
    pod = {
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
        "status": {"podIPs": [{"ip": "10.128.0.5"}, {"ip": "fd01::5"}]},
    }
    node = {
        "kind": "Node",
        "metadata": {"name": "n1"},
        "status": {"addresses": [{"type": "InternalIP", "address": "203.0.113.77"}]},
    }
    with pytest.warns(InventoryWarning):
        inventory = fk.Inventory.load({"kind": "List", "items": [pod, node]})
    ends = {"SrcAddr": ["fd01::5" if ":" in each else "10.128.0.5" for each in addresses], "DstAddr": addresses}
    flows = pd.DataFrame({**ends, "DstPort": port, "Proto": 6, "Flags": 18, "TimeFlowEndMs": 1_800_000_000_000})
    flows = fk.enrich(flows.assign(SrcPort=range(40000, 40000 + len(flows))), cluster=inventory)
    return fk.matrix(flows), inventory, flows


def blocks_of(policies):
    return [
        (peer.block.cidr, peer.block.excluded) for each in policies.policies for r in each.egress for peer in r.peers
    ]


SEEN = ["198.51.100.0", "198.51.100.1", "198.51.100.3", "203.0.113.76", "203.0.113.78", "192.0.2.200", "2001:db8::1"]


def test_outside_addresses_stay_exact_unless_asked():
    matrix, inventory, _ = with_outside(SEEN)
    exact = {cidr for cidr, _ in blocks_of(fk.synthesise(matrix, inventory))}
    assert exact == {
        "192.0.2.200/32",
        "198.51.100.0/31",
        "198.51.100.3/32",
        "203.0.113.76/32",
        "203.0.113.78/32",
        "2001:db8::1/128",
    }


def test_prefixes_are_filled_where_enough_was_seen_and_never_over_a_node():
    """Half of 203.0.113.76/30 was seen, yet 203.0.113.77 is a node's."""
    matrix, inventory, flows = with_outside(SEEN)
    made = fk.synthesise(matrix, inventory, options=fk.Options(widen=0.5, default_deny="always"))
    assert {cidr for cidr, _ in blocks_of(made)} == {
        "192.0.2.200/32",
        "198.51.100.0/30",
        "203.0.113.76/32",
        "203.0.113.78/32",
        "2001:db8::1/128",
    }
    wide = made.findings[made.findings["finding"] == "widened"]
    assert wide[["what", "reason"]].values.tolist() == [
        ["shop/web Egress: 198.51.100.0/30 443/6", "chosen (198.51.100.0/30): 4 addresses, 3 seen"]
    ]
    found = fk.verify(made, flows, inventory)
    assert found.is_complete
    assert found.removable.empty


def test_everywhere_outside_spares_what_is_private_and_the_clusters_own():
    matrix, inventory, flows = with_outside([*SEEN, "192.168.7.7"])
    made = fk.synthesise(matrix, inventory, options=fk.Options(anywhere=5, default_deny="always"))
    private = ("10.0.0.0/8", "169.254.169.254/32", "172.16.0.0/12", "192.168.0.0/16", "203.0.113.77/32")
    assert sorted(blocks_of(made)) == [
        ("0.0.0.0/0", private),
        ("192.168.7.7/32", ()),
        ("::/0", ("fc00::/7",)),
    ]
    assert fk.verify(made, flows, inventory).is_complete
    told = made.findings.loc[made.findings["finding"] == "widened", "reason"].tolist()
    # 2**32 - 2**24 - 2**20 - 2**16 (RFC 1918) - 2 (the metadata service, the node)
    assert told == [
        "chosen (0.0.0.0/0): 4,277,075,966 addresses, 6 seen",
        "chosen (::/0): over 2^127 addresses, 1 seen",
    ]
    asked = [("10.128.0.5", each) for each in ("8.8.8.8", "169.254.169.254", "192.168.7.8", "10.4.0.1")]
    judged = pd.DataFrame(asked, columns=["SrcAddr", "DstAddr"]).assign(SrcPort=40000, DstPort=443, Proto=6, Flags=2)
    assert fk.judge(made, judged, inventory)["verdict"].tolist() == ["allowed", "denied", "denied", "denied"]


def test_many_addresses_on_one_port_are_a_proposal():
    matrix, inventory, _ = with_outside([f"198.51.100.{at}" for at in range(1, 61, 2)])
    found = fk.synthesise(matrix, inventory).findings
    assert found.loc[found["finding"] == "proposed", ["what", "connections"]].values.tolist() == [
        ["shop/web Egress: 443/6", 30]
    ]


def test_a_slip_does_not_open_everything():
    with pytest.raises(PolicyError, match="widen=0"):
        fk.Options(widen=0)
    with pytest.raises(PolicyError, match="anywhere=0"):
        fk.Options(anywhere=0)
