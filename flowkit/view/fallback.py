"""A payload as plain HTML: for readers whose page runs no script and for notebooks that are not trusted.

Every name passes `shown` and then `html.escape`; nothing else writes names into HTML.
"""

from __future__ import annotations

from html import escape
from typing import Any

from flowkit.view.names import human_bytes, plural, shown

PROTOCOLS = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6", 132: "SCTP"}
HEADINGS = ("client", "server", "port", "state", "bytes", "flows", "connections")


def text(value: str) -> str:
    """Make any text safe inside an element or a quoted attribute, and honest to the eye.

    >>> text("<img onerror=alert(1)>")
    '&lt;img onerror=alert(1)&gt;'
    """
    return escape(shown(value), quote=True)


def header_html(document: dict[str, Any]) -> str:
    """Write the header: title, facts, filters, notices, losses."""
    header, meta = document["header"], document["meta"]
    lines = [f'<h1 class="fk-title">{text(document["title"])}</h1>']
    lines.append(f'<p class="fk-facts">{" · ".join(map(text, header["facts"]))}</p>')
    if header["filters"]:
        lines.append(f'<p class="fk-facts">{text(header["filters"])}</p>')
    lines += [f'<p class="fk-notice">{text(notice["text"])}</p>' for notice in header["notices"]]
    lines += [
        _reasons(summary, meta[kind]) for summary, kind in (("Left out", "losses"), ("Folded", "folded")) if meta[kind]
    ]
    return "\n".join(lines)


def _reasons(summary: str, counts: dict[str, int]) -> str:
    largest = sorted(counts.items(), key=lambda counted: -counted[1])
    rows = "".join(f"<li>{count:,} {text(reason)}</li>" for reason, count in largest)
    return f'<details class="fk-losses" open><summary>{summary}</summary><ul>{rows}</ul></details>'


def table_html(document: dict[str, Any], limit: int) -> str:
    """Write the `limit` largest edges, by bytes, as a table with a caption that says how many there are."""
    edges = document["edges"]
    largest = sorted(range(len(edges["s"])), key=lambda at: (-edges["bytes"][at], at))[:limit]
    few = len(largest) < len(edges["s"])
    caption = (
        f"The {len(largest)} largest of {plural(len(edges['s']), 'edge')}" if few else plural(len(largest), "edge")
    )
    head = "".join(f'<th scope="col">{name}</th>' for name in HEADINGS)
    body = "\n".join(_row(document, at) for at in largest)
    return (
        f'<table class="fk-table"><caption>{caption}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"
    )


def _row(document: dict[str, Any], at: int) -> str:
    edge = {name: column[at] for name, column in document["edges"].items()}
    cells = [
        text(document["labels"][edge["s"]]),
        text(document["labels"][edge["d"]]),
        port_text(edge["port"], edge["proto"]),
        document["states"][edge["state"]],
        human_bytes(edge["bytes"]),
        f"{edge['flows']:,}",
        f"{edge['connections']:,}",
    ]
    return "<tr>" + "".join(f"<td>{cell}" for cell in cells)  # HTML lets cells and rows end by themselves


def port_text(port: int, proto: int) -> str:
    """Write a port with its protocol; protocols without ports stand alone.

    >>> port_text(443, 6), port_text(-1, 1), port_text(-1, 47)
    ('443/TCP', 'ICMP', 'protocol 47')
    """
    name = PROTOCOLS.get(proto, f"protocol {proto}")
    return name if port < 0 else f"{port}/{name}"
