"""What a stranger installs: sdist and wheel built from this tree, and the wheel alone, without extras, in an empty environment."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
import zipfile
from importlib import metadata

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.slow

OPTIONAL = (
    "anywidget",
    "ipywidgets",
    "jupyterlab",
    "kafka",
    "kubernetes",
    "plotly",
    "prometheus_pandas",
    "pyshark",
    "pyspark",
)
CORE_JOB = f"""
import sys
import flowkit as fk, capture
flows = fk.enrich(fk.read(sys.argv[1]), cluster=sys.argv[2])
matrix = fk.matrix(flows)
policies = fk.synthesise(matrix.where(namespace="netobserv"), sys.argv[2])
fk.report(matrix, sys.argv[3])
assert not set(sys.modules) & set({OPTIONAL!r})
print(fk.verify(policies, flows, sys.argv[2]).line)
"""


def run(*command, **more):
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, check=False, timeout=300, **more
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(root, tmp_path_factory):
    """The wheel that the sdist gives: what the sdist lacks, the wheel would lack too."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", folder, cwd=root)
    (packed,) = folder.glob("flowkit_net-*.tar.gz")
    run("tar", "-xzf", packed, "-C", folder)
    run(
        sys.executable,
        "-m",
        "hatchling",
        "build",
        "-t",
        "wheel",
        "-d",
        folder,
        cwd=folder / packed.name.removesuffix(".tar.gz"),
    )
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The programs' folder of an environment that holds the wheel and its core needs, in the locked versions, and nothing else."""
    home = tmp_path_factory.mktemp("empty")
    venv.create(home, with_pip=True)
    locked = home / "locked.txt"
    locked.write_text("".join(f"{name}=={metadata.version(name)}\n" for name in core_names(wheel)))
    run(
        home / "bin" / "pip",
        "install",
        "--quiet",
        "--no-compile",
        "--disable-pip-version-check",
        "--constraint",
        locked,
        wheel,
    )
    return home / "bin"


def requirements(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return [
            Requirement(line)
            for line in re.findall(r"^Requires-Dist: (.*)$", archive.read(name).decode(), re.MULTILINE)
        ]


def core_names(wheel):
    return [wanted.name for wanted in requirements(wheel) if wanted.marker is None]


def outside(home):
    """An environment in which only `home` counts, and a folder that is no checkout."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return {"env": clean, "cwd": home}


def test_the_wheel_holds_code_examples_and_licence_and_no_tests(wheel, root):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"flowkit", "capture"}
    wanted = {f"flowkit/examples/notebooks/{path.name}" for path in (root / "notebooks").glob("*.ipynb")}
    assert wanted | {"flowkit/py.typed", "capture/py.typed", "flowkit/contract/fields.csv"} <= names
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_every_requirement_is_met_by_the_locked_versions(wheel):
    for wanted in requirements(wheel):
        if wanted.name != "flowkit-net":
            assert wanted.specifier.contains(metadata.version(wanted.name), prereleases=True), wanted


def test_without_extras_the_whole_job_runs_and_loads_nothing_optional(installed, root, tmp_path):
    cluster = root / "data" / "cluster"
    recorded = sorted(cluster.glob("*.pcap.gz"))[0]
    said = run(
        installed / "python",
        "-c",
        CORE_JOB,
        recorded,
        cluster / "cluster.json",
        tmp_path / "out.html",
        **outside(tmp_path),
    )
    assert said.startswith("verified: ") or "every observed connection allowed" in said
    assert (tmp_path / "out.html").exists()


def test_the_programs_work(installed, tmp_path):
    assert "matrix" in run(installed / "flowkit", "--help", **outside(tmp_path))
    assert "pcap" in run(installed / "capture", "--help", **outside(tmp_path))
    said = run(installed / "flowkit", "demo", "-o", tmp_path / "out", **outside(tmp_path))
    assert "every observed connection allowed" in said.splitlines()[-1]


def test_what_an_extra_would_give_is_said(installed, tmp_path):
    assert "pip install 'flowkit-net[notebook]'" in run(installed / "flowkit", "doctor", **outside(tmp_path))
    done = subprocess.run(
        [installed / "flowkit", "lab", "mine"], capture_output=True, text=True, check=False, **outside(tmp_path)
    )
    assert (done.returncode, done.stderr) == (
        1,
        "flowkit: JupyterLab is not installed: pip install 'flowkit-net[capture,notebook]'\n",
    )


def test_help_comes_before_pandas(installed, tmp_path):
    loaded = run(
        installed / "python",
        "-c",
        "import sys, flowkit, flowkit.cli, capture; print(*sys.modules)",
        **outside(tmp_path),
    )
    assert not set(loaded.split()) & {"pandas", "duckdb", "pyarrow", "numpy", *OPTIONAL}
