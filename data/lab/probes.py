"""Probers in every place of the standing network: resident, so that each policy set costs only its connections."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict

from data.lab.attempts import Attempt, Place, places
from data.lab.network import Network
from data.lab.programs.wire import Request
from data.lab.recording import wait_for

ANSWER = 30.0  # seconds that a prober has for all its connections

Prober = subprocess.Popen[bytes]


class Probers:
    """One process a place; the answers to an order are the next line of its log."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self._answered = 0
        self._started = {place.name: self._start(place) for place in places(network.scenario)}

    def connect(self, attempts: Iterable[Attempt]) -> dict[Attempt, str]:
        """Open each connection from its client, all clients at once; give the outcomes, as `programs.prober` names them."""
        mine: dict[str, list[Attempt]] = defaultdict(list)
        for attempt in attempts:
            mine[attempt.client].append(attempt)
        orders = {name: {"connect": [[a.source, a.server, a.proto, a.port] for a in own]} for name, own in mine.items()}
        said = self._ask(orders)
        return {a: word for name, own in mine.items() for a, word in zip(own, said[name], strict=True)}

    def say(self, requests: Mapping[str, list[Request]]) -> dict[str, list[str]]:
        """Make each place's requests; give what went wrong with each, nothing where it was answered."""
        return self._ask({name: {"say": [asdict(request) for request in own]} for name, own in requests.items()})

    def _start(self, place: Place) -> Prober:
        command = [sys.executable, "-m", "data.lab.programs.prober"]
        return self.network.start(place.netns, command, _log(place.name), subprocess.PIPE)

    def _ask(self, orders: Mapping[str, object]) -> dict[str, list[str]]:
        for name, prober in self._started.items():
            assert prober.stdin is not None
            prober.stdin.write(json.dumps(orders.get(name, {"connect": []})).encode() + b"\n")
            prober.stdin.flush()
        self._answered += 1
        wait_for(lambda: not self._silent(), ANSWER, self._complaint)
        return {name: json.loads(self._lines(name)[-1]) for name in self._started}

    def _silent(self) -> list[str]:
        return [name for name in self._started if len(self._lines(name)) < self._answered]

    def _complaint(self) -> str:
        return "\n".join(f"prober of {name}: {self.network.log(_log(name))[-400:]}" for name in self._silent())

    def _lines(self, name: str) -> list[str]:
        return self.network.log(_log(name)).splitlines()


def _log(name: str) -> str:
    return f"prober-{name}"
