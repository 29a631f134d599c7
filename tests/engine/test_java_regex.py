"""What the translation writes; that Java then finds what RE2 finds is proved in tests/spark."""

import pytest

from flowkit.engine.java_regex import java
from flowkit.errors import SpecError


@pytest.mark.parametrize(
    ("pattern", "translated"),
    [
        ("^a|b$", r"\Aa|b\z"),
        ("(?m)^a$", r"(?:\A|(?<=\n))a(?=\n|\z)"),
        ("(?m:^)^", r"(?:(?:\A|(?<=\n)))\A"),
        ("(?i)k", "(?iu)k"),
        ("(?U)a*", "a*"),
        ("(?P<name>x)", "(?:x)"),
        (r"\s\S", r"[\t\n\f\r\x20][\S\x0B]"),
        (r"\v\101\a", r"\x{B}A\x{7}"),
        (r"\Qa.b\E$", r"a\x{2E}b\z"),
        ("[[a&&b]", r"[\x{5B}a\x{26}\x{26}b]"),
        ("[]^-]", r"[\x{5D}\x{5E}\x{2D}]"),
        ("[[:alpha:][:^digit:]_]", r"[\p{Alpha}\P{Digit}\x{5F}]"),
        (r"\p{Greek}\P{^Lu}", r"[\p{IsGreek}][\p{Lu}]"),
        ("{,2}", r"\x{7B}\x{2C}2\x{7D}"),
        ("a{2,}", "a{2,}"),
        ("é", r"\x{E9}"),
    ],
)
def test_what_java_is_told(pattern, translated):
    assert java(pattern) == f"(?d){translated}"


@pytest.mark.parametrize("pattern", ["(?=a)", "(?!a)", "(?<=a)", r"\1", "a++", "("])
def test_what_re2_refuses_is_refused(pattern):
    with pytest.raises(SpecError, match="invalid regular expression"):
        java(pattern)
