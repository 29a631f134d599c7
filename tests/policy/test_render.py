"""Rendering: what is written is what is read back, names of strangers included; folders appear whole or not at all."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest
import yaml

import flowkit as fk
from flowkit.errors import FlowkitError, PolicyError
from flowkit.policy.model import NetworkPolicy, Peer, Rule, Selector
from flowkit.policy.render import baseline_deny
from tests.policy import clusters


def plain(policies):
    return sorted(
        (replace(policy, place="") for policy in policies.policies), key=lambda each: (each.namespace, each.name)
    )


def test_a_saved_set_is_read_back_equal(strict, tmp_path):
    folder = strict.save(tmp_path / "policies")
    back = fk.PolicySet.load(folder)
    assert plain(back) == plain(strict)
    assert back.notes == ()
    assert sorted(path.name for path in folder.iterdir())[:2] == ["data.yaml", "monitoring.yaml"]


@pytest.mark.parametrize("seed", range(60))
def test_random_sets_are_read_back_equal(seed, tmp_path):
    made = clusters.policies(Random(seed))
    network = replace(made, tiers=())
    (tmp_path / "all.yaml").write_text(network.yaml())
    back = fk.PolicySet.load(tmp_path / "all.yaml") if network.policies else network
    assert [canonical(each) for each in plain(back)] == [canonical(each) for each in plain(network)]


def canonical(policy):
    """Rules of a direction that is not listed are inert, but stay."""
    return replace(policy, subject=sorted_selector(policy.subject))


def sorted_selector(selector):
    return replace(selector, labels=tuple(sorted(selector.labels)))


def test_the_same_set_is_the_same_text(strict):
    assert strict.yaml() == strict.yaml()
    assert "# shop/api → data/redis:6379/TCP: 91 connections" in strict.yaml()


def test_a_name_cannot_leave_its_comment(strict):
    evil = "x\nkind: Secret\u2028---\r- !!python/object"
    hostile = replace(strict, evidence=strict.evidence.assign(edge=evil, seen=evil))
    assert list(yaml.safe_load_all(hostile.yaml())) == list(yaml.safe_load_all(strict.yaml()))
    label = NetworkPolicy("shop", "a", Selector((("app", "yes\n- b: {{ c }}"),)), ("Ingress",), (Rule(),))
    (read,) = yaml.safe_load_all(fk.PolicySet((label,)).yaml())
    assert read["spec"]["podSelector"]["matchLabels"] == {"app": "yes\n- b: {{ c }}"}


def test_nothing_is_overwritten_unasked(strict, tmp_path):
    folder = strict.save(tmp_path / "p")
    (folder / "mine.yaml").write_text("kind: ConfigMap\n")
    (folder / "gone.yaml").write_text("# made by flowkit: policies of namespace gone\n")
    with pytest.raises(FlowkitError, match="is there already"):
        strict.save(folder)
    strict.save(folder, force=True)
    assert {path.name for path in folder.iterdir()} >= {"mine.yaml", "data.yaml"}
    assert not (folder / "gone.yaml").exists()
    with pytest.raises(FlowkitError, match="is a file"):
        strict.save(folder / "mine.yaml")


def test_a_namespace_is_no_path(tmp_path):
    bad = fk.PolicySet((NetworkPolicy("../etc", "a", Selector(), ("Ingress",)),))
    with pytest.raises(PolicyError, match="no name for a file"):
        bad.save(tmp_path / "p")
    assert list(tmp_path.iterdir()) == []


def test_cilium_has_entities_names_and_default_deny(recorded):
    made = fk.synthesise(
        recorded.matrix,
        recorded.inventory,
        "cilium",
        subnets=recorded.subnets,
        options=fk.Options(default_deny="always"),
    )
    written = list(yaml.safe_load_all(made.yaml("cilium", names={"198.51.100.20": ["pay.example.com"]})))
    by_name = {(each["metadata"]["namespace"], each["metadata"]["name"]): each["spec"] for each in written}
    assert {each["kind"] for each in written} == {"CiliumNetworkPolicy"}
    assert by_name["shop", "default-deny"] == {"endpointSelector": {}, "ingress": [{}], "egress": [{}]}
    entities = {
        word
        for spec in by_name.values()
        for rule in (*spec.get("ingress", []), *spec.get("egress", []))
        for word in (*rule.get("fromEntities", []), *rule.get("toEntities", []))
    }
    assert entities == {"host", "remote-node", "kube-apiserver"}
    assert {"matchName": "pay.example.com"} in [
        name for rule in by_name["shop", "checkout"]["egress"] for name in rule.get("toFQDNs", [])
    ]
    with pytest.raises(PolicyError, match="form='cilium'"):
        made.yaml()


@pytest.mark.parametrize(
    ("version", "kind"), [("v1alpha1", "BaselineAdminNetworkPolicy"), ("v1alpha2", "ClusterNetworkPolicy")]
)
def test_the_baseline_denies_what_no_policy_speaks_of(recorded, version, kind):
    deny = fk.PolicySet.load(baseline_deny(["shop"], version))
    assert repr(deny) == f"PolicySet: 1 {kind}"
    found = fk.verify(deny, recorded.flows, recorded.inventory)
    assert not found.is_complete
    with pytest.raises(PolicyError, match="needs namespaces"):
        baseline_deny([], version)


def test_a_peer_that_no_form_knows_is_refused():
    odd = NetworkPolicy("shop", "a", Selector(), ("Ingress",), (Rule((Peer(),)),))
    with pytest.raises(PolicyError, match="cannot name"):
        fk.PolicySet((odd,)).yaml()
    with pytest.raises(PolicyError, match="no form 'helm'"):
        fk.PolicySet((odd,)).yaml("helm")
