"""The scenario: who is there. (`calls` says who talks to whom.)

In `netobserv` it plays the story of NetObserv's own flow matrix; Loki has a namespace of its own, so that the incoming
side of `netobserv` shows exactly the story's rows. Traps on purpose: two Deployments with one `app` label, a named
port that means another number in each of them, Service ports that are not pod ports, a headless Service, a Service
whose pods do not listen on its target port.

Rules of the truth, where the definition alone decides (see also `truth`):

- Multicast, broadcast and link-local traffic (neighbour discovery, MLD, fe80::/10) is left out.
- What a node says to itself over `lo` is seen by no agent, so it is left out.
- ICMP errors are no connections. ICMP echo is one, without a port.
- A pod that reaches a process of its own node through a Service is on the wire under the Service's address alone,
  so every client of such a Service has a pod on each node: the other node's connection shows the relation.
"""

from __future__ import annotations

from data.lab.calls import CALLS
from data.lab.model import Node, Outside, Port, Scenario, Service, ServicePort, SubnetLabel, Workload

# By hand: a line or two a workload reads as a table.
# fmt: off
NODES = (
    Node("n1", "ip-10-0-0-11.eu-west-3.compute.internal", "10.0.0.11", "eu-west-3a",
         "10.128.0.0/23", "fd01:0:0:1::/64"),
    Node("n2", "ip-10-0-0-12.eu-west-3.compute.internal", "10.0.0.12", "eu-west-3b",
         "10.129.0.0/23", "fd01:0:0:2::/64"),
)
N1, N2 = 0, 1

SHOP = (
    Workload("shop", "frontend", "Deployment", (N1, N2), {"app": "frontend", "tier": "web"},
             (Port(8080, "http"),), program="nginx", probe=8080, probe_path="/healthz", dual_stack=True),
    Workload("shop", "api", "Deployment", (N1, N2, N2), {"app": "api", "tier": "backend"},
             (Port(8000, "http"),), probe=8000, probe_path="/healthz", dual_stack=True),
    Workload("shop", "catalog", "Deployment", (N1, N2), {"app": "catalog", "tier": "backend"},
             (Port(9090, "web"),), probe=9090, probe_path="/healthz", dual_stack=True),
    Workload("shop", "cart", "Deployment", (N1,), {"app": "cart", "instance": "stable"},
             (Port(8080, "http"),), probe=8080, probe_path="/healthz"),
    Workload("shop", "cart-canary", "Deployment", (N2,), {"app": "cart", "instance": "canary"},
             (Port(8081, "http"),), probe=8081, probe_path="/healthz"),
    Workload("shop", "checkout", "Deployment", (N2,), {"app": "checkout", "tier": "backend"},
             (Port(8000, "http"),), probe=8000, probe_path="/healthz"),
    Workload("shop", "shopper", "Deployment", (N1, N2), {"app": "shopper"}, dual_stack=True),
    Workload("shop", "worker", "Deployment", (N1,), {"app": "worker"}, dual_stack=True, resolves_over="tcp"),
    Workload("shop", "debug-shell", "Pod", (N2,), {"run": "debug-shell"}),
)

DATA = (
    Workload("data", "redis", "StatefulSet", (N1,), {"app": "redis"},
             (Port(6379, "redis", "redis"),), program="redis", probe=6379, drops=(16379,)),
    Workload("data", "postgres", "StatefulSet", (N2,), {"app": "postgres"},
             (Port(5432, "postgres", "postgres"),), program="postgres", probe=5432),
    Workload("data", "search", "Deployment", (N2,), {"app": "search"}, (Port(9300, "transport", "line"),), probe=9300),
    Workload("data", "reporting", "Deployment", (N1,), {"app": "reporting"}),
    Workload("data", "migrate", "Job", (N1,), {"app": "migrate"}),
)

MONITORING = (
    Workload("monitoring", "prometheus-k8s", "StatefulSet", (N1, N2), {"app.kubernetes.io/name": "prometheus"},
             (Port(9090, "web"),), probe=9090, probe_path="/healthz"),
    Workload("monitoring", "thanos-querier", "Deployment", (N1,), {"app.kubernetes.io/name": "thanos-query"},
             (Port(9091, "web"),), probe=9091, probe_path="/healthz"),
    Workload("monitoring", "node-exporter", "DaemonSet", (N1, N2), {"app.kubernetes.io/name": "node-exporter"},
             (Port(9100, "metrics"),), host_network=True),
    Workload("monitoring", "statsd", "Deployment", (N1,), {"app": "statsd"},
             (Port(8125, "statsd", "sink", "UDP"), Port(9102, "metrics")), probe=9102, probe_path="/healthz"),
    Workload("monitoring", "syslog", "StatefulSet", (N2,), {"app": "syslog"}, (Port(1514, "syslog", "sink", "UDP"),)),
    Workload("monitoring", "blackbox", "Deployment", (N1,), {"app": "blackbox"}, dual_stack=True),
)

NETOBSERV = (
    Workload("netobserv", "flowlogs-pipeline", "DaemonSet", (N1, N2), {"app": "flowlogs-pipeline"},
             (Port(2055, "flp", "line"), Port(8080, "health"), Port(9401, "prometheus")),
             probe=8080, probe_path="/healthz"),
    Workload("netobserv", "netobserv-plugin", "Deployment", (N1, N2), {"app": "netobserv-plugin"},
             (Port(9001, "main"), Port(9002, "metrics"))),
    Workload("netobserv-privileged", "netobserv-ebpf-agent", "DaemonSet", (N1, N2), {"app": "netobserv-ebpf-agent"},
             host_network=True),
    Workload("netobserv-loki", "loki-gateway", "Deployment", (N1, N2),
             {"app.kubernetes.io/component": "lokistack-gateway"},
             (Port(8080, "public"),), probe=8080, probe_path="/healthz"),
    Workload("netobserv-loki", "loki-query-frontend", "Deployment", (N2,),
             {"app.kubernetes.io/component": "query-frontend"},
             (Port(3100, "metrics"),), probe=3100, probe_path="/healthz"),
    Workload("netobserv-loki", "loki-ingester", "StatefulSet", (N1,), {"app.kubernetes.io/component": "ingester"},
             (Port(3100, "metrics"),), probe=3100, probe_path="/healthz"),
)

PLATFORM = (
    Workload("openshift-dns", "dns-default", "DaemonSet", (N1, N2),
             {"dns.operator.openshift.io/daemonset-dns": "default"},
             (Port(5353, "dns", "dns", "UDP"), Port(5353, "dns-tcp", "dns-tcp")), program="dnsmasq", probe=5353),
    Workload("openshift-console", "console", "Deployment", (N2,), {"app": "console", "component": "ui"},
             (Port(8443, "https", "https"),), probe=8443),
    Workload("openshift-ingress", "router-default", "Deployment", (N1,),
             {"ingresscontroller.operator.openshift.io/deployment-ingresscontroller": "default"},
             (Port(443, "https", "https"),), host_network=True),
    Workload("openshift-kube-apiserver", "kube-apiserver", "Static", (N1, N2), {"apiserver": "true"},
             (Port(6443, "https", "https"),), host_network=True),
)

WORKLOADS = SHOP + DATA + MONITORING + NETOBSERV + PLATFORM

SERVICES = (
    Service("default", "kubernetes", "172.30.0.1", (ServicePort(443, 6443, "https"),), nodes_serve=True),
    Service("openshift-dns", "dns-default", "172.30.0.10",
            (ServicePort(53, "dns", "dns", "UDP"), ServicePort(53, "dns-tcp", "dns-tcp")),
            {"dns.operator.openshift.io/daemonset-dns": "default"}),
    Service("shop", "frontend", "172.30.44.10", (ServicePort(80, "http", "http"),), {"app": "frontend"}, "fd02::4410"),
    Service("shop", "api", "172.30.44.11", (ServicePort(80, 8000, "http"),), {"app": "api"}),
    Service("shop", "catalog", "172.30.44.12", (ServicePort(8080, "web", "web"),), {"app": "catalog"}, "fd02::4412"),
    Service("shop", "cart", "172.30.44.13", (ServicePort(80, "http", "http"),), {"app": "cart"}),
    Service("shop", "checkout", "172.30.44.14", (ServicePort(80, "http", "http"),), {"app": "checkout"}),
    Service("data", "redis", "172.30.61.20", (ServicePort(6379, "redis", "redis"),), {"app": "redis"}),
    Service("data", "postgres", "172.30.61.21", (ServicePort(5432, 5432, "postgres"),), {"app": "postgres"}),
    Service("data", "search", "172.30.61.22", (ServicePort(9200, 9200, "http"),), {"app": "search"}),
    Service("monitoring", "prometheus-operated", "", (ServicePort(9090, "web", "web"),),
            {"app.kubernetes.io/name": "prometheus"}),
    Service("monitoring", "thanos-querier", "172.30.72.31", (ServicePort(9091, "web", "web"),),
            {"app.kubernetes.io/name": "thanos-query"}),
    Service("monitoring", "statsd", "172.30.72.32", (ServicePort(8125, "statsd", "statsd", "UDP"),), {"app": "statsd"}),
    Service("monitoring", "syslog", "172.30.72.33", (ServicePort(514, "syslog", "syslog", "UDP"),), {"app": "syslog"}),
    Service("netobserv", "flowlogs-pipeline", "172.30.90.40", (ServicePort(2055, 2055, "flp"),),
            {"app": "flowlogs-pipeline"}),
    Service("netobserv", "netobserv-plugin", "172.30.90.41",
            (ServicePort(9001, 9001, "main"), ServicePort(9002, "metrics", "metrics")), {"app": "netobserv-plugin"}),
    Service("netobserv-loki", "loki-gateway", "172.30.90.42", (ServicePort(8080, "public", "public"),),
            {"app.kubernetes.io/component": "lokistack-gateway"}),
    Service("netobserv-loki", "loki-query-frontend", "172.30.90.43", (ServicePort(3100, 3100, "metrics"),),
            {"app.kubernetes.io/component": "query-frontend"}),
    Service("netobserv-loki", "loki-ingester", "172.30.90.44", (ServicePort(3100, 3100, "metrics"),),
            {"app.kubernetes.io/component": "ingester"}),
    Service("openshift-console", "console", "172.30.95.50", (ServicePort(443, "https", "https"),),
            {"app": "console", "component": "ui"}),
)

OUTSIDE = (
    Outside("resolver", ("203.0.113.53",), "", (Port(53, "dns", "dns", "UDP"), Port(53, "dns-tcp", "dns-tcp"))),
    Outside("object-store", ("198.51.100.70",), "s3.eu-west-3.example", (Port(443, "https", "https"),)),
    Outside("payments", ("198.51.100.20",), "api.payments.example", (Port(443, "https", "https"),)),
    Outside("partner", ("203.0.113.130", "2001:db8:beef::30"), "feed.partner.example", (Port(8443, "https", "https"),)),
    Outside("mail", ("203.0.113.200",), "smtp.mail.example", (Port(587, "submission", "line"),)),
    Outside("clock", ("203.0.113.123",), "", (Port(123, "ntp", "clock", "UDP"),)),
    Outside("mirror", ("2001:db8:7::25",), "", ()),
    Outside("customer", ("198.51.100.200",)),
    Outside("partner-office", ("203.0.113.140",)),
)

LABELS = (
    SubnetLabel("AWS_S3_eu-west-3", (
        "16.12.20.0/24", "52.95.156.0/24", "3.5.204.0/22", "52.95.154.0/23", "16.12.18.0/23", "3.5.224.0/22",
        "13.36.84.48/28", "13.36.84.64/28", "198.51.100.64/28")),
    SubnetLabel("EXT:partner", ("203.0.113.128/28", "2001:db8:beef::/48")),
    # Wider than the one before and after it in the list: the first match counts.
    SubnetLabel("EXT:mail", ("203.0.113.128/25",)),
)
# fmt: on

SCENARIO = Scenario(NODES, WORKLOADS, SERVICES, OUTSIDE, CALLS, LABELS)
