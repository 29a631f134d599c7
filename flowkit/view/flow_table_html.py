"""A flow table in a notebook cell: escaped, in a frame of its own without the notebook's origin, sorted by its headings.

itables would put the names of strangers into the notebook's own page and its script onto the network or into every
notebook; this needs neither, and works where scripts are not run.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import pandas as pd

from flowkit.view import bundle
from flowkit.view.fallback import text
from flowkit.view.page import content_policy
from flowkit.view.terminal import cell_texts

_STATIC = Path(__file__).parent / "console" / "static"
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}"><title>flows</title><style>{style}</style></head>
<body><label>Search the rows shown: <input type="search"></label><output></output>
{notices}
{table}
<script type="module">{script}</script></body></html>"""
_PLAIN_ROWS = 20
_AROUND, _ROW, _TALLEST = 130, 24, 620


def flow_table_html(shown: pd.DataFrame, notices: Sequence[str]) -> str:
    """Write the cells as HTML for a notebook cell: a closed plain table first, for notebooks that are not trusted.

    >>> "&lt;img" in flow_table_html(pd.DataFrame({"src name": ["<img src=x onerror=alert(1)>"]}), [])
    True
    """
    few = f"the first {_PLAIN_ROWS} of {len(shown):,} rows" if len(shown) > _PLAIN_ROWS else f"{len(shown):,} rows"
    height = min(_TALLEST, _AROUND + 20 * len(notices) + _ROW * len(shown))
    return (
        f"<details><summary>Flows as plain text ({few})</summary>\n"
        f"{_notices(notices)}\n{_table(shown.head(_PLAIN_ROWS), '{}')}\n</details>\n"
        f'<iframe sandbox="allow-scripts" title="flows" style="width:100%;height:{height}px;border:0" '
        f'srcdoc="{escape(_page(shown, notices), quote=True)}"></iframe>'
    )


def _page(shown: pd.DataFrame, notices: Sequence[str]) -> str:
    script, style = bundle.joined(_STATIC, "flowtable.js"), (_STATIC / "flowtable.css").read_text(encoding="utf-8")
    return _PAGE.format(
        policy=escape(content_policy((script,), style), quote=True),
        style=style,
        notices=_notices(notices),
        table=_table(shown, '<button type="button">{}</button>'),
        script=script,
    )


def _notices(notices: Sequence[str]) -> str:
    return "".join(f"<p>{text(notice)}</p>" for notice in notices)


def _table(shown: pd.DataFrame, heading: str) -> str:
    head = "".join(f'<th scope="col">{heading.format(text(str(name)))}</th>' for name in shown.columns)
    columns = [_cells(shown, name) for name in shown.columns]
    body = "\n".join(f"<tr>{''.join(row)}</tr>" for row in zip(*columns, strict=True))
    return f"<table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>"


def _cells(shown: pd.DataFrame, name: str) -> list[str]:
    tag = '<td class="number">' if pd.api.types.is_numeric_dtype(shown[name]) else "<td>"
    return [f"{tag}{text(cell) if cell else ''}</td>" for cell in cell_texts(shown[name])]
