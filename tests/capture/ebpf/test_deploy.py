"""The DaemonSet: a manifest that Kubernetes' own client reads, and a command line that the program takes."""

from __future__ import annotations

import json

import pytest
import yaml
from kubernetes.client import ApiClient
from typer.main import get_command

from capture.cli import main


@pytest.fixture
def manifest(root) -> dict:
    return yaml.safe_load((root / "deploy" / "capture-ebpf.yaml").read_text())


def test_the_manifest_survives_kubernetes_own_types(manifest):
    client = ApiClient()
    there = client.deserialize(json.dumps(manifest), "V1DaemonSet", "application/json")
    assert client.sanitize_for_serialization(there) == manifest


def test_its_command_is_one_of_ours(manifest):
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    program, name, *arguments = container["command"]
    command = get_command(main).commands[name]
    given = command.make_context(name, list(arguments)).params
    assert program == "capture"
    assert given["interface"] == ["eth0"]
    assert given["owners"] is True
    assert str(given["output"]) == "/flows/$(NODE_NAME)"
    assert {each["name"] for each in container["env"]} == {"NODE_IP", "NODE_NAME"}


def test_it_asks_for_no_more_than_the_capture_needs(manifest):
    (container,) = manifest["spec"]["template"]["spec"]["containers"]
    context = container["securityContext"]
    # Another user's descriptors are read to find who owns older sockets.
    assert context["capabilities"] == {"drop": ["ALL"], "add": ["BPF", "NET_ADMIN", "PERFMON", "SYS_PTRACE"]}
    assert not context.get("privileged")
