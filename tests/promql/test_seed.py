"""The article's four queries, word for word, over the recorded cluster: flowkit and a real Prometheus say the same."""

import re
import shutil
import warnings
from pathlib import Path

import pytest

import capture
import flowkit as fk
from flowkit.errors import QueryError
from flowkit.metric import expositions
from tests.promql.server import asked, prometheus
from tests.promql.test_against_prometheus import assert_equal, by_series

QUERIES = [
    'sum(rate(netobserv_workload_syn_out{ namespace="netobserv"}[1m])) by (workload, kind, port, to_kind, to_namespace, to_subnet_label, to_workload)',
    'sum(rate(netobserv_workload_syn_in{ namespace="netobserv"}[1m])) by (workload, kind, port, from_kind, from_namespace, from_subnet_label, from_workload)',
    'sum(rate(netobserv_workload_syn_in{ namespace="netobserv",from_kind="Node"}[1m])) by (workload, kind, port, from_subnet_label)',
    'sum(rate(netobserv_workload_syn_in{ namespace="netobserv",from_kind!="Node"}[1m])) by (workload, kind, port, from_kind, from_namespace, from_subnet_label, from_workload)',
]
SCRAPE = "2s"
# The list that is asked of drawn samples, too, on the recorded cluster's own metrics.
NAMES = {
    "syn_in": "netobserv_workload_syn_in",
    "syn_out": "netobserv_workload_syn_out",
    "gauge": "netobserv_workload_syn_out",
}
LISTED = [
    re.sub(r"\b(syn_in|syn_out|gauge)\b", lambda found: NAMES[found[1]], query).replace(
        '"syn_', '"netobserv_workload_syn_'
    )
    for query in Path(__file__).with_name("queries.txt").read_text().splitlines()
    if "topk" not in query and "bottomk" not in query  # counters tie, and which of equals come is anybody's choice
]


@pytest.fixture(scope="module")
def metrics(root):
    return [root / "data" / "metrics" / f"workload-syn-{way}.yaml" for way in ("in", "out")]


@pytest.fixture(scope="module")
def flows(cluster):
    packets = capture.read_pcap(sorted(cluster.glob("*.pcap.gz")))
    return fk.enrich(packets, cluster=cluster / "cluster.json", subnets=cluster / "flowcollector.yaml")


@pytest.fixture(scope="module")
def server(tmp_path_factory, metrics, flows):
    if not shutil.which("prometheus"):
        pytest.skip("prometheus (Debian package prometheus) is missing")
    tables = [(metric, metric.apply(flows, step=SCRAPE)) for path in metrics for metric in fk.FlowMetric.load_all(path)]
    text = expositions(tables, "openmetrics")
    with prometheus(tmp_path_factory.mktemp("prometheus"), text) as address:
        yield address


def period(flows):
    ends = flows["TimeFlowEndMs"]
    return int(ends.min()) // 1000 * 1000 + 5000, int(ends.max()) // 1000 * 1000 + 60_000, 3000


@pytest.mark.server
@pytest.mark.parametrize("query", QUERIES)
def test_the_seeds_queries(server, metrics, flows, query):
    start, end, step = period(flows)
    options = {"start": start / 1000, "end": end / 1000, "step": f"{step}ms", "scrape": SCRAPE, "rules": 2}
    ours = by_series(fk.promql(query, metrics, flows, **options))
    assert ours
    assert_equal(ours, asked(server, query, start, end, step))


@pytest.fixture(scope="module")
def scraped(metrics, flows):
    return fk.scrape(metrics, flows, every=SCRAPE)


@pytest.mark.server
@pytest.mark.parametrize("query", LISTED)
def test_the_listed_queries_on_the_clusters_metrics(server, scraped, flows, query):
    start, end, step = period(flows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fk.NothingMatched)
        try:
            table = fk.promql(query, table=scraped, start=start / 1000, end=end / 1000, step=f"{step}ms", rules=2)
            ours = by_series(table)
        except QueryError as error:
            ours = str(error)
    assert_equal(ours, asked(server, query, start, end, step))


@pytest.mark.server
def test_the_matrix_of_what_the_server_holds_is_that_of_the_metrics(server, metrics, flows):
    start, end, _ = period(flows)
    read = fk.matrix_of_prometheus(server, start / 1000 - 60, end / 1000)
    own = fk.matrix([fk.FlowMetric.load(path).apply(flows) for path in metrics])
    names = [*own.edges.columns[:11], "connections"]
    assert read.edges[names].equals(own.edges[names])
