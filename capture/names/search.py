"""One capture's search for names: candidates are parsed, what they say goes into the evidence, what they lack is counted."""

from __future__ import annotations

from functools import lru_cache

from capture.names import dns, http, tls
from capture.names.candidates import Batch, Candidate, Ends, Kind
from capture.names.evidence import Evidence
from capture.names.found import Found, Missing
from capture.names.hostname import host_name, is_address
from capture.names.quic import Initials
from capture.names.quic_keys import available
from capture.names.streams import Streams
from capture.pcap.records import Records

NO_CRYPTOGRAPHY = "QUIC Initials not read: install cryptography"
SEALED = "QUIC Initials that no client's key opens"
OTHER_VERSION = "QUIC packets of versions that are not read"
CUT_DNS = "DNS messages whose end is missing (read as far as they go)"
CUT_BEGINNINGS = "TLS hellos, HTTP requests and DNS streams cut before their name by the snap length"
NEVER_WHOLE = "TLS hellos, HTTP requests and DNS streams whose rest never came"
# Left out by rule: nothing is lost by them.
PROXY = "requests to proxies (their host is not at the address)"
ADDRESS = "hosts that are addresses (no names)"
NO_NAME = "hosts that are empty or longer than a name can be"
BY_RULE = (PROXY, ADDRESS, NO_NAME)

_MOST_PROXIED = 10_000
# Plain numbers: looking up a member of an enum takes longer than comparing it, and this happens for each candidate.
_DNS, _DNS_STREAM, _HELLO, _QUIC = (int(kind) for kind in (Kind.DNS, Kind.DNS_STREAM, Kind.HELLO, Kind.QUIC))


class Search:
    """The state of a search through one capture: streams and connections that are under way."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._streams, self._initials = Streams(), Initials()
        self._proxied: dict[Ends, None] = {}

    def add(self, records: Records) -> None:
        """Search a batch."""
        self._evidence.reasons.update(records.reasons)
        batch = Batch(records)
        if not batch.supported:
            reason = f"frames of link type {records.link}, which is not supported"
            self._evidence.reasons[reason] += len(records)
            return
        for candidate in batch.begins():
            self._read(candidate)
        if len(self._streams):
            for candidate in batch.rests(self._streams.ports):
                self._continue(candidate)

    def end(self) -> None:
        """Count what never became whole."""
        self._evidence.reasons[NEVER_WHOLE] += self._streams.rest()

    def _read(self, candidate: Candidate) -> None:
        kind = candidate.kind
        if kind == _DNS:
            self._dns(candidate, candidate.payload)
        elif kind >= _QUIC:
            self._datagram(candidate)
        elif not (self._streams.waits(candidate.source) and self._continue(candidate)):
            self._begin(candidate)

    def _datagram(self, candidate: Candidate) -> None:
        if candidate.kind == _QUIC:
            self._quic(candidate)
        else:
            self._evidence.reasons[OTHER_VERSION] += 1

    def _begin(self, candidate: Candidate) -> None:
        if not self._beginning(candidate, candidate.kind, candidate.payload):
            if candidate.cut:
                self._evidence.reasons[CUT_BEGINNINGS] += 1
            else:
                self._streams.wait(candidate)

    def _continue(self, candidate: Candidate) -> bool:
        """Whether a segment belongs to a stream that waits, also one sent again; it may complete it."""
        begun = self._streams.more(candidate)
        if begun and self._beginning(candidate, *begun):
            self._streams.forget(candidate.ends)
        return begun is not None

    def _beginning(self, candidate: Candidate, kind: int, stream: bytes) -> bool:
        """Read the beginning of a TCP stream; False when it needs more bytes."""
        if kind == _DNS_STREAM:
            message = dns.first_message(stream)
            if message is not None:
                self._dns(candidate, message)
            return message is not None
        if kind == _HELLO:
            return self._host(candidate, "sni", tls.hello_in_records(stream))
        return self._host(candidate, "http-host", http.host(stream))

    def _dns(self, candidate: Candidate, message: bytes) -> None:
        answers = dns.answers(message)
        if answers.cut:
            self._evidence.reasons[CUT_DNS] += 1
        for name, address in answers.pairs:
            self._evidence.add(address, name, "dns", candidate.time)

    def _quic(self, candidate: Candidate) -> None:
        if self._initials.knows(candidate.reverse):
            return  # the server's side of it
        if not available():
            self._evidence.reasons[NO_CRYPTOGRAPHY] += 1
            return
        found = self._initials.read(candidate.ends, candidate.payload)
        if found is Missing.SEALED:
            self._evidence.reasons[SEALED] += 1
        self._host(candidate, "quic-sni", found)

    def _host(self, candidate: Candidate, source: str, found: Found) -> bool:
        if found is Missing.PROXY:
            self._remember_proxied(candidate.ends)
        # What follows a CONNECT is said to somebody behind the proxy.
        if found is Missing.PROXY or (isinstance(found, bytes) and self._proxied and candidate.ends in self._proxied):
            self._evidence.reasons[PROXY] += 1
        elif isinstance(found, bytes):
            self._name(candidate, source, found)
        return found is not Missing.MORE

    def _name(self, candidate: Candidate, source: str, octets: bytes) -> None:
        name, why_not = _name_of(octets)
        if name is None:
            self._evidence.reasons[why_not] += 1
        else:
            address = _packed(candidate.is_v6, candidate.dst_hi, candidate.dst_lo)
            self._evidence.add(address, name, source, candidate.time)

    def _remember_proxied(self, ends: Ends) -> None:
        self._proxied[ends] = None
        if len(self._proxied) > _MOST_PROXIED:
            del self._proxied[next(iter(self._proxied))]


@lru_cache(maxsize=100_000)
def _name_of(octets: bytes) -> tuple[str | None, str]:
    """The name that a host's bytes are, or why they are none."""
    name = host_name(octets)
    if name is None:
        return None, NO_NAME
    return (None, ADDRESS) if is_address(name) else (name, "")


@lru_cache(maxsize=100_000)
def _packed(is_v6: int, hi: int, lo: int) -> bytes:
    return hi.to_bytes(8, "big") + lo.to_bytes(8, "big") if is_v6 else lo.to_bytes(4, "big")
