"""The sentences above a matrix: what it was made from, and what a reader must know before trusting it.

Written once, in Python, so that the report, the page without JavaScript and the notebook say the same.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from flowkit.view.names import plural


def header(document: dict[str, Any]) -> dict[str, Any]:
    """Write a payload's header: `facts` (short, in one line), `filters` (a sentence or empty), `notices` (warnings).

    A notice is a `text` and, where the edges it speaks of can be shown, the `show` filter that shows them.

    >>> period(0, 5000)
    '1970-01-01 00:00:00 – 00:00:05 UTC'
    """
    return {"facts": _facts(document), "filters": _filters(document), "notices": _notices(document)}


def period(start: int, end: int) -> str:
    """Write a period from two times in ms since 1970, the date once if it is the same day."""
    first, last = (datetime.fromtimestamp(at / 1000, UTC) for at in (start, end))
    until = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return f"{first:%Y-%m-%d %H:%M:%S} – {until} UTC"


def _facts(document: dict[str, Any]) -> list[str]:
    meta = document["meta"]
    facts = [plural(meta["flows"], "flow"), _edges(document), _ends(document)]
    if document["edges"]["s"]:
        facts.append(period(meta["t0"], meta["t1"]) if meta["t1"] else "times not recorded")
    return [*facts, _sampling(meta["sampling"]), *_sources(meta["sources"])]


def _ends(document: dict[str, Any]) -> str:
    """How many ends, and in how many namespaces where the level has some."""
    level, pinned = document["meta"]["by"], document["pinned"]
    count = sum(group >= pinned for group in document["ns"])
    if level in ("namespace", "address"):
        return plural(count, level)
    return (
        f"{plural(count, level)} in {plural(len({group for group in document['ns'] if group >= pinned}), 'namespace')}"
    )


def _edges(document: dict[str, Any]) -> str:
    shown, own = len(document["edges"]["s"]), document["meta"]["edges"]
    return plural(shown, "edge") + (f" ({own:,} before the nodes are joined)" if own != shown else "")


def _sampling(sampling: int | None) -> str:
    if sampling is None:
        return "sampling not recorded"
    return f"sampled 1:{sampling}" if sampling > 1 else "sampling 1"


def _sources(sources: list[str]) -> list[str]:
    if not sources:
        return []
    more = f" and {len(sources) - 3} more" if len(sources) > 3 else ""
    return ["from " + ", ".join(sources[:3]) + more]


def _filters(document: dict[str, Any]) -> str:
    meta = document["meta"]
    if not meta["filters"]:
        return ""
    return f"Only {', '.join(meta['filters'])}: {meta['edges']:,} of {plural(meta['unfiltered'], 'edge')}"


def _notices(document: dict[str, Any]) -> list[dict[str, str]]:
    meta = document["meta"]
    notices = []
    if (meta["sampling"] or 1) > 1:
        notices.append({"text": f"Sampled 1:{meta['sampling']}: absence of a cell does not prove absence of traffic."})
    inferred = sum(document["inferred"][by] for by in document["edges"]["by"])
    if inferred:
        notices.append({"text": f"Direction inferred for {plural(inferred, 'edge')}.", "show": "inferred"})
    if document["against"]:
        notices.append({"text": document["against"]["words"]})
    return [*notices, *({"text": note} for note in meta["notes"])]
