from flowkit.contract import FIELDS
from flowkit.engine.kinds import Kind, flow_schema, is_flags


def test_every_field_of_the_contract_has_a_kind():
    schema = flow_schema()
    assert schema.keys() == FIELDS.keys()
    assert {name for name, kind in schema.items() if kind.is_list} == {
        name for name, field in FIELDS.items() if field.is_list
    }


def test_only_declared_flag_sets_are_read_as_bits():
    assert is_flags("Flags")
    assert not is_flags("PktDropLatestFlags")
    assert not is_flags("Anything")


def test_nested_kinds():
    assert Kind("map").is_nested
    assert not Kind("list", Kind("map")).is_nested
