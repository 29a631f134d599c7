"""The live handle in a real Jupyter kernel, whose event loop runs while its cells do."""

from __future__ import annotations

import os

import nbformat
import pytest
from nbclient import NotebookClient

from tests.capture.test_dissect import needs_pyshark, needs_tshark

pytestmark = [
    pytest.mark.privileged,
    pytest.mark.skipif(os.geteuid() != 0, reason="not root"),
    # The kernel's own transport (zmq on asyncio) warns at shutdown; that is not ours to mend.
    pytest.mark.filterwarnings("default"),
]

BEGIN = """
import socket, time, capture
target = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
target.bind(("127.0.0.1", 0))
port = target.getsockname()[1]
def send(count):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            sender.sendto(b"x", ("127.0.0.1", port))
def grown(packets):
    end = time.monotonic() + 60
    while time.monotonic() < end and handle.flows["Packets"].sum() < packets:
        time.sleep(0.1)
    return handle.flows["Packets"].sum()
handle = capture.live("lo", filter=f"udp dst port {port}", every=0.5, engine=ENGINE)
"""
CELLS = ["handle", "send(10); print(grown(10))", "send(20); print(grown(30), handle.running)"]
CELLS += ["print(handle.stop().packets, handle.running, len(handle.flows) >= 2)"]


@pytest.mark.parametrize("engine", ["numpy", pytest.param("pyshark", marks=[needs_tshark, needs_pyshark])])
def test_flows_grow_from_cell_to_cell_until_it_is_stopped(engine):
    begin = BEGIN.replace("ENGINE", repr(engine))
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in [begin, *CELLS]])
    NotebookClient(notebook, timeout=120).execute()
    shown, *printed = [cell.outputs[0] for cell in notebook.cells[1:]]
    assert "<p>capturing on lo: " in shown.data["text/html"]
    assert [out.text.strip() for out in printed] == ["10", "30 True", "30 False True"]
