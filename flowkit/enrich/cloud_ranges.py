"""The address ranges that clouds publish, as subnet labels: files the user has downloaded, nothing is fetched.

AWS ``ip-ranges.json``, Google ``cloud.json`` (and ``goog.json``), Azure's service tags, Cloudflare's ``ips-v4``, ``ips-v6``.
Labels carry the prefix ``EXT:``, NetObserv's convention for what is outside the cluster, so that external filters keep
seeing them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

Pair = tuple[str, str]
"""A label and one CIDR."""

# AWS lists every range under AMAZON and again under the service it belongs to: the service says more, so it comes first.
_AWS_WHOLE = "AMAZON"
_CIDR_LINE = re.compile(r"^[0-9a-fA-F.:]+/\d+$")


def cloud_ranges(path: Path) -> list[tuple[str, list[str]]] | None:
    """Labels and CIDRs of a published range file in the order to match them; None for a file of another kind.

    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp(), "ip-ranges.json")
    >>> _ = file.write_text('{"prefixes": [{"ip_prefix": "3.5.204.0/22", "region": "eu-west-3", "service": "S3"}]}')
    >>> cloud_ranges(file)
    [('EXT:AWS_S3_eu-west-3', ['3.5.204.0/22'])]
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return None
    pairs = _pairs(text)
    if pairs is None:
        return None
    grouped: dict[str, list[str]] = {}
    for label, cidr in pairs:
        grouped.setdefault(label, []).append(cidr)
    return list(grouped.items())


def _pairs(text: str) -> list[Pair] | None:
    lines = text.split()
    if lines and all(_CIDR_LINE.match(line) for line in lines):
        return [("EXT:Cloudflare", line) for line in lines]
    if not text.lstrip().startswith("{"):
        return None
    try:
        body = json.loads(text)
    except ValueError:
        return None
    if not isinstance(body, Mapping):
        return None
    return next((list(read(body)) for knows, read in _READERS if knows(body)), None)


def _is_aws(body: Mapping[str, Any]) -> bool:
    return any("ip_prefix" in item for item in _items(body, "prefixes")[:1]) or bool(_items(body, "ipv6_prefixes"))


def _aws(body: Mapping[str, Any]) -> Iterator[Pair]:
    items = [*_items(body, "prefixes"), *_items(body, "ipv6_prefixes")]
    for item in sorted(items, key=lambda item: item.get("service") == _AWS_WHOLE):
        cidr = item.get("ip_prefix") or item.get("ipv6_prefix")
        if cidr:
            yield _label("AWS", item.get("service"), item.get("region")), str(cidr)


def _is_google(body: Mapping[str, Any]) -> bool:
    return any("ipv4Prefix" in item or "ipv6Prefix" in item for item in _items(body, "prefixes")[:1])


def _google(body: Mapping[str, Any]) -> Iterator[Pair]:
    for item in _items(body, "prefixes"):
        cidr = item.get("ipv4Prefix") or item.get("ipv6Prefix")
        if cidr:
            yield _label("GCP", item.get("scope")), str(cidr)


def _is_azure(body: Mapping[str, Any]) -> bool:
    return any("addressPrefixes" in (item.get("properties") or {}) for item in _items(body, "values")[:1])


def _azure(body: Mapping[str, Any]) -> Iterator[Pair]:
    # The tag of a service in one region says more than the service's, and that more than AzureCloud's.
    for item in sorted(_items(body, "values"), key=_azure_width):
        for cidr in (item.get("properties") or {}).get("addressPrefixes") or []:
            yield _label("Azure", item.get("name")), str(cidr)


def _azure_width(item: Mapping[str, Any]) -> tuple[bool, bool]:
    name = str(item.get("name", ""))
    return name.startswith("AzureCloud"), "." not in name


def _items(body: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    listed = body.get(key)
    return [item for item in listed if isinstance(item, Mapping)] if isinstance(listed, list) else []


def _label(*words: Any) -> str:
    """A label NetObserv takes: its pattern allows neither dots nor spaces."""
    return "EXT:" + re.sub(r"[^a-zA-Z0-9_:-]", "_", "_".join(str(word) for word in words if word))


_READERS: tuple[tuple[Callable[[Mapping[str, Any]], bool], Callable[[Mapping[str, Any]], Iterator[Pair]]], ...] = (
    (_is_aws, _aws),
    (_is_google, _google),
    (_is_azure, _azure),
)
