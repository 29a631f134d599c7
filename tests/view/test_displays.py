"""What values show of themselves: short, complete in what they count, and nothing a name says is more than text."""

from __future__ import annotations

import warnings
from html.parser import HTMLParser

import pandas as pd
import pytest

import flowkit as fk
from flowkit.policy.model import NetworkPolicy, Rule, Selector
from flowkit.view.displays import ROWS
from flowkit.view.judged import Judged

ALLOWED = {"p", "b", "table", "caption", "tr", "th", "td", "details", "summary", "pre"}


class Parsed(HTMLParser):
    """Every element, every attribute, and the text, as a browser would read them."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.options, self.texts = set(), [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.options += attrs

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self) -> str:
        return " | ".join(filter(str.strip, self.texts))


def test_a_metric_says_what_it_counts_of_which_flows(root):
    metric = fk.FlowMetric.load(root / "data" / "metrics" / "workload-syn-in.yaml")
    assert repr(metric).startswith("FlowMetric(netobserv_workload_syn_in: Counter of flows by from_subnet_label, ")
    assert "\n" not in repr(metric)
    text = Parsed(metric._repr_html_()).text
    assert text.startswith("netobserv_workload_syn_in | type | Counter of flows | labels | from_subnet_label ← Src")
    assert "flatten | Flags | filters | Flags = SYN | cardinality | careful | read from | " in text


def test_every_match_has_words():
    body = {"apiVersion": "flows.netobserv.io/v1alpha1", "kind": "FlowMetric", "metadata": {"name": "m"}}
    matches = ["Equal", "NotEqual", "MatchRegex", "NotMatchRegex", "Presence", "Absence"]
    filters = [
        {"field": "SrcK8S_Namespace", "matchType": one, **({} if one in matches[4:] else {"value": "a"})}
        for one in matches
    ]
    spec = {"type": "Histogram", "valueField": "TimeFlowRttNs", "divider": "1000", "buckets": ["0.5", "1"]}
    metric = fk.FlowMetric.load({**body, "spec": {**spec, "filters": filters, "direction": "Egress"}})
    text = Parsed(metric._repr_html_()).text
    assert "type | Histogram of TimeFlowRttNs / 1000 | " in text
    words = ("= a", "≠ a", "matches a", "does not match a", "is there", "is not there")
    assert "filters | " + ", ".join(f"SrcK8S_Namespace {one}" for one in words) in text
    assert "direction | Egress | buckets | 0.5, 1 | " in text


def policy(name: str) -> NetworkPolicy:
    return NetworkPolicy("shop", name, Selector(), ("Ingress", "Egress"), (Rule(), Rule()), (Rule(),))


def test_a_policy_set_folds_its_yaml_and_says_what_it_leaves_out():
    policies = fk.PolicySet(tuple(policy(f"p{at}") for at in range(ROWS + 3)), notes=("2 × Pod: not read",))
    html = policies._repr_html_()
    text = Parsed(html).text
    assert text.startswith(
        f"PolicySet: {ROWS + 3} NetworkPolicy | 2 × Pod: not read | shop/p0: 2 ingress rules and 1 eg"
    )
    assert html.count("<details>") == ROWS
    assert "kind: NetworkPolicy\nmetadata:\n  name: p0" in html
    assert text.endswith("and 3 more: policies.yaml() has what NetworkPolicies there are")


def test_what_was_synthesised_asks_to_be_reviewed_and_keeps_its_evidence(sample):
    evidence = pd.DataFrame(columns=["namespace", "policy", "direction", "rule", "peer", "port", "proto", "edge"])
    html = fk.PolicySet((), evidence=evidence)._repr_html_()
    assert "review it, and let fk.verify say" in html


def test_verdicts_are_counted_and_the_doubtful_ones_listed(sample):
    judged = sample.judged(sample.cluster())
    counts = judged.verdicts["verdict"].value_counts()
    assert f"{counts['allowed']} allowed" in repr(judged)
    assert f"{counts['denied']} denied" in repr(judged)
    text = Parsed(judged._repr_html_()).text
    first = judged.verdicts[judged.verdicts["verdict"].isin(["denied", "undecided"])].iloc[0]
    assert f"edge | verdict | policy | rule | reason | {first.name} | {first['verdict']}" in text
    assert repr(Judged(judged.verdicts.assign(verdict=""))) == f"Judged: {len(judged.verdicts)} not judged, no policies"


def test_an_inventory_counts_by_namespace(cluster):
    inventory = fk.Inventory.load(cluster / "cluster.json")
    assert repr(inventory) == "Inventory: 2 Nodes, 36 Pods, 19 Services with 70 addresses"
    text = Parsed(inventory._repr_html_()).text
    assert "namespace | workloads | pods | Services | data | 5 | 5 | 3 | default" in text


def test_names_from_hell_are_text(sample):
    with warnings.catch_warnings(action="ignore"):
        values = sample.hostile_values()
    for value in values:
        parsed = Parsed(value._repr_html_())
        assert parsed.tags <= ALLOWED, value
        assert set(parsed.options) <= {("scope", "col")}
        assert not set("\x1b\u202e\x07") & set(value._repr_html_() + repr(value))
        assert len(value._repr_html_()) < 60_000
        assert "</script><img src=x" in parsed.text


@pytest.mark.parametrize("name", ["</script><img src=x onerror=alert(1)>", "<b>&amp;"])
def test_a_table_of_verdicts_is_escaped_by_pandas(name):
    assert name not in pd.DataFrame({"verdict": ["denied"], "policy": [name]})._repr_html_()
