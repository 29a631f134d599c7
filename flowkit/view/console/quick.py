"""The console's quick filters, as the operator's defaults define them."""

from __future__ import annotations

from collections.abc import Sequence

from flowkit.errors import SpecError

QUICK = {
    "applications": {"flow_layer": '"app"'},
    "infrastructure": {"flow_layer": '"infra"'},
    "pods": {"src_kind": '"Pod"', "dst_kind": '"Pod"'},
    "services": {"dst_kind": '"Service"'},
    "external ingress": {"src_subnet_label": '"","EXT:*"'},
    "external egress": {"dst_subnet_label": '"","EXT:*"'},
    "external": {"subnet_label": '"","EXT:*"'},
}


def quick_filter(names: str | Sequence[str]) -> str:
    """The filter text of quick filters: as in the console, values for one filter are alternatives, and all filters must hold.

    Raises `SpecError` for a name that is none.

    >>> quick_filter("pods"), quick_filter(["applications", "infrastructure"])
    ('src_kind="Pod"&dst_kind="Pod"', 'flow_layer="app","infra"')
    """
    listed = [names] if isinstance(names, str) else list(names)
    values: dict[str, list[str]] = {}
    for name in listed:
        if name not in QUICK:
            raise SpecError(f"no quick filter '{name}': there are {', '.join(QUICK)}", place="quick")
        for filter_id, value in QUICK[name].items():
            values.setdefault(filter_id, []).append(value)
    return "&".join(f"{filter_id}={','.join(dict.fromkeys(one))}" for filter_id, one in values.items())
