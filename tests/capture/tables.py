"""Flow tables and references in one comparable form."""

from __future__ import annotations

import warnings

import pandas as pd

from capture import CaptureWarning
from capture.pcap.reader import read_files


def read_quietly(paths, **options) -> pd.DataFrame:
    """Read, losses and all."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CaptureWarning)
        return read_files(paths, **options)


def as_dict(flows: pd.DataFrame) -> dict:
    """A flow table as the slow reference has it, times in ms."""
    plain = {name: [None if pd.isna(value) else value for value in flows[name]] for name in flows}
    ends = [
        (sport, dport) if sport is not None else (kind, code)
        for sport, dport, kind, code in zip(
            plain["SrcPort"], plain["DstPort"], plain["IcmpType"], plain["IcmpCode"], strict=True
        )
    ]
    keys = zip(plain["Etype"], plain["SrcAddr"], plain["DstAddr"], plain["Proto"], ends, strict=True)
    names = ("Packets", "Bytes", "TimeFlowStartMs", "TimeFlowEndMs", "Flags")
    rows = zip(*(plain[name] for name in names), strict=True)
    return {(*key[:4], *key[4]): [*row[:4], row[4] or 0] for key, row in zip(keys, rows, strict=True)}


def in_ms(flows: dict) -> dict:
    """The slow reference's flows with times in ms."""
    return {key: [*row[:2], row[2] // 10**6, row[3] // 10**6, row[4]] for key, row in flows.items()}
