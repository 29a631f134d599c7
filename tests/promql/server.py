"""A real Prometheus on loopback that holds given samples."""

import contextlib
import json
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest

NEEDS_PROMETHEUS = [
    pytest.mark.server,
    pytest.mark.skipif(
        not (shutil.which("promtool") and shutil.which("prometheus")),
        reason="promtool and prometheus (Debian package prometheus) are missing",
    ),
]


@contextlib.contextmanager
def prometheus(folder, *openmetrics, config="{}\n"):
    """Fill a server's storage with OpenMetrics texts; its address while it runs, by default without scraping anything."""
    for number, text in enumerate(openmetrics):
        file = folder / f"samples{number}.om"
        file.write_text(text, encoding="utf-8")
        backfill = ["promtool", "tsdb", "create-blocks-from", "openmetrics", file, folder / "data"]
        subprocess.run(backfill, check=True, capture_output=True)
    (folder / "prometheus.yml").write_text(config)
    address = f"127.0.0.1:{free_port()}"
    options = [f"--web.listen-address={address}", "--storage.tsdb.retention.time=20y", "--log.level=error"]
    places = [f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/data"]
    with subprocess.Popen(["prometheus", *options, *places], stderr=subprocess.DEVNULL) as process:
        try:
            until_ready(process, f"http://{address}/-/ready")
            yield f"http://{address}"
        finally:
            process.terminate()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until_ready(process, url):
    for _ in range(300):
        assert process.poll() is None, "prometheus ended"
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise TimeoutError("prometheus was not ready within 30 seconds")


def asked(server, query, start, end, step):
    """What the server says to a range query (ms): the values by label set and time, or its error as text."""
    times = {"start": start / 1000, "end": end / 1000, "step": step / 1000}
    body = urllib.parse.urlencode({"query": query, **times}).encode()
    try:
        with urllib.request.urlopen(f"{server}/api/v1/query_range", body, timeout=30) as answer:
            result = json.load(answer)["data"]["result"]
    except urllib.error.HTTPError as refused:
        return json.load(refused)["error"]
    return {
        frozenset(one["metric"].items()): {round(at * 1000): float(value) for at, value in one["values"]}
        for one in result
    }
