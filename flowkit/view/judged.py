"""What policies say of a matrix, as plain values: a verdict an edge, and each policy with the edges its rules stand on.

Plain, so that views know nothing of how policies are modelled, judged or synthesised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from flowkit.errors import ContractError
from flowkit.view.names import plural

VERDICTS = ("not judged", "allowed by policy", "no policy selects the server", "undecided", "would be denied")
ALLOWED, UNSELECTED, UNDECIDED, DENIED = 1, 2, 3, 4
_WORDS = {"": 0, "allowed": ALLOWED, "undecided": UNDECIDED, "denied": DENIED}
_TEXTS = ("verdict", "policy", "rule", "reason")


@dataclass(frozen=True)
class RuleText:
    """A rule in words, and the rows of ``matrix.edges`` that it was made from or that need it."""

    text: str
    edges: tuple[int, ...] = ()


@dataclass(frozen=True)
class PolicyText:
    """A policy as it is shown: where it is (an empty namespace for the whole cluster), its name, its YAML, its rules."""

    namespace: str
    name: str
    yaml: str
    rules: tuple[RuleText, ...] = ()


@dataclass(frozen=True)
class Judged:
    """Verdicts and policies to show with a matrix.

    `verdicts` has one row a row of ``matrix.edges``, in its order, and the columns `verdict` (``allowed``, ``undecided``,
    ``denied``, empty where nothing judged it), `policy`, `rule` and `reason` (texts, empty where there is none; an edge
    that is allowed by no policy is one whose server none selects). Without `verdicts` nothing is marked. `notes` are
    sentences that a reader must know.
    """

    verdicts: pd.DataFrame | None = None
    policies: tuple[PolicyText, ...] = ()
    notes: tuple[str, ...] = ()

    def __repr__(self) -> str:
        words = Counter([] if self.verdicts is None else self.verdicts["verdict"].astype("str"))
        said = [f"{words[word]:,} {word or 'not judged'}" for word in _WORDS if words[word]]
        policies = plural(len(self.policies), "policy") if self.policies else "no policies"
        return f"Judged: {', '.join(said) or 'no verdicts'}, {policies}"

    def _repr_html_(self) -> str:
        from flowkit.view.displays import verdicts_html

        return verdicts_html(self)


def verdict_codes(judged: Judged | None, count: int) -> tuple[pd.DataFrame, list[str]]:
    """Number the verdicts of `count` edges: columns `status` (into ``VERDICTS``) and `rule` (into the texts, -1: none).

    Raises `ContractError` where rows, columns or words are not those of `Judged`.

    >>> verdict_codes(None, 2)[0].to_numpy().tolist()
    [[0, -1], [0, -1]]
    """
    if judged is None or judged.verdicts is None:
        return pd.DataFrame({"status": np.zeros(count, np.int64), "rule": np.full(count, -1, np.int64)}), []
    table = _checked(judged.verdicts, count)
    words = table["verdict"].map(_WORDS).to_numpy(np.int64)
    status = np.where((words == ALLOWED) & (table["policy"] == "").to_numpy(), UNSELECTED, words)
    texts = _because(table)
    names = sorted(set(texts[texts != ""]))
    return pd.DataFrame({"status": status, "rule": pd.Index(names).get_indexer(pd.Index(texts))}), names


def policy_records(
    judged: Judged | None, numbering: Callable[[], np.ndarray[Any, Any]], groups: list[str]
) -> list[dict[str, Any]]:
    """Describe the policies in plain JSON data; `numbering` gives the payload's edge numbers of the matrix's rows."""
    if judged is None or not judged.policies:
        return []
    numbers = numbering()
    return [
        {
            "ns": groups.index(policy.namespace) if policy.namespace in groups else -1,
            "namespace": policy.namespace,
            "name": policy.name,
            "yaml": policy.yaml,
            "rules": [{"text": rule.text, "edges": _numbered(rule.edges, numbers)} for rule in policy.rules],
        }
        for policy in judged.policies
    ]


def _checked(verdicts: pd.DataFrame, count: int) -> pd.DataFrame:
    missing = [name for name in _TEXTS if name not in verdicts.columns]
    if missing:
        raise ContractError(f"verdicts have no column {', '.join(missing)}: give {', '.join(_TEXTS)}")
    if len(verdicts) != count:
        raise ContractError(
            f"{len(verdicts)} verdicts for {count} edges: give one row an edge, in the order of the edges"
        )
    table = verdicts.loc[:, list(_TEXTS)].astype("str").fillna("").reset_index(drop=True)
    unknown = sorted(set(table["verdict"]) - set(_WORDS))
    if unknown:
        raise ContractError(
            f"no verdict '{unknown[0]}': an edge is allowed, denied or undecided, or '' where not judged"
        )
    return table


def _because(table: pd.DataFrame) -> pd.Series[Any]:
    """Policy, rule and reason in one text."""
    named = table["policy"] + (", rule " + table["rule"]).where(table["rule"] != "", "")
    gap = pd.Series(": ", index=table.index).where((named != "") & (table["reason"] != ""), "")
    return named + gap + table["reason"]


def _numbered(rows: Iterable[int], numbers: np.ndarray[Any, Any]) -> list[int]:
    wanted = np.asarray(sorted(set(rows)), dtype=np.int64)
    if len(wanted) and (wanted[0] < 0 or wanted[-1] >= len(numbers)):
        raise ContractError(f"a rule names edge {wanted[-1] if wanted[0] >= 0 else wanted[0]} of {len(numbers)}")
    return sorted(set(numbers[wanted].tolist()))
