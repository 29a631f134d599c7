"""The committed files: what the scenario writes, and small enough."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from data.lab.recording import cluster_text, truth_text
from data.lab.scenario import SCENARIO
from data.lab.subnets import flow_collector, label
from data.lab.truth import truth

KEYS = [
    *(f"from_{part}" for part in ("namespace", "kind", "workload", "subnet_label")),
    *(f"to_{part}" for part in ("namespace", "kind", "workload", "subnet_label")),
    *("port", "proto", "state"),
]
MAXIMUM = 8_000_000


def test_committed_files_are_what_the_scenario_writes(recorded: Path) -> None:
    assert (recorded / "cluster.json").read_text() == cluster_text(SCENARIO)
    assert (recorded / "truth.json").read_text() == truth_text(SCENARIO)
    assert (recorded / "flowcollector.yaml").read_text() == flow_collector(SCENARIO)


def test_a_recording_of_each_node_is_committed_and_small(recorded: Path) -> None:
    stems = {path.name.removesuffix(".pcap.gz") for path in recorded.glob("*.pcap.gz")}
    assert stems == {node.name for node in SCENARIO.nodes}
    assert sum(path.stat().st_size for path in recorded.iterdir()) < MAXIMUM


def test_truth_is_sorted_and_distinct() -> None:
    rows = truth(SCENARIO)
    assert all(list(row) == KEYS for row in rows)
    names = [[str(row[key]) for key in KEYS[:8]] for row in rows]
    assert names == sorted(names)
    assert len({json.dumps(row) for row in rows}) == len(rows)
    assert {row["state"] for row in rows} == {"answered", "refused", "unanswered"}
    assert {row["proto"] for row in rows} == {1, 6, 17, 58}
    assert all((row["port"] is None) == (row["proto"] in (1, 58)) for row in rows)


def test_every_owner_stands_in_the_inventory(recorded: Path) -> None:
    items = json.loads((recorded / "cluster.json").read_text())["items"]
    uids = {item["metadata"]["uid"]: item for item in items}
    assert len(uids) == len(items)
    for item in items:
        for reference in item["metadata"].get("ownerReferences", ()):
            owner = uids[reference["uid"]]
            assert (owner["kind"], owner["metadata"]["name"]) == (reference["kind"], reference["name"])
            assert owner["apiVersion"] == reference["apiVersion"]


def test_endpoints_refer_to_pods(recorded: Path) -> None:
    items = json.loads((recorded / "cluster.json").read_text())["items"]
    pods = {item["metadata"]["uid"]: item for item in items if item["kind"] == "Pod"}
    slices = [item for item in items if item["kind"] == "EndpointSlice"]
    for endpoint in (endpoint for item in slices for endpoint in item["endpoints"]):
        if "targetRef" in endpoint:
            pod = pods[endpoint["targetRef"]["uid"]]
            assert endpoint["addresses"][0] in [ip["ip"] for ip in pod["status"]["podIPs"]]


def test_selectors_find_their_pods(recorded: Path) -> None:
    items = json.loads((recorded / "cluster.json").read_text())["items"]
    pods = [item["metadata"] for item in items if item["kind"] == "Pod"]
    for item in items:
        selector = item.get("spec", {}).get("selector")
        if selector:
            wanted = selector.get("matchLabels", selector).items()
            home = item["metadata"]["namespace"]
            assert [p for p in pods if p["namespace"] == home and wanted <= p["labels"].items()], item["metadata"][
                "name"
            ]


def test_subnet_labels_parse_and_the_first_match_counts(recorded: Path) -> None:
    spec = yaml.safe_load((recorded / "flowcollector.yaml").read_text())["spec"]["processor"]["subnetLabels"]
    assert spec["openShiftAutoDetect"] is True
    assert spec["customLabels"] == [{"name": entry.name, "cidrs": list(entry.cidrs)} for entry in SCENARIO.labels]
    assert label(SCENARIO, "203.0.113.130") == "EXT:partner"
    assert label(SCENARIO, "203.0.113.200") == "EXT:mail"
    assert label(SCENARIO, "198.51.100.20") == ""
    assert label(SCENARIO, "fd01:0:0:2::7") == "Pods"
