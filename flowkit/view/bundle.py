"""The front end as one text: the ES modules of ``static/`` joined in the order of their imports.

No build tool: import and export words are stripped, comments and indentation are left out (that is a fifth of a small
report), and a name that two modules both declare at their top level is refused, for in one text it would mean one thing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from flowkit.errors import FlowkitError

STATIC = Path(__file__).parent / "static"
REPORT, BOOT, WIDGET = "report.js", "boot.js", "widget.js"
STYLES = ("base.css", "controls.css", "matrix.css", "table.css", "views.css", "media.css")
_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.-]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:const|let|function|class)\b)", re.MULTILINE)
_DECLARED = re.compile(r"^(?:async )?(?:const|let|function\*?|class) (\w+)", re.MULTILINE)
_LEFT_OVER = re.compile(r"^(?:import|export)\b.*$", re.MULTILINE)
_BLOCK_COMMENT = re.compile(r"^ */\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)
_LINE_COMMENT = re.compile(r"^ *//.*\n", re.MULTILINE)
_STYLE_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_STYLE_SPACE = re.compile(r" ?([{};,]) ?")
_INDENT = re.compile(r"^[ \n]+", re.MULTILINE)


@cache
def script(entry: str = REPORT) -> str:
    """Join the module `entry` and all it imports into one module text that imports and exports nothing.

    Raises `FlowkitError` if a module imports in a form that cannot be stripped or two modules declare the same name.

    >>> "import " in script("colours.js"), "function ramp(" in script("colours.js")
    (False, True)
    """
    return joined(STATIC, entry)


@cache
def module() -> str:
    """The front end as the one ES module that anywidget wants of a widget (its ``_esm``); ``_css`` is `style`.

    Its default export is ``{ render }``; ``static/widget.js`` says which traits and messages it speaks.

    >>> module().endswith("export default { render };\\n")
    True
    """
    return script(WIDGET) + "export default { render };\n"


@cache
def style() -> str:
    """The style sheets as one: the colours of each theme, then the sheets of which later ones refine earlier ones.

    >>> ".fk" in style()
    True
    """
    light, dark, paper = (_sheet(f"{name}.css") for name in ("light", "dark", "paper"))
    themes = (
        f'.fk,.fk-page{{{light}}}@media (prefers-color-scheme:dark){{.fk:not([data-theme="light"]),.fk-page{{{dark}}}}}'
        f'.fk[data-theme="dark"]{{{dark}}}\n.fk.fk-printing{{{paper}}}'
    )
    return themes + "".join(map(_sheet, STYLES))


def _sheet(name: str) -> str:
    text = _STYLE_COMMENT.sub("", (STATIC / name).read_text(encoding="utf-8"))
    return _STYLE_SPACE.sub(r"\1", " ".join(text.split()))


def joined(folder: Path, entry: str) -> str:
    """Join `entry` and its imports from any `folder`, see `script`."""
    parts: dict[str, str] = {}
    owner: dict[str, str] = {}
    for name in _in_order(folder, entry):
        parts[name] = _plain(name, (folder / name).read_text(encoding="utf-8"))
        for word in _DECLARED.findall(parts[name]):
            if word in owner:
                raise FlowkitError(f"front end: '{word}' is declared by both {owner[word]} and {name}; rename one")
            owner[word] = name
    return _INDENT.sub("", "\n".join(parts.values()))


def _in_order(folder: Path, entry: str) -> list[str]:
    """Every module after those it imports."""
    done: dict[str, None] = {}

    def visit(name: str, path: tuple[str, ...]) -> None:
        if name in path:
            raise FlowkitError(f"front end: modules import each other: {' → '.join((*path, name))}")
        if name in done:
            return
        for imported in _imports(folder / name):
            visit(imported, (*path, name))
        done[name] = None

    visit(entry, ())
    return list(done)


def _imports(module: Path) -> Iterator[str]:
    for names, source in _IMPORT.findall(module.read_text(encoding="utf-8")):
        if " as " in names:
            raise FlowkitError(f"front end: {module.name} renames what it imports from {source}; use its own name")
        yield source


def _plain(name: str, text: str) -> str:
    text = _EXPORT.sub("", _IMPORT.sub("", text))
    left = _LEFT_OVER.search(text)
    if left:
        raise FlowkitError(f"front end: {name} has a line that cannot be joined: {left[0]}")
    text = _LINE_COMMENT.sub("", _BLOCK_COMMENT.sub("", text))
    for line in text.splitlines():
        if line.count("`") % 2:
            raise FlowkitError(
                f"front end: {name} has a text over several lines, which would lose its indentation: {line}"
            )
    return text
