"""A JupyterLab of the tests' own: settings, runtime files and kernels in one folder, and a page that says when it has run."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

TOKEN = "explorer-test"
READY_S = 60
HOMES = (
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_DATA_DIR",
    "JUPYTER_RUNTIME_DIR",
    "JUPYTERLAB_SETTINGS_DIR",
    "JUPYTERLAB_WORKSPACES_DIR",
    "IPYTHONDIR",
)
# Every cell is in the page, wherever the reader looks; and nothing asks for news from the network.
SETTINGS = {
    "notebook-extension/tracker": {"windowingMode": "none"},
    "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False, "doNotDisturbMode": True},
}
# The kernel's state says "idle" before the page is connected to it, and Lab drops what is run until then.
CONNECTED = """() => {
  const kernel = window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel;
  return kernel?.connectionStatus === "connected" && kernel.status === "idle";
}"""
COMMAND = "(name) => window.jupyterapp.commands.execute(name)"
FIND = """(start) => {
  const notebook = window.jupyterapp.shell.currentWidget.content;
  notebook.activeCellIndex = notebook.widgets.findIndex((cell) => cell.model.sharedModel.source.startsWith(start));
  return notebook.activeCellIndex;
}"""


@contextmanager
def running(folder: Path, root: Path) -> Iterator[str]:
    """Serve `folder` until the block ends, kernels with `root` on their path; yields the address of a file, to be completed."""
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": 0,
        "IdentityProvider.token": TOKEN,
        "ServerApp.root_dir": folder,
        "ServerApp.open_browser": False,
        "LabApp.expose_app_in_browser": True,
        "LabApp.extension_manager": "readonly",
    }
    command = [sys.executable, "-m", "jupyterlab", "--allow-root"]
    command += [f"--{name}={value}" for name, value in options.items()]
    homes = {name: str(folder / ".lab" / name.lower()) for name in HOMES}
    _settle(Path(homes["JUPYTERLAB_SETTINGS_DIR"]))
    path = os.pathsep.join(filter(None, [str(root), os.environ.get("PYTHONPATH")]))
    log = folder / ".lab" / "log"
    with log.open("wb") as heard:
        server = subprocess.Popen(
            command, env={**os.environ, **homes, "PYTHONPATH": path}, stdout=heard, stderr=heard, cwd=folder
        )
        try:
            yield f"http://127.0.0.1:{_port(server, Path(homes['JUPYTER_RUNTIME_DIR']), log)}/lab/tree/{{}}?token={TOKEN}"
        finally:
            server.terminate()
            server.wait(20)


def _settle(folder: Path) -> None:
    for name, values in SETTINGS.items():
        file = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(json.dumps(values))


def _port(server: subprocess.Popen[bytes], runtime: Path, log: Path) -> int:
    """The port the server chose, when it answers there."""
    until = time.monotonic() + READY_S
    while time.monotonic() < until and server.poll() is None:
        for told in runtime.glob("jpserver-*.json"):
            port = json.loads(told.read_text() or "{}").get("port")
            if port and _answers(port):
                return int(port)
        time.sleep(0.1)
    raise AssertionError(f"JupyterLab did not start: {log.read_text()[-2000:]}")


def _answers(port: int) -> bool:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        try:
            connection.request("GET", f"/api/status?token={TOKEN}")
            return connection.getresponse().status == 200
        except OSError:
            return False


class LabPage:
    """A notebook open in JupyterLab."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        page.goto(address)
        page.wait_for_function(CONNECTED, timeout=60_000)

    def run_all(self) -> None:
        """What the menu's Run All Cells does; comes back when the last cell has run."""
        self.page.evaluate(COMMAND, "notebook:run-all-cells")

    def run(self, start: str) -> str:
        """Run the cell whose source begins with `start`; returns the text of what it shows."""
        at = self.page.evaluate(FIND, start)
        assert at >= 0, f"no cell begins with {start!r}"
        self.page.evaluate(COMMAND, "notebook:run-cell")
        return self.cell(at).locator(".jp-OutputArea-output").first.inner_text()

    def save(self) -> None:
        """What the menu's Save Notebook does."""
        self.page.evaluate(COMMAND, "docmanager:save")

    def cell(self, at: int) -> Any:
        """A cell by its number."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(at)

    def sources(self) -> list[str]:
        """The text of every cell, in order."""
        return self.page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.content.widgets.map((cell) => cell.model.sharedModel.source)"
        )
