"""The doctor tells what is here from what is missing, and how to get it."""

from __future__ import annotations

import json
from importlib import import_module

from typer.testing import CliRunner

from flowkit.cli import app

# The package's name `doctor` is the command.
doctor = import_module("flowkit.cli.doctor")


def findings():
    done = CliRunner().invoke(app, ["doctor", "--format", "json"])
    assert done.exit_code == 0, done.output
    return {finding["name"]: finding for finding in json.loads(done.stdout)}


def test_what_the_tests_rest_on_is_found():
    found = findings()
    assert found["pandas"]["state"]
    assert found["notebook"]["state"] == "installed"
    assert set(doctor.EXTRAS) <= set(found)


def test_each_extra_of_the_distribution_is_explained():
    assert set(doctor._needs()) == set(doctor.EXTRAS)


def test_what_is_missing_comes_with_the_command_that_brings_it(monkeypatch):
    real = doctor._version
    monkeypatch.setattr(doctor, "_version", lambda name: "" if name == "pyspark" else real(name))
    monkeypatch.setattr(doctor.shutil, "which", lambda name: None)
    monkeypatch.setattr(doctor, "_effective", lambda: 0)
    found = findings()
    assert (found["spark"]["state"], found["spark"]["get"]) == ("", "pip install 'flowkit-net[spark]'")
    assert found["kafka"]["state"] == "installed"
    assert (found["tshark"]["state"], found["tshark"]["get"]) == ("", "apt install tshark")
    assert found["CAP_NET_RAW"]["get"].startswith("as root, or: setcap cap_net_raw+ep ")
    text = CliRunner().invoke(app, ["doctor"]).stdout
    assert "· program    tshark         missing" in text
    assert "→ apt install tshark" in text
