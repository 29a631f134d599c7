"""Reading a Prometheus: what a real one answers, and what happens with servers that fail, refuse, lie or ask for secrets."""

import shutil
import time
import warnings

import numpy as np
import pandas as pd
import pytest

import flowkit as fk
from flowkit.errors import NothingMatched, QueryError, SourceError
from flowkit.sources.prometheus import Prometheus, metric_names, read_metadata, read_metric, read_series
from flowkit.sources.prometheus.client import Client
from tests.promql.samples import START, openmetrics
from tests.promql.server import free_port, prometheus
from tests.sources.fake_loki import certificates, tls
from tests.sources.scripted import Answer, scripted

SECRET = "s3cr3t-token"
ODD = 'a "quoted"\nline \\ 日本 <b>'
TIMES = pd.to_datetime(START + 15_000 * np.arange(60), unit="ms", utc=True)
PERIOD = {"start": START / 1000, "end": START / 1000 + 880, "step": "20s"}


def samples():
    parts = [
        ("syn", "w1", TIMES, 2.0),
        ("syn", ODD, TIMES, 3.0),
        ("gone", "", TIMES[:3], np.nan),
        ("far", "", TIMES, np.inf),
    ]
    tables = [
        pd.DataFrame(
            {"__name__": name, "workload": workload, "time": times, "value": value * np.arange(1, len(times) + 1)}
        )
        for name, workload, times, value in parts
    ]
    return pd.concat(tables, ignore_index=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    if not shutil.which("prometheus"):
        pytest.skip("prometheus (Debian package prometheus) is missing")
    with prometheus(tmp_path_factory.mktemp("prometheus"), openmetrics(samples())) as address:
        yield address


def refused(*answers, token=SECRET, attempts=2):
    """The message when a server answers so; the secret must not be in it."""
    with scripted(*answers) as server:
        asked = Prometheus(f"http://127.0.0.1:{server.server_port}", token=token, attempts=attempts)
        with pytest.raises((SourceError, QueryError)) as caught:
            Client(asked, sleep=lambda _: None).data("api/v1/query", {"query": "up"})
    assert SECRET not in str(caught.value) + repr(asked) + repr(Client(asked))
    return str(caught.value)


@pytest.mark.server
def test_a_moment_is_a_tidy_table(server):
    table = read_metric("syn", server, time=TIMES[9])
    expected = pd.DataFrame(
        {"__name__": ["syn", "syn"], "workload": [ODD, "w1"], "time": [TIMES[9]] * 2, "value": [30.0, 20.0]}
    )
    found = table.sort_values("workload", ignore_index=True).astype({"__name__": "str", "workload": "str"})
    pd.testing.assert_frame_equal(found, expected.astype({"time": "datetime64[ms, UTC]"}))
    assert fk.provenance(table).sources == (server,)


@pytest.mark.server
def test_a_range_asked_in_pieces_is_the_whole(server):
    done = []
    whole = read_metric("rate(syn[1m])", server, **PERIOD)
    pieces = read_metric("rate(syn[1m])", Prometheus(server, steps=7), **PERIOD, progress=done.append)
    pd.testing.assert_frame_equal(pieces, whole.sort_values(["workload", "time"], ignore_index=True))
    assert done == pytest.approx([1 / 7, 2 / 7, 3 / 7, 4 / 7, 5 / 7, 6 / 7, 1])


@pytest.mark.server
def test_more_moments_than_the_server_gives_at_once_are_read(server):
    table = read_metric("vector(1)", server, start=START / 1000, end=START / 1000 + 12_000, step="1s")
    assert len(table) == 12_001


@pytest.mark.server
def test_the_same_table_comes_from_the_same_samples_without_a_server(server):
    query = "sum by (workload) (increase(syn[2m]))"
    ours = fk.promql(query, table=samples(), **PERIOD, rules=2)
    theirs = read_metric(query, server, **PERIOD)
    pd.testing.assert_frame_equal(
        ours.astype({"workload": "str"}).sort_values(["workload", "time"], ignore_index=True),
        theirs.astype({"workload": "str"}).sort_values(["workload", "time"], ignore_index=True),
        rtol=1e-12,
    )


@pytest.mark.server
def test_numbers_that_are_none_and_scalars_survive(server):
    assert np.isnan(read_metric("gone", server, time=TIMES[1])["value"]).all()
    assert read_metric("far", server, time=TIMES[1])["value"].tolist() == [np.inf]
    assert read_metric("-far", server, time=TIMES[1])["value"].tolist() == [-np.inf]
    assert read_metric("1 + 1", server, time=5)[["time", "value"]].to_numpy().tolist() == [
        [pd.Timestamp(5, unit="s", tz="UTC"), 2.0]
    ]


@pytest.mark.server
def test_prometheus_pandas_own_functions_work_through_the_same_door(server):
    series = Client(Prometheus(server)).query('syn{workload="w1"}', time=TIMES[9].to_pydatetime())
    assert series.to_dict() == {'syn{workload="w1"}': 20.0}


@pytest.mark.server
def test_borders_are_not_asked_for_in_pieces(server):
    with pytest.raises(SourceError, match="would change their meaning in the 7 pieces"):
        read_metric("syn @ start()", Prometheus(server, steps=7), **PERIOD)


@pytest.mark.server
def test_a_missing_metric_gives_an_empty_table_and_near_names(server):
    with pytest.warns(NothingMatched, match="no series 'sin': there are syn"):
        table = read_metric("sum(rate(sin[1m]))", server, time=TIMES[9])
    assert table.columns.tolist() == ["time", "value"]
    assert table.empty
    assert fk.provenance(table).notes == ("no series 'sin': there are syn",)


@pytest.mark.server
def test_what_the_query_gets_wrong_is_said_in_prometheus_words_at_its_place(server):
    with pytest.raises(QueryError, match=r"unknown function with name \"rat\", at character 5: sum\(>>>rat") as caught:
        read_metric("sum(rat(syn[1m]))", server)
    assert caught.value.position == 4
    with pytest.raises(QueryError, match="found duplicate series for the match group"):
        read_metric('syn * on () group_left () {__name__=~"syn|far"}', server, time=TIMES[9])


@pytest.mark.server
def test_a_query_of_ten_megabytes_is_refused_in_a_line(server):
    with pytest.raises((QueryError, SourceError)) as caught:
        read_metric("syn" + " + 1" * 2_500_000, Prometheus(server, attempts=1), time=TIMES[9])
    assert len(str(caught.value)) < 500


@pytest.mark.server
def test_a_long_query_that_no_address_could_hold_is_answered(server):
    alternatives = "|".join(f"w{number}" for number in range(20_000))
    assert read_metric(f'syn{{workload=~"{alternatives}"}}', server, time=TIMES[9])["value"].tolist() == [20.0]


@pytest.mark.server
def test_what_a_server_has_can_be_listed(server):
    assert metric_names(server) == ["far", "gone", "syn"]
    assert read_series(server, "syn", "far").to_dict("list") == {
        "__name__": ["far", "syn", "syn"],
        "workload": ["", ODD, "w1"],
    }
    assert read_metadata(server).columns.tolist() == ["metric", "type", "help", "unit"]


def test_metadata_is_a_row_a_metric():
    body = (
        b'{"status":"success","data":{"b":[{"type":"gauge","help":"B","unit":""}],"a":[{"type":"counter","help":"A"}]}}'
    )
    with scripted(Answer(body=body)) as server:
        table = read_metadata(f"http://127.0.0.1:{server.server_port}")
    assert table.to_numpy().tolist() == [["a", "counter", "A", ""], ["b", "gauge", "B", ""]]


def test_a_server_that_is_down_is_said_so():
    with pytest.raises(SourceError, match=r"failed 1 times, at last: ConnectionError: .*[Cc]onnection refused"):
        read_metric("up", Prometheus(f"http://127.0.0.1:{free_port()}", attempts=1))


def test_a_server_that_does_not_answer_in_time_is_left():
    with scripted(Answer()) as server:
        server.answers[0].share = 0.5
        asked = Prometheus(f"http://127.0.0.1:{server.server_port}", attempts=1, timeout=0.5)
        with pytest.raises(SourceError, match="failed 1 times"):
            read_metric("up", asked)


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer(401, b"no"), r"refuses: 401 \(is there a token, and is it still valid\?\) no"),
        (Answer(401, f"bad token {SECRET}".encode()), "bad token …"),
        (Answer(403, b"no"), r"refuses: 403 \(may this user read metrics\?\)"),
        (Answer(404, b"no"), r"refuses: 404 \(does the URL end before /api/v1\?\)"),
        (Answer(302, b"", {"Location": "http://elsewhere.invalid/"}), "refuses: 302 .*not followed"),
        (
            Answer(422, b'{"status":"error","errorType":"execution","error":"many-to-many matching not allowed"}'),
            "^Prometheus says: many-to-many matching not allowed$",
        ),
    ],
)
def test_refusals_are_final_and_say_what_to_do(answer, said):
    import re

    assert re.search(said, refused(answer, attempts=5))


@pytest.mark.parametrize(
    "answer",
    [
        Answer(503, b"busy"),
        Answer(429, b"slowly", {"Retry-After": "1"}),
        Answer(share=0.5),
        Answer(body=b'{"status": "success", "data": {"resul'),
        Answer(body=b"<html>login</html>"),
        Answer(body=b"[1]"),
    ],
)
def test_what_may_pass_is_tried_again(answer):
    waited = []
    with scripted(answer) as server:
        client = Client(Prometheus(f"http://127.0.0.1:{server.server_port}"), sleep=waited.append)
        assert client.data("api/v1/query", {"query": "up"}) == {"resultType": "vector", "result": []}
    assert len(waited) == 1
    assert "failed 2 times" in refused(answer, answer)


def test_the_servers_warnings_are_notes():
    body = b'{"status":"success","data":{"resultType":"scalar","result":[1,"2"]},"warnings":["a store is away"],"infos":["i"]}'
    with scripted(Answer(body=body)) as server:
        assert fk.provenance(read_metric("2", f"http://127.0.0.1:{server.server_port}")).notes == (
            "a store is away",
            "i",
        )


def test_native_histograms_and_texts_are_refused():
    for body, said in (
        (b'{"resultType":"vector","result":[{"metric":{},"histogram":[1,{}]}]}', "native histograms"),
        (b'{"resultType":"string","result":[1,"x"]}', "answers with 'string'"),
    ):
        with (
            scripted(Answer(body=b'{"status":"success","data":' + body + b"}")) as server,
            pytest.raises(SourceError, match=said),
        ):
            read_metric("x", f"http://127.0.0.1:{server.server_port}")


def test_the_token_goes_with_every_request_and_is_read_anew(tmp_path):
    file = tmp_path / "token"
    file.write_text("one\n")
    with scripted() as server:
        client = Client(Prometheus(f"http://127.0.0.1:{server.server_port}", token_file=file))
        client.data("api/v1/query", {"query": "up"})
        file.write_text("two\n")
        client.data("api/v1/query", {"query": "up"})
    assert [headers["Authorization"] for _, headers, _ in server.asked] == ["Bearer one", "Bearer two"]


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return certificates(tmp_path_factory.mktemp("tls"))


def test_tls_is_verified_and_the_client_shows_its_certificate(authority):
    with scripted(context=tls(authority, ask_client=True)) as server:
        url = f"https://127.0.0.1:{server.server_port}"
        with pytest.raises(SourceError, match="cannot be trusted"):
            read_metric("up", Prometheus(url, attempts=1))
        with pytest.raises(SourceError):
            read_metric("up", Prometheus(url, ca=authority / "ca.pem", attempts=1))
        let_in = Prometheus(
            url, ca=authority / "ca.pem", certificate=authority / "client.pem", key=authority / "client.key", attempts=1
        )
        assert read_metric("vector(1)", let_in).empty


def test_bad_periods_are_refused_before_anything_is_asked():
    for asked, said in (
        ({"start": 0}, "a range needs a step"),
        ({"step": "1m"}, "ask for a time, or for a range"),
        ({"start": 10, "end": 5, "step": "1s"}, "ends after it starts"),
        ({"start": 10, "end": 50, "step": "1"}, "is no step"),
        ({"time": "yesterday"}, "is no moment"),
    ):
        with pytest.raises(fk.FlowkitError, match=said):
            read_metric("up", "http://127.0.0.1:1", **asked)


def test_nothing_is_logged_or_warned_of_a_good_answer():
    with scripted() as server, warnings.catch_warnings():
        warnings.simplefilter("error")
        read_metric("1", f"http://127.0.0.1:{server.server_port}", time=time.time())
