"""The contract's dtypes: what fits, what becomes missing and is counted, and how tables are stacked."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.contract import FIELDS, conform, field, flag_bits, flag_names, provenance, stack, twin
from flowkit.errors import ContractError, FieldNotFound


def test_every_field_gets_its_dtype_from_plain_python_values():
    flows = conform(
        pd.DataFrame(
            {
                "SrcAddr": ["10.0.0.1", None],
                "DstPort": ["443", None],
                "Bytes": [1.0, 2.5],
                "Proto": [6, 300],
                "Flags": [["SYN", "ACK"], None],
                "_IsFirst": ["true", None],
                "IfDirections": [[0, 1], None],
                "mine": ["kept", "as is"],
            }
        )
    )
    assert flows.dtypes.astype(str).to_dict() == {
        "SrcAddr": "category",
        "DstPort": "UInt16",
        "Bytes": "UInt64",
        "Proto": "UInt8",
        "Flags": "UInt16",
        "_IsFirst": "boolean",
        "IfDirections": "object",
        "mine": "str",
    }
    assert flows["Flags"].tolist() == [18, pd.NA]
    assert provenance(flows).losses == {
        "values of Bytes that are not its type": 1,
        "values of Proto that are not its type": 1,
    }


def test_flags_the_bit_set_cannot_hold_keep_their_list():
    for strange in (["SYN", "SYN"], ["NEW"]):
        assert conform(pd.DataFrame({"Flags": [strange, ["ACK"]]}))["Flags"].tolist() == [strange, ["ACK"]]


def test_a_name_that_stands_twice_is_refused():
    with pytest.raises(ContractError, match="'Bytes' stands twice"):
        conform(pd.DataFrame([[1, 2]], columns=["Bytes", "Bytes"]))


def test_numbers_at_their_limits():
    bounds = {"SrcPort": [0, 65535, 65536, -1], "Bytes": [2**64 - 1, 2**63, 1, 0], "Packets": [2.0**64, 1.0, -1.0, 0.5]}
    flows = conform(pd.DataFrame(bounds))
    assert flows["SrcPort"].tolist() == [0, 65535, pd.NA, pd.NA]
    assert flows["Bytes"].tolist() == [2**64 - 1, 2**63, 1, 0]
    assert flows["Packets"].tolist() == [pd.NA, 1, pd.NA, pd.NA]


def test_conforming_twice_changes_nothing():
    once = conform(pd.DataFrame({"SrcAddr": ["a", None], "Flags": [["SYN"], []], "Bytes": [1, None]}))
    pd.testing.assert_frame_equal(conform(once), once)
    assert provenance(conform(once)) == provenance(once)


def test_stack_unites_columns_and_categories():
    first = conform(pd.DataFrame({"SrcAddr": ["10.0.0.1"], "Bytes": [1]}))
    second = conform(pd.DataFrame({"SrcAddr": ["10.0.0.2"], "Flags": [["SYN"]]}))
    whole = stack([first, second])
    assert whole.dtypes.astype(str).to_dict() == {"SrcAddr": "category", "Bytes": "UInt64", "Flags": "UInt16"}
    assert whole.astype(object).where(whole.notna(), None).values.tolist() == [
        ["10.0.0.1", 1, None],
        ["10.0.0.2", None, 2],
    ]


def test_every_field_has_a_meaning_and_every_side_its_twin():
    for name, known in FIELDS.items():
        assert known.meaning, name
        if name.startswith(("Src", "Dst", "Xlat")):
            other = twin(name)
            assert other is not None, name
            assert twin(other) == name
    assert twin("Bytes") is None


def test_an_unknown_field_is_named_with_the_nearest():
    with pytest.raises(FieldNotFound, match="no field 'DstPrt'. Did you mean 'DstPort'?"):
        field("DstPrt")


@given(st.integers(0, 2047))
def test_names_and_bits_are_one(bits):
    names = flag_names(pd.Series([bits], dtype="UInt16")).iloc[0]
    assert flag_bits(names) == bits
