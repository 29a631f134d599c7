import pandas as pd
import pytest

from flowkit.errors import ContractError, FieldNotFound
from flowkit.transform import remap


def test_all_at_once():
    table = pd.DataFrame({"SrcPort": [1], "DstPort": [2], "Proto": pd.Categorical(["6"])})
    expected = pd.DataFrame({"DstPort": [1], "SrcPort": [2], "Proto": pd.Categorical(["6"])})
    pd.testing.assert_frame_equal(remap(table, {"SrcPort": "DstPort", "DstPort": "SrcPort"}), expected)


def test_a_field_the_table_lacks_is_missing_under_its_new_name():
    assert remap(pd.DataFrame({"Proto": [6]}), {"SrcK8S_Zone": "zone"})["zone"].isna().all()


def test_clashes_and_unknown_names_are_errors():
    with pytest.raises(ContractError, match="2 columns would be called 'Proto'"):
        remap(pd.DataFrame({"Proto": [6], "Dscp": [0]}), {"Dscp": "Proto"})
    with pytest.raises(FieldNotFound, match="no field 'prot'"):
        remap(pd.DataFrame({"Proto": [6]}), {"prot": "p"})
