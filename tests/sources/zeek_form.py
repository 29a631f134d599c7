"""Zeek's logs for tests, written to https://docs.zeek.org/en/master/log-formats.html: Zeek itself is in no package here."""

from __future__ import annotations

import json

import numpy as np

from flowkit.contract import FLAG_BITS

FIELDS = {
    "ts": "time", "uid": "string", "id.orig_h": "addr", "id.orig_p": "port", "id.resp_h": "addr", "id.resp_p": "port",
    "proto": "enum", "duration": "interval", "orig_bytes": "count", "resp_bytes": "count", "conn_state": "string",
    "history": "string", "orig_pkts": "count", "orig_ip_bytes": "count", "resp_pkts": "count", "resp_ip_bytes": "count",
}  # fmt: skip
LETTERS = {"SYN": "S", "SYN_ACK": "H", "ACK": "A", "FIN_ACK": "F", "RST": "R", "RST_ACK": "R"}
PROTO = {6: "tcp", 17: "udp", 1: "icmp", 58: "icmp"}


def tsv(rows, path="conn", separator="\t", fields=FIELDS):
    code = "".join(f"\\x{byte:02x}" for byte in separator.encode())
    head = [("#set_separator", ","), ("#empty_field", "(empty)"), ("#unset_field", "-"), ("#path", path)]
    head += [("#open", "2026-01-12-08-00-00"), ("#fields", *fields), ("#types", *fields.values())]
    lines = [f"#separator {code}", *(separator.join(each) for each in head)]
    lines += [separator.join(str(row.get(name, "-")) for name in fields) for row in rows]
    return "\n".join([*lines, separator.join(("#close", "2026-01-12-09-00-00"))]) + "\n"


def as_json(rows):
    return "".join(json.dumps(row) + "\n" for row in rows)


def letters(flags):
    return "".join(letter for name, letter in LETTERS.items() if flags & FLAG_BITS[name])


def connections(flows):
    """What Zeek would say of one sensor's flows: one record for both ways, the originator opened it or was seen first."""
    known = flows[flows["SrcAddr"].notna() & flows["Proto"].isin(PROTO)].sort_values("TimeFlowStartMs", kind="stable")
    rows = known.astype(object).where(known.notna(), None).to_dict("records")
    found: dict[tuple, dict] = {}
    for row in rows:
        ends = ((row["SrcAddr"], row["SrcPort"]), (row["DstAddr"], row["DstPort"]))
        kind = row["IcmpType"] if row["Proto"] in (1, 58) else None
        key = (row["Proto"], *sorted(map(str, ends)), kind if kind not in (0, 8, 128, 129) else "echo")
        by_flags = row["Proto"] != 6 or row["DirectionBy"].startswith("SYN")
        is_orig = row["Client"] == "Src" if by_flags else True
        one = found.setdefault(key, {"orig": ends if is_orig else ends[::-1], "rows": []})
        one["rows"].append((ends == one["orig"], row))
    return [record(number, one) for number, one in enumerate(found.values())]


def record(number, one):
    mine, theirs = ([row for orig, row in one["rows"] if orig == which] for which in (True, False))
    both = [*mine, *theirs]
    (orig, orig_port), (resp, resp_port) = one["orig"]
    proto = both[0]["Proto"]
    if proto in (1, 58):
        kinds = [row["IcmpType"] for row in mine] or [row["IcmpType"] for row in theirs]
        answer = {8: 0, 128: 129, 0: 8, 129: 128}.get(kinds[0])
        orig_port, resp_port = kinds[0], both[0]["IcmpCode"] if answer is None else answer
    flags = [int(np.bitwise_or.reduce([row["Flags"] or 0 for row in rows] or [0])) for rows in (mine, theirs)]
    start, end = min(row["TimeFlowStartMs"] for row in both), max(row["TimeFlowEndMs"] for row in both)
    history = letters(flags[0]) + letters(flags[1]).lower() if proto == 6 else "D" * bool(mine) + "d" * bool(theirs)
    return {
        "ts": f"{start / 1000:.6f}",
        "uid": f"C{number}",
        "id.orig_h": orig,
        "id.orig_p": orig_port,
        "id.resp_h": resp,
        "id.resp_p": resp_port,
        "proto": PROTO[proto],
        "duration": f"{(end - start) / 1000:.6f}",
        "history": history or "-",
        **{f"{who}_pkts": sum(row["Packets"] for row in rows) for who, rows in (("orig", mine), ("resp", theirs))},
        **{
            f"{who}_ip_bytes": sum(row["Bytes"] - 14 * row["Packets"] for row in rows)
            for who, rows in (("orig", mine), ("resp", theirs))
        },
    }
