"""DNS messages copied as they passed → name, response code and latency on the responses' flows, by the reader's own rules."""

from __future__ import annotations

import numpy as np

from capture.ebpf.maps import Records
from capture.ebpf.table import flows_of, key_of
from capture.pcap.dns import PORT, Lookups, Messages, questions
from capture.pcap.octets import U8, U16
from capture.pcap.sightings import dns_columns

_HEADER, _NAME, _RESPONSE = 12, 100, 0x8000
_PATIENCE_NS = 5_000_000_000


class Questions:
    """Questions that wait for their answer, from one drain to the next."""

    def __init__(self) -> None:
        self._lookups = Lookups()

    def columns(self, keys: Records, values: Records, records: Records, epoch_ns: int) -> dict[str, object]:
        """The DNS fields of each flow."""
        nowhere = np.zeros(len(keys), np.uint64)
        if len(records):
            self._lookups.add(_messages(records, epoch_ns))
        return dns_columns(flows_of(keys, values, nowhere, epoch_ns), self._lookups.take())

    def unanswered(self, now_ns: int) -> list[str]:
        """The names of questions that have waited for more than 5 s, which are forgotten then."""
        return self._lookups.unanswered(now_ns - _PATIENCE_NS)


def _messages(records: Records, epoch_ns: int) -> Messages:
    octets = np.ascontiguousarray(records["message"]).view(np.uint8).reshape(len(records), -1)
    ident, flags = _big16(octets, 0), _big16(octets, 2)
    answer = flags & _RESPONSE > 0
    fits = np.where(answer, records["key"]["sport"], records["key"]["dport"]) == PORT
    key = key_of(records["key"], np.zeros(len(records), np.uint64)).take(fits)
    name = octets[:, _HEADER : _HEADER + _NAME].copy().view(f"S{_NAME}").ravel()
    time = records["time_ns"].astype(np.int64) + epoch_ns
    return Messages(questions(key, answer[fits], ident[fits]), key, time[fits], ident[fits], flags[fits], name[fits])


def _big16(octets: U8, at: int) -> U16:
    found: U16 = octets[:, at].astype(np.uint16) << np.uint16(8) | octets[:, at + 1]
    return found
