"""One connection explained: by names or addresses, with the rule, what is missing, and pods judged otherwise."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import yaml
from typer.testing import CliRunner

from flowkit.cli import app
from flowkit.errors import PolicyError
from flowkit.policy.explain import Question, explain

POLICIES = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: default-deny, namespace: data}
spec: {podSelector: {}, policyTypes: [Ingress, Egress]}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: redis, namespace: data}
spec:
  podSelector: {matchLabels: {app: redis}}
  ingress:
  - from:
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: shop}}
      podSelector: {matchLabels: {app: frontend}}
    ports: [{port: 6379}]
"""


# After the recorded cluster's pods began.
LATE = {"TimeFlowStartMs": 1_768_208_400_000, "TimeFlowEndMs": 1_768_208_401_000}


@pytest.fixture
def policies(tmp_path):
    (tmp_path / "data.yaml").write_text(POLICIES)
    return tmp_path


def explained(policies, cluster, source, server):
    return list(explain(policies, Question.parse(source, server), cluster / "cluster.json").lines())


def test_allowed_by_a_rule(policies, cluster):
    assert explained(policies, cluster, "shop/frontend", "data/redis:6379")[1:] == [
        "  egress  allowed: not isolated",
        "  ingress allowed: admitted, data/redis ingress[0]",
        "          isolated by data/default-deny, data/redis",
    ]


def test_denied_and_what_comes_nearest(policies, cluster):
    lines = explained(policies, cluster, "shop/frontend", "data/redis:6380")
    assert lines[0].startswith("denied: shop/frontend-")
    assert lines[2:] == [
        "  ingress denied: same peer, other port, data/redis ingress[0]",
        "          isolated by data/default-deny, data/redis",
        "          that rule has this peer: it would need the port",
    ]


def test_denied_on_the_way_out(policies, cluster):
    assert explained(policies, cluster, "data/redis", "203.0.113.9:443/tcp")[1:] == [
        "  egress  denied: no rule comes near",
        "          isolated by data/default-deny",
        "          no rule has this peer or this port",
        "  ingress allowed: not isolated",
    ]


def test_pods_of_one_workload_that_are_judged_otherwise_are_counted():
    def pod(name, app, ip):
        owner = [{"kind": "StatefulSet", "name": "db"}] if name.startswith("db") else []
        meta = {"name": name, "namespace": "shop", "labels": {"app": app}, "ownerReferences": owner}
        return {"kind": "Pod", "metadata": meta, "status": {"podIPs": [{"ip": ip}], "hostIP": "10.9.0.1"}}

    pods = [pod("web", "web", "10.0.0.1"), pod("db-0", "old", "10.0.0.2"), pod("db-1", "new", "10.0.0.3")]
    kinds = [{"kind": kind, "metadata": {"name": "x"}} for kind in ("Node", "Service", "Namespace", "ReplicaSet")]
    deny = yaml.safe_load(POLICIES.split("---")[0])
    deny["metadata"]["namespace"] = "shop"
    deny["spec"] = {"podSelector": {"matchLabels": {"app": "new"}}}
    found = explain(deny, Question.parse("shop/web", "shop/db:80"), {"kind": "List", "items": [*pods, *kinds]})
    assert found.verdict == "allowed"
    assert found.notes == ("1 of 2 pairs of pods are judged otherwise, e.g. shop/web → shop/db-1",)


@pytest.mark.parametrize(
    ("source", "server", "message"),
    [
        (
            "shop/frontent",
            "data/redis:6379",
            "no pod, workload or node 'shop/frontent' .* Did you mean 'shop/frontend'?",
        ),
        ("shop/frontend", "data/redis", "'data/redis' is no server"),
        ("shop/frontend", "data/redis:0", "'data/redis:0' is no server"),
        ("shop/frontend", "data/redis:80/quic", "'quic' is no protocol: tcp, udp, sctp or a number"),
    ],
)
def test_what_cannot_be_asked_is_said(policies, cluster, source, server, message):
    with pytest.raises(PolicyError, match=message):
        explained(policies, cluster, source, server)


def test_addresses_and_protocols_are_read():
    assert Question.parse("[fd00::1]", "[fd00::2]:53/udp") == Question("fd00::1", "fd00::2", 53, 17)


def run(*arguments):
    command = [sys.executable, "-m", "flowkit", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_the_commands(policies, cluster, tmp_path):
    import flowkit as fk
    from tests.flows import flow, table

    options = ("--policies", policies, "--cluster", cluster / "cluster.json")
    done = run("explain", "shop/frontend", "data/redis:6379", *options, "--format", "json")
    assert (done.returncode, json.loads(done.stdout)["verdict"]) == (0, "allowed")
    flows = fk.write(table(flow("203.0.113.9:50000", "10.128.0.11:6379", "SYN", **LATE)), tmp_path / "flows.parquet")
    done = run("policy", "judge", flows, *options, "--format", "json")
    assert (done.returncode, json.loads(done.stdout)[0]["verdict"]) == (0, "denied")


def test_policies_come_from_kubectl_through_a_pipe(cluster):
    listed = {"apiVersion": "v1", "kind": "List", "items": list(yaml.safe_load_all(POLICIES))}
    asked = ["explain", "shop/frontend", "data/redis:6379", "--policies", "-", "--cluster", cluster / "cluster.json"]
    done = CliRunner().invoke(app, list(map(str, asked)), input=json.dumps(listed))
    assert done.exit_code == 0, done.output
    assert "ingress allowed: admitted, data/redis ingress[0]" in done.stdout
