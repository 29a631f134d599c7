"""Records → what a reader keeps of them: the part of reading that any process can do, and the part where its order counts.

A `Harvester` decodes and groups batches; the `Yard` puts harvests together, whoever made them and in whatever order they
come: fragments and DNS messages are looked at in the order of the capture all the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from capture.pcap.comments import DISAGREE
from capture.pcap.container import Walked
from capture.pcap.decode import Seen, Tally, View, look
from capture.pcap.dns import Answers, Lookups, Messages
from capture.pcap.fragments import Fragments, Pieces
from capture.pcap.handshake import Handshakes, RoundTrips, Steps
from capture.pcap.keys import numbered
from capture.pcap.meter import HEAP, NO_CUTS, Cuts, Flows, Heap, Meter, merge
from capture.pcap.octets import I64, U64
from capture.pcap.packets import join_keys
from capture.pcap.places import Place, Places
from capture.pcap.table import in_order

ORPHANS = "IP fragments without their first one (kept, without ports)"


class Aside(NamedTuple):
    """What must be looked at in the order of the capture: fragments and DNS messages of a batch, by the batch's number."""

    number: int
    pieces: list[Pieces]
    messages: list[Messages]


class Harvest(NamedTuple):
    """What some batches gave; `places` says what the places in flow keys mean."""

    flows: Flows | None
    steps: Steps | None
    asides: list[Aside]
    tally: Tally
    places: Sequence[Place]


@dataclass(frozen=True)
class Result:
    """What a whole capture gave, its flows in the order of a flow table."""

    flows: Flows
    round_trips: RoundTrips | None
    answers: Answers | None
    tally: Tally
    places: Sequence[Place]
    # For each flow the number of the place whose names it has, or -1; where no flow has any, None.
    named: I64 | None = None


class Harvester:
    """Decodes batches and groups their packets when it pays."""

    def __init__(self, view: View, cuts: Cuts = NO_CUTS, heap: int = HEAP) -> None:
        self._view, self._cuts, self._heap = view, cuts, Heap(heap)
        self._places, self._tally, self._asides = Places(), Tally(), list[Aside]()

    def add(self, number: int, walked: Walked) -> Harvest | None:
        """Decode a batch; a harvest when it is time for one."""
        full, aside = False, Aside(number, [], [])
        for records in walked.parts():
            if (seen := look(records, self._tally, self._view, self._places)) is not None:
                full |= self._keep(seen, aside)
        self._asides.append(aside)
        return self.harvest() if full else None

    def _keep(self, seen: Seen, aside: Aside) -> bool:
        if seen.pieces is not None:
            aside.pieces.append(seen.pieces)
        if seen.messages is not None:
            aside.messages.append(seen.messages)
        return self._heap.add(seen.packets)

    def harvest(self) -> Harvest:
        """Everything since the last harvest."""
        flows, steps = self._heap.grouped(self._cuts) or (None, None)
        harvest = Harvest(flows, steps, self._asides, self._tally, self._places.known)
        self._tally, self._asides = Tally(), []
        return harvest


class Yard:
    """Where the harvests of one capture come together."""

    def __init__(self, cuts: Cuts = NO_CUTS) -> None:
        self._cuts, self._meter, self._fragments = cuts, Meter(cuts=cuts), Fragments()
        self._handshakes, self._lookups = Handshakes(cuts), Lookups(cuts)
        self._places, self._tally = Places(), Tally()
        self._waiting: dict[int, Aside] = {}
        self._next = 0

    def take(self, harvest: Harvest) -> None:
        """Take in a harvest."""
        numbers = self._places.adopted(harvest.places)
        self._tally.add(harvest.tally)
        if harvest.flows is not None:
            self._meter.take(_flows_placed(harvest.flows, numbers))
        if harvest.steps is not None:
            client = harvest.steps.client.placed(numbers)
            self._handshakes.add(replace(harvest.steps, client=client))
        for aside in harvest.asides:
            self._waiting[aside.number] = _placed(aside, numbers)
        while self._next in self._waiting:
            self._look(self._waiting.pop(self._next))
            self._next += 1

    def _look(self, aside: Aside) -> None:
        for pieces in aside.pieces:
            self._meter.add(self._fragments.settle(pieces))
        for messages in aside.messages:
            self._lookups.add(messages)

    def result(self) -> Result:
        """What the whole capture gave; the yard is empty then."""
        self._meter.add(self._fragments.rest())
        self._tally.reasons[ORPHANS] += self._fragments.orphans
        round_trips, answers = self._handshakes.round_trips(), self._lookups.answers()
        flows, self._meter = self._meter.flows(), Meter(cuts=self._cuts)
        result = Result(flows, round_trips, answers, self._tally, self._places.known)
        if any(place.named for place in result.places):
            result = _named(result, self._places, self._cuts)
        return replace(result, flows=in_order(result.flows)) if result.named is None else result


def _named(result: Result, places: Places, cuts: Cuts) -> Result:
    """Flows that only their packets' comments tell apart become one again, with the names of one of them."""
    known = tuple(result.places)
    bare = np.array([places.number(place.unnamed) for place in known], np.uint64)
    said = np.array([place.named is not None for place in known])
    place, key = result.flows.key.place, result.flows.key.placed(bare)
    with_names = said[place]
    parts = [replace(result.flows, key=key).take(rows) for rows in (with_names, ~with_names)]
    flows = in_order(merge(parts, cuts))
    number = numbered(join_keys([key, flows.key]))[0]
    before, after = number[: len(key)], number[len(key) :]
    chosen = np.full(int(number.max()) + 1 if len(number) else 0, -1, np.int64)
    chosen[before[with_names]] = place[with_names]
    others = with_names & (place != chosen[before])
    result.tally.reasons[DISAGREE] += len(np.unique(before[others]))
    trips, answers = result.round_trips, result.answers
    return replace(
        result,
        flows=flows,
        named=chosen[after],
        round_trips=trips and replace(trips, key=trips.key.placed(bare)),
        answers=answers and replace(answers, key=answers.key.placed(bare)),
    )


def _flows_placed(flows: Flows, numbers: U64) -> Flows:
    return replace(flows, key=flows.key.placed(numbers)) if len(numbers) > 1 else flows


def _placed(aside: Aside, numbers: U64) -> Aside:
    if len(numbers) <= 1:
        return aside
    pieces = [
        part._replace(packets=replace(part.packets, key=part.packets.key.placed(numbers))) for part in aside.pieces
    ]
    messages = [replace(part, key=part.key.placed(numbers)) for part in aside.messages]
    return Aside(aside.number, pieces, messages)
