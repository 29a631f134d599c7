"""What a name looks like on a screen: nothing invisible, nothing that turns text around, nothing endless.

Names come from pod labels, that is from anybody. `shown` is the same rule in Python and in ``static/format.js``.
"""

from __future__ import annotations

import unicodedata

INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
LONGEST = 200
EMPTY = "‹empty›"


def shown(name: str) -> str:
    r"""Make a name safe to read: control, direction and invisible characters as their number, at most 200 characters.

    Escaping for HTML is the caller's, this is about what the eye is told.

    >>> shown("cart\x1b[2J\u202e")
    'cart‹1B›[2J‹202E›'
    >>> shown("")
    '‹empty›'
    """
    if not name:
        return EMPTY
    return "".join(map(_visible, _middle_cut(name)))


def _middle_cut(name: str) -> str:
    """Keep both ends of a long name: Kubernetes names tell apart at either."""
    if len(name) <= LONGEST:
        return name
    head = LONGEST * 2 // 3
    return name[:head] + "…" + name[head + 1 - LONGEST :]


def _visible(character: str) -> str:
    return f"‹{ord(character):02X}›" if unicodedata.category(character) in INVISIBLE else character


def human_bytes(count: float) -> str:
    """Write a number of bytes in decimal units, one digit after the point.

    >>> human_bytes(950), human_bytes(134_100_000)
    ('950 B', '134.1 MB')
    """
    size = float(count)
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} B" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} TB"


def plural(count: int, noun: str) -> str:
    """Write a count with its noun.

    >>> plural(1, "edge"), plural(1204, "edge"), plural(2, "address"), plural(2, "policy")
    ('1 edge', '1,204 edges', '2 addresses', '2 policies')
    """
    if count == 1:
        return f"1 {noun}"
    many = f"{noun[:-1]}ies" if noun.endswith("y") else f"{noun}es" if noun.endswith("s") else f"{noun}s"
    return f"{count:,} {many}"
