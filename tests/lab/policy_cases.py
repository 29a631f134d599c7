"""What the API says of real connections under each set in `policies/`, written by hand.

A line is a client, a server (workloads, nodes by their short names, outside hosts), a protocol, a port, and whether it gets
through over IPv4.
"""

from __future__ import annotations

Line = tuple[str, str, int, int, bool]

CASES: dict[str, list[Line]] = {
    "blocks": [
        ("customer", "frontend", 6, 8080, True),
        ("object-store", "frontend", 6, 8080, False),  # in the hole
        ("partner-office", "frontend", 6, 8080, False),
        ("checkout", "api", 6, 8000, True),  # in the hole, and given back
        ("postgres", "api", 6, 8000, False),
        ("redis", "api", 6, 8000, True),  # a block matches pods too
        ("api", "payments", 6, 443, True),
        ("api", "mail", 6, 587, False),
        ("api", "redis", 6, 6379, False),
        ("api", "clock", 17, 123, True),
        ("n1", "search", 6, 9300, True),  # the other node
        ("n2", "search", 6, 9300, True),  # its own node
        ("search", "n1", 6, 6443, True),
        ("search", "n2", 6, 6443, False),
        ("search", "n1", 6, 9100, False),
        ("n1", "postgres", 6, 5432, False),
        ("worker", "postgres", 6, 5432, True),
        ("customer", "postgres", 6, 5432, False),
    ],
    "ports": [
        ("shopper", "cart", 6, 8080, True),  # http is 8080 here
        ("shopper", "cart-canary", 6, 8081, True),  # and 8081 here
        ("shopper", "cart", 6, 9999, False),
        ("api", "catalog", 6, 9090, True),
        ("shopper", "catalog", 6, 9090, False),
        ("shopper", "catalog", 6, 9999, True),  # the end of a range is in it
        ("shopper", "catalog", 17, 9999, False),
        ("api", "catalog", 17, 9999, True),
        ("worker", "frontend", 6, 8080, True),
        ("worker", "dns-default", 17, 5353, True),
        ("worker", "dns-default", 6, 5353, False),  # dns-tcp is no UDP port
        ("worker", "object-store", 6, 443, False),  # outside has no names
        ("worker", "prometheus-k8s", 6, 9090, False),  # may leave, may not enter
        ("shopper", "syslog", 17, 1514, True),
        ("shopper", "statsd", 6, 9102, False),
        ("blackbox", "statsd", 6, 9102, True),
        ("checkout", "postgres", 6, 5432, True),
        ("checkout", "redis", 6, 6379, False),
        ("checkout", "cart", 6, 8080, True),
        ("checkout", "api", 17, 9999, False),
    ],
    "selectors": [
        ("frontend", "redis", 6, 6379, False),
        ("api", "redis", 6, 6379, True),
        ("worker", "redis", 6, 6379, True),  # has no tier
        ("blackbox", "redis", 6, 6379, False),
        ("migrate", "postgres", 6, 5432, True),
        ("catalog", "postgres", 6, 5432, False),  # right labels, another namespace
        ("netobserv-plugin", "postgres", 6, 5432, True),
        ("debug-shell", "postgres", 6, 5432, True),
        ("cart", "search", 6, 9300, False),
        ("redis", "search", 6, 9300, True),
        ("cart", "cart-canary", 6, 8081, True),
        ("api", "cart-canary", 6, 8081, False),
        ("api", "cart", 6, 8080, True),
        ("cart-canary", "redis", 6, 6379, False),  # namespaces have no label "name"
        ("cart-canary", "dns-default", 17, 5353, True),
        ("customer", "n1", 6, 443, True),
    ],
    "defaults": [
        ("shopper", "frontend", 6, 8080, False),
        ("frontend", "redis", 6, 6379, True),
        ("frontend", "api", 6, 8000, True),
        ("frontend", "api", 6, 9999, False),
        ("blackbox", "api", 6, 9999, True),
        ("blackbox", "api", 6, 8000, False),  # one rule's peer on another's port
        ("api", "redis", 6, 6379, False),
        ("worker", "catalog", 6, 9090, True),  # the ingress rules are not in policyTypes
        ("catalog", "postgres", 6, 5432, False),
        ("customer", "redis", 6, 6379, True),
        ("postgres", "redis", 6, 6379, False),  # may enter, may not leave
        ("customer", "statsd", 17, 8125, True),
        ("customer", "statsd", 6, 9102, False),
        ("thanos-querier", "prometheus-k8s", 6, 9090, False),
    ],
    "tiers": [
        ("debug-shell", "checkout", 6, 8000, False),
        ("prometheus-k8s", "api", 6, 8000, False),  # passed on to the NetworkPolicy
        ("prometheus-k8s", "netobserv-plugin", 6, 9002, True),
        ("prometheus-k8s", "redis", 6, 6379, False),
        ("worker", "dns-default", 17, 5353, True),
        ("worker", "dns-default", 6, 5353, True),
        ("worker", "redis", 6, 6379, False),
        ("cart", "postgres", 6, 5432, True),
        ("cart", "redis", 6, 6379, False),
        ("cart", "checkout", 6, 8000, True),
        ("cart", "api", 6, 8000, False),
        ("customer", "checkout", 6, 8000, True),  # the baseline speaks of pods
    ],
}
