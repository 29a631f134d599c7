"""The translation of RE2's patterns, asked of the very JVM that Spark runs in."""

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from flowkit.engine.java_regex import java
from flowkit.manifests import re2

LITERALS = ["a", "b", "_", "1", " ", "é", "K", "k", "&", "~", "#", "-", "{", "}", "]", "{,2}", "."]
ESCAPES = [r"\b", r"\B", r"\d", r"\D", r"\s", r"\S", r"\w", r"\W", r"\n", r"\v", r"\A", r"\z", r"\-", r"\_", r"\."]
CODES = [r"\x41", r"\x{65E5}", r"\101", r"\Q$.\E", r"\pL", r"\p{Lu}", r"\p{Greek}", r"\p{^Greek}", r"\PN", "^", "$"]
CLASSES = ["[a-c]", "[^a]", "[[a]", "[a&&b]", "[]a]", "[^]a]", "[a-]", "[-a]", r"[\d_]", r"[^\s]", r"[\S]", r"[^\S]"]
NAMED = [
    r"[^\W_]",
    "[[:alpha:]]",
    "[[:^alpha:]_]",
    "[[:word:]]",
    "[[:space:]]",
    r"[\]\-^]",
    r"[\x00-\x{10FFFF}]",
    r"[^\n]",
]
FLAGS = ["(?i)", "(?m)", "(?s)", "(?U)", "(?-m)", "(?i:k)", "(?m:^a$)", "(?P<n>a)", "(?s-m:.)"]
atoms = st.sampled_from([*LITERALS, *ESCAPES, *CODES, *CLASSES, *NAMED, *FLAGS])
repeats = st.sampled_from(["", "", "", "*", "+", "?", "{2}", "{0,1}", "{1,}", "*?", "|"])


def grown(inner):
    grouped = st.tuples(inner, repeats).map(lambda pair: f"(?:{pair[0]}){pair[1]}")
    return st.one_of(st.lists(inner, max_size=3).map("".join), inner.map(lambda one: f"({one})"), grouped)


patterns = st.recursive(st.tuples(atoms, repeats).map("".join), grown, max_leaves=6)
letters = st.sampled_from([*"ab_1 \n\r\té日İKk-&^[]{}$.|\\Σσςſ٣", "\u212a", "\x0b", "\u0085", "\u2028"])
texts = st.lists(st.lists(letters, max_size=5).map("".join), min_size=4, max_size=8)


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(patterns, texts)
def test_java_finds_what_re2_finds(spark, pattern, texts):
    assume(re2.complaint(pattern) is None)
    found = spark._jvm.java.util.regex.Pattern.compile(java(pattern))
    assert {text for text in texts if found.matcher(text).find()} == re2.matching(pattern, tuple(texts))
