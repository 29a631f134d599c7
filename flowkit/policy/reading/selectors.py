"""Label selectors as the API server takes them.

Source: apimachinery ``ValidateLabelSelector`` and ``IsQualifiedName``, ``IsValidLabelValue``.
"""

from __future__ import annotations

import re

from flowkit.manifests.node import Node
from flowkit.policy.model import Requirement, Selector

_NAME = re.compile(r"([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]", re.ASCII)
_SUBDOMAIN = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*", re.ASCII)
_LONGEST_NAME, _LONGEST_SUBDOMAIN = 63, 253
_LISTING = ("In", "NotIn")
_OPERATORS = (*_LISTING, "Exists", "DoesNotExist")


def selector(parent: Node, name: str) -> Selector | None:
    """The selector at a key of `parent`, None where the key is absent; refuse what the API server refuses.

    >>> selector(Node({"podSelector": {"matchLabels": {"app": "redis"}}}, "p.yaml", "spec"), "podSelector")
    Selector(labels=(('app', 'redis'),), expressions=())
    """
    if parent.body.get(name) is None:
        return None
    node = parent.mapping(name)
    node.only(("matchLabels", "matchExpressions"))
    return Selector(
        _labels(node.mapping("matchLabels")), tuple(_requirement(e) for e in node.mappings("matchExpressions"))
    )


def _labels(node: Node) -> tuple[tuple[str, str], ...]:
    found = []
    for key in sorted(node.body, key=str):
        check_key(node, str(key), str(key))
        value = node.text(key)
        _check_value(node, value, str(key))
        found.append((str(key), value))
    return tuple(found)


def _requirement(node: Node) -> Requirement:
    node.only(("key", "operator", "values"))
    key, operator = node.text("key", None), node.text("operator", None, _OPERATORS)
    check_key(node, key, "key")
    values = node.texts("values")
    if operator in _LISTING and not values:
        node.refuse(f"must name at least one value for {operator}", "values")
    if operator not in _LISTING and values:
        node.refuse(f"must be left out for {operator}", "values")
    for number, value in enumerate(values):
        _check_value(node, value, f"values[{number}]")
    return Requirement(key, operator, tuple(sorted(set(values))))


def check_key(node: Node, key: str, name: str) -> None:
    """Refuse a label key that is no qualified name (prefix/name)."""
    prefix, slash, local = key.rpartition("/")
    good_prefix = not slash or is_subdomain(prefix)
    if not good_prefix or len(local) > _LONGEST_NAME or not _NAME.fullmatch(local):
        node.refuse(f"'{key}' is no label key: an optional DNS prefix and '/', then at most 63 of [A-Za-z0-9-_.]", name)


def _check_value(node: Node, value: str, name: str) -> None:
    if value and (len(value) > _LONGEST_NAME or not _NAME.fullmatch(value)):
        node.refuse(f"'{value}' is no label value: at most 63 of [A-Za-z0-9-_.], a letter or digit at both ends", name)


def is_subdomain(text: str) -> bool:
    """Whether a text is a DNS subdomain (RFC 1123) in lower case, as names of objects are.

    >>> is_subdomain("default-deny"), is_subdomain("Web_1")
    (True, False)
    """
    return len(text) <= _LONGEST_SUBDOMAIN and _SUBDOMAIN.fullmatch(text) is not None
