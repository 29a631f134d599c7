"""Hubble's events for tests, written to Cilium's flow.proto: https://github.com/cilium/cilium/blob/main/api/v1/flow/flow.proto."""

from __future__ import annotations

import json

import pandas as pd

from flowkit.contract import flag_names

HEADER = {
    "SYN_ACK": ("SYN", "ACK"),
    "FIN_ACK": ("FIN", "ACK"),
    "RST_ACK": ("RST", "ACK"),
}


def stamp(ms, ns=0):
    return pd.Timestamp(int(ms), unit="ms").strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + f"{ns:06d}Z"


def layer4(row, flag):
    ports = {"source_port": row["SrcPort"], "destination_port": row["DstPort"]}
    match row["Proto"]:
        case 6:
            return {"TCP": {**ports, "flags": dict.fromkeys(HEADER.get(flag, (flag,)), True)}}
        case 17 | 132:
            return {"UDP" if row["Proto"] == 17 else "SCTP": ports}
    icmp = {"type": row["IcmpType"], "code": row["IcmpCode"]}
    # Protobuf's JSON leaves out what is 0.
    return {"ICMPv4" if row["Proto"] == 1 else "ICMPv6": {key: value for key, value in icmp.items() if value}}


def event(row, flag, ms):
    is_reply = {"Src": False, "Dst": True}[row["Client"]] if not row["DirectionBy"].startswith("inferred") else None
    flow = {
        "time": stamp(ms),
        "verdict": "FORWARDED",
        "IP": {
            "source": row["SrcAddr"],
            "destination": row["DstAddr"],
            "ipVersion": "IPv6" if ":" in row["SrcAddr"] else "IPv4",
        },
        "l4": layer4(row, flag),
        "Type": "L3_L4",
        "node_name": row["CaptureFile"],
        "event_type": {"type": 4, "sub_type": 3},
        "trace_observation_point": "TO_STACK",
        "is_reply": is_reply,
        "Summary": "",
    }
    return {"flow": flow, "node_name": flow["node_name"], "time": flow["time"]}


def lines(flows):
    """An event a flag that a flow has, as monitor aggregation leaves them."""
    known = flows[flows["SrcAddr"].notna() & flows["Proto"].isin([1, 6, 17, 58, 132])]
    names = flag_names(known["Flags"]).tolist()
    rows = known.astype(object).where(known.notna(), None).to_dict("records")
    made = (
        event(row, flag, row["TimeFlowStartMs"])
        for row, flags in zip(rows, names, strict=True)
        for flag in (flags if isinstance(flags, list) and flags else [None])
    )
    return "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in made)
