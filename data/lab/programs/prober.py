"""A prober: opens connections on demand and tells how each ended. `python -m data.lab.programs.prober`.

It reads orders from its standard input, a line of JSON each, and answers each with one line:
`{"connect": [[SOURCE, SERVER, PROTOCOL, PORT]…]}` with a list of outcomes in the same order, `{"say": [REQUEST…]}` with
a list of complaints, empty where the request was answered. Outcomes: `answered`, `refused` (by the server, where nobody
listens), `egress` and `ingress` (prohibited on the way, which the ICMP code tells), `silent`.
"""

from __future__ import annotations

import errno
import json
import selectors
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from data.lab.programs.wire import Request, perform

AT_ONCE = 64
PATIENCE = {6: 1.5, 17: 0.5}  # seconds; a TCP client that hears nothing tries again after one
WORDS = {
    0: "answered",
    errno.ECONNREFUSED: "refused",
    errno.ENETUNREACH: "egress",
    errno.EHOSTUNREACH: "ingress",
}
DATAGRAM = b"\x1b" + bytes(47)  # what an NTP client says; only a clock answers
IP_RECVERR, IPV6_RECVERR = 11, 25  # linux/in.h, linux/in6.h: hear of every ICMP error, of the passing ones too

Order = tuple[str, str, int, int]


def connect(orders: list[Order]) -> list[str]:
    """Open a connection for each order, some at once."""
    said: dict[int, str] = {}
    for protocol in (6, 17):
        numbers = [number for number, order in enumerate(orders) if order[2] == protocol]
        for start in range(0, len(numbers), AT_ONCE):
            said |= _together({number: orders[number] for number in numbers[start : start + AT_ONCE]}, protocol)
    return [said[number] for number in range(len(orders))]


def _together(orders: dict[int, Order], protocol: int) -> dict[int, str]:
    said = dict.fromkeys(orders, "silent")
    deadline = time.monotonic() + PATIENCE[protocol]
    with selectors.DefaultSelector() as waiting:
        for number, (source, server, _, port) in orders.items():
            opened = _open(source, server, port, protocol)
            if isinstance(opened, OSError):
                said[number] = _word(opened.errno or 0)
            else:
                waiting.register(opened, selectors.EVENT_WRITE if protocol == 6 else selectors.EVENT_READ, number)
        for key in _ready(waiting, deadline):
            said[key.data] = _end(key.fileobj)  # type: ignore[arg-type]  # a socket, as registered
            waiting.unregister(key.fileobj)
        for key in list(waiting.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
    return said


def _open(source: str, server: str, port: int, protocol: int) -> socket.socket | OSError:
    six = ":" in server
    kind = socket.SOCK_STREAM if protocol == 6 else socket.SOCK_DGRAM
    opened = socket.socket(socket.AF_INET6 if six else socket.AF_INET, kind | socket.SOCK_NONBLOCK)
    try:
        opened.setsockopt(*((socket.IPPROTO_IPV6, IPV6_RECVERR) if six else (socket.IPPROTO_IP, IP_RECVERR)), 1)
        opened.bind((source, 0))
        if protocol == 6:
            opened.connect_ex((server, port))
        else:
            opened.connect((server, port))
            opened.send(DATAGRAM)
    except OSError as error:
        opened.close()
        return error
    return opened


def _ready(waiting: selectors.BaseSelector, deadline: float) -> Iterator[selectors.SelectorKey]:
    while waiting.get_map() and (left := deadline - time.monotonic()) > 0:
        for key, _ in waiting.select(left):
            yield key


def _end(opened: socket.socket) -> str:
    with opened:
        return _word(opened.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))


def _word(number: int) -> str:
    return WORDS.get(number) or errno.errorcode[number]


def say(requests: list[Request]) -> list[str]:
    """Make each request, all at once; give what went wrong with it."""
    with ThreadPoolExecutor(max_workers=max(1, len(requests))) as pool:
        return list(pool.map(_complaint, requests))


def _complaint(request: Request) -> str:
    try:
        perform(request)
    except OSError as error:
        return str(error) or type(error).__name__
    return ""


def main() -> None:
    """Answer orders until there are no more."""
    for line in sys.stdin:
        wanted = json.loads(line)
        if "connect" in wanted:
            answer = connect([tuple(order) for order in wanted["connect"]])
        else:
            answer = say([Request(**order) for order in wanted["say"]])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
