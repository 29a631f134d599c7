"""A check as SARIF 2.1.0, which code hosts show beside the policy files.

Source: OASIS SARIF 2.1.0; a result's place is the file of its policy, relative to the working folder where it lies below.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pandas as pd

from flowkit.contract.plain import plain

_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_RULES = {
    "denied": ("error", "The policies deny a connection that was observed and answered."),
    "unused": ("note", "No observed connection needs this rule, peer or port."),
    "untested": ("warning", "A policy isolates a workload of which no connection was observed."),
}


def sarif(findings: pd.DataFrame, folder: str | Path, version: str) -> str:
    """Write a check's findings; `folder` is where the policies are, the place of a finding without a file of its own."""
    results = [_result(row, str(folder)) for row in findings.to_dict("records")]
    rules = [
        {"id": kind, "shortDescription": {"text": text}, "defaultConfiguration": {"level": level}}
        for kind, (level, text) in _RULES.items()
    ]
    driver = {"name": "flowkit", "version": version, "rules": rules}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, ensure_ascii=False, indent=1) + "\n"


def _result(row: dict[Any, Any], folder: str) -> dict[str, Any]:
    kind, text = row["kind"], plain(f"{row['what']}: {row['detail']} ({row['policy']})")
    file = str(row["place"]).split(", document")[0].split(", items")[0] or folder
    location = {"physicalLocation": {"artifactLocation": {"uri": _uri(file)}}}
    mark = hashlib.sha256(f"{kind}\0{row['policy']}\0{row['what']}".encode()).hexdigest()[:32]
    return {
        "ruleId": kind,
        "ruleIndex": list(_RULES).index(kind),
        "level": _RULES[kind][0],
        "message": {"text": text},
        "locations": [location],
        "partialFingerprints": {"finding/v1": mark},
    }


def _uri(file: str) -> str:
    path = Path(file)
    here = Path.cwd()
    if path.is_absolute() and not path.is_relative_to(here):
        return path.as_uri()
    return quote((path.relative_to(here) if path.is_absolute() else path).as_posix())
