"""Judge the rows of a flow table: one verdict a row, with the rule that gives it or the one that nearly would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from flowkit.contract import conform, provenance, with_provenance
from flowkit.enrich import Inventory
from flowkit.enrich.sides import Codes, categorical
from flowkit.policy.judge.notes import named_ports
from flowkit.policy.judge.reasons import ALLOWED, DENIED, REASONS, UNDECIDED, VERDICTS, Reason
from flowkit.policy.judge.rows import Rows
from flowkit.policy.judge.ruling import Judgement, Ruling
from flowkit.policy.model import EGRESS, INGRESS
from flowkit.policy.policyset import PolicySet
from flowkit.policy.profiles import Profile
from flowkit.policy.world import World

COLUMNS = ("verdict", "policy", "rule", "direction", "reason")
# Reasons for which the pod's isolation matters, not one rule: all policies it is under are named.
_ISOLATED = (
    Reason.OTHER_PORT,
    Reason.WRONG_NAMESPACE,
    Reason.OTHER_PEER,
    Reason.NOTHING_NEAR,
    Reason.ICMP,
    Reason.OTHER_PROTOCOL,
    Reason.OWN_NODE_EGRESS,
)


def judge(
    policies: PolicySet | str | Path | Mapping[str, Any],
    flows: pd.DataFrame,
    inventory: Inventory | World | str | Path | Mapping[str, Any],
    profile: str | Profile = "generic",
) -> pd.DataFrame:
    """Judge every row of `flows` under a policy set, and return them in their order with five more columns.

    ``verdict`` is allowed, denied or undecided; ``direction`` (Egress of the source, or Ingress to the destination) is the side
    that decides it, ``policy`` and ``rule`` say which rule admits or refuses it, or for a denial which policies isolate the pod
    and which rule comes nearest; ``reason`` says why. Rows are taken as they stand, their source opened the connection, ports
    are the pod's after translation (``Xlat*`` where the flow has it). A reply, known by its flags or by its request, shares its
    connection's verdict. Rules: the NetworkPolicy API and docs/policies.md. Raises `SpecError` for policies the API server
    would refuse, `PolicyError` for an unknown profile.

    >>> pods = [{"kind": "Pod", "metadata": {"name": name, "namespace": "shop", "labels": {"app": name}},
    ...          "status": {"podIPs": [{"ip": ip}]}} for name, ip in (("web", "10.0.0.1"), ("db", "10.0.0.2"))]
    >>> deny = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
    ...         "metadata": {"name": "deny", "namespace": "shop"}, "spec": {"podSelector": {"matchLabels": {"app": "db"}}}}
    >>> flows = pd.DataFrame({"SrcAddr": ["10.0.0.1"], "DstAddr": ["10.0.0.2"], "DstPort": [5432], "Proto": [6]})
    >>> import warnings
    >>> with warnings.catch_warnings(action="ignore"):
    ...     judge(deny, flows, {"kind": "List", "items": pods})[["verdict", "policy", "direction"]].values.tolist()
    [['denied', 'shop/deny', 'Ingress']]
    """
    policies = PolicySet.load(policies)
    world = inventory if isinstance(inventory, World) else World.of(inventory)
    ruling = Ruling.of(policies, world, profile)
    rows = Rows.of(conform(flows), ruling)
    told = _told(rows, ruling.judge(rows.cells), ruling)
    notes = (*policies.notes, *named_ports(ruling), *rows.notes)
    return with_provenance(flows.assign(**told), provenance(flows).noting(*notes))


def _told(rows: Rows, found: Judgement, ruling: Ruling) -> dict[str, pd.Categorical]:
    """The five columns: told by cell, then spread over the rows."""
    way = _way(found)
    sides = (found.egress, found.ingress)
    reason, line, under = (
        np.where(way == 0, getattr(sides[0], name), getattr(sides[1], name)).astype(np.int64)
        for name in ("reason", "line", "under")
    )
    policy, rule = _names(ruling, way, np.where(np.isin(reason, _ISOLATED), under, -1), line)
    direction = categorical(np.where(reason == Reason.NOT_ISOLATED, -1, way), (EGRESS, INGRESS))
    verdict = np.where(rows.incomplete, UNDECIDED, found.verdict[rows.cell])
    why = np.where(rows.incomplete, Reason.INCOMPLETE, _of_replies(rows, verdict, reason[rows.cell]))
    spread = {"policy": policy, "rule": rule, "direction": direction}
    return {
        "verdict": categorical(verdict, VERDICTS),
        **{
            name: categorical(np.where(rows.incomplete, -1, each.codes[rows.cell]), each.categories)
            for name, each in spread.items()
        },
        "reason": categorical(why, REASONS),
    }


def _way(found: Judgement) -> Codes:
    """The side that decides, 0 egress and 1 ingress: of a denial or an open question the first that says so; of an allowed
    connection the server's, unless only the client's has a rule to show.
    """
    egress, ingress = found.egress, found.ingress
    refused = egress.denies & ((found.verdict == UNDECIDED) | ~egress.allows)
    silent = (ingress.reason == Reason.NOT_ISOLATED) & (egress.reason != Reason.NOT_ISOLATED)
    result: Codes = np.where(found.verdict == ALLOWED, ~silent, ~refused).astype(np.int64)
    return result


def _names(ruling: Ruling, way: Codes, under: Codes, line: Codes) -> tuple[pd.Categorical, pd.Categorical]:
    """The policies (of the set a pod is under, else of the line) and the rule (of the line, with its policy) of every cell."""
    policies: dict[str, int] = {}
    rules: dict[str, int] = {}
    policy, rule = np.full(len(way), -1), np.full(len(way), -1)
    for number, direction in enumerate((EGRESS, INGRESS)):
        lines = ruling.lines(direction)
        of_line = np.array([*(policies.setdefault(each.policy, len(policies)) for each in lines), -1])
        sets = ruling.sets(direction)
        of_set = np.array([*(policies.setdefault(names, len(policies)) for names in sets), -1])
        titles = np.array([*(rules.setdefault(f"{e.policy} {e.rule}", len(rules)) for e in lines), -1])
        here = way == number
        policy[here] = np.where(under[here] >= 0, of_set[under[here]], of_line[line[here]])
        rule[here] = titles[line[here]]
    found = (categorical(codes, list(texts)) for codes, texts in ((policy, policies), (rule, rules)))
    of_policy, of_rule = (each.remove_unused_categories() for each in found)
    return of_policy, of_rule


def _of_replies(rows: Rows, verdict: Codes, reason: Codes) -> Codes:
    reply = np.where(verdict == ALLOWED, Reason.REPLY, np.where(verdict == DENIED, Reason.REPLY_OF_DENIED, reason))
    result: Codes = np.where(rows.replies, reply, reason)
    return result
