"""How a metric, a policy set, verdicts and an inventory show themselves in a notebook cell: short, and every name escaped.

No script and no style sheet, so that trusted and untrusted notebooks, mails and code hosts show the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from flowkit.view.fallback import text
from flowkit.view.judged import Judged
from flowkit.view.names import plural

if TYPE_CHECKING:
    from flowkit.enrich import Inventory
    from flowkit.manifests.flowmetric import FilterSpec
    from flowkit.metric import FlowMetric
    from flowkit.policy import PolicySet

ROWS = 20
LONGEST_YAML = 4_000
_MATCHES = {
    "Equal": "=",
    "NotEqual": "≠",
    "MatchRegex": "matches",
    "NotMatchRegex": "does not match",
    "Presence": "is there",
    "Absence": "is not there",
}
_REVIEW = "Allows only what was observed: review it, and let fk.verify say what it breaks and what it leaves open."


def flowmetric_html(metric: FlowMetric) -> str:
    """Write what a FlowMetric says: its series, what is counted, by which labels, and of which flows.

    >>> from flowkit.manifests import FlowMetricSpec
    >>> from flowkit.metric import FlowMetric
    >>> "<th>labels<td>DstPort" in flowmetric_html(FlowMetric(FlowMetricSpec("by-port", "Counter", labels=("DstPort",))))
    True
    """
    spec = metric.spec
    divided = f" / {spec.divider:g}" if spec.divider != 1 else ""
    facts = {
        "type": [f"{spec.type} of {spec.value_field or 'flows'}{divided}"],
        "labels": [_label(label, target) for label, target in zip(spec.labels, spec.targets, strict=True)],
        "flatten": spec.flatten,
        "filters": map(_condition, spec.filters),
        "direction": [] if spec.direction == "Any" else [spec.direction],
        "buckets": [f"{bound:g}" for bound in spec.buckets],
        "cardinality": [metric.cardinality],
        "read from": filter(None, [spec.place]),
    }
    return _titled(metric.name, [spec.help]) + _facts(facts)


def _label(field: str, target: str) -> str:
    return field if field == target else f"{target} ← {field}"


def _condition(one: FilterSpec) -> str:
    return " ".join(filter(None, [one.field, _MATCHES[one.match_type], one.value]))


def policies_html(policies: PolicySet) -> str:
    """Write a policy set: how many policies, each folded with its rules counted and its YAML, and what was left out.

    >>> from flowkit.policy import PolicySet
    >>> policies_html(PolicySet())
    '<p><b>PolicySet: no policies</b></p>'
    """
    shown = policies.policies[:ROWS]
    told = [_REVIEW] if policies.evidence is not None else []
    parts = [_titled(repr(policies), [*told, *_some(policies.notes)])]
    for policy in shown:
        alone = replace(policies, policies=(policy,), tiers=()).yaml()
        counts = {"ingress": len(policy.ingress), "egress": len(policy.egress)}
        rules = " and ".join(plural(counts[way.lower()], f"{way.lower()} rule") for way in policy.directions)
        parts.append(_folded(f"{policy.namespace}/{policy.name}: {rules}", alone))
    left = len(policies) - len(shown)
    if left:
        parts.append(f"<p>and {left:,} more: policies.yaml() has what NetworkPolicies there are</p>")
    return "\n".join(parts)


def verdicts_html(judged: Judged) -> str:
    """Write how many edges have which verdict, and the first of those that are denied or undecided, with the reason.

    >>> verdicts_html(Judged())
    '<p><b>Judged: no verdicts, no policies</b></p>'
    """
    title = _titled(repr(judged), [])
    if judged.verdicts is None:
        return title
    columns = ["verdict", "policy", "rule", "reason"]
    doubtful = judged.verdicts[judged.verdicts["verdict"].isin(["denied", "undecided"])][columns]
    if doubtful.empty:
        return title
    rows = doubtful.head(ROWS).itertuples()
    return title + _table(["edge", *columns], rows, len(doubtful))


def inventory_html(inventory: Inventory) -> str:
    """Write who is in an inventory: pods, workloads and addresses by namespace, nodes and Services, and what it lacks.

    >>> from flowkit.enrich import Inventory
    >>> inventory_html(Inventory((), (), {}, {}))
    '<p><b>Inventory: nobody</b></p>'
    """
    title = _titled(repr(inventory), _some(inventory.notes))
    people = inventory.identities.values()
    pods = Counter(who.namespace for who in set(people) if who.type == "Pod")
    if not pods:
        return title
    workloads = Counter(namespace for namespace, _, _ in {(w.namespace, w.owner_type, w.owner_name) for w in people})
    services = Counter(who.namespace for who in set(people) if who.type == "Service")
    rows = [(name, workloads[name] - services[name], pods[name], services[name]) for name in sorted(pods | services)]
    return title + _table(["namespace", "workloads", "pods", "Services"], rows[:ROWS], len(rows))


def _titled(title: str, lines: Iterable[str]) -> str:
    said = "".join(f"<p>{text(line)}</p>" for line in lines if line)
    return f"<p><b>{text(title)}</b></p>{said}"


def _some(notes: Sequence[str]) -> list[str]:
    more = len(notes) - ROWS
    return [*notes[:ROWS], *([f"and {plural(more, 'note')} more"] if more > 0 else [])]


def _facts(facts: Mapping[str, Iterable[str]]) -> str:
    values = {name: ", ".join(map(text, said)) for name, said in facts.items()}
    return "<table>" + "".join(f"<tr><th>{name}<td>{value}" for name, value in values.items() if value) + "</table>"


def _table(heads: Sequence[str], rows: Iterable[Iterable[object]], count: int) -> str:
    head = "".join(f'<th scope="col">{name}' for name in heads)
    body = "".join("<tr>" + "".join(f"<td>{_cell(cell)}" for cell in row) for row in rows)
    of = f"<caption>the first {ROWS} of {count:,}</caption>" if count > ROWS else ""
    return f"<table>{of}<tr>{head}{body}</table>"


def _cell(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else text(value) if value else ""  # type: ignore[arg-type]


def _folded(summary: str, yaml: str) -> str:
    lines = "\n".join(text(line) if line else "" for line in yaml[:LONGEST_YAML].splitlines())
    cut = "\n… policies.yaml() has all of it" if len(yaml) > LONGEST_YAML else ""
    return f"<details><summary>{text(summary)}</summary><pre>{lines}{cut}</pre></details>"
