"""Text of strangers made fit for a terminal: nothing in it can move the cursor, change colours or turn the line around."""

from __future__ import annotations

import re
from typing import Any

# C0, DEL, C1, and the marks that turn the direction of text or hide in it.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]")


def plain(text: Any) -> str:
    """The text with control and direction characters shown as ``·``.

    >>> plain("shop\\x1b[31m")
    'shop·[31m'
    """
    return _CONTROL.sub("·", str(text))
