"""flowkit's own layout: what is written comes back, numbers stay valid, a crash leaves a readable folder."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import flowkit as fk
from flowkit.contract import Provenance, conform, endpoint_table, layout, provenance, with_provenance
from flowkit.contract.layout import stamp_of, write_layout
from flowkit.errors import ContractError, SourceError
from tests.flows import exchange, flow, pod, table

TEXT = st.sampled_from(["", "a", "b", "é", "日本", "SYN", "\x00n"])
flows = st.fixed_dictionaries(
    {"TimeFlowEndMs": st.integers(0, 5)},
    optional={
        "SrcAddr": TEXT,
        "SrcK8S_Name": TEXT,
        "SrcK8S_Namespace": TEXT,
        "DstK8S_Namespace": TEXT,
        "DstSubnetLabel": TEXT,
        "SrcK8S_HostIP": TEXT,
        "DstPort": st.sampled_from([0, 443, 65535]),
        "Flags": st.lists(st.sampled_from(["SYN", "ACK", "NEW"]), max_size=3),
        "Interfaces": st.lists(st.sampled_from(["eth0", "", "br"]), max_size=3),
        "IfDirections": st.lists(st.integers(0, 3), max_size=2),
        "NetworkEvents": st.lists(st.dictionaries(st.sampled_from(["Name", "Action"]), TEXT), max_size=2),
        "Bytes": st.integers(0, 2**64 - 1),
        "_IsFirst": st.booleans(),
        "mine": TEXT,
    },
)


def as_rows(table):
    """Rows as dicts of what is present."""
    return [
        {k: v for k, v in row.items() if isinstance(v, list) or not pd.isna(v)}
        for row in table.astype(object).to_dict("records")
    ]


def one_text(row):
    return repr(sorted(row.items()))


@settings(max_examples=40)
@given(st.lists(flows, min_size=1, max_size=8), st.lists(flows, max_size=4))
def test_what_is_written_is_read_back(tmp_path_factory, first, later):
    folder = tmp_path_factory.mktemp("flows")
    written = []
    for part in filter(None, (first, later)):
        frame = conform(pd.DataFrame(part))
        write_layout(frame, folder)
        written.append(frame)
    back = fk.read(folder)
    for frame in written:
        assert set(frame.columns) <= set(back.columns)
    expected = [row for frame in written for row in as_rows(frame)]
    # Files and rows stand in the order of time; what ends in one millisecond in that of its bit set, then of writing.
    assert sorted(map(one_text, as_rows(back))) == sorted(map(one_text, expected))
    if len(written) == 1:
        is_bits = "Flags" in written[0] and written[0]["Flags"].dtype != object
        order = ["TimeFlowEndMs", "Flags"] if is_bits else ["TimeFlowEndMs"]
        assert as_rows(back) == as_rows(written[0].sort_values(order, kind="stable"))
        assert back.dtypes.astype(str).to_dict() == written[0].dtypes.astype(str).to_dict()


def test_the_same_table_with_its_columns_dtypes_and_provenance(tmp_path):
    frame = with_provenance(
        table(*exchange("10.0.0.1:50000", "10.0.0.2:80", **pod("Src", "web")), {"SrcAddr": "10.0.0.9"}),
        Provenance(("lab.pcap",), sampling=50).losing({"frames that are not IP": 3}),
    )
    back = fk.read(write_layout(frame, tmp_path / "flows"))
    pd.testing.assert_frame_equal(back, frame, check_categorical=False)
    assert provenance(back) == provenance(frame)


def test_losses_are_not_added_up_by_files(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "ROWS_A_FILE", 2)
    frame = with_provenance(
        table(*(flow("10.0.0.1:1", "10.0.0.2:2", TimeFlowEndMs=n) for n in range(5))),
        Provenance(("a.pcap",)).losing({"cut packets": 3}),
    )
    folder = write_layout(frame, tmp_path)
    assert len(list(folder.glob("*.parquet"))) == 4
    assert provenance(fk.read(folder)) == provenance(frame)


def test_ends_stand_once_and_flags_are_bits(tmp_path):
    folder = write_layout(table(*exchange("10.0.0.1:50000", "10.0.0.2:80", **pod("Src", "web"))), tmp_path)
    (path,) = folder.glob("1970*.parquet")
    stored = pq.read_table(path, partitioning=None)
    assert not [name for name in stored.column_names if "K8S" in name]
    assert [str(stored.schema.field(name).type) for name in ("SrcEp", "DstEp", "Flags")] == ["uint16"] * 3
    assert stored.column("SrcEp").to_pylist() == [1, 0]
    assert endpoint_table.load(folder).column("K8S_OwnerName").to_pylist() == [None, "web"]


def test_numbers_stay_valid_when_a_folder_grows(tmp_path):
    for name in ("web", "api", "web"):
        write_layout(table(flow("10.0.0.1:1", "10.0.0.2:2", **pod("Src", name))), tmp_path)
    assert fk.read(tmp_path)["SrcK8S_OwnerName"].tolist() == ["web", "api", "web"]
    assert endpoint_table.load(tmp_path).num_rows == 3


def test_a_crash_before_the_flows_leaves_what_was_there(tmp_path, monkeypatch):
    write_layout(table(flow("10.0.0.1:1", "10.0.0.2:2", **pod("Src", "web"))), tmp_path)

    def dies(*args, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(layout, "_write_file", dies)
        write_layout(table(flow("10.0.0.1:1", "10.0.0.2:2", **pod("Src", "api"))), tmp_path)
    assert fk.read(tmp_path)["SrcK8S_OwnerName"].tolist() == ["web"]
    write_layout(table(flow("10.0.0.1:1", "10.0.0.2:2", **pod("Src", "db"))), tmp_path)
    assert fk.read(tmp_path)["SrcK8S_OwnerName"].tolist() == ["web", "db"]


def test_rows_without_a_time_come_last(tmp_path):
    frame = table({"SrcAddr": "a"}, {"SrcAddr": "c", "TimeFlowEndMs": 7}, {"SrcAddr": "b", "TimeFlowEndMs": 3})
    assert fk.read(write_layout(frame, tmp_path))["SrcAddr"].tolist() == ["b", "c", "a"]


def test_a_name_of_the_layouts_own_is_refused(tmp_path):
    with pytest.raises(ContractError, match="'SrcEp' is called like one of the layout's own"):
        write_layout(pd.DataFrame({"SrcEp": [1]}), tmp_path)


def test_a_younger_layout_is_refused(tmp_path):
    with pytest.raises(ContractError, match="layout 3 is younger than this flowkit"):
        stamp_of({b"flowkit.layout": b'{"version": 3, "columns": []}'})
    write_layout(pd.DataFrame({"SrcAddr": ["a"]}), tmp_path)
    (path,) = tmp_path.glob("1970*.parquet")
    stored = pq.read_table(path, partitioning=None)
    pq.write_table(stored.replace_schema_metadata({b"flowkit.layout": b'{"version": 3, "columns": []}'}), path)
    with pytest.raises(SourceError, match="younger than this flowkit"):
        fk.read(tmp_path)


def test_a_block_lies_by_flags_within_and_by_time_between(tmp_path, monkeypatch):
    monkeypatch.setattr(layout, "ROWS_A_GROUP", 3)
    flags = ["ACK", "SYN", None, "SYN", "ACK", "SYN"]
    frame = table(*({"SrcPort": n, "TimeFlowEndMs": n, "Flags": [f] if f else None} for n, f in enumerate(flags)))
    (path,) = write_layout(frame, tmp_path).glob("1970*.parquet")
    file = pq.ParquetFile(path)
    blocks = [file.read_row_group(place).column("SrcPort").to_pylist() for place in range(file.num_row_groups)]
    assert blocks == [[1, 0, 2], [3, 5, 4]]
    assert fk.read(tmp_path)["SrcPort"].tolist() == [0, 1, 2, 3, 4, 5]


def test_a_folder_of_version_1_is_read_in_the_order_it_has(tmp_path):
    write_layout(table({"SrcPort": 1, "TimeFlowEndMs": 7, "Flags": ["ACK"]}), tmp_path)
    (path,) = tmp_path.glob("1970*.parquet")
    old = pa.table({"SrcPort": [1, 2], "TimeFlowEndMs": [7, 7], "Flags": pa.array([16, 2], pa.uint16())})
    said = b'{"version": 1, "columns": ["SrcPort", "TimeFlowEndMs", "Flags"]}'
    pq.write_table(old.replace_schema_metadata({b"flowkit.layout": said}), path)
    assert fk.read(tmp_path)["SrcPort"].tolist() == [1, 2]


def test_lists_and_maps_are_packed_and_what_every_query_reads_is_not(tmp_path):
    frame = table({"DstPort": 1, "TimeFlowEndMs": 7, "Interfaces": ["eth0"], "NetworkEvents": [{"Name": "allow"}]})
    (path,) = write_layout(frame, tmp_path).glob("1970*.parquet")
    group = pq.ParquetFile(path).metadata.row_group(0)
    packed = {group.column(place).path_in_schema: group.column(place).compression for place in range(group.num_columns)}
    assert {name for name, how in packed.items() if how == "UNCOMPRESSED"} == {"SrcEp", "DstEp", "DstPort"}
    assert len(packed) == 7
