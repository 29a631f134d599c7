"""Which cells a server's policies could admit at all, so that only these need a judgement: a superset, found rule by rule."""

from __future__ import annotations

import numpy as np

from flowkit.enrich.sides import Codes, Mask
from flowkit.policy.judge.lines import ADMIN, NETWORK
from flowkit.policy.judge.peers import PeerMatches
from flowkit.policy.judge.ruling import Ruling
from flowkit.policy.model import INGRESS, Port


def candidates(ruling: Ruling, ends: Codes, services: tuple[Codes, Codes, Codes]) -> Mask:
    """A row a service (`services`: its server as an end, protocol, port) and a column a client end (`ends`: classes).

    False only where a NetworkPolicy isolates the server and none of its rules may admit the client there.
    """
    server, proto, port = services
    if ruling.tiers[ADMIN, INGRESS].entries:
        return np.ones((len(server), len(ends)), dtype=bool)
    tier = ruling.tiers[NETWORK, INGRESS]
    group = ruling.classes.parts(ends)[0][server]
    under = np.append(tier.under, -1)[group]
    found = np.repeat((under < 0)[:, None], len(ends), axis=1)
    matches = PeerMatches(ruling.classes, ends, INGRESS)
    rows_of = {number: np.flatnonzero(under == number) for number in np.unique(under[under >= 0])}
    for number, rows in rows_of.items():
        for at, _ in tier.sets[number]:
            for line in tier.entries[at].lines:
                fits = rows[_fits(line.ports, proto[rows], port[rows])]
                found[fits] |= matches.any_of(line.namespace, line.peers).possible
    return found


def _fits(ports: tuple[Port, ...], proto: Codes, port: Codes) -> Mask:
    """Whether a rule's ports may match; a name may mean any number."""
    result = np.full(len(proto), not ports)
    for each in ports:
        number = each.port if isinstance(each.port, int) else None
        within = True if number is None else (port >= number) & (port <= (each.end or number))
        result |= (proto == each.protocol) & within
    return result
