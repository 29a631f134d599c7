"""Rows of a flow table as connections: who opened each, where it ended after translation, and which cell of the rules it is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from flowkit.enrich.addresses import Addresses
from flowkit.enrich.sides import Codes, Ends, Mask, integers
from flowkit.enrich.tenancy import FOREVER, NOBODY_THEN
from flowkit.policy.judge.replies import replies
from flowkit.policy.judge.ruling import Cells, Ruling
from flowkit.policy.judge.served import served
from flowkit.policy.model import PROTOCOLS


@dataclass(frozen=True)
class Rows:
    """Every row's cell (a number of `cells`), which rows are replies, which lack what judging needs, and what to note."""

    cells: Cells
    cell: Codes
    replies: Mask
    incomplete: Mask
    notes: tuple[str, ...]

    @classmethod
    def of(cls, flows: pd.DataFrame, ruling: Ruling) -> Rows:
        """Turn replies to their request's way, take each end after translation, and find out who it was at that time."""
        world = ruling.classes.world
        ends, guessed = served(flows, world)
        reply = replies(flows, ends)
        client, server = np.where(reply, ends.dst, ends.src), np.where(reply, ends.src, ends.dst)
        port = np.where(reply, ends.src_port, ends.dst_port)
        begin, end = integers(flows, "TimeFlowStartMs", FOREVER), integers(flows, "TimeFlowEndMs", FOREVER)
        when = np.minimum(begin, end), np.where(end == FOREVER, begin, end)
        known = Addresses(ends.addresses)
        parties = [world.find(address, known, *when) for address in (client, server)]
        atom = np.append(ruling.atoms(ends.addresses), 0)
        classes = [ruling.of_ends(party, atom[at]) for party, at in zip(parties, (client, server), strict=True)]
        cells = Cells(classes[0], classes[1], port, ends.proto, ruling.relation(*parties))
        # Ports of one atom without a name are one port.
        cell, head = replace(cells, port=ruling.ports.of_ports(port)).distinct()
        return cls(
            cells.take(head),
            cell,
            reply,
            _incomplete(ends, port),
            tuple(_notes(parties, guessed)),
        )


def _incomplete(ends: Ends, port: Codes) -> Mask:
    with_ports = np.isin(ends.proto, list(PROTOCOLS.values()))
    result: Mask = (ends.src < 0) | (ends.dst < 0) | (ends.proto < 0) | (with_ports & (port < 0))
    return result


def _notes(parties: list[Codes], guessed: int) -> list[str]:
    gone = sum(int((party == NOBODY_THEN).sum()) for party in parties)
    said = []
    if gone:
        said.append(f"{gone} flow ends had an address that no known pod had at that time: judged as outside addresses")
    if guessed:
        said.append(f"{guessed} flow ends at a Service with unlike backends: judged by the first of them")
    return said
