from flowkit.engine.query import (
    All,
    Comparison,
    Condition,
    Either,
    Filter,
    Flatten,
    Measurable,
    Not,
    Scan,
    conjuncts,
    fields_of,
    mentioned,
    positive,
    rewritten,
    together,
)

A, B, C = Condition("a", "1"), Condition("b", "", "Presence"), Condition("a", "2", "MatchRegex")


def test_conditions_on_one_field_are_alternatives():
    assert together([A, B, C]) == All((Either((A, C)), B))
    assert together([]) == All(())


def test_pieces_and_fields_of_references():
    assert Condition("x", "$(a):$(b>c)").pieces == ("", "a", ":", "b>c", "")
    assert Condition("x", "$(a)", "MatchRegex").pieces == ("$(a)",)
    assert fields_of(All((A, Not(Either((B, Condition("x", "$(y)"))))))) == {"a", "b", "x", "y"}


def test_positive_leaves_not_on_comparisons_only():
    turned = positive(Not(All((A, Not(B), Comparison("n", "<", 1)))))
    assert turned == Either((Condition("a", "1", "NotEqual"), B, Not(Comparison("n", "<", 1))))
    assert positive(Not(Not(C))) == C
    assert positive(Not(Measurable("n"))) == Not(Measurable("n"))


def test_conjuncts_opens_nested_all():
    assert conjuncts(All((A, All((B, All(())))))) == (A, B)


def test_plans_are_rewritten_from_the_scan_upwards_and_mention_their_columns():
    plan = Filter(Flatten(Scan(("x",)), ("Flags",), ("N>a",)), A)
    assert mentioned(plan) == {"x", "Flags", "N>a", "a"}
    seen = []
    rewritten(plan, lambda node: seen.append(type(node).__name__) or node)
    assert seen == ["Scan", "Flatten", "Filter"]


def test_conditions_say_what_they_ask():
    assert (str(A), str(B), str(Comparison("n", ">=", 1.5))) == ('a Equal "1"', "b Presence", "n >= 1.5")
