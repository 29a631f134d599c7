"""Observed connections as calls: one row a client, server and server port, whatever the client's own port was."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from flowkit.contract import conform
from flowkit.enrich.addresses import Addresses
from flowkit.enrich.numbering import paired
from flowkit.enrich.sides import Codes, Mask
from flowkit.matrix.building import talk
from flowkit.matrix.flowmatrix import STATES
from flowkit.policy.judge.ruling import Cells, Ruling
from flowkit.policy.model import PROTOCOLS
from flowkit.policy.world import World

_ENDS = ("client", "server")
_KEY = [*_ENDS, "port", "proto"]


# What neither decides who is client and server, nor which rows are copies, nor what became of a connection.
_UNASKED = ["Bytes", "Sampling", "SrcSubnetLabel", "DstSubnetLabel"]


@dataclass(frozen=True)
class Calls:
    """Calls (``client server port proto state connections first last``, addresses as text, times in ms) and who they are
    between: `parties` of a `World`, found at the time of each call.
    """

    table: pd.DataFrame
    world: World

    @classmethod
    def of(cls, flows: pd.DataFrame, world: World, states: tuple[str, ...] = STATES) -> Calls:
        """Read the calls of these states from flows; protocols without ports are not among them."""
        talks, _ = talk(conform(flows.drop(columns=_UNASKED, errors="ignore")), {})
        ported = talks["proto"].isin(list(PROTOCOLS.values())) & (talks["port"] >= 0)
        asked = ported & talks["state"].isin([STATES.index(state) for state in states])
        table = _folded(talks if asked.all() else talks[asked])
        texts = talks["client"].cat.categories.to_numpy(dtype=object)
        return cls(table.assign(**{end: texts[table[end]] for end in _ENDS}), world)

    @classmethod
    def none(cls, world: World) -> Calls:
        """No calls at all."""
        columns = dict.fromkeys([*_KEY, "state", "connections", "first", "last"], np.zeros(0, dtype=np.int64))
        return cls(pd.DataFrame(columns).astype(dict.fromkeys(_ENDS, object)), world)

    def __len__(self) -> int:
        return len(self.table)

    @cached_property
    def parties(self) -> tuple[Codes, Codes]:
        """The party at either end, see `World`."""
        first, last = (self.table[name].to_numpy(dtype=np.int64) for name in ("first", "last"))
        return self._party("client", first, last), self._party("server", first, last)

    def _party(self, end: str, first: Codes, last: Codes) -> Codes:
        codes, texts = pd.factorize(self.table[end])
        return self.world.find(codes.astype(np.int64), Addresses(pd.Index(texts, dtype="str")), first, last)

    def cells(self, ruling: Ruling) -> Cells:
        """The calls as cells of a ruling."""
        client, server = (self._classes(ruling, end, party) for end, party in zip(_ENDS, self.parties, strict=True))
        port, proto = (self.table[name].to_numpy(dtype=np.int64) for name in ("port", "proto"))
        return Cells(client, server, port, proto, ruling.relation(*self.parties))

    def _classes(self, ruling: Ruling, end: str, party: Codes) -> Codes:
        codes, texts = pd.factorize(self.table[end])
        return ruling.of_ends(party, ruling.atoms(pd.Index(texts, dtype="str"))[codes])

    def only(self, rows: Mask | npt.NDArray[Any]) -> Calls:
        """The calls of some rows."""
        return Calls(self.table.loc[rows].reset_index(drop=True), self.world)


def _folded(talks: pd.DataFrame) -> pd.DataFrame:
    """One row a client, server, port and protocol, in their order (ends as codes)."""
    client, server = (talks[end].cat.codes.to_numpy(dtype=np.int64) for end in _ENDS)
    port, proto, state, connections, first, last = (
        talks[name].to_numpy(dtype=np.int64) for name in ("port", "proto", "state", "connections", "first", "last")
    )
    call, head = paired(client << 32 | server, port << 9 | proto)
    total, begin, end, best = (np.zeros(len(head), dtype=np.int64), first[head], last[head], state[head])
    for ufunc, into, values in (
        (np.add, total, connections),
        (np.minimum, begin, first),
        (np.maximum, end, last),
        (np.minimum, best, state),
    ):
        ufunc.at(into, call, values)
    columns = {"client": client[head], "server": server[head], "port": port[head], "proto": proto[head]}
    evidence = {"connections": total, "state": best, "first": begin, "last": end}
    return pd.DataFrame({**columns, **evidence}).sort_values(_KEY, ignore_index=True)
