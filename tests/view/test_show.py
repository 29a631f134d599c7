"""The flow table to look at: what is shown, what is said of it, and that names of strangers do nothing."""

import io

import pandas as pd
import pytest

import flowkit as fk
from flowkit.errors import SpecError
from tests.flows import exchange, flow, pod, table

EVIL = '<img src=x onerror="alert(1)">\x1b[2J\u202e'
FLOWS = table(
    *exchange("10.0.0.1:4000", "10.0.0.2:443", **pod("Src", "web"), **pod("Dst", "cart", "bank")),
    flow("10.0.0.3:4001", "10.0.0.2:443", "SYN", TimeFlowEndMs=9_000, SrcK8S_Name=EVIL),
    flow("10.0.0.1:4000", "8.8.8.8:53", proto=17, TimeFlowEndMs=5_000, SrcK8S_Name="=1+1"),
)


def test_newest_first_in_the_console_s_columns():
    shown = fk.show(FLOWS, "protocol=tcp", columns=["SrcAddrPort", "DstAddrPort", "TCPFlags"]).shown
    assert shown.to_numpy().tolist() == [
        ["10.0.0.3:4001", "10.0.0.2:443", "SYN"],
        ["10.0.0.1:4000", "10.0.0.2:443", "SYN, ACK, FIN_ACK"],
        ["10.0.0.2:443", "10.0.0.1:4000", "ACK, SYN_ACK, FIN_ACK"],
    ]


def test_filters_and_quick_filters_go_back_and_forth_together():
    one_way = fk.show(FLOWS, 'src_namespace="shop"', quick="pods")
    assert one_way.flows.index.tolist() == [0]
    both = fk.show(FLOWS, 'src_namespace="shop"', quick="pods", ways="back and forth")
    assert both.flows.index.tolist() == [0, 1]
    assert both.notices[:2] == (
        "2 flows of 4",
        'only flows where src_namespace="shop" and src_kind="Pod"&dst_kind="Pod" (back and forth)',
    )


def test_cut_rows_are_said_and_csv_has_them_all():
    cut = fk.show(FLOWS, limit=2)
    assert cut.notices[0] == "the 2 newest flows of 4 that match, of 4 in the table"
    assert len(cut.shown) == 2
    rows = pd.read_csv(io.StringIO(cut.csv()))
    assert len(rows) == 4
    assert rows.loc[1, "src name"] == "'=1+1"


def test_what_the_flows_lack_is_said():
    notices = fk.show(FLOWS, quick="applications").notices
    assert "no flow carries K8S_FlowLayer: fk.enrich with an inventory gives it" in notices
    notices = fk.show(FLOWS, quick="external").notices
    assert any(notice.startswith("no flow carries SubnetLabel") for notice in notices)


def test_losses_and_sampling_of_the_flows_are_said(tmp_path):
    file = tmp_path / "flows.json"
    file.write_text('{"SrcAddr":"10.0.0.1","DstPort":1,"Sampling":50}\n{"SrcAddr"\n')
    notices = fk.show(fk.read(file)).notices
    assert "sampled 1:50: what is not seen may still exist" in notices
    assert any("broken JSON" in notice for notice in notices)


def test_a_terminal_gets_no_control_characters():
    words = str(fk.show(FLOWS, columns=["SrcK8S_Name"]))
    assert not {"\x1b", "\u202e"} & set(words)
    assert "<img" in words


def test_html_escapes_names_and_headings():
    html = fk.show(FLOWS.assign(**{"<b>": "x"}), columns=["SrcK8S_Name", "<b>"])._repr_html_()
    assert "<img" not in html
    assert "<b>" not in html
    assert "\x1b" not in html
    assert 'sandbox="allow-scripts"' in html


def test_flows_stay_as_they_were():
    before = FLOWS.copy(deep=True)
    shown = fk.show(FLOWS, "address=10.0.0.0/8", ways="back and forth")
    pd.testing.assert_frame_equal(FLOWS, before)
    assert shown.flows.columns.tolist() == FLOWS.columns.tolist()


def test_an_empty_table():
    assert str(fk.show(FLOWS.iloc[:0])).splitlines()[-1] == "0 flows"
    assert fk.show(FLOWS, "port=1").shown.empty
    assert fk.show(pd.DataFrame()).csv() is not None


@pytest.mark.parametrize(
    ("more", "says"),
    [({"ways": "both"}, "no way to match"), ({"limit": 0}, "at least 1"), ({"quick": "x"}, "no quick")],
)
def test_refuses(more, says):
    with pytest.raises(SpecError, match=says):
        fk.show(FLOWS, **more)
