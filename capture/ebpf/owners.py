"""Who did it: the process, user and container at the local end of each flow.

A row of packets going out has its socket's cookie; one of packets coming in has the cookie of the socket that sends the other
way. Where no socket is, the kernel itself answered: RST to a closed port, ICMP errors, echo replies.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from capture.ebpf.cgroups import Cgroups, container
from capture.ebpf.diagnosing import existing
from capture.ebpf.grouping import numbered
from capture.ebpf.maps import Records
from capture.ebpf.records import OVERFLOW_UID, OWNER, UNKNOWN_UID
from capture.ebpf.sockets import looked_up
from capture.pcap.octets import I64, U64, Bool
from capture.pcap.table import integers

KERNEL = "(kernel)"
_KERNEL = np.uint64(2**64 - 1)
_ENDS = np.dtype([("src", "V16"), ("dst", "V16"), ("sport", "<u2"), ("dport", "<u2"), ("proto", "u1"), ("spare", "V3")])
_MOST_KNOWN = 200_000
_TCP, _ICMP, _IGMP, _ICMP6 = 6, 1, 2, 58
_RESETS = np.uint32(4 | 1024)
_FLAGS = np.uint32(0xFFFF)
# Echo reply and errors; of ICMPv6 also what hosts say of groups, routers and neighbours.
_KERNELS_ICMP = (0, 3, 4, 5, 11, 12)
_KERNELS_ICMP6 = (1, 2, 3, 4, 129, 130, 131, 132, 133, 134, 135, 136, 137, 143)


class Ends:
    """Which socket sends each flow; remembered, since the other direction may be drained later."""

    def __init__(self) -> None:
        self._ends, self._cookies = np.empty(0, _ENDS), np.empty(0, np.uint64)

    def cookies(self, keys: Records, values: Records, owned: U64) -> U64:
        """The cookie of the local socket of each row; 0 where none is known, all ones where the kernel itself is the end.

        The kernel resets connections by a socket of its own, which is in none of the `owned` ones.
        """
        own = np.where(_is_kernels(keys, values) & ~np.isin(values["cookie"], owned), _KERNEL, values["cookie"])
        out = keys["egress"] == 1
        sending = np.flatnonzero(out & (own != 0))
        self._remember(_ends(keys[sending], turned=False), own[sending])
        # What comes in may have the listening socket's cookie, from the handshake: who answers is who it is.
        coming = np.flatnonzero(~out)
        sender = self._sender(_ends(keys[coming], turned=True))
        own[coming] = np.where(sender != 0, sender, own[coming])
        return own

    def _remember(self, ends: Records, cookies: U64) -> None:
        # A real socket that has sent stands before a reset of the kernel's in the same direction.
        order = np.argsort(cookies == _KERNEL, kind="stable")
        both = np.concatenate([ends[order], self._ends]), np.concatenate([cookies[order], self._cookies])
        first = np.sort(numbered(both[0])[1])[:_MOST_KNOWN]
        self._ends, self._cookies = both[0][first], both[1][first]

    def _sender(self, wanted: Records) -> U64:
        number, first = numbered(np.concatenate([self._ends, wanted]))
        row = first[number[len(self._ends) :]]
        known = row < len(self._ends)
        cookies: U64 = np.zeros(len(wanted), np.uint64)
        cookies[known] = self._cookies[row[known]]
        return cookies


def _is_kernels(keys: Records, values: Records) -> Bool:
    kind, seen = keys["icmp_type"], keys["headless"] == 0
    resets = (keys["proto"] == _TCP) & (values["flags"] & _FLAGS & ~_RESETS == 0) & (values["flags"] & _RESETS != 0)
    icmp = seen & (keys["proto"] == _ICMP) & np.isin(kind, _KERNELS_ICMP)
    icmp6 = seen & (keys["proto"] == _ICMP6) & np.isin(kind, _KERNELS_ICMP6)
    found: Bool = (keys["egress"] == 1) & (resets | icmp | icmp6 | (keys["proto"] == _IGMP))
    return found


def _ends(keys: Records, *, turned: bool) -> Records:
    ends = np.zeros(len(keys), _ENDS)
    names = ("dst", "src", "dport", "sport") if turned else ("src", "dst", "sport", "dport")
    for name, source in zip(("src", "dst", "sport", "dport"), names, strict=True):
        ends[name] = keys[source]
    ends["proto"] = keys["proto"]
    return ends


class Attribution:
    """Owners of flows, with what has been learnt of sockets and cgroups so far."""

    def __init__(self, netns: str | None) -> None:
        self._netns, self._cgroups = netns, Cgroups()
        self._older = np.empty(0, np.uint64), np.empty(0, OWNER)

    def columns(self, cookies: U64, values: Records, known: tuple[Records, Records]) -> dict[str, object]:
        """``Pid Comm Uid Cgroup Container`` of the local end of each row, missing where it is not known."""
        owners, place = self._owners(cookies, known)
        present, kernel = place >= 0, cookies == _KERNEL
        owner = owners[np.where(present, place, 0)] if len(owners) else np.zeros(len(cookies), OWNER)
        pid = np.where(present, owner["pid"], 0)
        told = (values["uid"] != UNKNOWN_UID) & (values["uid"] != OVERFLOW_UID)
        uid = np.where(present, owner["uid"], values["uid"])
        cgroup = np.where(present & (owner["cgroup"] != 0), owner["cgroup"], values["cgroup"])
        return {
            "Pid": integers(pid, "UInt32", present | kernel),
            "Comm": _texts(np.where(kernel, KERNEL.encode(), np.where(present, owner["comm"], b"")).astype("S16")),
            "Uid": integers(uid, "UInt32", present | told),
            **self._cgroup_columns(cgroup.astype(np.uint64)),
        }

    def _owners(self, cookies: U64, known: tuple[Records, Records]) -> tuple[Records, I64]:
        """The owners, those of older sockets behind the others, and which of them each cookie means."""
        place = looked_up(cookies, known[0])
        unknown = np.unique(cookies[(place < 0) & (cookies != 0) & (cookies != _KERNEL)])
        new = np.setdiff1d(unknown, self._older[0])
        if len(new):
            self._learn(existing(self._netns, set(new.tolist())))
        older = looked_up(cookies, self._older[0])
        behind = np.where(older >= 0, older + len(known[1]), -1)
        return np.concatenate([known[1], self._older[1]]), np.where(place >= 0, place, behind)

    def _learn(self, found: tuple[Records, Records]) -> None:
        cookies, owners = (np.concatenate(each) for each in zip(self._older, found, strict=True))
        order = np.argsort(cookies, kind="stable")
        self._older = cookies[order], owners[order]

    def _cgroup_columns(self, numbers: U64) -> dict[str, pd.Categorical]:
        codes, distinct = pd.factorize(numbers)
        paths = [self._cgroups.path(number) if number else None for number in distinct.tolist()]
        containers = [container(path) if path else None for path in paths]
        return {"Cgroup": _categorical(codes, paths), "Container": _categorical(codes, containers)}


def _texts(raw: npt.NDArray[np.bytes_]) -> pd.Categorical:
    """Names as text; a process may name itself with any bytes."""
    codes, distinct = pd.factorize(raw.astype(object))
    return _categorical(codes, [each.decode("utf-8", "backslashreplace") or None for each in distinct.tolist()])


def _categorical(codes: I64, texts: Sequence[str | None]) -> pd.Categorical:
    inner, distinct = pd.factorize(np.array(texts, object))
    return pd.Categorical.from_codes(inner[codes], categories=pd.Index(distinct.tolist(), dtype="str"))
