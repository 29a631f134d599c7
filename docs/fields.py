"""Write fields.md from the contract's table: `python docs/fields.py`."""

from __future__ import annotations

from pathlib import Path

from flowkit.contract import FIELDS, Field

PAGE = Path(__file__).with_suffix(".md")
HEAD = """# Flow fields

The columns of a flow table, from `flowkit/contract/fields.csv` (`python docs/fields.py` writes this page). Names, units and
cardinality classes are NetObserv's; a FlowMetric may name those without a mark. ◦ marks fields NetObserv writes and does not
declare, • those of flowkit. An absent field is missing (`<NA>`); it is not an error.

| field | dtype | unit | cardinality | meaning |
|---|---|---|---|---|
"""
_MARK = {"netobserv": "", "undeclared": " ◦", "flowkit": " •"}


def page() -> str:
    """The page's text."""
    return HEAD + "".join(_row(field) for field in FIELDS.values())


def _row(field: Field) -> str:
    dtype = f"list of {field.type}" if field.dtype == "object" else field.dtype
    return f"| `{field.name}`{_MARK[field.origin]} | {dtype} | {field.unit} | {field.cardinality} | {field.meaning} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
