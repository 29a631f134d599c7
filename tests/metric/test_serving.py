"""``flowkit serve``: a real Prometheus scrapes it while flows are written; and what it makes of files, forms and time."""

import gzip
import json
import shutil
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager

import pandas as pd
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics_families
from prometheus_client.parser import text_string_to_metric_families as families

import flowkit as fk
from flowkit.errors import FlowkitError
from flowkit.manifests import FlowMetricSpec
from flowkit.metric import FlowMetric
from flowkit.metric.serving import Served, Watched, serving
from tests.promql.server import prometheus
from tests.serving import in_background

COUNTER = FlowMetric(FlowMetricSpec("flows", "Counter", labels=("DstPort", "SrcK8S_Zone"), remap={"DstPort": "port"}))
SIZES = FlowMetric(FlowMetricSpec("sizes", "Histogram", labels=("DstPort",), value_field="Bytes", buckets=(1.0, 50.5)))


def flows(size, port=443, zone='a"b'):
    return pd.DataFrame(
        {
            "SrcAddr": "10.0.0.1",
            "DstPort": port,
            "SrcK8S_Zone": zone,
            "Bytes": range(size),
            "TimeFlowEndMs": range(1_700_000_000_000, 1_700_000_000_000 + size),
        }
    )


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@contextmanager
def running(served):
    with serving(served, port=0) as server, in_background(server):
        yield f"127.0.0.1:{server.server_port}"


def got(address, path="/metrics", **headers):
    request = urllib.request.Request(f"http://{address}{path}", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.headers, answer.read()


@pytest.mark.server
@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("prometheus"), reason="prometheus (Debian package prometheus) is missing")
def test_a_prometheus_that_scraped_a_growing_folder_holds_the_tables_totals(tmp_path):
    folder, written = tmp_path / "flows", []
    folder.mkdir()
    with running(Served(Watched(folder, [COUNTER, SIZES], expiry=0))) as target:
        config = {
            "global": {"scrape_interval": "400ms", "scrape_timeout": "400ms"},
            "scrape_configs": [{"job_name": "flows", "static_configs": [{"targets": [target]}]}],
        }
        with prometheus(tmp_path, config=json.dumps(config)) as server:
            # A server looks for its targets some seconds after it has started.
            until(lambda: answer(server, "up"))
            for number in range(6):
                written.append(
                    flows(40 + number, port=[443, 53, 8080][number % 3], zone=["", "日本", "x\ny"][number % 3])
                )
                fk.write(written[-1], folder / f"eth0-{number}.parquet")
                time.sleep(0.4)
            whole = pd.concat(written, ignore_index=True)
            expected = {**held(COUNTER, whole), **held(SIZES, whole)}
            until(lambda: scraped(server) == expected)
            assert scraped(server) == expected
            # It was there meanwhile, too: a counter that grew.
            assert len({value for _, value in history(server, "sum(netobserv_flows)[1m:200ms]")}) > 2


def until(holds):
    deadline = time.monotonic() + 30
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.1)


def held(metric, whole):
    """What the table says, in the form of a server's answer."""
    found = {}
    for row in metric.apply(whole).to_dict("records"):
        value, series, le = row.pop("value"), row.pop("series", ""), row.pop("le", "")
        labels = {"__name__": metric.name + series, "le": f"{le}.0" if le.isdecimal() else le, **row}
        found[frozenset((name, text) for name, text in labels.items() if text)] = float(value)
    return found


def scraped(server):
    result = answer(server, '{__name__=~"netobserv_.*"}')
    series = [
        ({k: v for k, v in one["metric"].items() if k not in ("job", "instance")}, one["value"][1]) for one in result
    ]
    return {frozenset(labels.items()): float(value) for labels, value in series}


def history(server, query):
    return answer(server, query)[0]["values"]


def answer(server, query):
    with urllib.request.urlopen(
        f"{server}/api/v1/query?" + urllib.parse.urlencode({"query": query}), timeout=10
    ) as said:
        return json.load(said)["data"]["result"]


def test_the_scraper_chooses_the_form_and_both_say_the_same(tmp_path):
    fk.write(flows(3), tmp_path / "one.parquet")
    with running(Served(Watched(tmp_path, [COUNTER, SIZES]))) as target:
        headers, classic = got(target)
        assert headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        headers, modern = got(target, Accept="application/openmetrics-text;version=1.0.0,text/plain;q=0.5")
        assert headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
        headers, packed = got(target, **{"Accept-Encoding": "gzip"})
        assert (headers["Content-Encoding"], gzip.decompress(packed)) == ("gzip", classic)
        with pytest.raises(urllib.error.HTTPError, match="404"):
            got(target, "/other")
    assert "# TYPE netobserv_flows counter" in classic.decode()
    both = [
        {
            (
                one.name.removesuffix("_total"),
                tuple(sorted(one.labels.items())).__repr__().replace("1.0'", "1'"),
                one.value,
            )
            for f in found
            for one in f.samples
        }
        for found in (families(classic.decode()), openmetrics_families(modern.decode()))
    ]
    assert both[0] == both[1]
    assert ("netobserv_flows", repr((("SrcK8S_Zone", 'a"b'), ("port", "443"))), 3.0) in both[0]


def test_files_are_read_once_and_what_was_lost_is_shown(tmp_path):
    served = Served(Watched(tmp_path, [COUNTER]))
    fk.write(flows(3), tmp_path / "one.parquet")
    (tmp_path / "bad.parquet").write_bytes(b"PAR1 cut")
    (tmp_path / ".part.parquet").write_bytes(b"still written")
    first = served.text("prometheus")
    assert 'netobserv_flows{port="443",SrcK8S_Zone="a\\"b"} 3\n' in first
    assert 'flowkit_serve_files{what="not readable"} 1\nflowkit_serve_files{what="read"} 1\n' in first
    assert "flowkit_serve_flows 3\n" in first
    assert served.text("prometheus") == first
    (tmp_path / "one.parquet").unlink()
    fk.write(flows(4), tmp_path / "one.parquet")
    again = served.text("prometheus")
    assert 'flowkit_serve_files{what="changed after it was read"} 1\n' in again
    assert 'SrcK8S_Zone="a\\"b"} 3\n' in again


def test_lines_that_may_still_grow_wait(tmp_path):
    clock = Clock()
    clock.now = time.time()
    served = Served(Watched(tmp_path, [COUNTER]), clock)
    (tmp_path / "flows.json").write_text('{"SrcAddr": "10.0.0.1", "DstPort": 443}\nnonsense\n')
    assert "netobserv_flows{" not in served.text("prometheus")
    clock.now += 5
    text = served.text("prometheus")
    assert 'netobserv_flows{port="443",SrcK8S_Zone=""} 1\n' in text
    assert "flowkit_serve_lost{" in text


def test_series_end_after_two_minutes_unless_told_otherwise(tmp_path):
    fk.write(flows(3), tmp_path / "one.parquet")
    for expiry, there in ((120.0, False), (300.0, True), (0.0, True)):
        clock = Clock()
        served = Served(Watched(tmp_path, [COUNTER], expiry=expiry), clock)
        served.update()
        clock.now += 121
        assert ("netobserv_flows{" in served.text("prometheus")) is there


def test_flows_are_named_on_the_way(tmp_path):
    fk.write(flows(3), tmp_path / "one.parquet")
    served = Served(Watched(tmp_path, [COUNTER], naming=lambda table: table.assign(SrcK8S_Zone="named")))
    assert 'SrcK8S_Zone="named"} 3' in served.text("prometheus")


def test_what_cannot_be_served_is_said(tmp_path):
    with pytest.raises(FlowkitError, match="is no folder"):
        Served(Watched(tmp_path / "nowhere", [COUNTER]))
    served = Served(Watched(tmp_path, [COUNTER]))
    with serving(served, port=0) as server, pytest.raises(FlowkitError, match="cannot serve at .*in use"):
        serving(served, port=server.server_port)
