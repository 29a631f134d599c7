"""The examples of a checkout are found and copied; what the user has is never replaced."""

from __future__ import annotations

import pytest

from flowkit.cli import examples
from flowkit.errors import FlowkitError


def test_they_are_those_of_the_repository(root):
    assert examples.home() == root


def test_a_copy_has_every_notebook_and_leaves_what_is_there(tmp_path, root):
    mine = tmp_path / "notebooks" / "01-who-talks-to-whom.ipynb"
    mine.parent.mkdir()
    mine.write_text("mine")
    copied = examples.copy_to(tmp_path)
    assert mine.read_text() == "mine"
    assert {path.name for path in (tmp_path / "notebooks").iterdir()} == {
        path.name for path in (root / "notebooks").glob("*.ipynb")
    }
    assert (tmp_path / "data" / "cluster" / "cluster.json").read_bytes() == (
        root / "data" / "cluster" / "cluster.json"
    ).read_bytes()
    assert mine not in copied
    assert examples.copy_to(tmp_path) == []


def test_an_installation_without_them_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(examples, "_HOMES", (tmp_path,))
    with pytest.raises(FlowkitError, match="install flowkit-net from its wheel"):
        examples.home()
