"""Whoever installs flowkit, with all extras, gets nothing under a licence that binds what they build with it."""

from __future__ import annotations

import re
from importlib import metadata

from packaging.requirements import Requirement

EXTRAS = {"capture", "cluster", "kafka", "netflow", "prometheus", "spark", "plot", "notebook"}
FREE = re.compile(r"\b(Apache|MIT|0?BSD|ISC|PSF|Python Software Foundation|Zlib|HPND|Unlicense)\b")
# Binds changes to its own files alone (Mozilla Public Licence 2.0, section 3).
BY_FILE = re.compile(r"\b(MPL|Mozilla Public License)\b")
BINDING = re.compile(r"\b(A?GPL|LGPL|SSPL|EUPL|Commons Clause|GNU)", re.IGNORECASE)
# Packages whose metadata name no licence, and the file that does.
BY_FILE_ONLY = {"promql-parser": "licenses/LICENSE"}


def closure(
    name: str, extras: frozenset[str], seen: set[tuple[str, frozenset[str]]]
) -> set[tuple[str, frozenset[str]]]:
    for line in metadata.requires(name) or ():
        wanted = Requirement(line)
        chosen = (wanted.name, frozenset(wanted.extras))
        needed = wanted.marker is None or any(wanted.marker.evaluate({"extra": extra}) for extra in extras | {""})
        if needed and chosen not in seen:
            seen.add(chosen)
            closure(*chosen, seen)
    return seen


def licence(name: str) -> str:
    about = metadata.distribution(name)
    named = [about.metadata.get("License-Expression"), *(about.metadata.get_all("Classifier") or ())]
    said = [text for text in named if text and not text.startswith(("Programming", "Development", "Topic"))]
    said.append((about.metadata.get("License") or "").strip().split("\n")[0])
    if name in BY_FILE_ONLY:
        said += [file.read_text()[:200] for file in about.files or () if str(file).endswith(BY_FILE_ONLY[name])]
    return " | ".join(said)


def test_no_dependency_binds_what_is_built_with_it():
    names = {name for name, _ in closure("flowkit-net", frozenset(EXTRAS), set())}
    assert len(names) > 50
    found = {name: licence(name) for name in names}
    unclear = {name: text for name, text in found.items() if not (FREE.search(text) or BY_FILE.search(text))}
    binding = {name: text for name, text in found.items() if BINDING.search(text) and not FREE.search(text)}
    assert (unclear, binding) == ({}, {})
