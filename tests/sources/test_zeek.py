"""Zeek's conn.log: both ways, flags, initiators, every form of the log; names of the other logs; the lab's matrix.

Zeek is in no package here: logs are written to its documentation, https://docs.zeek.org/en/master/log-formats.html.
"""

from __future__ import annotations

import gzip

import pandas as pd
import pytest

import flowkit as fk
from flowkit.contract import flag_names, provenance
from flowkit.errors import SourceError
from flowkit.matrix.external import read_names
from tests.sources import zeek_form
from tests.sources.alike import edges
from tests.sources.zeek_form import as_json, tsv

TCP = {
    "ts": "1767225600.305988", "uid": "C1", "id.orig_h": "10.0.0.1", "id.orig_p": 40000, "id.resp_h": "10.0.0.2",
    "id.resp_p": 80, "proto": "tcp", "duration": "0.250000", "orig_bytes": 77, "resp_bytes": 295, "conn_state": "SF",
    "history": "ShADadFf", "orig_pkts": 6, "orig_ip_bytes": 397, "resp_pkts": 4, "resp_ip_bytes": 511,
}  # fmt: skip
UDP = {**TCP, "uid": "C2", "id.resp_p": 53, "proto": "udp", "history": "Dd"}


def read(tmp_path, text, name="conn.log"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return fk.read(path)


def test_a_connection_is_a_flow_each_way(tmp_path):
    flows = read(tmp_path, tsv([TCP]))
    assert flows.drop(columns="Flags").to_dict("records") == [
        {"SrcAddr": "10.0.0.1", "DstAddr": "10.0.0.2", "SrcPort": 40000, "DstPort": 80, "TimeFlowStartMs": 1767225600305,
         "TimeFlowEndMs": 1767225600555, "Proto": 6, "Bytes": 397, "Packets": 6, "Initiator": "Src"},
        {"SrcAddr": "10.0.0.2", "DstAddr": "10.0.0.1", "SrcPort": 80, "DstPort": 40000, "TimeFlowStartMs": 1767225600305,
         "TimeFlowEndMs": 1767225600555, "Proto": 6, "Bytes": 511, "Packets": 4, "Initiator": "Dst"},
    ]  # fmt: skip
    assert flag_names(flows["Flags"]).tolist() == [["SYN", "ACK", "FIN_ACK"], ["ACK", "SYN_ACK", "FIN_ACK"]]


SAME = [TCP, UDP]


@pytest.mark.parametrize(
    "text",
    [
        as_json([{**row, "ts": float(row["ts"]), "duration": float(row["duration"])} for row in SAME]),
        as_json([{**row, "ts": f"2026-01-01T00:00:00.{row['ts'][-6:]}Z"} for row in SAME]),
        tsv(SAME, separator=","),
        tsv(SAME, separator="||"),
        tsv(SAME, separator=" "),
        tsv(SAME[:1]) + tsv(SAME[1:], fields=dict(reversed(zeek_form.FIELDS.items()))),
        gzip.compress(tsv(SAME).encode()),
        tsv(SAME).replace("#close", "#clos"),
        tsv(SAME).rpartition("#close")[0],
    ],
    ids=[
        "json",
        "json with ISO times",
        "comma",
        "two bars",
        "space",
        "cat of two",
        "gzip",
        "unknown comment",
        "running",
    ],
)
def test_every_form_says_the_same(tmp_path, text):
    flows, plain = read(tmp_path, text), read(tmp_path, tsv(SAME), "plain.log")
    pd.testing.assert_frame_equal(flows, plain)
    assert provenance(flows).losses == {}


@pytest.mark.parametrize(
    ("change", "flags", "state", "by"),
    [
        ({"history": "S", "resp_pkts": 0, "resp_ip_bytes": 0}, [["SYN"]], "unanswered", "SYN"),
        ({"history": "Sr", "resp_pkts": 1}, [["SYN"], ["RST"]], "refused", "SYN"),
        ({"history": "-", "conn_state": "REJ"}, [["SYN"], ["RST"]], "refused", "SYN"),
        ({"history": "-", "conn_state": "S1"}, [["SYN", "ACK"], ["ACK", "SYN_ACK"]], "answered", "SYN"),
        ({"history": "-", "conn_state": "OTH"}, [None, None], "unanswered", "inferred: ephemeral port"),
        ({"history": "^hADd"}, [["ACK"], ["ACK", "SYN_ACK"]], "answered", "SYN_ACK"),
        ({"history": "DdA"}, [["ACK"], ["ACK"]], "answered", "inferred: ephemeral port"),
        ({"proto": "udp", "history": "Dd"}, [None, None], "answered", "initiator"),
        ({"proto": "udp", "history": "^Dd"}, [None, None], "answered", "inferred: ephemeral port"),
    ],
)
def test_what_history_and_state_tell(tmp_path, change, flags, state, by):
    flows = read(tmp_path, tsv([{**TCP, **change}]))
    names = flag_names(flows["Flags"]).tolist() if "Flags" in flows else [None] * len(flows)
    assert [each if isinstance(each, list) else None for each in names] == flags
    edge = fk.matrix(flows).edges.iloc[0]
    assert (edge["from_workload"], edge["state"], edge["direction_by"]) == ("10.0.0.1", state, by)


def test_connections_whose_opening_was_not_seen_are_counted(tmp_path):
    flows = read(tmp_path, tsv([{**TCP, "history": "DdA"}, TCP]))
    assert any(note.startswith("1 TCP connections whose opening Zeek did not see") for note in provenance(flows).notes)


@pytest.mark.parametrize(
    ("ends", "types", "codes", "proto"),
    [
        (("10.0.0.1", 8, "10.0.0.2", 0), [8, 0], [0, 0], 1),
        (("10.0.0.1", 3, "10.0.0.2", 13), [3], [13], 1),
        (("fd00::1", 128, "fd00::2", 129), [128, 129], [0, 0], 58),
    ],
)
def test_icmp_stands_in_the_ports(tmp_path, ends, types, codes, proto):
    keys = dict(zip(("id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p"), ends, strict=True))
    sent = {"resp_pkts": len(types) - 1, "resp_ip_bytes": 0}
    flows = read(tmp_path, tsv([{**TCP, **keys, **sent, "proto": "icmp", "history": "-"}]))
    assert flows["IcmpType"].tolist() == types
    assert flows["IcmpCode"].tolist() == codes
    assert flows["Proto"].tolist() == [proto] * len(types)
    assert "SrcPort" not in flows


def test_bytes_of_the_payload_are_said_to_be(tmp_path):
    fields = {name: kind for name, kind in zeek_form.FIELDS.items() if "ip_bytes" not in name}
    flows = read(tmp_path, tsv([TCP], fields=fields))
    assert flows["Bytes"].tolist() == [77, 295]
    assert any("without headers" in note for note in provenance(flows).notes)


def test_damage_is_counted_and_good_rows_stay(tmp_path):
    rows = [TCP, {**TCP, "orig_ip_bytes": "many", "ts": "soon"}, {**TCP, "id.resp_p": 70000}]
    text = tsv(rows).replace("#close", "cut\trow\n#close")
    flows = read(tmp_path, text)
    assert len(flows) == 6
    assert provenance(flows).losses == {
        "Zeek rows that have other columns than their header": 1,
        "values of DstPort that are not its type": 1,
        "values of orig_ip_bytes that are not its type": 1,
        "values of ts that are no time": 1,
    }


def test_a_log_without_connections_is_refused_and_noted_beside_one(tmp_path):
    fields = {"ts": "time", "uid": "string", "id.orig_h": "addr", "id.resp_h": "addr", "query": "string"}
    (tmp_path / "dns.log").write_text(tsv([{"ts": 1, "query": "a.example"}], "dns", fields=fields))
    with pytest.raises(SourceError, match="flowkit external"):
        fk.read(tmp_path / "dns.log")
    (tmp_path / "conn.log").write_text(tsv([TCP]))
    flows = fk.read(tmp_path)
    assert len(flows) == 2
    assert provenance(flows).notes == ("1 other logs of Zeek's hold no connections",)


DNS = {"ts": "1767225600.5", "uid": "C1", "id.orig_h": "10.0.0.1", "id.resp_h": "10.0.0.9", "query": "S3.example",
       "answers": "cdn.example,203.0.113.9,2001:db8::9"}  # fmt: skip
TLS = {
    "ts": "1767225601.5",
    "uid": "C2",
    "id.orig_h": "10.0.0.1",
    "id.resp_h": "203.0.113.9",
    "server_name": "api.example",
}
HTTP = {
    "ts": "1767225602",
    "uid": "C3",
    "id.orig_h": "10.0.0.1",
    "id.resp_h": "203.0.113.7",
    "host": "old.example:8080",
}


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        (DNS, [["2001:db8::9", "s3.example", "dns"], ["203.0.113.9", "s3.example", "dns"]]),
        (TLS, [["203.0.113.9", "api.example", "sni"]]),
        (HTTP, [["203.0.113.7", "old.example", "http-host"]]),
    ],
    ids=["dns", "ssl", "http"],
)
@pytest.mark.parametrize("form", ["tsv", "json"])
def test_names_of_other_logs(tmp_path, row, wanted, form):
    path = tmp_path / "names.log"
    values = {**row, "answers": row["answers"].split(",")} if "answers" in row else row
    path.write_text(tsv([row], fields=dict.fromkeys(row, "string")) if form == "tsv" else as_json([values]))
    names = read_names(path)
    assert names[["Addr", "Name", "Source"]].values.tolist() == wanted
    assert names["First"].tolist() == [int(float(row["ts"]) * 1000)] * len(wanted)
    flows = read(tmp_path, tsv([{**TCP, "id.orig_h": "10.0.0.1", "id.resp_h": wanted[-1][0]}]))
    flows = flows.assign(SrcK8S_OwnerType=["Deployment", None], DstK8S_OwnerType=[None, "Deployment"])
    assert fk.external(flows, names)["block"].tolist() == [wanted[-1][1]]


def test_the_labs_traffic_gives_the_same_matrix(tmp_path, lab, inventory):
    for name, flows in lab.groupby("CaptureFile", observed=True):
        (tmp_path / f"{name}.log").write_text(tsv(zeek_form.connections(flows)))
    found, packets = edges(fk.read(tmp_path), inventory), edges(lab.drop(columns=["Client", "DirectionBy"]), inventory)
    assert packets - found == set()
    # No node reports: what a Service's address on the own node's API server means is not concluded (decision 3).
    assert {(edge[4:7], edge[8]) for edge in found - packets} == {(("default", "Service", "kubernetes"), 443)}
