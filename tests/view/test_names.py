"""Names on screens: nothing invisible, nothing endless, nothing that acts as HTML."""

from __future__ import annotations

import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from flowkit.view.fallback import text
from flowkit.view.names import INVISIBLE, human_bytes, shown


@settings(deadline=None)
@given(st.text(max_size=400))
def test_shown_names_are_visible_and_short(name):
    seen = shown(name)
    assert seen
    assert not any(unicodedata.category(character) in INVISIBLE for character in seen)
    assert len(seen) <= 200 * len("‹10FFFF›")


def test_long_names_keep_both_ends():
    seen = shown("a" * 2500 + "b" * 2500)
    assert len(seen) == 200
    assert seen.startswith("a")
    assert seen.endswith("b")


def test_text_is_safe_in_html_and_in_attributes():
    assert text("\"'<&>") == "&quot;&#x27;&lt;&amp;&gt;"


def test_bytes_have_units_up_to_tera():
    assert [human_bytes(size) for size in (0, 999, 1000, 5e15)] == ["0 B", "999 B", "1.0 kB", "5000.0 TB"]
