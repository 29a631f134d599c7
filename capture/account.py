"""What a read found and what it lost: the account that travels with a flow table in ``attrs["flowkit_capture"]``.

Every frame of a capture is in exactly one of three places: in a flow (ip), not IP, or undecoded; so packets and bytes
add up to the totals that capinfos and tshark print.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

KEY = "flowkit_capture"

# The one loss that is no reason to warn: every network speaks ARP.
NOT_IP = "frames that are not IP"


class CaptureWarning(UserWarning):
    """Something of a capture was lost other than ordinary frames without IP."""


@dataclass(frozen=True)
class FileReport:
    """One capture file: frames and bytes (on the wire, with the layer 2 header) by where they went.

    `reasons` counts every loss, its unit in the reason; `link_types` are tcpdump.org's numbers. `first_bad_offset` is the
    place in the unpacked capture from which `left_over_bytes` could not be read; None and 0 for a whole capture.
    `first_ns` is the time of the first frame, IP or not; None without frames.
    """

    packets: int = 0
    bytes: int = 0
    ip_packets: int = 0
    ip_bytes: int = 0
    not_ip_packets: int = 0
    not_ip_bytes: int = 0
    undecoded_packets: int = 0
    undecoded_bytes: int = 0
    left_over_bytes: int = 0
    first_bad_offset: int | None = None
    first_ns: int | None = None
    link_types: tuple[int, ...] = ()
    reasons: Mapping[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as it stands in attrs and in Parquet."""
        return {**asdict(self), "link_types": list(self.link_types)}


@dataclass(frozen=True)
class CaptureReport:
    """The files of a read by name."""

    files: Mapping[str, FileReport]

    def total(self, count: str) -> int:
        """A count summed over the files.

        >>> CaptureReport({"a.pcap": FileReport(packets=2), "b.pcap": FileReport(packets=3)}).total("packets")
        5
        """
        return sum(getattr(file, count) for file in self.files.values())

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as it stands in attrs and in Parquet."""
        return {"files": {name: file.to_dict() for name, file in self.files.items()}}


def report(flows: pd.DataFrame) -> CaptureReport:
    """Read the account of a flow table that `read_pcap` made, also after Parquet; no files for any other table.

    >>> import pandas as pd
    >>> report(pd.DataFrame()).files
    {}
    """
    plain = flows.attrs.get(KEY) or {"files": {}}
    return CaptureReport({name: _file_report(counts) for name, counts in plain["files"].items()})


def _file_report(counts: Mapping[str, Any]) -> FileReport:
    return FileReport(**{**counts, "link_types": tuple(counts["link_types"])})


def with_report(flows: pd.DataFrame, value: CaptureReport) -> pd.DataFrame:
    """The same table (no data copied) carrying this account."""
    carrying = flows.copy(deep=False)
    carrying.attrs = {**flows.attrs, KEY: value.to_dict()}
    return carrying


def warning(losses: Mapping[str, int]) -> str | None:
    """One line about losses worth a warning, or None.

    >>> warning({"frames that are not IP": 9}) is None
    True
    >>> warning({"undecodable IP headers": 2})
    '2 undecodable IP headers'
    """
    serious = [f"{count} {reason}" for reason, count in losses.items() if count and reason != NOT_IP]
    more = f"; and {len(serious) - 5} more reasons, see capture.report(flows)" if len(serious) > 5 else ""
    return "; ".join(serious[:5]) + more if serious else None
