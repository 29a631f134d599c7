import pandas as pd
import pytest

from flowkit.contract import Provenance, provenance, with_provenance
from flowkit.errors import ContractError, FieldNotFound
from flowkit.transform import flatten


def test_the_bit_set_is_the_list_of_its_names_and_the_rest_stays():
    flows = pd.DataFrame(
        {"Proto": pd.Categorical(["a", "b", "c"]), "Flags": pd.array([18, 0, None], dtype="UInt16"), "x": [1, 2, 3]},
        index=[7, 8, 9],
    )
    expected = pd.DataFrame(
        {
            "Proto": pd.Categorical(["a", "a", "b", "c"]),
            "Flags": pd.Categorical(["SYN", "ACK", None, None], categories=["ACK", "SYN"]),
            "x": [1, 1, 2, 3],
        },
        index=[7, 7, 8, 9],
    )
    pd.testing.assert_frame_equal(flatten(flows, ["Flags"]), expected, check_categorical=False)


def test_several_lists_multiply_and_the_first_varies_fastest():
    flows = pd.DataFrame({"Flags": [["SYN", "ACK"]], "Interfaces": [["eth0", "br"]]})
    parts = flatten(flows, ["Flags", "Interfaces"])
    assert list(zip(parts["Flags"], parts["Interfaces"], strict=True)) == [
        ("SYN", "eth0"),
        ("ACK", "eth0"),
        ("SYN", "br"),
        ("ACK", "br"),
    ]


def test_lists_of_maps_become_nested_columns():
    flows = pd.DataFrame({"NetworkEvents": [[{"Name": "a", "Type": "x"}, {"Name": "b"}], [], None]})
    parts = flatten(flows, ["NetworkEvents"])
    assert parts["NetworkEvents>Name"].astype(object).fillna("-").tolist() == ["a", "b", "-", "-"]
    assert parts["NetworkEvents>Type"].astype(object).fillna("-").tolist() == ["x", "-", "-", "-"]
    assert parts["NetworkEvents"].isna().all()


def test_maps_of_several_types_and_keys_that_differ_in_case():
    flows = pd.DataFrame({"NetworkEvents": [[{"Name": 1, "name": True}, {"Name": "b"}]]})
    parts = flatten(flows, ["NetworkEvents"])
    assert parts["NetworkEvents>Name"].tolist() == ["1", "b"]
    assert parts["NetworkEvents>name"].astype(object).fillna("-").tolist() == ["true", "-"]


def test_integers_stay_integers():
    assert flatten(pd.DataFrame({"IfDirections": [[0, 1], [3]]}), ["IfDirections"])["IfDirections"].tolist() == [
        0,
        1,
        3,
    ]


def test_a_known_field_the_table_lacks_is_missing_and_an_unknown_one_an_error():
    assert flatten(pd.DataFrame({"Proto": [6]}), ["Flags"])["Flags"].isna().all()
    with pytest.raises(FieldNotFound, match="no field 'Flag' in this table. Did you mean 'Flags'?"):
        flatten(pd.DataFrame({"Proto": [6]}), ["Flag"])


def test_an_empty_table_keeps_its_columns():
    assert flatten(pd.DataFrame({"Flags": pd.array([], dtype="UInt16")}), ["Flags"]).columns.tolist() == ["Flags"]


def test_a_column_that_stands_twice_is_named():
    with pytest.raises(ContractError, match="column 'Flags' stands twice"):
        flatten(pd.DataFrame([[1, 2]], columns=["Flags", "Flags"]), ["Flags"])


def test_provenance_is_restated_and_the_table_is_not_changed():
    flows = with_provenance(pd.DataFrame({"Flags": [18]}), Provenance(("x.pcap",)))
    assert provenance(flatten(flows, ["Flags"])).sources == ("x.pcap",)
    assert flows["Flags"].tolist() == [18]
