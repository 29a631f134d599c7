"""What stands above each rule as a comment: on which observed connections it rests."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from flowkit.policy.model import EGRESS, INGRESS, NetworkPolicy

_SHOWN = 8
Remarks = Mapping[tuple[str, str, str, int], list[str]]


def remarks(evidence: pd.DataFrame | None) -> Remarks:
    """The comment lines of every rule, by namespace, policy, direction and number of the rule."""
    found: dict[tuple[str, str, str, int], list[str]] = {}
    if evidence is None or evidence.empty:
        return found
    for key, rows in evidence.groupby(["namespace", "policy", "direction", "rule"], sort=False):
        found[key] = _lines(rows)  # type: ignore[index]
    return found


def _lines(rows: pd.DataFrame) -> list[str]:
    seen = rows[rows["connections"] > 0]
    lines = [_line(row) for row in seen.head(_SHOWN).itertuples(index=False)]
    if len(seen) > _SHOWN:
        lines.append(f"and {len(seen) - _SHOWN} more edges")
    chosen = rows[rows["connections"] == 0]
    unseen = ", ".join(dict.fromkeys(f"{row.peer} {row.port}" for row in chosen.itertuples(index=False)))
    return [*lines, f"not seen, allowed by choice: {unseen}"] if unseen else lines


def _line(row: object) -> str:
    edge, count, by = (getattr(row, name) for name in ("edge", "connections", "direction_by"))
    first, last = (getattr(row, name) for name in ("first", "last"))
    when = "" if pd.isna(first) else f", {first:%Y-%m-%d %H:%M} – {last:%H:%M} UTC"
    seen = f", seen {row.seen}" if getattr(row, "seen", "") else ""  # type: ignore[attr-defined]
    return f"{edge}: {count:,} connections{when}, {by or 'direction not told'}{seen}"


def of_policy(policy: NetworkPolicy, said: Remarks) -> dict[str, list[list[str]]]:
    """The remarks of one policy's rules, by the key of its spec."""
    return {
        key: [said.get((policy.namespace, policy.name, direction, number), []) for number in range(len(rules))]
        for key, direction, rules in (("ingress", INGRESS, policy.ingress), ("egress", EGRESS, policy.egress))
    }
