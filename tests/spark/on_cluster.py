"""A program as a user would run it: a metric over Parquet on a standalone cluster; the table as JSON, and who computed."""

import json
import sys
import time
from pathlib import Path

from flowkit.engine.spark import Spark
from flowkit.metric import FlowMetric
from tests.spark.sessions import local

_CLUSTER = {
    "spark.executor.memory": "512m",
    "spark.executor.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.cores.max": 2,
}


def main(master, folder, definition, flows):
    session = local(master, Path(folder), **_CLUSTER)
    try:
        executors = waited(session)
        table = FlowMetric.load(definition).apply(flows, engine=Spark(session))
        sys.stdout.write(json.dumps({"executors": executors, "table": table.to_dict("list")}))
    finally:
        session.stop()


def waited(session):
    """How many executors have come; the driver is in Spark's list too."""
    known = session.sparkContext._jsc.sc().getExecutorMemoryStatus
    end = time.monotonic() + 40
    while known().size() < 3 and time.monotonic() < end:
        time.sleep(0.1)
    return known().size() - 1


if __name__ == "__main__":
    main(*sys.argv[1:])
