"""Loki: a real server with injected faults gives every flow once, or one clear error; no secret is ever shown."""

from __future__ import annotations

import itertools
import json
import traceback

import pytest

import flowkit as fk
from flowkit.contract import provenance
from flowkit.errors import SourceError
from flowkit.sources import Loki, read_loki
from flowkit.sources.loki import reading
from flowkit.sources.loki.transport import asking
from tests.sources import forms
from tests.sources.fake_loki import certificates, serving, tls

START, END = "2026-01-01T00:00:00Z", "2026-01-01T01:00:00Z"
ZERO = 1767225600_000
SECRET = "s3cr3t-t0k3n"


def rows(count, per_timestamp=1):
    return [
        {
            "SrcAddr": "10.0.0.1",
            "SrcPort": number,
            "DstPort": 443,
            "Proto": 6,
            "Flags": ["SYN"],
            "SrcK8S_Namespace": "shop" if number % 3 else "other",
            "FlowDirection": number % 2,
            "TimeFlowStartMs": ZERO,
            "TimeFlowEndMs": ZERO + number // per_timestamp,
        }
        for number in range(count)
    ]


def entries(count, per_timestamp=1):
    return [forms.labelled(row) for row in rows(count, per_timestamp)]


@pytest.fixture
def patience(monkeypatch):
    """How long was waited between attempts, without waiting."""
    waited = []
    monkeypatch.setattr(reading, "asking", lambda server: asking(server, waited.append))
    return waited


def url(loki, scheme="loki+http"):
    return f"{scheme}://127.0.0.1:{loki.server_port}"


def ports(flows):
    return flows["SrcPort"].tolist()


@pytest.mark.parametrize("per_timestamp", [1, 7, 400])
def test_pages_lose_and_double_nothing_at_their_borders(per_timestamp):
    with serving(entries(2500, per_timestamp), largest=500) as loki:
        seen = []
        flows = read_loki(Loki(url(loki), limit=500), START, END, progress=lambda *now: seen.append(now))
    assert sorted(ports(flows)) == list(range(2500))
    assert provenance(flows).folded == {}
    assert provenance(flows).sources == (f"http://127.0.0.1:{loki.server_port}",)
    assert len(loki.asked) > 5
    assert [count for count, _ in seen] == sorted(count for count, _ in seen)
    assert seen[-1] == (2500, 1.0)
    assert flows["FlowDirection"].dtype == "UInt8"
    assert flows["Flags"].tolist() == [2] * 2500


def test_a_timestamp_larger_than_a_page_is_read_with_a_larger_page():
    with serving(entries(900, 300), largest=400) as loki:
        flows = read_loki(Loki(url(loki), limit=100), START, END)
    assert sorted(ports(flows)) == list(range(900))


def test_a_timestamp_larger_than_the_server_gives_is_an_error_not_a_loss():
    with serving(entries(900, 300), largest=200) as loki, pytest.raises(SourceError, match="narrow the query"):
        read_loki(Loki(url(loki), limit=100), START, END)


@pytest.mark.parametrize(
    "faults",
    [
        [(429, b"too many", {"Retry-After": "7"}), (429, b"too many")],
        [(500, b"oops"), (503, b"")],
        ["cut", "cut JSON"],
        ["", "duplicate page"],
        ["out of order", "out of order"],
        [(200, b"{}"), (200, b"<html>")],
    ],
    ids=["429", "500", "cut", "duplicate page", "out of order", "no answer"],
)
def test_faults_pass_and_leave_no_trace_in_the_flows(faults, patience):
    with serving(entries(300, 3), largest=100) as loki:
        loki.faults = list(faults)
        flows = read_loki(Loki(url(loki), limit=100), START, END)
    assert sorted(ports(flows)) == list(range(300))
    assert not loki.faults
    assert all(0.25 <= wait <= 60 for wait in patience)
    if "Retry-After" in str(faults):
        assert patience[0] == 7.0


def test_what_came_twice_is_counted(patience):
    with serving(entries(10)) as loki:
        loki.faults = ["out of order"]
        flows = read_loki(Loki(url(loki)), START, END)
    assert provenance(flows).folded["entries that Loki answered twice"] > 0


def test_a_server_that_only_fails_is_given_up(patience):
    with serving(entries(3)) as loki:
        loki.faults = [(500, b"no\x1b[31m")] * 9
        with pytest.raises(SourceError, match=r"failed 4 times, at last: 500 no·\[31m"):
            read_loki(Loki(url(loki), attempts=4), START, END)
    assert len(patience) == 3
    with pytest.raises(SourceError, match="failed 2 times, at last: ConnectionRefusedError"):
        read_loki(Loki(url(loki), attempts=2), START, END)


def test_a_cut_read_goes_on_where_it_stopped(tmp_path, patience):
    folder = tmp_path / "spool"
    with serving(entries(1000, 3), largest=100) as loki:
        server = Loki(url(loki), token=SECRET, limit=100, attempts=1)
        loki.faults = ["", "", "", (500, b"")]
        with pytest.raises(SourceError, match="failed 1 times"):
            read_loki(server, START, END, resume=folder)
        with (folder / "entries.jsonl").open("a") as stream:
            stream.write('{"timestamp": 1, "labels": {"half')
        before = len(loki.asked)
        flows = read_loki(server, START, END, resume=folder)
        assert int(loki.asked[before]["start"]) > int(loki.asked[0]["start"])
        again = read_loki(server, START, END, resume=folder)
        count = len(loki.asked)
        assert ports(read_loki(server, START, END, resume=folder)) == ports(again) == ports(flows)
        assert len(loki.asked) == count
        with pytest.raises(SourceError, match="another question"):
            read_loki(server, START, "2026-01-01T02:00:00Z", resume=folder)
    assert sorted(ports(flows)) == list(range(1000))
    assert provenance(flows).losses == {}
    assert not any(SECRET in path.read_text() for path in folder.iterdir())


@pytest.mark.parametrize("damage", ["{", "[]", '{"url": 1}'])
def test_a_damaged_cursor_is_said(tmp_path, damage):
    (tmp_path / "cursor.json").write_text(damage)
    (tmp_path / "entries.jsonl").write_text("")
    with pytest.raises(SourceError, match="its cursor is damaged"):
        read_loki("loki+http://127.0.0.1:9", START, END, resume=tmp_path)


def test_conditions_are_asked_and_then_applied_exactly():
    with serving(entries(60)) as loki:
        conditions = [
            fk.Condition("SrcK8S_Namespace", "shop"),
            fk.Condition("SrcPort", "7"),
            fk.Condition("SrcPort", "9"),
        ]
        flows = read_loki(url(loki), START, END, where=conditions)
        syn = read_loki(url(loki), START, END, where=fk.Condition("Flags", "SYN", "MatchRegex"))
    assert ports(flows) == [7]
    assert loki.asked[0]["query"] == (
        '{app="netobserv-flowcollector",SrcK8S_Namespace="shop"} | json SrcPort="SrcPort" | (SrcPort="7" or SrcPort="9")'
    )
    assert len(syn) == 60


def test_tenant_and_token_are_sent_and_the_token_file_is_read_anew(tmp_path, patience):
    token = tmp_path / "token"
    token.write_text(SECRET + "\n")
    with serving(entries(3)) as loki:
        read_loki(Loki(url(loki), tenant="network", token_file=token), START, END)
        assert loki.headers_seen[0]["X-Scope-OrgID"] == "network"
        assert loki.headers_seen[0]["Authorization"] == f"Bearer {SECRET}"


@pytest.mark.parametrize(
    "fault",
    [
        (401, SECRET.encode()),
        (500, SECRET.encode()),
        (302, b"", {"Location": "http://127.0.0.1:1/"}),
        (200, SECRET.encode()),
    ],
    ids=["401", "500", "redirect", "no JSON"],
)
def test_no_secret_is_shown(fault, patience):
    with serving(entries(3)) as loki:
        server = Loki(url(loki), token=SECRET, attempts=1)
        loki.faults = [fault]
        with pytest.raises(SourceError) as caught:
            read_loki(server, START, END)
        loki.faults = []
        flows = read_loki(server, START, END)
    assert SECRET not in "".join(traceback.format_exception(caught.value))
    assert SECRET not in repr(server)
    assert SECRET not in json.dumps(provenance(flows).to_dict())


def test_a_url_with_a_password_is_refused_without_repeating_it():
    with pytest.raises(SourceError, match="holds a password") as caught:
        fk.read(f"loki://user:{SECRET}@gateway:3100")
    assert SECRET not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("token", ["a\r\nX-Evil: 1", "ü"])
def test_a_token_that_is_no_header_is_refused(token):
    with pytest.raises(SourceError, match="no HTTP header can hold") as caught:
        read_loki(Loki("loki+http://127.0.0.1:9", token=token), START, END)
    assert token not in str(caught.value)


def test_metrics_are_recognised():
    with serving([]) as loki:
        loki.faults = [(200, b'{"status":"success","data":{"resultType":"matrix","result":[]}}')]
        with pytest.raises(SourceError, match="metrics, not flows"):
            read_loki(url(loki), START, END, where='sum(rate({app="x"}[1m]))')
        with pytest.raises(SourceError, match="no flow in this period"):
            read_loki(url(loki), START, END)
        loki.faults = [(404, b"page not found")]
        with pytest.raises(SourceError, match="refuses: 404 .*end before /loki/api/v1"):
            read_loki(url(loki), START, END)


def test_one_url_says_it_all():
    with serving(entries(20)) as loki:
        query = "%7Bapp%3D%22netobserv-flowcollector%22%2C%20FlowDirection%3D%221%22%7D"
        flows = fk.read(f"{url(loki)}/api?start={START}&end={END}&query={query}")
    assert ports(flows) == list(range(1, 20, 2))


@pytest.fixture(scope="module")
def pki(tmp_path_factory):
    return certificates(tmp_path_factory.mktemp("pki"))


def test_tls_with_a_client_certificate(pki):
    with serving(entries(5), tls(pki, ask_client=True)) as loki:
        flows = read_loki(
            Loki(url(loki, "loki"), ca=pki / "ca.pem", certificate=pki / "client.pem", key=pki / "client.key"),
            START,
            END,
        )
    assert ports(flows) == list(range(5))


def test_an_unknown_authority_and_another_host_are_not_trusted(pki):
    with serving(entries(5), tls(pki)) as loki:
        with pytest.raises(SourceError, match="cannot be trusted"):
            read_loki(Loki(url(loki, "loki")), START, END)
        with pytest.raises(SourceError, match="cannot be trusted"):
            read_loki(Loki(f"loki://localhost:{loki.server_port}", ca=pki / "ca.pem"), START, END)
    assert loki.asked == []


def test_certificates_that_are_none(tmp_path):
    (tmp_path / "ca.pem").write_text("x")
    for ca in (tmp_path / "ca.pem", tmp_path / "nowhere.pem"):
        with pytest.raises(SourceError, match="cannot use the certificates"):
            read_loki(Loki("loki://127.0.0.1:9", ca=ca), START, END)


def test_files_of_the_consoles_mock_read_as_its_flows(root):
    mock = root / ".." / "shared" / "upstream" / "loki_mock"
    if not mock.exists():
        pytest.skip("NetObserv's own samples are not beside the repository")
    for name in ("flow_records", "flow_records_has_dropped", "flow_records_sent"):
        flows = fk.read(mock / f"{name}.json")
        assert len(flows) == 50
        assert flows["FlowDirection"].notna().all()
        assert provenance(flows).losses == {}
        assert not {"Interface", "IfDirection"} & set(flows.columns)
    for path in mock.glob("flow_metrics_*.json"):
        with pytest.raises(SourceError, match="metrics rather than flows"):
            fk.read(path)


def test_an_answer_with_damaged_lines_counts_them(tmp_path):
    path = tmp_path / "answer.json"
    values = [["1", '{"DstPort":1}'], ["2", "oops"], ["3", "[1]"], ["4"], 5]
    result = [{"stream": {"app": "x", "DstPort": "9"}, "values": values}, {"values": []}]
    path.write_text(json.dumps({"status": "success", "data": {"resultType": "streams", "result": result}}))
    flows = fk.read(path)
    assert flows["DstPort"].dropna().tolist() == [1]
    assert provenance(flows).losses["Loki lines that are no flow"] == 4
    path.write_text('{"status":"error","errorType":"bad_data","error":"parse error\\u001b"}')
    with pytest.raises(SourceError, match="holds an error, not flows: parse error·"):
        fk.read(path)


def test_waiting_doubles():
    waits = []
    ask = asking(Loki("loki+http://127.0.0.1:9", attempts=5), waits.append)
    with pytest.raises(SourceError, match="failed 5 times"):
        ask({"query": "{}", "start": "0", "end": "1", "limit": "1"})
    assert len(waits) == 4
    assert all(later > earlier * 0.99 for earlier, later in itertools.pairwise(waits))
