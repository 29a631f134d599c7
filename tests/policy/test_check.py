"""The check for pipelines: findings, exit codes, SARIF, the summary; and what the network itself said against the judge."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema
import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

import flowkit as fk
from flowkit.cli import app
from flowkit.errors import PolicyError
from flowkit.policy.observed import observed
from flowkit.policy.render.sarif import sarif
from flowkit.policy.render.summary import markdown
from tests.policy.sarif_schema import SARIF


@pytest.fixture
def folder(strict, tmp_path):
    less = [each for each in strict.policies if (each.namespace, each.name) != ("data", "redis")]
    return replace(strict, policies=tuple(less)).save(tmp_path / "policies")


def test_a_check_finds_what_would_break_and_whom_nobody_tested(recorded, folder):
    found = fk.check(fk.PolicySet.load(folder), recorded.flows, recorded.inventory)
    assert found.findings["kind"].value_counts().to_dict() == {"denied": 4, "untested": 1}
    denied = found.failing(["denied"]).iloc[0]
    assert (denied["what"], denied["detail"]) == ("shop/api → data/redis:6379/TCP", "Ingress: no rule comes near")
    assert denied["place"].startswith(f"{folder}/data.yaml")
    assert found.failing(["untested"])["what"].tolist() == ["Deployment monitoring/blackbox"]
    with pytest.raises(PolicyError, match="no kind of finding 'broken'"):
        found.failing(["broken"])


def test_sarif_is_valid_and_points_at_files(recorded, folder):
    found = fk.check(fk.PolicySet.load(folder), recorded.flows, recorded.inventory)
    document = json.loads(sarif(found.findings, folder, "1.0"))
    jsonschema.validate(document, SARIF)
    results = document["runs"][0]["results"]
    assert len(results) == 5
    assert results[0]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].endswith("/data.yaml")
    rules = document["runs"][0]["tool"]["driver"]["rules"]
    assert [rules[each["ruleIndex"]]["id"] for each in results] == [each["ruleId"] for each in results]  # 3.27.6
    assert len({each["partialFingerprints"]["finding/v1"] for each in results}) == len(results)


def test_sarif_of_hostile_names_is_valid():
    row = {"kind": "denied", "policy": "a/b", "what": "\x1b[31m<x>\u202e", "detail": "'\"", "connections": 1}
    places = ["p%20q/ä b.yaml, document 2", "c:\\d#e?.yaml", ""]
    table = pd.DataFrame([{**row, "place": place} for place in places])
    document = json.loads(sarif(table, "some folder", "1.0"))
    jsonschema.validate(document, SARIF)
    assert "\x1b" not in document["runs"][0]["results"][0]["message"]["text"]


@pytest.mark.parametrize("spoil", ["message", "uri", "level", "misspelt"])
def test_the_schema_refuses_what_a_code_host_would(spoil):
    row = {"kind": "denied", "policy": "a/b", "what": "x", "detail": "y", "connections": 1, "place": "p.yaml"}
    document = json.loads(sarif(pd.DataFrame([row]), "folder", "1.0"))
    result = document["runs"][0]["results"][0]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]
    match spoil:
        case "message":
            del result["message"]["text"]
        case "uri":
            uri["uri"] = "a b.yaml"
        case "level":
            result["level"] = "fatal"
        case _:
            result["ruleID"] = "denied"
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SARIF)


def test_the_summary_escapes_strangers():
    row = {"kind": "denied", "policy": "a|b", "what": "<img src=x> [x](y)", "detail": "`z`\n| q", "connections": 3}
    text = markdown(pd.DataFrame([row]), "line")
    assert text.splitlines()[-1] == r"| denied | a\|b | \<img src=x\> \[x\]\(y\) | \`z\`·\| q | 3 |"


def cli(*arguments):
    return CliRunner().invoke(app, ["policy", *map(str, arguments)])


@pytest.mark.slow
def test_the_command_line_from_flows_to_a_green_check(cluster, recorded, tmp_path):
    flows = fk.write(recorded.flows, tmp_path / "flows.parquet")
    inventory, subnets = ("--cluster", cluster / "cluster.json"), ("--subnets", cluster / "flowcollector.yaml")
    made = cli("synthesise", flows, *inventory, *subnets, "--default-deny", "always", "-o", tmp_path / "p")
    assert made.exit_code == 0, made.output
    assert "every observed connection allowed" in made.stderr
    again = cli("synthesise", flows, *inventory, "-o", tmp_path / "p")
    assert again.exit_code == 1
    green = cli("check", flows, "--policies", tmp_path / "p", *inventory, "--fail-on", "denied,unused")
    assert green.exit_code == 0, green.output
    red = cli(
        "check",
        flows,
        "--policies",
        tmp_path / "p",
        *inventory,
        "--fail-on",
        "untested",
        "--format",
        "sarif",
        "-o",
        tmp_path / "out.sarif",
    )
    assert red.exit_code == 1
    jsonschema.validate(json.loads((tmp_path / "out.sarif").read_text()), SARIF)
    same = cli("diff", tmp_path / "p", tmp_path / "p", *inventory, "--format", "json")
    assert (same.exit_code, json.loads(same.stdout)) == (0, [])


def event(action, **more):
    return {
        "Feature": "acl",
        "Action": action,
        "Type": "NetworkPolicy",
        "Namespace": "data",
        "Name": "redis",
        "Direction": "Ingress",
        **more,
    }


def test_what_the_network_said():
    flows = pd.DataFrame(
        {
            "SrcAddr": ["10.0.0.1"] * 6,
            "NetworkEvents": [
                [event("allow-related")],
                [event("allow"), event("drop")],
                [event("sample")],
                [event("drop", Feature="qos")],
                None,
                None,
            ],
            "PktDropLatestDropCause": [None, None, None, None, "OVS_DROP_EXPLICIT", "SKB_DROP_REASON_NO_SOCKET"],
        }
    )
    assert observed(flows).fillna("").values.tolist() == [
        ["allowed", "NetworkPolicy data/redis (Ingress)"],
        ["denied", "NetworkPolicy data/redis (Ingress)"],
        ["", ""],
        ["", ""],
        ["denied", "OVS_DROP_EXPLICIT"],
        ["", ""],
    ]


def test_disagreements_have_both_reasons(recorded, strict):
    to_redis = (
        recorded.flows[(recorded.flows["DstK8S_Name"] == "redis-0") & (recorded.flows["DstPort"] == 6379)]
        .head(4)
        .reset_index(drop=True)
    )
    dropped = to_redis.assign(NetworkEvents=[[event("drop")], [event("allow")], None, None])
    found = fk.disagreements(strict, dropped, recorded.inventory)
    assert found[["observed", "observed_by", "verdict", "judged_by", "reason", "flows"]].values.tolist() == [
        ["denied", "NetworkPolicy data/redis (Ingress)", "allowed", "data/redis ingress[0]", "admitted", 1]
    ]
    assert "2 of 4 flows say what the network did to them" in fk.provenance(found).notes


def enforced(flows, policies, inventory):
    """The flows as a plugin that enforces `policies` would tell them: OVN's events where a policy decided, and drop causes."""
    told = fk.judge(policies, flows, inventory, "ovn")
    asked = ~told["reason"].astype("str").str.startswith("reply") & (told["verdict"] != "undecided")
    decided = asked & told["policy"].notna()
    events = [
        [event("allow-related" if verdict == "allowed" else "drop", Namespace=None, Name=str(policy))]
        if known
        else None
        for verdict, policy, known in zip(told["verdict"], told["policy"], decided, strict=True)
    ]
    cause = np.where(asked & (told["verdict"] == "denied"), "OVS_DROP_LAST_ACTION", None)
    return flows.assign(NetworkEvents=events, PktDropLatestDropCause=cause), int(decided.sum())


def test_a_network_that_does_what_the_judge_says_has_no_disagreement(recorded, strict):
    flows, decided = enforced(recorded.flows, strict, recorded.inventory)
    found = fk.disagreements(strict, flows, recorded.inventory, "ovn")
    assert found.empty
    assert f"{decided:,} of {len(flows):,} flows say what the network did to them" in fk.provenance(found).notes


def test_a_network_that_lacks_a_policy_disagrees_on_exactly_its_edges(recorded, strict):
    """What was applied is not what lies in the folder: redis' policy never arrived."""
    flows, _ = enforced(recorded.flows, strict.without("data/redis"), recorded.inventory)
    found = fk.disagreements(strict, flows, recorded.inventory, "ovn")
    assert set(found["DstPort"]) == {6379}
    assert set(found["observed"]) == {"denied"}
    assert set(found["observed_by"]) == {"OVS_DROP_LAST_ACTION"}
    assert set(zip(found["verdict"], found["judged_by"], strict=True)) == {("allowed", "data/redis ingress[0]")}
    other = fk.disagreements(strict.without("data/redis"), flows, recorded.inventory, "ovn")
    assert other.empty


def test_congestion_and_closed_ports_are_no_policy(recorded, strict):
    causes = ["SKB_DROP_REASON_NO_SOCKET", "SKB_DROP_REASON_TCP_CSUM", "SKB_DROP_REASON_QDISC_DROP"] * len(
        recorded.flows
    )
    flows = recorded.flows.assign(PktDropLatestDropCause=causes[: len(recorded.flows)])
    assert fk.disagreements(strict, flows, recorded.inventory).empty


def test_events_of_tables_that_hold_them_as_text_and_what_is_no_event():
    flows = pd.DataFrame({"SrcAddr": ["10.0.0.1"] * 2, "NetworkEvents": [json.dumps([event("drop")]), ["nonsense"]]})
    found = observed(flows)
    assert found["observed"].fillna("").tolist() == ["denied", ""]
    assert fk.provenance(found).losses == {"network events that are no map": 1}
