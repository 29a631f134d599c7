"""``flowkit query``, ``backfill`` and ``serve``: a few lines over the public functions."""

import signal
import subprocess
import sys
import urllib.request

from tests.cli.test_metric import place as place
from tests.cli.test_metric import run
from tests.sources.scripted import Answer, scripted


def test_a_query_over_flows(place):
    asked = ("--flows", "flows.parquet", "--metric", "opened.yaml", "--format", "csv")
    done = run(place, "query", "sum by (DstPort) (netobserv_opened)", *asked)
    assert done.stdout.splitlines()[1:] == [
        "53,1970-01-01 00:00:15+00:00,1.0",
        "8080,1970-01-01 00:00:15+00:00,1.0",
    ]
    failed = run(place, "query", "sum(rat(x[1m]))", *asked)
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert "at character 5: sum(>>>rat(x[1m]))" in failed.stderr


def test_a_query_to_a_server(place):
    body = b'{"status":"success","data":{"resultType":"vector","result":[{"metric":{"port":"443"},"value":[60,"2"]}]}}'
    with scripted(Answer(body=body)) as server:
        done = run(place, "query", "syn", "--prometheus", f"http://127.0.0.1:{server.server_port}", "--format", "csv")
    assert done.stdout.splitlines() == ["port,time,value", "443,1970-01-01 00:01:00+00:00,2.0"]


def test_a_query_to_a_rollup(place):
    (place / "flows").mkdir()
    (place / "flows.parquet").rename(place / "flows" / "flows.parquet")
    run(place, "rollup", "flows", "hours", "--metric", "opened.yaml", "--finish")
    done = run(place, "query", "sum by (DstPort) (netobserv_opened)", "--rollup", "hours", "--format", "csv")
    assert done.stdout.splitlines()[1:] == ["53,1970-01-01 01:00:00+00:00,1.0", "8080,1970-01-01 01:00:00+00:00,1.0"]
    failed = run(place, "query", "x", "--rollup", "flows")
    assert (failed.returncode, failed.stderr.count("\n")) == (1, 1)
    assert "is no rollup" in failed.stderr


def test_wrong_usage(place):
    assert run(place, "query", "x").returncode == 2
    assert run(place, "query", "x", "--flows", "flows.parquet").returncode == 2
    assert run(place, "query", "x", "--rollup", "hours", "--prometheus", "http://localhost:9090").returncode == 2


def test_backfill_is_openmetrics_of_all_metrics(place):
    done = run(place, "backfill", "opened.yaml", "opened.yaml", "--flows", "flows.parquet", "-o", "flows.om")
    assert done.stdout == "flows.om\n"
    lines = (place / "flows.om").read_text().splitlines()
    assert [line for line in lines if line.startswith("#")].count("# EOF") == 1
    assert 'netobserv_opened{DstPort="53"} 1 15.000' in lines


def test_serve_shows_the_metrics_until_it_is_stopped(place):
    command = [sys.executable, "-m", "flowkit", "serve", ".", "--metric", "opened.yaml", "--port", "0"]
    (place / "opened.yaml").rename(place / ".opened.yaml")
    command[6] = ".opened.yaml"
    with subprocess.Popen(command, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().strip()
        with urllib.request.urlopen(url, timeout=30) as answer:
            assert 'netobserv_opened{DstPort="53"} 1\n' in answer.read().decode()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=20) == 0
        assert process.stderr.read().endswith("stopped\n")
