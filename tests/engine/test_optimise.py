"""What each rewrite gives; that results stay the same is proved in tests/parity."""

from flowkit.engine.optimise import optimise
from flowkit.engine.query import (
    Aggregate,
    All,
    Condition,
    Filter,
    Flatten,
    Group,
    HasPart,
    Measure,
    Narrow,
    Remap,
    Scan,
    Sort,
)

SYN, PORT = Condition("Flags", "SYN"), Condition("DstPort", "443")
FLAT = Flatten(Scan(), ("Flags",))


def test_a_filter_on_the_flow_goes_below_flatten():
    assert optimise(Filter(FLAT, PORT)) == Flatten(Filter(Scan(), All((PORT,))), ("Flags",))


def test_a_filter_on_parts_narrows_the_list_below():
    narrowed = Narrow(Filter(Scan(), HasPart("Flags", All((SYN,)))), "Flags", All((SYN,)))
    assert optimise(Filter(FLAT, SYN)) == Flatten(narrowed, ("Flags",))


def test_a_filter_across_two_lists_stays_above():
    both = Filter(Flatten(Scan(), ("Flags", "Interfaces")), Condition("Flags", "$(Interfaces)"))
    assert optimise(both) == Filter(both.source, All((both.test,)))


def test_a_filter_goes_below_a_rename_it_does_not_see():
    rename = (("DstPort", "port"),)
    assert optimise(Filter(Remap(FLAT, rename), SYN)) == Remap(optimise(Filter(FLAT, SYN)), rename)
    seen = Filter(Remap(Scan(), rename), Condition("port", "443"))
    assert optimise(seen) == seen


def test_rows_are_grouped_before_lists_are_flattened_and_labels_written():
    plan = Sort(
        Aggregate(Remap(FLAT, (("DstPort", "port"),)), ("port", "Flags"), (Measure("value", "sum"),)), ("port",)
    )
    grouped = Group(Scan(), ("DstPort", "Flags"), (Measure(">0", "sum"),))
    merged = Remap(Flatten(grouped, ("Flags",)), (("DstPort", "port"),))
    assert optimise(plan).source == Aggregate(merged, ("port", "Flags"), (Measure("value", "sum", ">0"),))


def test_a_measure_of_what_a_step_changes_is_left_alone():
    plan = Aggregate(FLAT, ("Proto",), (Measure("value", "sum", "Flags"),))
    assert optimise(plan) == plan
