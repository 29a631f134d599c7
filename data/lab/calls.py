"""Who talks to whom, and what they get.

Not written here because they follow from the rest (see `derived`): each node's health probes of its own pods, and the
name look-ups of every workload that calls something by its name.
"""

from __future__ import annotations

from data.lab.model import Call, ToAddress, ToNodes, ToOutside, ToPods, ToService

# By hand: a line a call reads as a table.
# fmt: off
SHOP = (
    Call("shop/shopper", ToService("shop/frontend", 80), "http", 2.0),
    Call("shop/shopper", ToService("shop/frontend", 80), "http", 5.0, family=6),
    Call("shop/shopper", ToPods("shop/frontend", 8080), "http", 6.0, family=6),
    Call("shop/frontend", ToService("shop/api", 80), "http", when="request"),
    Call("shop/frontend", ToService("monitoring/syslog", 514), "sink", when="request"),
    Call("shop/api", ToService("data/redis", 6379), "redis", when="request"),
    Call("shop/api", ToService("shop/catalog", 8080), "http", when="request"),
    Call("shop/api", ToService("shop/catalog", 8080), "http", 4.0, family=6),
    Call("shop/api", ToService("shop/cart", 80), "http", when="request"),
    Call("shop/api", ToService("shop/checkout", 80), "http", 3.0),
    Call("shop/api", ToService("monitoring/statsd", 8125), "sink", 2.5),
    Call("shop/catalog", ToService("data/postgres", 5432), "postgres", 3.0),
    Call("shop/cart", ToService("data/redis", 6379), "redis", when="request"),
    Call("shop/cart-canary", ToService("data/redis", 6379), "redis", when="request"),
    Call("shop/cart-canary", ToService("data/search", 9200), "http", 4.0, state="refused"),
    Call("shop/checkout", ToOutside("payments", 443), "https", when="request"),
    Call("shop/checkout", ToService("data/postgres", 5432), "postgres", 5.0),
    Call("shop/checkout", ToService("monitoring/statsd", 8125), "sink", 2.0),
    Call("shop/worker", ToService("data/redis", 6379), "redis", 2.0),
    Call("shop/worker", ToOutside("object-store", 443), "https", 5.0, upload=6_000),
    Call("shop/worker", ToOutside("partner", 8443), "https", 5.0, family=6),
    Call("shop/worker", ToOutside("mail", 587), "line", 6.0),
)

SCAN = (
    *(Call("shop/debug-shell", ToPods("data/redis", port), "connect", when="once", state="refused")
      for port in (21, 22, 23, 25, 80, 443, 3306, 8443)),
    Call("shop/debug-shell", ToPods("data/redis", 16379), "connect", when="once", state="unanswered"),
    *(Call("shop/debug-shell", ToPods("shop/frontend", port), "connect", when="once", state="refused")
      for port in (22, 3389, 9000)),
    *(Call("shop/debug-shell", ToAddress("10.128.1.200", port), "connect", when="once", state="unanswered")
      for port in (22, 80)),
)

DATA = (
    Call("data/migrate", ToService("data/postgres", 5432), "postgres", when="once"),
    Call("data/reporting", ToService("data/postgres", 5432), "postgres", when="before"),
)

MONITORING = (
    Call("monitoring/prometheus-k8s", ToPods("netobserv/flowlogs-pipeline", 9401), "http", 4.0, path="/metrics"),
    Call("monitoring/prometheus-k8s", ToPods("netobserv/netobserv-plugin", 9002), "http", 4.0, path="/metrics"),
    Call("monitoring/prometheus-k8s", ToPods("monitoring/statsd", 9102), "http", 5.0, path="/metrics"),
    Call("monitoring/prometheus-k8s", ToPods("shop/api", 8000), "http", 4.0, path="/metrics"),
    Call("monitoring/prometheus-k8s", ToNodes(9100), "http", 4.0, path="/metrics"),
    Call("monitoring/thanos-querier", ToService("monitoring/prometheus-operated", 9090), "http", when="request"),
    Call("monitoring/blackbox", ToPods("data/redis", None), "ping", 5.0),
    Call("monitoring/blackbox", ToNodes(None, "n2"), "ping", 5.0),
    Call("monitoring/blackbox", ToOutside("clock", None), "ping", 6.0),
    Call("monitoring/blackbox", ToPods("shop/frontend", None), "ping", 5.0, family=6),
    Call("monitoring/blackbox", ToOutside("mirror", None), "ping", 6.0, family=6),
)

NETOBSERV = (
    Call("netobserv/flowlogs-pipeline", ToService("default/kubernetes", 443), "https", 1.5),
    Call("netobserv/flowlogs-pipeline", ToService("netobserv-loki/loki-gateway", 8080), "http", 2.0),
    Call("netobserv/netobserv-plugin", ToService("netobserv-loki/loki-gateway", 8080), "http", 4.0),
    Call("netobserv/netobserv-plugin", ToService("netobserv-loki/loki-query-frontend", 3100), "http", 4.0),
    Call("netobserv/netobserv-plugin", ToService("monitoring/thanos-querier", 9091), "http", 4.0),
    Call("netobserv/netobserv-plugin", ToService("default/kubernetes", 443), "https", 1.5),
    Call("netobserv-loki/loki-gateway", ToService("netobserv-loki/loki-ingester", 3100), "http", when="request"),
    Call("netobserv-loki/loki-query-frontend", ToService("netobserv-loki/loki-ingester", 3100), "http", when="request"),
    Call("netobserv-loki/loki-ingester", ToOutside("object-store", 443), "https", 4.0, upload=12_000),
)

PLATFORM = (
    Call("openshift-console/console", ToService("netobserv/netobserv-plugin", 9001), "http", when="request"),
    Call("openshift-ingress/router-default", ToPods("shop/frontend", 8080), "http", when="request"),
    Call("openshift-ingress/router-default", ToPods("openshift-console/console", 8443), "https", when="request"),
    # The agents are host-network pods, so their calls are their nodes'.
    Call("netobserv-privileged/netobserv-ebpf-agent", ToService("netobserv/flowlogs-pipeline", 2055), "line", 3.0),
    Call("node/n2", ToNodes(6443, "n1"), "https", 5.0),
    Call("node/n1", ToOutside("clock", 123), "clock", 8.0),
    Call("node/n2", ToOutside("clock", 123), "clock", 8.0),
    Call("outside/customer", ToNodes(443, "n1"), "https", 2.5),
    Call("outside/partner-office", ToNodes(443, "n1"), "https", 5.0),
)
# fmt: on

CALLS = SHOP + SCAN + DATA + MONITORING + NETOBSERV + PLATFORM
