"""Writers of every form that NetObserv's flows are met in, for tests: flows go in as JSON objects."""

from __future__ import annotations

import csv
import gzip
import io
import json
import sqlite3
from pathlib import Path

from flowkit.contract.at_rest import json_lines

LABELS = (
    "SrcK8S_Namespace",
    "DstK8S_Namespace",
    "SrcK8S_OwnerName",
    "DstK8S_OwnerName",
    "SrcK8S_Type",
    "DstK8S_Type",
    "FlowDirection",
    "K8S_FlowLayer",
)
FLAG_BITS = {"FIN": 1, "SYN": 2, "RST": 4, "PSH": 8, "ACK": 16, "URG": 32, "ECE": 64, "CWR": 128}
FLAG_BITS |= {"SYN_ACK": 256, "FIN_ACK": 512, "RST_ACK": 1024}


def objects(flows):
    """The flows as NetObserv's pipeline would write them."""
    return [json.loads(line) for chunk in json_lines(flows) for line in chunk.splitlines()]


def lines(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def array(rows):
    return json.dumps(rows)


def indented(rows):
    return json.dumps(rows, indent=2)


def _numeric(row):
    """The CLI writes flags as a number, and neither flow layer nor subnet labels."""
    bare = {k: v for k, v in row.items() if k not in ("K8S_FlowLayer", "SrcSubnetLabel", "DstSubnetLabel")}
    return {**bare, "Flags": sum(FLAG_BITS[name] for name in row["Flags"])} if "Flags" in row else bare


def cli_running(rows):
    return "".join(json.dumps(_numeric(row), separators=(",", ":")) + ",\n" for row in rows)


def cli_copied(rows):
    """As the CLI's script makes it, here without dropping the last flow."""
    return "[\n" + cli_running(rows).removesuffix(",\n") + "\n]\n"


def cli_copied_twice(rows):
    half = len(rows) // 2
    return cli_copied(rows[:half]).strip() + cli_copied(rows[half:]).strip()


def s3_batches(rows, size=5000):
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]
    head = {"version": "v0.1", "capture_start_time": "2026-01-01T10:00:00Z", "capture_end_time": "2026-01-01T10:01:00Z"}
    return lines({**head, "number_of_flow_logs": len(batch), "flow_logs": batch} for batch in batches)


def kcat(rows):
    wrapping = {"topic": "netobserv", "partition": 0, "tstype": "create", "ts": 1, "broker": 0, "key": None}
    return lines({**wrapping, "offset": offset, "payload": json.dumps(row)} for offset, row in enumerate(rows))


def old_capture(rows):
    """One record an interface, the second marked as a duplicate."""
    return lines(
        {**_numeric(row), "Interface": name, "IfDirection": way, "Duplicate": name != "eth0"}
        for row in rows
        for name, way in (("eth0", 0), ("br-ex", 1))
    )


def labelled(row):
    """A flow as Loki holds it: (stream labels, timestamp in ns, line)."""
    labels = {"app": "netobserv-flowcollector", **{name: str(row[name]) for name in LABELS if name in row}}
    line = {name: value for name, value in row.items() if name not in LABELS}
    return labels, row.get("TimeFlowEndMs", 0) * 1_000_000, json.dumps(line)


def streams(entries):
    """Entries as the streams of a query_range answer."""
    found: dict[str, dict] = {}
    for labels, time, line in entries:
        stream = found.setdefault(json.dumps(labels, sort_keys=True), {"stream": labels, "values": []})
        stream["values"].append([str(time), line])
    return list(found.values())


def loki_answer(rows):
    result = streams(labelled(row) for row in rows)
    return json.dumps({"status": "success", "data": {"resultType": "streams", "result": result, "stats": {}}})


def logcli(rows):
    entries = (labelled(row) for row in rows)
    return lines({"labels": labels, "line": line, "timestamp": str(time)} for labels, time, line in entries)


def go_text(value):
    if isinstance(value, list):
        return "[" + " ".join(go_text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{value[key]}" for key in sorted(value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def console_csv(rows):
    """Columns of the first flow only, in an order of its own; what a flow lacks is Go's <nil>."""
    labels = [name for name in reversed(LABELS) if name in rows[0]]
    fields = [name for name in reversed(rows[0]) if name not in labels]
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["Timestamp", *labels, *fields])
    for row in rows:
        values = [str(row.get(name, "")) for name in labels]
        writer.writerow(["1970-01-01", *values, *(go_text(row[f]) if f in row else "<nil>" for f in fields)])
    return out.getvalue()


CLI_TABLE = (
    "DnsErrno INTEGER, Dscp INTEGER, DstAddr TEXT, DstPort INTEGER, Interface TEXT, Proto INTEGER, SrcAddr TEXT, "
    "SrcPort INTEGER, Bytes INTEGER, Packets INTEGER, PktDropLatestDropCause TEXT, PktDropBytes INTEGER, "
    "PktDropPackets INTEGER, DnsId INTEGER, DnsName TEXT, DnsFlagsResponseCode TEXT, DnsLatencyMs TIMESTAMP, "
    "TimeFlowRTTNs TIMESTAMP"
)


def cli_database(path: Path, rows):
    names = [part.split()[0] for part in CLI_TABLE.split(", ")]
    keys = ["TimeFlowRttNs" if name == "TimeFlowRTTNs" else name for name in names]
    with sqlite3.connect(path) as database:
        database.execute(f"CREATE TABLE flow ({CLI_TABLE})")
        marks = ", ".join("?" * len(names))
        database.executemany(f"INSERT INTO flow VALUES ({marks})", [[row.get(key) for key in keys] for row in rows])
    database.close()
    return path


def packed(text):
    return gzip.compress(text.encode())


# Those that lose nothing of the flows themselves.
TEXTS = {
    "lines": lines,
    "array": array,
    "indented": indented,
    "S3 batches": s3_batches,
    "kcat": kcat,
    "Loki answer": loki_answer,
    "logcli": logcli,
}
# Those that lose subnet labels and the flow layer.
CLI = {"CLI running": cli_running, "CLI copied": cli_copied, "CLI copied twice": cli_copied_twice, "old": old_capture}
