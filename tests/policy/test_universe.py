"""The cells: which there are and which were seen, by loops; and what is not judged one by one is denied when it is."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

import flowkit as fk
from flowkit.matrix.endpoints import NODES
from flowkit.policy.judge import Ruling
from flowkit.policy.judge.reasons import DENIED, VERDICTS
from flowkit.policy.verify.calls import Calls
from flowkit.policy.verify.names import names_of_parties
from flowkit.policy.verify.tightness import Causes, Tightness
from flowkit.policy.verify.universe import OTHER_ADDRESS, Universe
from flowkit.policy.world import World
from tests.policy import traffic


@pytest.fixture(params=range(12))
def made(request):
    """A random cluster's calls, some of its policies, and the rulings on it."""
    random = Random(request.param)
    cluster = traffic.cluster(random)
    inventory = traffic.inventory(cluster)
    flows = fk.enrich(traffic.table(cluster), cluster=inventory)
    policies = fk.synthesise(fk.matrix(flows), inventory, options=fk.Options(default_deny="always"))
    kept = policies.without(*(f"{each.namespace}/{each.name}" for each in policies.policies if random.random() < 0.3))
    calls = Calls.of(flows, World.of(inventory), ("answered",))
    return calls, inventory, Ruling.of(kept, calls.world), policies


def test_cells_are_those_that_loops_find(made):
    calls, inventory, ruling, _ = made
    universe = Universe.of(ruling, calls, inventory)
    seen = used(calls, ruling, inventory)
    for slab in universe.slabs():
        for row, service in enumerate(slab.services):
            server, proto, port = (int(each[service]) for each in (universe.server, universe.proto, universe.port))
            for client in range(len(universe.ends)):
                assert slab.valid[row, client] == there(universe.ends, client, server)
                key = (same(universe.ends, client), same(universe.ends, server), proto, port)
                assert slab.fresh[row, client] == (key not in seen)


def there(ends, client: int, server: int) -> bool:
    pods = [ends.party[at] >= 0 and ends.names[at] not in (NODES, OTHER_ADDRESS) for at in (client, server)]
    alone = client == server and ends.single[client]
    return any(pods) and ends.is_v6[client] == ends.is_v6[server] and not alone


def same(ends, at: int):
    return ends.names[at] if ends.party[at] >= 0 else ("outside", int(ends.classes[at]))


def used(calls, ruling, inventory) -> set:
    """Who was seen to use what, by workload; outside ends by their class."""
    cells, known = calls.cells(ruling), names_of_parties(calls.world, inventory)
    ends = [
        [known[party] if party >= 0 else ("outside", int(each)) for party, each in zip(parties, classes, strict=True)]
        for parties, classes in zip(calls.parties, (cells.client, cells.server), strict=True)
    ]
    return set(zip(*ends, cells.proto.tolist(), cells.port.tolist(), strict=True))


def test_what_is_not_judged_would_be_denied(made):
    calls, inventory, ruling, policies = made
    universe = Universe.of(ruling, calls, inventory)
    counts = Counter()
    for slab in universe.slabs():
        may = universe.may(ruling, universe.ends.classes, slab)
        for part in universe.portions(slab, slab.valid):
            verdict = ruling.judge(part.cells).verdict
            row = part.service - slab.services[0]
            assert (verdict[~may[row, part.client]] == DENIED).all()
            counts.update(VERDICTS[each] for each in verdict[part.fresh])
    tight = Tightness.of(ruling, calls, inventory, Causes.of(policies.evidence, policies.findings))
    assert (tight.others, tight.denied, tight.undecided) == (counts.total(), counts["denied"], counts["undecided"])
    assert tight.table["cells"].sum() == counts["allowed"]
