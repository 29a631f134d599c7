"""Finding copies: rows of one connection that several nodes, or both sides of a Service's translation, report."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from flowkit.enrich.sides import Codes, Ends, Mask, always, among, column, integers, socket

# Clocks of two nodes differ; copies of one connection start and end within this of each other.
_SLACK_MS = 2_000


@dataclass(frozen=True)
class ServiceEnd:
    """Rows one end of which is a Service: `rows`, and for every row of the table the other (client) and this socket."""

    rows: Mask
    client: Codes
    server: Codes
    told: Codes


@dataclass(frozen=True)
class Copies:
    """What decides whether two rows are copies, one item a row."""

    ends: Ends
    start: Codes
    end: Codes
    from_service: Mask
    to_service: Mask
    told_source: Codes
    told_destination: Codes

    @classmethod
    def of(cls, flows: pd.DataFrame) -> Copies:
        """Read a conformed flow table."""
        kinds = [(column(flows, f"{side}K8S_Type") == "Service").to_numpy(dtype=bool) for side in ("Src", "Dst")]
        start = integers(flows, "TimeFlowStartMs", missing=0)
        ends = Ends.of(flows)
        return cls(
            ends=ends,
            start=start,
            end=np.maximum(start, integers(flows, "TimeFlowEndMs", missing=0)),
            from_service=kinds[0],
            to_service=kinds[1],
            told_source=_told(flows, "XlatSrc", ends),
            told_destination=_told(flows, "XlatDst", ends),
        )

    @cached_property
    def flow(self) -> pd.DataFrame:
        """What two rows of one flow have in common, as columns to join on."""
        return pd.DataFrame({"source": self.ends.source, "destination": self.ends.destination})

    @property
    def service_ends(self) -> dict[str, ServiceEnd]:
        """The Service as destination (requests) and as source (replies), by the side it stands on; none without a Service."""
        if not self.to_service.any() and not self.from_service.any():
            return {}
        source, destination = self.ends.source, self.ends.destination
        return {
            "Dst": ServiceEnd(self.to_service & ~self.from_service, source, destination, self.told_destination),
            "Src": ServiceEnd(self.from_service & ~self.to_service, destination, source, self.told_source),
        }

    def same_flow(self, candidates: Mask, partners: Mask) -> Codes:
        """For each candidate row a partner row of the same flow at the same time, -1 elsewhere."""
        if not candidates.any():
            return always(-1, len(self.start))
        flow = self.flow
        left = flow[candidates].assign(row=np.flatnonzero(candidates))
        spans = self._spans(np.flatnonzero(partners), flow[partners])
        pairs = self._overlapping(left.merge(spans, on=list(flow.columns)))
        return self._into(pairs)

    def translated(self, end: ServiceEnd, kept: Mask, backends: pd.DataFrame | None = None) -> Codes:
        """For each row of a Service end the row after translation, -1 elsewhere: same client socket, same time, no Service.

        The agent's own word (``Xlat*``) decides where there is one; `backends` (columns ``service``, ``server``: socket
        codes) restricts the rest to what can stand behind the Service; of several the nearest start is taken.
        """
        rows = np.flatnonzero(end.rows & kept)
        plain = kept & ~self.to_service & ~self.from_service
        others = np.flatnonzero(plain & among(end.client, end.client[rows]))
        spans = self._spans(others, pd.DataFrame({"client": end.client[others], "server": end.server[others]}))
        asked = {"client": end.client[rows], "service": end.server[rows], "row": rows, "told": end.told[rows]}
        pairs = self._overlapping(pd.DataFrame(asked).merge(spans, on="client"))
        pairs = pairs[(pairs["told"] < 0) | (pairs["told"] == pairs["server"])]
        if backends is not None:
            pairs = pairs.merge(backends, on=["service", "server"])
        away = np.abs(self.start[pairs["row"]] - pairs["begin"])
        return self._into(pairs.assign(away=away).sort_values(["row", "away", "head"]).drop_duplicates("row"))

    def _spans(self, rows: Codes, keys: pd.DataFrame) -> pd.DataFrame:
        """The rows of each key as one: its first row (`head`) and the time it covers. Partial flows make this much smaller."""
        spans = keys.assign(head=rows, begin=self.start[rows], finish=self.end[rows])
        return spans.groupby(list(keys.columns), sort=False, as_index=False).agg(
            head=("head", "min"), begin=("begin", "min"), finish=("finish", "max")
        )

    def _overlapping(self, pairs: pd.DataFrame) -> pd.DataFrame:
        row = pairs["row"].to_numpy(dtype=np.int64)
        begins = self.start[row] <= pairs["finish"] + _SLACK_MS
        near: pd.DataFrame = pairs[begins & (pairs["begin"] <= self.end[row] + _SLACK_MS)]
        return near

    def _into(self, pairs: pd.DataFrame) -> Codes:
        into = np.full(len(self.start), -1, dtype=np.int64)
        into[pairs["row"].to_numpy(dtype=np.int64)] = pairs["head"].to_numpy(dtype=np.int64)
        return into


def _told(flows: pd.DataFrame, prefix: str, ends: Ends) -> Codes:
    """The socket after translation, in the numbering of `ends`; -1 where no field tells it, -2 where no flow has it."""
    if f"{prefix}Addr" not in flows.columns:
        return always(-1, len(flows))
    address = flows[f"{prefix}Addr"]
    codes = ends.addresses.get_indexer(pd.Index(address.astype(object))).astype(np.int64)
    port = integers(flows, f"{prefix}Port")
    said = address.notna().to_numpy() & (port >= 0)
    return np.where(said, np.where(codes >= 0, socket(codes, port, ends.proto), -2), -1)
