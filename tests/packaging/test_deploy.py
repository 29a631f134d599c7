"""What stands in deploy/ is what Kubernetes takes, and the commands in it are ones that our programs know."""

from __future__ import annotations

import re
import shlex

import kubernetes_validate
import pytest
import yaml
from typer.testing import CliRunner

from capture.cli import main
from tests.conftest import ROOT

MANIFESTS = [
    pytest.param(body, id=f"{path.stem}-{body['kind']}")
    for path in sorted((ROOT / "deploy").glob("*.yaml"))
    for body in yaml.safe_load_all(path.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("release", ["1.30", "1.37"])
@pytest.mark.parametrize("body", MANIFESTS)
def test_a_manifest_keeps_to_the_schema_of_kubernetes(body, release):
    kubernetes_validate.validate(body, release, strict=True)


def commands():
    """The lines that begin with `capture`, of containers and of the comments."""
    for manifest in MANIFESTS:
        (body,) = manifest.values
        pod = body["spec"].get("template", body).get("spec", {}) if "spec" in body else {}
        for container in pod.get("containers", []):
            words = container.get("command", []) if not container.get("args") else container["args"]
            yield shlex.join(words) if len(words) > 1 else words[0].split("&&")[0]
    for path in (ROOT / "deploy").glob("*.yaml"):
        yield from re.findall(r"^#.* -- (capture .*)$", path.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_commands_are_known(tmp_path):
    ours = [shlex.split(line)[1:] for line in commands() if line.startswith("capture live ")]
    assert len(ours) == 3
    for words in ours:
        # An interface that nobody has: refused for that, not for a word it does not know.
        words[words.index("-i") + 1] = "nobody0"
        words[words.index("-o") + 1] = str(tmp_path)
        words = [word.replace("$(HOST_IP)", "10.0.0.1") for word in words]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == 1, done.output
        assert "nobody0" in str(done.exception) + done.output


def test_the_container_file_takes_what_is_locked_and_runs_as_nobody_special():
    lines = (ROOT / "deploy" / "Containerfile").read_text(encoding="utf-8")
    (locked,) = re.findall(r"--require-hashes -r /src/(\S+)", lines)
    assert "--hash=sha256:" in (ROOT / locked).read_text(encoding="utf-8")
    assert re.findall(r"^(?:USER|CMD) .*$", lines, re.MULTILINE) == ["USER 10001", 'CMD ["flowkit", "--help"]']
