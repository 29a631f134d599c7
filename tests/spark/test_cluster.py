"""A real standalone cluster on loopback: one master and two workers, each a process, and a program that uses them."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pandas as pd
import pytest

from flowkit.contract import conform
from tests.metric.test_flowmetric import DATA, FLOWS, definition
from tests.spark.sessions import settings

MASTER, WORKER = "org.apache.spark.deploy.master.Master", "org.apache.spark.deploy.worker.Worker"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def running(folder, *command):
    """A Java process of Spark's, ended with the block whatever happens in it."""
    spark_class = Path(pytest.importorskip("pyspark").__file__).parent / "bin" / "spark-class"
    environment = {
        **os.environ,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_CONF_DIR": str(settings(folder)),
        "SPARK_WORKER_DIR": str(folder / "work"),
        "SPARK_LOCAL_DIRS": str(folder / "local"),
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
        "SPARK_LOG_DIR": str(folder),
    }
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([str(spark_class), *command], env=environment, stdout=log, stderr=log, cwd=folder)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)


def await_port(port):
    end = time.monotonic() + 40
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    pytest.fail("the master does not listen")


@pytest.fixture
def master(tmp_path):
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    web = ("--webui-port", "0")
    with ExitStack() as stack:
        stack.enter_context(running(tmp_path, MASTER, "--host", "127.0.0.1", "--port", str(port), *web))
        await_port(port)
        for _ in range(2):
            worker = ("--host", "127.0.0.1", "--cores", "1", "--memory", "600m", *web, url)
            stack.enter_context(running(tmp_path, WORKER, *worker))
        yield url
    shutil.rmtree(tmp_path / "work", ignore_errors=True)


def test_the_seeds_metric_on_parquet_is_the_same_table(master, tmp_path):
    flows = tmp_path / "flows"
    flows.mkdir()
    conform(FLOWS)[:5].to_parquet(flows / "a.parquet")
    conform(FLOWS)[5:].to_parquet(flows / "b.parquet")
    program = [sys.executable, "-W", "ignore", "-m", "tests.spark.on_cluster", master, str(tmp_path)]
    command = [*program, str(DATA / "workload-syn-in.yaml"), str(flows)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=DATA.parents[1], check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    answer = json.loads(done.stdout)
    assert answer["executors"] == 2
    pd.testing.assert_frame_equal(pd.DataFrame(answer["table"]), definition("workload-syn-in").apply(conform(FLOWS)))
