"""A client: makes its calls until it is told to stop. `python -m data.lab.programs.client ORDERS`.

ORDERS is JSON: `{"periodic": [{"every": 2.0, "requests": [REQUEST…]}…], "once": [REQUEST…]}`. The requests of one
periodic order take turns. A failed request is tried again twice; what still failed is counted and reported at the end.
"""

from __future__ import annotations

import json
import random
import signal
import sys
import threading
from itertools import cycle

from data.lab.programs.wire import Request, perform

ATTEMPTS = 3
PAUSE = 0.2


class Client:
    """Calls in threads, and the count of what failed."""

    def __init__(self) -> None:
        self.stop = threading.Event()
        self.failed: dict[str, int] = {}

    def periodic(self, every: float, requests: list[Request]) -> None:
        """Make requests in turn, spread a little so that clients do not march in step."""
        self.stop.wait(random.uniform(0, min(every, 2.0)))
        for request in cycle(requests):
            if self.stop.is_set():
                return
            self.patiently(request)
            self.stop.wait(every * random.uniform(0.8, 1.2))

    def once(self, requests: list[Request]) -> None:
        """Make each request a single time, one after the other."""
        for request in requests:
            if not self.stop.wait(PAUSE):
                self.attempt(request)

    def patiently(self, request: Request) -> None:
        """Try a request, and again after a pause that doubles."""
        for number in range(ATTEMPTS):
            if self.attempt(request) or self.stop.wait(PAUSE * 2**number):
                return

    def attempt(self, request: Request) -> bool:
        """Try a request; tell whether it worked."""
        try:
            perform(request)
        except OSError as error:
            key = f"{request.speaks} {request.host}:{request.port} {error}"
            self.failed[key] = self.failed.get(key, 0) + 1
            return False
        return True


def main(orders: str) -> None:
    """Run until SIGTERM."""
    wanted = json.loads(orders)
    client = Client()
    signal.signal(signal.SIGTERM, lambda *_: client.stop.set())
    threads = [
        threading.Thread(target=client.periodic, args=(order["every"], _requests(order["requests"])))
        for order in wanted.get("periodic", ())
    ]
    threads.append(threading.Thread(target=client.once, args=(_requests(wanted.get("once", ())),)))
    for thread in threads:
        thread.start()
    client.stop.wait()
    for thread in threads:
        thread.join()
    for key, count in sorted(client.failed.items()):
        print(f"{count} × {key}", file=sys.stderr)


def _requests(orders: list[dict[str, str | int]]) -> list[Request]:
    return [Request(**order) for order in orders]  # type: ignore[arg-type]  # JSON's values are what Request declares


if __name__ == "__main__":
    main(sys.argv[1])
