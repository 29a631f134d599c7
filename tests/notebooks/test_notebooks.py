"""Every notebook runs from top to bottom, was committed without outputs, and keeps its promises of form."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = sorted((Path(__file__).parent.parent.parent / "notebooks").glob("*.ipynb"))
pytestmark = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def test_it_was_committed_without_outputs_and_begins_with_a_question_and_parameters(path):
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert cells[0].source.startswith("# ")
    assert code[0].metadata.get("tags") == ["parameters"]
    assert "fk.report(" in code[-1].source
    assert not any(cell.outputs or cell.execution_count for cell in code)


@pytest.mark.slow
# The kernel's own transport (zmq on asyncio) warns at shutdown; that is not ours to mend.
@pytest.mark.filterwarnings("default")
def test_it_runs(path, tmp_path):
    notebook = nbformat.read(path, as_version=4)
    parameters = next(cell for cell in notebook.cells if cell.metadata.get("tags") == ["parameters"])
    parameters.source += f"\nout = {str(tmp_path)!r}"
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(path.parent)}}).execute()
    noise = [out for cell in notebook.cells for out in cell.get("outputs", []) if out.get("name") == "stderr"]
    assert noise == []
    assert list(tmp_path.glob("*.html"))


def test_the_first_one_is_short(path):
    if path.stem.startswith("01-"):
        assert len(nbformat.read(path, as_version=4).cells) <= 15
