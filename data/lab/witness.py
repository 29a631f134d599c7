"""The witness: nftables sets in each place that note who reached it, on which address and port.

It looks after all filters and before the place's own taste, so an arrival is a connection that the policies let through,
whatever became of it then.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Iterator

from data.lab.network import load_rules

TABLE = "witness"
SETS = {4: "reached4", 6: "reached6"}
FLUSH = "".join(f"flush set inet {TABLE} {name}; " for name in SETS.values())
TAKE = f"nft -j -n list table inet {TABLE} && nft '{FLUSH}'"

Arrival = tuple[str, str, int, int]
"""The client's address, the server's address, the protocol's number and the port."""

RULES = f"""\
table inet {TABLE}
delete table inet {TABLE}
table inet {TABLE} {{
  set {SETS[4]} {{
    type ipv4_addr . ipv4_addr . inet_proto . inet_service; flags dynamic; size 65535;
  }}
  set {SETS[6]} {{
    type ipv6_addr . ipv6_addr . inet_proto . inet_service; flags dynamic; size 65535;
  }}
  chain in {{
    type filter hook input priority -50; policy accept;
    ct state new meta l4proto {{ tcp, udp }} jump note
  }}
  chain note {{
    meta nfproto ipv4 add @{SETS[4]} {{ ip saddr . ip daddr . meta l4proto . th dport }}
    meta nfproto ipv6 add @{SETS[6]} {{ ip6 saddr . ip6 daddr . meta l4proto . th dport }}
  }}
}}
"""


def watch(netns: Iterable[str]) -> None:
    """Begin to note arrivals in these namespaces."""
    for place in netns:
        load_rules(place, RULES)


def arrivals(netns: Iterable[str]) -> set[Arrival]:
    """Take what arrived in these namespaces since `watch`, or since it was taken last."""
    return {arrival for place in netns for arrival in _taken(place)}


def _taken(place: str) -> Iterator[Arrival]:
    command = ["ip", "netns", "exec", place, "sh", "-c", TAKE]
    shown = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    for item in shown["nftables"]:
        for element in item.get("set", {}).get("elem", ()):
            source, server, protocol, port = element["concat"]
            yield source, server, int(protocol), int(port)
