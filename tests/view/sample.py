"""Matrices to look at and to test with: a small cluster, one of any size, one with names from hell."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from flowkit.contract.provenance import Provenance, with_provenance
from flowkit.enrich import Inventory
from flowkit.enrich.objects import Identity
from flowkit.manifests.flowmetric import FilterSpec, FlowMetricSpec
from flowkit.matrix import EDGE_COLUMNS, FlowMatrix
from flowkit.metric import FlowMetric
from flowkit.policy import PolicySet
from flowkit.policy.model import NetworkPolicy, Peer, Rule, Selector
from flowkit.view.judged import Judged, PolicyText, RuleText
from flowkit.view.payload import Additions

START = pd.Timestamp("2026-09-21 14:13:05.250", tz="UTC")
HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "__proto__",
    "constructor",
    "\u202etxt.exe\u2066",
    "\x1b[2J\x07bell",
    "",
    "n" * 5000,
    "=HYPERLINK(1)",
    "سلام",
    "<b>bold</b>&amp;",
)


def end(name: str) -> dict[str, str]:
    """Read ``namespace/workload``, ``namespace/workload!Kind``, ``node:name``, ``out:label`` or ``out:`` (unknown)."""
    if name.startswith("out:"):
        return {"namespace": "", "kind": "", "workload": "", "subnet_label": name[4:]}
    if name.startswith("node:"):
        return {"namespace": "", "kind": "Node", "workload": name[5:], "subnet_label": ""}
    namespace, _, workload = name.partition("/")
    workload, _, kind = workload.partition("!")
    return {"namespace": namespace, "kind": kind or "Deployment", "workload": workload, "subnet_label": ""}


def row(client: str, server: str, port: int | None, size: int, **more: Any) -> dict[str, Any]:
    """One edge; everything not said follows from its size."""
    known = {
        **{f"from_{name}": value for name, value in end(client).items()},
        **{f"to_{name}": value for name, value in end(server).items()},
        "port": port,
        "proto": 6,
        "state": "answered",
        "flows": max(1, size // 40_000),
        "connections": max(1, size // 160_000),
        "bytes": size,
        "packets": max(2, size // 700),
        "first": START,
        "last": START + pd.Timedelta(seconds=90),
        "direction_by": "SYN",
        "folded": 0,
    }
    return {**known, **more}


def matrix_of(rows: list[dict[str, Any]], origin: Provenance | None = None) -> FlowMatrix:
    edges = pd.DataFrame(rows, columns=list(EDGE_COLUMNS))
    text = [name for name in EDGE_COLUMNS if name.startswith(("from_", "to_"))] + ["state", "direction_by"]
    edges = edges.astype(dict.fromkeys(text, "str"))
    edges["port"] = edges["port"].astype("UInt16")
    for name in ("first", "last"):
        edges[name] = pd.to_datetime(edges[name], utc=True).dt.as_unit("ms")
    return FlowMatrix(with_provenance(edges, origin or Provenance()))


def cluster() -> FlowMatrix:
    """About 30 workloads in 8 namespaces, with outside, nodes, refused, unanswered and inferred edges."""
    rng = np.random.default_rng(7)
    rows = []
    for line in CLUSTER.strip().splitlines():
        client, server, port, size, *rest = line.split()
        more: dict[str, Any] = {"proto": 17 if port.endswith("u") else 6}
        more["first"] = START + pd.Timedelta(seconds=int(rng.integers(0, 900)))
        more["last"] = more["first"] + pd.Timedelta(seconds=int(rng.integers(1, 6000)))
        for word in rest:
            more.update(WORDS[word])
        number = None if port == "-" else int(port.rstrip("u"))
        rows.append(row(client, server, number, int(float(size) * 1000), **more))
    losses = {
        "frames that are not IP": 1204,
        "multicast and link-local flows": 311,
        "flows of which no side is known": 3,
    }
    notes = ("The inventory has no Services: addresses of Services stay unknown.",)
    return matrix_of(rows, Provenance(("node-a.pcap.gz", "node-b.pcap.gz"), 1, losses, notes))


WORDS: dict[str, dict[str, Any]] = {
    "refused": {"state": "refused", "flows": 6, "connections": 6, "packets": 12},
    "unanswered": {"state": "unanswered", "flows": 4, "connections": 4, "packets": 9},
    "inferred": {"direction_by": "inferred: the lower port listens"},
    "udp": {"direction_by": "first packet", "proto": 17},
    "icmp": {"proto": 1, "direction_by": "ICMP echo"},
    "twice": {"folded": 41},
}

CLUSTER = """
out: ingress/router 443 24100
out:corp-vpn ingress/router 443 8300
out: ingress/router 22 0.9 unanswered
out: ingress/router 8080 0.4 refused
ingress/router shop/frontend 8080 41800 twice
ingress/router console/console 8443 3120
ingress/router monitoring/grafana 3000 5240
shop/frontend shop/cart 8080 9200 twice
shop/frontend shop/catalog 8080 18400 twice
shop/frontend shop/checkout 8080 6100
shop/checkout shop/cart 8080 2200
shop/checkout shop/payments 8443 4100
shop/checkout shop/mailer 2525 380
shop/cart data/redis!StatefulSet 6379 12800
shop/cart data/redis!StatefulSet 16379 0.3 refused
shop/catalog data/postgres!StatefulSet 5432 38100 inferred
shop/checkout data/postgres!StatefulSet 5432 7400
shop/payments out:payment-provider 443 1900
shop/mailer out: 25 0.6 unanswered
shop/catalog out:object-store 443 61200
shop/loadgen!Job ingress/router 443 9800
data/postgres-backup!CronJob data/postgres!StatefulSet 5432 90400
data/postgres-backup!CronJob out:object-store 443 88100
data/redis!StatefulSet data/redis-replica!StatefulSet 6379 15400 inferred
data/postgres!StatefulSet kube-system/coredns 53u 120 udp
monitoring/prometheus-k8s!StatefulSet shop/frontend 8080 940
monitoring/prometheus-k8s!StatefulSet shop/cart 8080 930
monitoring/prometheus-k8s!StatefulSet shop/catalog 8080 990
monitoring/prometheus-k8s!StatefulSet shop/checkout 8080 1010
monitoring/prometheus-k8s!StatefulSet shop/payments 9090 0.5 refused
monitoring/prometheus-k8s!StatefulSet data/redis!StatefulSet 9121 1210
monitoring/prometheus-k8s!StatefulSet data/postgres!StatefulSet 9187 1340
monitoring/prometheus-k8s!StatefulSet netobserv/flowlogs-pipeline!DaemonSet 9401 2210
monitoring/prometheus-k8s!StatefulSet netobserv/netobserv-plugin 9002 310
monitoring/prometheus-k8s!StatefulSet kube-system/coredns 9153 1480
monitoring/prometheus-k8s!StatefulSet monitoring/alertmanager!StatefulSet 9093 220
monitoring/prometheus-k8s!StatefulSet monitoring/node-exporter!DaemonSet 9100 4420
monitoring/prometheus-k8s!StatefulSet node:node-a 10250 8120
monitoring/prometheus-k8s!StatefulSet node:node-b 10250 7930
monitoring/grafana monitoring/thanos-querier 9091 6630
monitoring/thanos-querier monitoring/prometheus-k8s!StatefulSet 10901 18200
monitoring/alertmanager!StatefulSet out: 443 71
netobserv/flowlogs-pipeline!DaemonSet loki/loki-gateway 8080 52300
netobserv/flowlogs-pipeline!DaemonSet kube-system/kubernetes!Service 443 1820
netobserv/flowlogs-pipeline!DaemonSet node:node-a 6443 4260
netobserv/netobserv-plugin loki/loki-gateway 8080 2740
netobserv/netobserv-plugin loki/loki-query-frontend 3100 890
netobserv/netobserv-plugin monitoring/thanos-querier 9091 640
netobserv/netobserv-plugin kube-system/kubernetes!Service 443 510
node:node-a netobserv/flowlogs-pipeline!DaemonSet 2055u 33100 udp
node:node-b netobserv/flowlogs-pipeline!DaemonSet 2055u 29800 udp
node:node-a netobserv/flowlogs-pipeline!DaemonSet 8080 90
node:node-a shop/frontend 8080 310
node:node-b shop/cart 8080 300
node:node-a data/postgres!StatefulSet 5432 190
node:node-b kube-system/coredns 8181 120
node:node-a monitoring/grafana 3000 160
console/console netobserv/netobserv-plugin 9001 1660
console/console kube-system/kubernetes!Service 443 9340
loki/loki-gateway loki/loki-query-frontend 3100 4480
loki/loki-gateway loki/loki-ingester!StatefulSet 3100 49700
loki/loki-query-frontend loki/loki-ingester!StatefulSet 9095 6120
loki/loki-ingester!StatefulSet out:object-store 443 44800
shop/frontend kube-system/coredns 53u 410 udp
shop/cart kube-system/coredns 53u 380 udp
shop/catalog kube-system/coredns 53u 390 udp
shop/checkout kube-system/coredns 53u 402 udp
shop/payments kube-system/coredns 53u 96 udp
shop/mailer kube-system/coredns 53u 51 udp
monitoring/grafana kube-system/coredns 53u 44 udp
netobserv/flowlogs-pipeline!DaemonSet kube-system/coredns 53u 61 udp
loki/loki-gateway kube-system/coredns 53u 77 udp
console/console kube-system/coredns 53u 33 udp
kube-system/coredns out: 53u 830 udp
shop/loadgen!Job data/postgres!StatefulSet 5432 0.3 unanswered
shop/loadgen!Job data/postgres!StatefulSet 22 0.3 refused
shop/loadgen!Job data/redis!StatefulSet 6379 0.3 unanswered
shop/loadgen!Job data/redis!StatefulSet 80 0.2 refused
shop/loadgen!Job shop/payments - 0.4 icmp
monitoring/node-exporter!DaemonSet monitoring/syslog 514u 2630 udp
data/redis!StatefulSet monitoring/syslog 514u 710 udp
"""


def large(workloads: int, edges: int, namespaces: int = 80, seed: int = 1) -> FlowMatrix:
    """A cluster of any size: neighbours talk, and a few hubs are called by everybody."""
    rng = np.random.default_rng(seed)
    names = np.array([f"workload-{at:05d}" for at in range(workloads)])
    group = np.array([f"namespace-{at % namespaces:03d}" for at in range(workloads)])
    hubs = rng.choice(workloads, 6, replace=False)
    client = rng.integers(0, workloads, edges * 2)
    near = (client + namespaces * rng.integers(-6, 7, edges * 2)) % workloads
    far = rng.integers(0, workloads, edges * 2)
    chance = rng.random(edges * 2)
    server = np.where(chance < 0.45, near, np.where(chance < 0.8, far, rng.choice(hubs, edges * 2)))
    port = rng.choice([53, 80, 443, 3100, 5432, 6379, 8080, 8443, 9090, 9092], edges * 2)
    keys = pd.DataFrame({"client": client, "server": server, "port": port}).drop_duplicates().head(edges)
    at, to = keys["client"].to_numpy(), keys["server"].to_numpy()
    size = np.exp(rng.normal(11, 3, len(keys))).astype("int64") + 60
    first = START + pd.to_timedelta(rng.integers(0, 7200, len(keys)), unit="s")
    table = {
        "from_namespace": group[at],
        "from_kind": "Deployment",
        "from_workload": names[at],
        "from_subnet_label": "",
        "to_namespace": group[to],
        "to_kind": "Deployment",
        "to_workload": names[to],
        "to_subnet_label": "",
        "port": keys["port"].astype("UInt16").to_numpy(),
        "proto": np.where(keys["port"] == 53, 17, 6),
        "state": rng.choice(["answered", "refused", "unanswered"], len(keys), p=[0.96, 0.02, 0.02]),
        "flows": 1 + size // 40_000,
        "connections": 1 + size // 160_000,
        "bytes": size,
        "packets": 2 + size // 700,
        "first": first,
        "last": first + pd.to_timedelta(rng.integers(1, 3600, len(keys)), unit="s"),
        "direction_by": "SYN",
        "folded": 0,
    }
    frame = pd.DataFrame(table, columns=list(EDGE_COLUMNS))
    for name in ("first", "last"):
        frame[name] = pd.to_datetime(frame[name], utc=True).dt.as_unit("ms")
    return FlowMatrix(with_provenance(frame, Provenance(("large",), 50)))


def hostile() -> FlowMatrix:
    """Every hostile name as a workload, a namespace, a kind and a subnet label, and in every sentence of the header."""
    rows = []
    for at, name in enumerate(HOSTILE):
        bad = {"from_namespace": name, "from_workload": name, "from_kind": name or "Deployment"}
        rows.append(row("shop/cart", "data/redis", 6379, 1000 + at, **bad, direction_by=f"{name} guessed"))
        rows.append(row("shop/cart", "data/redis", 6379, 2000 + at, to_namespace=name, to_workload=name))
        rows.append(row("shop/cart", "out:", 443, 3000 + at, to_subnet_label=name, first=START, last=START))
    losses = {name or "nameless": 1 for name in HOSTILE}
    return matrix_of(rows, Provenance(HOSTILE[:4], None, losses, HOSTILE))


def compared() -> tuple[FlowMatrix, FlowMatrix]:
    """The cluster today, and an earlier one: it lacks some edges, has others, and one was refused then."""
    now = cluster()
    edges = now.edges.copy()
    edges.loc[edges["direction_by"].str.startswith("inferred"), "state"] = "refused"
    older = [row("shop/cart", "data/memcached", 11211, 9_000_000), row("shop/frontend", "shop/legacy", 8080, 70_000)]
    before = pd.concat([edges.iloc[9:], matrix_of(older).edges], ignore_index=True)
    return now, FlowMatrix(with_provenance(before, Provenance(("last-week.pcap.gz",), 1)))


def judged(matrix: FlowMatrix) -> Judged:
    """Verdicts of every kind, and two policies whose rules name the edges they stand on."""
    edges = matrix.edges
    shop, data = ((edges["to_namespace"] == name).to_numpy() for name in ("shop", "data"))
    bad = (edges["state"] != "answered").to_numpy()
    icmp = (edges["proto"] == 1).to_numpy()
    protected = shop | data
    words = np.where(icmp, "undecided", np.where(protected & bad, "denied", "allowed"))
    policy = np.where(protected, np.where(shop, "shop/allow-observed", "data/allow-observed"), "")
    verdicts = pd.DataFrame(
        {
            "verdict": words,
            "policy": np.where(words == "allowed", policy, ""),
            "rule": np.where((words == "allowed") & protected, "ingress 1", ""),
            "reason": np.select(
                [words == "denied", words == "undecided", protected],
                ["no rule admits it", "ICMP is left to the network plugin", "admitted"],
                "no policy selects the server",
            ),
        }
    )
    return Judged(
        verdicts, tuple(_policy(name, mask & ~bad & ~icmp) for name, mask in (("shop", shop), ("data", data)))
    )


def _policy(namespace: str, mask: np.ndarray[Any, Any]) -> PolicyText:
    yaml = (
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\n"
        f"metadata:\n  name: allow-observed\n  namespace: {namespace}\n"
        "spec:\n  podSelector: {}\n  policyTypes: [Ingress]\n  ingress:\n  - from:\n    - namespaceSelector: {}\n"
    )
    rows = tuple(np.flatnonzero(mask).tolist())
    unused = RuleText("ingress 2: from (external) corp-vpn to port 9000/TCP")
    return PolicyText(
        namespace, "allow-observed", yaml, (RuleText("ingress 1: from observed namespaces", rows), unused)
    )


def outside() -> pd.DataFrame:
    """Three unknown blocks, as `fk.external` lists them."""
    table = pd.DataFrame(
        {
            "role": ["server", "server", "client"],
            "block": ["203.0.113.0/24", "api.payments.example", "198.51.100.0/24"],
            "addresses": [3, 1, 12],
            "ports": ["443/TCP, 8443/TCP", "443/TCP", "443/TCP"],
            "peers": ["shop/catalog, data/postgres-backup", "shop/payments", "ingress/router"],
            "connections": [812, 91, 4410],
            "bytes": [88_100_000, 1_900_000, 24_100_000],
            "first": START,
            "last": START + pd.Timedelta(seconds=6000),
            "label": ["EXT:net_203_0_113_0_24", "EXT:api_payments_example", "EXT:net_198_51_100_0_24"],
            "cidrs": [["203.0.113.7/32"], ["192.0.2.1/32"], ["198.51.100.0/28"]],
        }
    )
    share = "unknown of the traffic with the outside: 5,313 of 6,010 connections (88.4 %), 114,100,000 of 150,000,000 bytes (76.1 %)"
    return with_provenance(table, Provenance(notes=(share,)))


def over_time() -> pd.DataFrame:
    """Bytes by server namespace over two hours, as `flowkit.view.times.timeline` sums them."""
    rng = np.random.default_rng(3)
    times = START.floor("s") + pd.to_timedelta(np.arange(100) * 66, unit="s")
    names = ["shop", "data", "loki", "monitoring", "kube-system", "(external)", "netobserv"]
    parts = [
        pd.DataFrame({"time": times, "namespace": name, "bytes": (rng.gamma(3, 4e5, 100) / (at + 1)).astype("int64")})
        for at, name in enumerate(names)
    ]
    return pd.concat(parts, ignore_index=True)


def everything() -> tuple[FlowMatrix, Additions]:
    """The cluster with all that can be shown beside it."""
    now, before = compared()
    return now, Additions(before, judged(now), over_time(), outside())


def hostile_everything() -> tuple[FlowMatrix, Additions]:
    """Hostile names in every field that a view shows."""
    matrix = hostile()
    words = [HOSTILE[at % len(HOSTILE)] for at in range(len(matrix.edges))]
    verdicts = pd.DataFrame({"verdict": "denied", "policy": words, "rule": words, "reason": words})
    policies = tuple(
        PolicyText(name, name, f"{name}\n{name}", (RuleText(name, (0, 1)), RuleText(name))) for name in HOSTILE
    )
    blocks = outside().iloc[[0] * len(HOSTILE)].assign(block=HOSTILE, ports=HOSTILE, peers=HOSTILE, label=HOSTILE)
    table = with_provenance(blocks.reset_index(drop=True), Provenance(notes=(f"unknown of {HOSTILE[0]}",)))
    groups = over_time().query("namespace == 'shop'")
    times = pd.concat([groups.assign(namespace=name) for name in HOSTILE if name], ignore_index=True)
    return matrix, Additions(
        matrix_of([row("a/b", "c/d", 1, 1)], Provenance(HOSTILE)), Judged(verdicts, policies), times, table
    )


def hostile_values() -> list[Any]:
    """A metric, a policy set, verdicts and an inventory in which every text that can be a name from hell is one."""
    name, rest = HOSTILE[0], [one or "x" for one in HOSTILE]
    filters = tuple(FilterSpec("SrcK8S_Name", one, "MatchRegex") for one in rest)
    spec = FlowMetricSpec(name, "Counter", help="".join(rest), filters=filters, remap={}, place=name)
    rules = (Rule((Peer(pods=Selector((("app", name),))),)),)
    sets = [NetworkPolicy(one, one, Selector((("app", one),)), ("Ingress",), rules, place=one) for one in rest]
    verdicts = pd.DataFrame(dict.fromkeys(("policy", "rule", "reason"), rest)).assign(verdict="denied")
    people = tuple(Identity(one, "Pod", one, one, one) for one in rest)
    landlords = {f"10.0.0.{at}": at for at in range(len(rest))}
    return [
        FlowMetric(spec),
        PolicySet(tuple(sets), notes=tuple(rest)),
        Judged(verdicts, (PolicyText(name, name, name),)),
        Inventory(people, (), landlords, {}, notes=tuple(rest)),
    ]
