"""What OASIS SARIF 2.1.0 says of the objects a check writes: which properties each has, which it must have, which values.

Names and sections are the specification's. An object has no other properties than these (the official schema says
``additionalProperties: false`` throughout), so that a misspelt one is found.
"""

from __future__ import annotations

from typing import Any

TEXT, BAG = {"type": "string"}, {"type": "object"}


def of(required: tuple[str, ...] = (), **properties: Any) -> dict[str, Any]:
    """An object of exactly these properties."""
    allowed = {**properties, "properties": BAG}
    return {"type": "object", "required": list(required), "properties": allowed, "additionalProperties": False}


def many(items: dict[str, Any], **limits: Any) -> dict[str, Any]:
    return {"type": "array", "items": items, **limits}


LEVEL = {"enum": ["none", "note", "warning", "error"]}  # 3.27.10
INDEX = {"type": "integer", "minimum": -1}  # 3.27.6
# 3.11: a message has a text or the id of one.
MESSAGE = {
    **of(text=TEXT, markdown=TEXT, id=TEXT, arguments=many(TEXT)),
    "anyOf": [{"required": ["text"]}, {"required": ["id"]}],
}
MULTIFORMAT = of(("text",), text=TEXT, markdown=TEXT)  # 3.12
# 3.4: a URI reference (RFC 3986): no space, no backslash, no bare percent sign.
URI = {
    "type": "string",
    "format": "uri-reference",
    "pattern": r"^(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+$",
}
ARTIFACT = of(uri=URI, uriBaseId=TEXT, index=INDEX, description=MESSAGE)
# 3.29: a physical location names an artifact or an address; 3.30: a region.
PHYSICAL = {
    **of(artifactLocation=ARTIFACT, region=BAG, contextRegion=BAG, address=BAG),
    "anyOf": [{"required": ["artifactLocation"]}, {"required": ["address"]}],
}
LOCATION = of(  # 3.28
    id=INDEX, physicalLocation=PHYSICAL, logicalLocations=many(BAG), message=MESSAGE, annotations=many(BAG)
)
RESULT = of(  # 3.27
    ("message",),
    ruleId=TEXT,
    ruleIndex=INDEX,
    kind={"enum": ["notApplicable", "pass", "fail", "review", "open", "informational"]},
    level=LEVEL,
    message=MESSAGE,
    locations=many(LOCATION),
    fingerprints={"type": "object", "additionalProperties": TEXT},
    partialFingerprints={"type": "object", "additionalProperties": TEXT},  # 3.27.17
)
RULE = of(  # 3.49, reportingDescriptor; 3.50, its configuration
    ("id",),
    id=TEXT,
    name=TEXT,
    shortDescription=MULTIFORMAT,
    fullDescription=MULTIFORMAT,
    defaultConfiguration=of(enabled={"type": "boolean"}, level=LEVEL, rank={"type": "number"}, parameters=BAG),
    helpUri=URI,
    help=MULTIFORMAT,
)
DRIVER = of(("name",), name=TEXT, version=TEXT, semanticVersion=TEXT, informationUri=URI, rules=many(RULE))  # 3.19
RUN = of(  # 3.14
    ("tool",),
    tool=of(("driver",), driver=DRIVER, extensions=many(DRIVER)),  # 3.18
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},  # 3.14.17
    results=many(RESULT),
    originalUriBaseIds=BAG,
)
# 3.13
SARIF = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    **of(("version", "runs"), **{"$schema": URI}, version={"const": "2.1.0"}, runs=many(RUN)),
}
