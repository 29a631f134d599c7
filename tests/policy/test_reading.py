"""Policies from manifests: what the API server refuses is refused with file, object and path; what it fills in is filled in."""

from __future__ import annotations

import copy
import random
import time

import pytest
import yaml

import flowkit as fk
from flowkit.errors import SpecError
from flowkit.policy.model import ANY_PROTOCOL, Block, Peer, Port, Requirement, Rule, Selector

GOOD = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "NetworkPolicy",
    "metadata": {"name": "web", "namespace": "shop", "annotations": {"team": "blue"}},
    "spec": {
        "podSelector": {"matchLabels": {"app": "web"}},
        "ingress": [
            {
                "from": [
                    {
                        "namespaceSelector": {},
                        "podSelector": {"matchExpressions": [{"key": "a", "operator": "Exists"}]},
                    },
                    {"ipBlock": {"cidr": "10.0.0.1/8", "except": ["10.1.0.0/16"]}},
                ],
                "ports": [{"port": 80, "endPort": 90}, {"port": "http", "protocol": "UDP"}, {}],
            }
        ],
    },
}
CNP = yaml.safe_load(
    "{apiVersion: policy.networking.k8s.io/v1alpha2, kind: ClusterNetworkPolicy, metadata: {name: c}, spec: {tier: Admin, "
    "priority: 3, subject: {namespaces: {}}, egress: [{name: r, action: Deny, to: [{networks: [10.0.0.0/8, '::/0']}], "
    "protocols: [{udp: {destinationPort: {range: {start: 1, end: 9}}}}]}]}}"
)


def changed(body, path, value):
    """The body with the value at a path of keys replaced."""
    made = copy.deepcopy(body)
    here = made
    for key in path[:-1]:
        here = here[key]
    if value is None:
        del here[path[-1]]
    else:
        here[path[-1]] = value
    return made


def test_a_policy_with_everything():
    (policy,) = fk.PolicySet.load(GOOD).policies
    assert (policy.namespace, policy.name, policy.directions) == ("shop", "web", ("Ingress",))
    assert policy.annotations == (("team", "blue"),)
    assert policy.ingress == (
        Rule(
            (
                Peer(Selector((), (Requirement("a", "Exists"),)), Selector()),
                Peer(block=Block("10.0.0.0/8", ("10.1.0.0/16",))),
            ),
            (Port(6, 80, 90), Port(17, "http"), Port(6)),
        ),
    )


def test_a_cluster_policy():
    (policy,) = fk.PolicySet.load(CNP).tiers
    assert (policy.tier, policy.priority, policy.subject) == ("Admin", 3, Peer(None, Selector()))
    (rule,) = policy.egress
    assert (rule.action, rule.name, rule.ports) == ("Deny", "r", (Port(17, 1, 9),))
    assert rule.peers == (Peer(block=Block("10.0.0.0/8")), Peer(block=Block("::/0")))


FROM = ("spec", "ingress", 0, "from")
PORTS = ("spec", "ingress", 0, "ports")
REFUSED = [
    (("apiVersion",), None, "apiVersion: is required, e.g. networking.k8s.io/v1"),
    (("metadata", "name"), "Web_1", "metadata.name: 'Web_1' is no name of an object"),
    (("metadata", "name"), None, "metadata.name: is required"),
    (("spec", "ingres"), [], "spec.ingres: no such key. Did you mean 'ingress'?"),
    (("spec", "policyTypes"), ["ingress"], "spec.policyTypes[0]: 'ingress' is none of Ingress, Egress"),
    (("spec", "policyTypes"), ["Ingress"] * 3, "spec.policyTypes: may not hold more than two"),
    (("spec", "podSelector"), {"app": "web"}, "spec.podSelector.app: no such key"),
    (("spec", "podSelector", "matchLabels"), {"app": True}, 'must be text, not a boolean: write it in quotes, "true"'),
    (("spec", "podSelector", "matchLabels"), {"a b": "x"}, "'a b' is no label key"),
    (("spec", "podSelector", "matchLabels"), {"app": "-x"}, "'-x' is no label value"),
    (("spec", "podSelector", "matchExpressions"), [{"key": "a", "operator": "In"}], "at least one value for In"),
    (("spec", "podSelector", "matchExpressions"), [{"key": "a", "operator": "is"}], "'is' is none of In, NotIn"),
    (
        ("spec", "podSelector", "matchExpressions"),
        [{"key": "a", "operator": "Exists", "values": ["b"]}],
        "left out for",
    ),
    (FROM, {}, "spec.ingress[0].from: must be a list, not a mapping"),
    ((*FROM, 0), {}, "spec.ingress[0].from[0]: must hold podSelector, namespaceSelector or ipBlock"),
    ((*FROM, 0), {"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}, "from[0].ipBlock: must stand alone"),
    ((*FROM, 1, "ipBlock", "cidr"), "10.0.0.0", "ipBlock.cidr: '10.0.0.0' is no network"),
    ((*FROM, 1, "ipBlock", "cidr"), "10.0.0.300/8", "'10.0.0.300/8' is no network"),
    ((*FROM, 1, "ipBlock", "cidr"), None, "ipBlock.cidr: is required"),
    ((*FROM, 1, "ipBlock", "except"), ["11.0.0.0/16"], "except[0]: '11.0.0.0/16' must lie inside 10.0.0.0/8"),
    ((*FROM, 1, "ipBlock", "except"), ["10.0.0.0/8"], "must lie inside 10.0.0.0/8 and be smaller"),
    ((*FROM, 1, "ipBlock", "except"), ["fd00::/64"], "must lie inside"),
    ((*PORTS, 0, "port"), 0, "ports[0].port: '0' is no whole number from 1 to 65535"),
    ((*PORTS, 0, "port"), True, "'True' is no whole number"),
    ((*PORTS, 0, "port"), "80", "no name has only digits: write 80 without quotes"),
    ((*PORTS, 1, "port"), "Http", "'Http' is no port name"),
    ((*PORTS, 1, "port"), "a-very-long-name", "'a-very-long-name' is no port name"),
    ((*PORTS, 0, "protocol"), "tcp", "'tcp' is none of TCP, UDP, SCTP"),
    ((*PORTS, 0, "endPort"), 79, "endPort: '79' must not be less than port 80"),
    ((*PORTS, 1, "endPort"), 90, "endPort: needs a port that is a number"),
]


@pytest.mark.parametrize(("path", "value", "message"), REFUSED)
def test_refused_as_the_api_server_does(tmp_path, path, value, message):
    file = tmp_path / "web.yaml"
    file.write_text(yaml.safe_dump_all([changed(GOOD, path, value)]))
    with pytest.raises(SpecError) as refused:
        fk.PolicySet.load(file)
    assert message in str(refused.value)
    assert str(refused.value).startswith(str(file))
    if path[0] == "spec":
        assert ": NetworkPolicy shop/web: spec" in str(refused.value)


RULE = ("spec", "egress", 0)
CLUSTER_REFUSED = [
    (("metadata", "namespace"), "shop", "metadata.namespace: must be left out"),
    (("spec",), None, "spec: is required"),
    (("spec", "tier"), "Top", "spec.tier: 'Top' is none of Admin, Baseline"),
    (("spec", "priority"), 1001, "spec.priority: '1001' is no whole number from 0 to 1000"),
    (("spec", "subject"), {}, "spec.subject: must hold exactly one key, not 0"),
    (("spec", "subject"), {"pods": {"podSelector": {}}}, "pods.namespaceSelector: is required"),
    (("spec", "egress"), [CNP["spec"]["egress"][0]] * 26, "spec.egress: may hold at most 25 entries, not 26"),
    ((*RULE, "action"), "Allow", "action: 'Allow' is none of Accept, Deny, Pass"),
    ((*RULE, "to"), [], "to: must hold at least one peer"),
    ((*RULE, "to"), [{"domainNames": ["example.org"]}], "action: domainNames can only be accepted"),
    ((*RULE, "to"), [{"networks": ["10.0.0.0"]}], "networks[0]: '10.0.0.0' is no network"),
    ((*RULE, "protocols"), [{"destinationNamedPort": "http"}], "have no named ports"),
    ((*RULE, "protocols"), [{"tcp": {}}], "destinationPort: is required"),
    ((*RULE, "protocols"), [{"tcp": {"destinationPort": {"range": {"start": 5, "end": 5}}}}], "greater than start 5"),
]


@pytest.mark.parametrize(("path", "value", "message"), CLUSTER_REFUSED)
def test_cluster_policies_refused(path, value, message):
    with pytest.raises(SpecError) as refused:
        fk.PolicySet.load(changed(CNP, path, value))
    assert message in str(refused.value)
    assert str(refused.value).startswith("dict: ClusterNetworkPolicy ")


def test_the_baseline_is_called_default():
    body = {**CNP, "apiVersion": "policy.networking.k8s.io/v1alpha1", "kind": "BaselineAdminNetworkPolicy"}
    body = changed(body, ("spec",), {"subject": {"namespaces": {}}})
    with pytest.raises(SpecError, match=r"metadata\.name: 'c' must be 'default'"):
        fk.PolicySet.load(body)


def test_a_named_port_of_a_cluster_policy_is_of_any_protocol():
    rule = {"action": "Deny", "to": [{"namespaces": {}}], "protocols": [{"destinationNamedPort": "dns"}]}
    (policy,) = fk.PolicySet.load(changed(CNP, ("spec", "egress"), [rule])).tiers
    assert policy.egress[0].ports == (Port(ANY_PROTOCOL, "dns"),)


def test_yaml_with_tabs_names_the_line(tmp_path):
    file = tmp_path / "tabs.yaml"
    file.write_text("kind: NetworkPolicy\nspec:\n\tpodSelector: {}\n")
    with pytest.raises(SpecError, match=r"tabs\.yaml: broken YAML at line 3, column 1: a tab: indent with spaces"):
        fk.PolicySet.load(file)


def test_other_kinds_are_counted_and_noted():
    cilium = {"apiVersion": "cilium.io/v2", "kind": "CiliumNetworkPolicy", "metadata": {"name": "c"}}
    calico = {**GOOD, "apiVersion": "projectcalico.org/v3"}
    found = fk.PolicySet.load({"kind": "List", "items": [cilium, cilium, GOOD, calico]})
    assert (len(found), repr(found)) == (1, "PolicySet: 1 NetworkPolicy")
    assert found.notes == (
        "2 × CiliumNetworkPolicy (cilium.io/v2): not read, no policy of a kind judged here",
        "1 × NetworkPolicy (projectcalico.org/v3): not read, no policy of a kind judged here",
    )


def test_of_two_of_a_name_the_last_counts():
    found = fk.PolicySet.load({"kind": "List", "items": [GOOD, changed(GOOD, ("spec", "ingress"), [])]})
    assert [policy.ingress for policy in found.policies] == [()]
    assert found.notes == ("NetworkPolicy shop/web is there 2 times: the last counts",)


def test_what_kubectl_prints_is_a_typed_list_or_a_list():
    bare = {key: value for key, value in GOOD.items() if key not in ("kind", "apiVersion")}
    typed = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicyList", "items": [bare]}
    assert fk.PolicySet.load(typed).policies[0].name == "web"
    assert len(fk.PolicySet.load({"kind": "List", "items": []})) == 0


def test_ten_thousand_policies_are_read_in_seconds():
    items = [changed(GOOD, ("metadata", "name"), f"web{at}") for at in range(10_000)]
    begun = time.process_time()
    assert len(fk.PolicySet.load({"kind": "List", "items": items})) == 10_000
    assert time.process_time() - begun < 10


def test_whatever_strangers_write_is_read_or_refused():
    texts = [yaml.safe_dump(GOOD), yaml.safe_dump(CNP)]
    dice = random.Random(7)
    junk = [
        "null",
        "[]",
        "{}",
        "true",
        "1e9",
        "'\\0'",
        "&a",
        "*a",
        "!!python/object:os.system",
        "- ",
        "🦊",
        "9" * 400,
        "\t",
    ]
    read = refused = 0
    for _ in range(400):
        words = dice.choice(texts).split(" ")
        for _ in range(dice.randint(1, 3)):
            words[dice.randrange(len(words))] = dice.choice([*junk, dice.choice(words)])
        try:
            fk.PolicySet.of(fk_manifests(" ".join(words)))
            read += 1
        except SpecError:
            refused += 1
    assert read > 3
    assert refused > 100


def fk_manifests(text):
    from flowkit.manifests import read_objects

    return list(read_objects(text, "strange.yaml"))
