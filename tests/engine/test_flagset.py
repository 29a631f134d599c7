import pytest

from flowkit.engine import All, Condition, Either, Not
from flowkit.engine.flagset import chosen, empty_passes

CASES = [
    (Condition("Flags", "SYN"), 2, False),
    (Condition("Flags", "SYN", "NotEqual"), 2047 - 2, True),
    (Condition("Flags", "", "Presence"), 2047, False),
    (Condition("Flags", "", "Absence"), 0, True),
    (Condition("Flags", "_ACK$", "MatchRegex"), 256 + 512 + 1024, False),
    (Condition("Flags", "ACK", "NotMatchRegex"), 2047 - 16 - 256 - 512 - 1024, True),
    (Either((Condition("Flags", "SYN"), Condition("Flags", "FIN"))), 3, False),
    (All((Condition("Flags", "^SYN", "MatchRegex"), Not(Condition("Flags", "SYN")))), 256, False),
    (Condition("Flags", "$(Flags)"), 2047, False),
    (Condition("Other", "x"), 0, False),
]


@pytest.mark.parametrize(("test", "bits", "empty"), CASES, ids=[str(test) for test, *_ in CASES])
def test_bits_and_the_empty_part(test, bits, empty):
    assert chosen("Flags", test) == bits
    assert empty_passes(test) == empty
