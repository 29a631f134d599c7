"""The command line: data to stdout, messages to stderr, one clear line for what cannot be, never a traceback."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys

import pandas as pd
import pytest

from tests.flows import exchange, pod, table

FLOWS = table(*exchange("10.128.0.5:51000", "10.128.0.6:8080", **pod("Src", "web\x1b[31m"), **pod("Dst", "=api")))


@pytest.fixture
def flows(tmp_path):
    import flowkit as fk

    return fk.write(FLOWS, tmp_path / "flows.parquet")


def run(*arguments, **more):
    command = [sys.executable, "-m", "flowkit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **more)


def test_matrix_as_json_has_all_columns(flows):
    done = run("matrix", flows, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    (edge,) = json.loads(done.stdout)
    assert list(edge)[:11] == [
        *(f"{end}_{name}" for end in ("from", "to") for name in ("namespace", "kind", "workload", "subnet_label")),
        "port",
        "proto",
        "state",
    ]
    assert (edge["port"], edge["proto"], edge["state"], edge["direction_by"]) == (8080, 6, "answered", "SYN")


def test_csv_is_guarded_and_text_is_free_of_control_characters(flows):
    (row,) = csv.DictReader(io.StringIO(run("matrix", flows, "--format", "csv").stdout))
    assert row["to_workload"] == "'=api"
    assert "\x1b" not in run("matrix", flows).stdout


def test_a_format_follows_the_ending_and_nothing_is_overwritten_unasked(flows, tmp_path):
    out = tmp_path / "out" / "edges.json"
    assert run("matrix", flows, "-o", out).returncode == 0
    assert json.loads(out.read_text())[0]["port"] == 8080
    again = run("matrix", flows, "-o", out)
    assert (again.returncode, again.stdout) == (1, "")
    assert again.stderr == f"flowkit: '{out}' is there already: give another name, or --force to replace it\n"
    assert run("matrix", flows, "-o", out, "--force").returncode == 0


def test_metric_prints_its_table_its_funnel_and_its_query(flows, root):
    definition = root / "data" / "metrics" / "workload-syn-in.yaml"
    (row,) = json.loads(run("metric", definition, "--flows", flows, "--format", "json").stdout)
    assert (row["workload"], row["port"], row["Flags"], row["value"]) == ("=api", "8080", "SYN", 1)
    assert "SYN" in run("metric", definition, "--flows", flows, "--explain").stdout
    assert "SELECT" in run("metric", definition, "--flows", flows, "--sql").stdout


def test_report_writes_a_page_and_says_where(flows, tmp_path):
    out = tmp_path / "page.html"
    done = run("report", flows, "-o", out, "--title", "</title><script>")
    assert (done.returncode, done.stdout.strip()) == (0, str(out))
    assert "</title><script>" not in out.read_text()


def test_report_shows_policies_and_hides_no_name_that_they_tell(flows, tmp_path):
    spec = {"podSelector": {}, "policyTypes": ["Ingress"]}
    meta = {"name": "default-deny", "namespace": "shop"}
    policy = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": meta, "spec": spec}
    place, out = tmp_path / "policy.json", tmp_path / "page.html"
    place.write_text(json.dumps(policy))
    assert run("report", flows, "-o", out, "--policies", place).returncode == 0
    assert "listed, not judged" in out.read_text()
    refused = run("report", flows, "-o", out, "--force", "--policies", place, "--anonymise", "key")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr == "flowkit: policies name what --anonymise hides: leave out one of them\n"


BAD = {
    "missing.json": (None, "no flows at"),
    "empty.pcap": (b"", "empty file"),
    "text.pcap": (b"hello\n", "text.pcap"),
    "array.json": (b"[{", "array.json"),
    "cut.parquet": (b"PAR1cut", "cut.parquet"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_flows_are_one_line_and_exit_1(tmp_path, name):
    content, message = BAD[name]
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    done = run("matrix", path)
    assert (done.returncode, done.stdout) == (1, "")
    assert len(done.stderr.splitlines()) == 1
    assert message in done.stderr


def test_three_broken_lines_are_counted_and_the_rest_is_used(tmp_path):
    path = tmp_path / "flows.json"
    path.write_text(
        '{"SrcAddr":"10.0.0.1","DstAddr":"10.0.0.2","DstPort":80,"SrcPort":50000,"Proto":6,"Flags":2}\n' + "{x\n" * 3
    )
    done = run("matrix", path, "--format", "json")
    assert len(json.loads(done.stdout)) == 1
    assert done.stderr.splitlines()[0] == "left out: 3 broken JSON lines"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "apiVersion: flows.netobserv.io/v1alpha1\nkind: FlowMetric\nspec: {type: Counter, labels: [DstPrt]}\nmetadata: {name: m}\n",
            "Did you mean 'DstPort'?",
        ),
        ("kind: FlowMetric\n\tspec: {}\n", "m.yaml"),
        ("kind: ConfigMap\n", "m.yaml"),
    ],
)
def test_bad_definitions_are_one_line(flows, tmp_path, text, message):
    definition = tmp_path / "m.yaml"
    definition.write_text(text)
    done = run("metric", definition, "--flows", flows)
    assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
    assert message in done.stderr


def test_wrong_usage_is_exit_2_and_help_has_an_example():
    assert run("matrix").returncode == 2
    for command in ("matrix", "metric", "report"):
        done = run(command, "--help")
        assert done.returncode == 0
        assert f"Example: flowkit {command}" in done.stdout


def test_a_closed_pipe_is_no_error(flows):
    command = f"{sys.executable} -m flowkit matrix {flows} | true"
    done = subprocess.run(["bash", "-o", "pipefail", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_nothing_heavy_is_imported_for_help():
    heavy = "{m for m in sys.modules if m in ('pandas', 'numpy', 'duckdb', 'plotly', 'pyarrow')}"
    code = f"import sys, flowkit.cli; print({heavy})"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_first_subnet_label_wins_unless_the_longest_prefix_is_asked_for(tmp_path):
    import flowkit as fk

    flows = fk.write(table(*exchange("10.128.0.5:51000", "203.0.113.9:443")), tmp_path / "flows.parquet")
    labels = tmp_path / "collector.yaml"
    wide_first = "customLabels: [{name: Wide, cidrs: [203.0.0.0/8]}, {name: Narrow, cidrs: [203.0.113.0/24]}]"
    labels.write_text(f"kind: FlowCollector\nspec: {{processor: {{subnetLabels: {{{wide_first}}}}}}}\n")

    def label(*more):
        done = run("matrix", flows, "--by", "workload", "--subnets", labels, "--format", "json", *more)
        return json.loads(done.stdout)[0]["to_subnet_label"]

    assert (label(), label("--longest-prefix")) == ("Wide", "Narrow")


def test_matrix_as_parquet_needs_a_file(flows, tmp_path):
    refused = run("matrix", flows, "--format", "parquet")
    assert refused.returncode == 2
    assert "parquet needs a file: -o NAME.parquet" in refused.stderr
    done = run("matrix", flows, "-o", str(tmp_path / "edges.parquet"))
    assert done.returncode == 0
    assert len(pd.read_parquet(tmp_path / "edges.parquet")) == len(
        json.loads(run("matrix", flows, "--format", "json").stdout)
    )
