"""One small file of every other source, from which the fuzz starts."""

from __future__ import annotations

import json
from pathlib import Path

from tests.sources import zeek_form


def lines(*values):
    return "".join(json.dumps(value, separators=(",", ":")) + "\n" for value in values).encode()


_END = {
    "ID": 7,
    "identity": 2,
    "labels": ["reserved:host"],
    "pod_name": "a-1",
    "workloads": [{"name": "a", "kind": "Job"}],
}
_HUBBLE = {
    "time": "2026-01-12T08:00:01.123456789Z",
    "verdict": "DROPPED",
    "drop_reason_desc": "POLICY_DENIED",
    "IP": {"source": "10.0.0.1", "destination": "10.0.0.2", "ipVersion": "IPv4"},
    "l4": {"TCP": {"source_port": 40000, "destination_port": 80, "flags": {"SYN": True}}},
    "source": _END,
    "Type": "L3_L4",
    "node_name": "c/n",
    "event_type": {"type": 4},
    "traffic_direction": "EGRESS",
    "is_reply": False,
}
HUBBLE = lines(
    {"flow": _HUBBLE}, {"lost_events": {"num_events_lost": "2"}}, {"flow": {**_HUBBLE, "verdict": "FORWARDED"}}
)

_CONN = {
    "ts": "1767225600.305988",
    "uid": "C1",
    "id.orig_h": "10.0.0.1",
    "id.orig_p": 40000,
    "id.resp_h": "10.0.0.2",
    "id.resp_p": 80,
    "proto": "tcp",
    "duration": "0.25",
    "history": "ShADadFf",
    "orig_pkts": 6,
    "orig_ip_bytes": 397,
    "resp_pkts": 4,
    "resp_ip_bytes": 511,
}
_CONNS = [
    _CONN,
    {**_CONN, "proto": "icmp", "id.orig_p": 8, "id.resp_p": 0},
    {**_CONN, "history": "-", "conn_state": "REJ"},
]

_SAMPLES = Path(__file__).parent / "samples"

SEEDS = {"hubble": HUBBLE, "zeek": zeek_form.tsv(_CONNS).encode(), "zeek json": lines(*_CONNS)}
SEEDS |= {name: (_SAMPLES / name).read_bytes() for name in ("nfdump.json", "nfdump.csv")}
