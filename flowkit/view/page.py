"""The report's HTML shell: one file, no external address, and a content policy that names its scripts and style by hash.

The program stands in the page compressed, as the data does, and a few lines unpack it: that keeps a small report small.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Any

from flowkit.view import bundle
from flowkit.view.fallback import header_html, table_html, text
from flowkit.view.payload import packed, to_json

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
<script type="application/gzip+base64" id="program">{program}</script>
<script type="module">{boot}</script>
</body>
</html>
"""


def page(document: dict[str, Any]) -> str:
    """Write a payload as one self-contained HTML page."""
    boot, program, style = bundle.script(bundle.BOOT), bundle.script(), bundle.style()
    return _PAGE.format(
        policy=escape(content_policy((boot, program), style), quote=True),
        tool=text(document["meta"]["tool"]),
        title=text(document["title"]),
        style=style,
        header=header_html(document),
        table=table_html(document, FALLBACK_ROWS),
        data=_packed(to_json(document)),
        program=_packed(program.encode("utf-8")),
        boot=boot,
    )


def _packed(content: bytes) -> str:
    return b64encode(packed(content)).decode("ascii")


def content_policy(scripts: tuple[str, ...], style: str) -> str:
    """Forbid everything but exactly these scripts, this style sheet and pictures made in the page.

    >>> content_policy(("",), "").split("; ")[:2]
    ["default-src 'none'", "script-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"]
    """
    return "; ".join(
        [
            "default-src 'none'",
            "script-src " + " ".join(f"'{_hash(script)}'" for script in scripts),
            f"style-src '{_hash(style)}'",
            "img-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _hash(content: str) -> str:
    return "sha256-" + b64encode(sha256(content.encode("utf-8")).digest()).decode("ascii")
