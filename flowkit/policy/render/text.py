"""Objects as YAML text with comments: the one place where names of strangers reach YAML.

Values pass through PyYAML's own quoting; comments lose every control character, line separators among them, so that nothing in
a name can end its comment.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from flowkit.contract.plain import plain

_LONGEST = 160
_Dumper: type[Any] = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def yaml_text(value: Any) -> str:
    """A value as YAML in the order of its keys.

    >>> yaml_text({"on": ["yes", "a: b"]})
    "'on':\\n- 'yes'\\n- 'a: b'\\n"
    """
    text: str = yaml.dump(
        value, Dumper=_Dumper, sort_keys=False, allow_unicode=False, default_flow_style=False, width=1000
    )
    return text


def comment(text: str) -> str:
    """One comment line, whatever the text.

    >>> comment("shop\\nkind: Secret")
    '# shop·kind: Secret'
    """
    shown = plain(text)
    return "# " + (shown if len(shown) <= _LONGEST else shown[: _LONGEST - 1] + "…")


def commented_policy(manifest: Mapping[str, Any], remarks: Mapping[str, Sequence[Sequence[str]]]) -> str:
    """A policy object with remarks: for a list of rules in its spec (``ingress``) the lines above each rule."""
    spec = dict(manifest["spec"])
    lists = {key: spec.pop(key) for key in remarks if isinstance(spec.get(key), list)}
    lines = [yaml_text({**manifest, "spec": spec})]
    for key, rules in lists.items():
        lines.append(f"  {key}:\n")
        for rule, said in zip(rules, remarks[key], strict=True):
            lines += [f"  {comment(each)}\n" for each in said]
            lines.append(indented(yaml_text([rule])))
    return "".join(lines)


def indented(text: str) -> str:
    """The text two columns to the right."""
    return "".join(f"  {line}\n" for line in text.splitlines())


def stream(documents: Iterable[str]) -> str:
    """Several documents as one YAML stream."""
    return "---\n".join(documents)
