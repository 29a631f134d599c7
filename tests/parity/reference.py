"""FlowMetric by the letter on plain dicts, flow by flow: the oracle the engine is held to. Knows nothing of flowkit.

A flow is a dict in which an absent field has no key. Written from the specification's prose alone.
"""

import itertools
import math
import re
from decimal import Decimal

FLAG_NAMES = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "SYN_ACK", "FIN_ACK", "RST_ACK"]
DEFAULT_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]


def flag_list(bits):
    return [name for place, name in enumerate(FLAG_NAMES) if bits >> place & 1]


def text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if math.isinf(value):
            return "+Inf" if value > 0 else "-Inf"
        # Grouping takes 0 and -0 for one number: one text.
        plain = format(Decimal(repr(value or 0.0)), "f")
        return plain.rstrip("0").rstrip(".") if "." in plain else plain
    if isinstance(value, list):
        return "[" + " ".join("<nil>" if item is None else text(item) for item in value) + "]"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{text(value[key])}" for key in sorted(value)) + "]"
    return str(value)


def parts_of(flow, flatten):
    axes = []
    for field in flatten:
        items = flow.get(field)
        if not isinstance(items, list) or not items:
            continue
        axis = []
        for item in items:
            if isinstance(item, dict):
                axis.append({f"{field}>{key}": value for key, value in item.items() if value is not None})
            else:
                axis.append({} if item is None else {field: item})
        axes.append(axis)
    return [
        {key: value for part in combination for key, value in part.items()} for combination in itertools.product(*axes)
    ]


def is_flattened(key, flatten):
    return any(key == field or key.startswith(field + ">") for field in flatten)


def passes(filter_, seen):
    key, match, value = filter_["field"], filter_.get("matchType", "Equal"), filter_.get("value", "")
    present = key in seen
    if match == "Presence":
        return present
    if match == "Absence":
        return not present
    if match.endswith("Regex"):
        found = present and re.search(value, text(seen[key])) is not None
    else:
        wanted = re.sub(r"\$\(([^)]+)\)", lambda ref: text(seen[ref[1]]) if ref[1] in seen else "", value)
        found = present and text(seen[key]) == wanted
    return found != match.startswith("Not")


def keeps(filters, flow, part, flatten):
    keys = list(dict.fromkeys(one["field"] for one in filters))
    return all(
        any(passes(one, part if is_flattened(key, flatten) else flow) for one in filters if one["field"] == key)
        for key in keys
    )


def value_of(spec, flow):
    """The number a flow contributes, or None when it is skipped."""
    name = spec.get("valueField")
    value = 1 if not name else flow.get(name)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return None
    if value is None or isinstance(value, list | dict) or not math.isfinite(value):
        return None
    return None if spec["type"] == "Counter" and value < 0 else value


def samples(spec, flows):
    """Yield (labels, flow, value) once a part that counts."""
    flatten, filters = spec.get("flatten", []), spec.get("filters", [])
    direction = {"Ingress": "1", "Egress": "0"}.get(spec.get("direction", "Any"))
    for flow in flows:
        if direction is not None and "FlowDirection" in flow and text(flow["FlowDirection"]) == direction:
            continue
        value = value_of(spec, flow)
        if value is None:
            continue
        for part in parts_of(flow, flatten):
            if keeps(filters, flow, part, flatten):
                seen = [(part if is_flattened(label, flatten) else flow).get(label) for label in spec.get("labels", [])]
                yield tuple("" if one is None else text(one) for one in seen), flow, value


def flowmetric(spec, flows):
    """The metric as a sorted list of (labels..., value), or (labels..., series, le, value) for a Histogram."""
    divider = float(spec.get("divider") or 0) or 1
    groups = {}
    for labels, flow, value in samples(spec, flows):
        groups.setdefault(labels, []).append((flow.get("TimeFlowEndMs", -math.inf), value))
    rows = []
    for labels in sorted(groups, key=lambda one: [part.encode() for part in one]):
        observed = groups[labels]
        if spec["type"] == "Counter":
            rows.append((*labels, scaled(sum(value for _, value in observed), divider)))
        elif spec["type"] == "Gauge":
            rows.append((*labels, scaled(max(observed)[1], divider)))
        else:
            rows.extend((*labels, *row) for row in histogram(spec, [value / divider for _, value in observed]))
    return rows


def scaled(value, divider):
    return value if divider == 1 else value / divider


def histogram(spec, observed):
    bounds = [float(one) for one in spec.get("buckets", [])] or DEFAULT_BUCKETS
    for bound in bounds:
        shown = text(float(bound))
        yield "_bucket", shown, sum(value <= bound for value in observed)
    yield "_bucket", "+Inf", len(observed)
    yield "_sum", "", sum(observed)
    yield "_count", "", len(observed)
