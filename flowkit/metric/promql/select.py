"""The series that a selector's matchers ask for.

An absent label is empty; regular expressions are RE2 and match whole texts.
"""

from __future__ import annotations

import numpy as np

from flowkit.manifests.re2 import whole
from flowkit.metric.promql.labels import Column, Ints, Labels
from flowkit.metric.promql.samples import Rules, Samples
from flowkit.metric.promql.values import Bools

Matcher = tuple[str, str, str]
_EXACT = ("=", "!=")


def selected(samples: Samples, alternatives: list[list[Matcher]], rules: Rules) -> Samples:
    """The samples of the series that meet all matchers of one of the alternatives."""
    return samples.at(chosen(samples.labels, alternatives, rules))


def chosen(labels: Labels, alternatives: list[list[Matcher]], rules: Rules) -> Ints:
    """The numbers of those series."""
    meets = np.zeros(labels.size, dtype=bool)
    for matchers in alternatives:
        both = np.ones(labels.size, dtype=bool)
        for name, operator, text in matchers:
            both &= _met(labels.column(name), operator, text if operator in _EXACT else rules.pattern(text))
        meets |= both
    return np.flatnonzero(meets)


def _met(column: Column, operator: str, text: str) -> Bools:
    if operator in _EXACT:
        hit = column.texts == text
    else:
        found = whole(text, column.texts.tolist())
        hit = np.array([each in found for each in column.texts], dtype=bool)
    return np.asarray((hit if operator in ("=", "=~") else ~hit)[column.codes], dtype=bool)
