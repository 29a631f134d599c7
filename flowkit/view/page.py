"""The report's HTML shell: one file, no external address, and a content policy that names its script and style by hash."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Any

from flowkit.view import bundle
from flowkit.view.fallback import header_html, table_html, text
from flowkit.view.payload import to_gzip

FALLBACK_ROWS = 200

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<meta name="generator" content="{tool}">
<title>{title}</title>
<style>{style}</style>
</head>
<body class="fk-page">
<main id="app"></main>
<section id="fallback" class="fk fk-fallback">
{header}
<p id="boot" class="fk-notice" hidden></p>
<p class="fk-facts">Without JavaScript this page shows a table only.</p>
{table}
</section>
<script type="application/gzip+base64" id="data">{data}</script>
<script type="module">{script}</script>
</body>
</html>
"""


def page(document: dict[str, Any]) -> str:
    """Write a payload as one self-contained HTML page."""
    script, style = bundle.script(), bundle.style()
    return _PAGE.format(
        policy=escape(content_policy(script, style), quote=True),
        tool=text(document["meta"]["tool"]),
        title=text(document["title"]),
        style=style,
        header=header_html(document),
        table=table_html(document, FALLBACK_ROWS),
        data=b64encode(to_gzip(document)).decode("ascii"),
        script=script,
    )


def content_policy(script: str, style: str) -> str:
    """Forbid everything but exactly this script, this style sheet and pictures made in the page.

    >>> content_policy("", "").split("; ")[:2]
    ["default-src 'none'", "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"]
    """
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src '{_hash(script)}'",
            f"style-src '{_hash(style)}'",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(content: str) -> str:
    return "sha256-" + b64encode(sha256(content.encode("utf-8")).digest()).decode("ascii")
