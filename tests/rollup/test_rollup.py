"""Rollups: periods add up to what the flows themselves give; nothing counts twice, whatever happens on the way."""

from __future__ import annotations

import shutil
from contextlib import suppress

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import flowkit as fk
from flowkit.contract import Provenance, with_provenance
from flowkit.contract.layout import write_layout
from flowkit.engine import run
from flowkit.errors import ContractError, SourceError
from flowkit.matrix import rollup as room
from flowkit.matrix.rolled import matrix_of_rollup
from flowkit.matrix.rollup import rollup
from flowkit.matrix.rollup_flows import Reading, Windows, files_of
from flowkit.metric.plan import plan
from flowkit.metric.rolled import metric_of_rollup
from flowkit.metric.rollup_folder import Damage
from tests.flows import ANSWERING, OPENING, flow, pod, table
from tests.parity.running import metric

HOUR = 3_600_000
# An example writes and reads dozens of files: a failure is not made smaller.
SKIP = Reading(damaged="skip")
QUICK = (Phase.explicit, Phase.generate)
NAMES = ("web", "api", "db")
METRICS = [
    metric(
        {
            "type": "Counter",
            "metricName": "syn",
            "labels": ["DstK8S_OwnerName", "DstPort"],
            "filters": [{"field": "Proto", "value": "6"}],
        }
    ),
    metric({"type": "Counter", "metricName": "bytes", "labels": [], "valueField": "Bytes"}),
    metric({"type": "Gauge", "metricName": "last", "labels": ["SrcK8S_OwnerName"], "valueField": "Bytes"}),
    metric(
        {
            "type": "Histogram",
            "metricName": "sizes",
            "labels": ["SrcK8S_OwnerName"],
            "valueField": "Bytes",
            "buckets": ["150", "2000"],
        }
    ),
]


def talk(client, server, port, sport, minutes, size=100, proto=6):
    """One conversation: opened in the first minute, a flow each way in every one."""
    rows = []
    for place, minute in enumerate(minutes):
        asks, answers = (OPENING, ANSWERING) if place == 0 else ("ACK", "ACK")
        ends = {
            "TimeFlowStartMs": minute * 60_000 + sport % 1000,
            "TimeFlowEndMs": minute * 60_000 + 1000 + sport % 1000,
        }
        a, b = f"10.0.0.{NAMES.index(client) + 1}:{sport}", f"10.0.0.{NAMES.index(server) + 1}:{port}"
        flags = (asks, answers) if proto == 6 else (None, None)
        rows.append(flow(a, b, flags[0], proto, Bytes=size, **pod("Src", client), **pod("Dst", server), **ends))
        rows.append(flow(b, a, flags[1], proto, Bytes=size + place, **pod("Src", server), **pod("Dst", client), **ends))
    return rows


def hours(rows):
    """A table of such rows in the order of time."""
    return table(*rows).sort_values("TimeFlowEndMs", kind="stable", ignore_index=True)


@st.composite
def conversations(draw):
    """Conversations that never pause for a whole hour, each from a port of its own."""
    rows = []
    for sport in range(40_000, 40_000 + draw(st.integers(1, 5))):
        client, server = draw(st.permutations(NAMES))[:2]
        first = draw(st.integers(0, 240))
        gaps = draw(st.lists(st.integers(1, 55), max_size=6))
        minutes = [first + sum(gaps[:n]) for n in range(len(gaps) + 1)]
        rows += talk(
            client,
            server,
            draw(st.sampled_from([80, 443])),
            sport,
            minutes,
            draw(st.integers(1, 5000)),
            draw(st.sampled_from([6, 17])),
        )
    return hours(rows)


def same_edges(found, expected):
    pd.testing.assert_frame_equal(found, expected.reset_index(drop=True), check_dtype=True, check_categorical=False)


@settings(max_examples=5, deadline=None, phases=QUICK, suppress_health_check=[HealthCheck.too_slow])
@given(conversations())
def test_all_periods_are_all_flows(tmp_path_factory, flows):
    place = tmp_path_factory.mktemp("rollup")
    write_layout(flows, place / "flows")
    rollup(place / "flows", place / "hours", METRICS, finish=True)
    same_edges(matrix_of_rollup(place / "hours").edges, fk.matrix(flows).edges)
    for one in METRICS:
        found = metric_of_rollup(place / "hours", one.name)
        pd.testing.assert_frame_equal(found, run(plan(one.spec), flows))


@settings(max_examples=5, deadline=None, phases=QUICK, suppress_health_check=[HealthCheck.too_slow])
@given(conversations(), st.integers(0, 4), st.integers(1, 4))
def test_some_periods_are_their_flows(tmp_path_factory, flows, first, count):
    place = tmp_path_factory.mktemp("rollup")
    write_layout(flows, place / "flows")
    rollup(place / "flows", place / "hours", METRICS, finish=True)
    start, end = (pd.Timestamp(n * HOUR, unit="ms") for n in (first, first + count))
    own = flows[(flows["TimeFlowEndMs"] >= first * HOUR) & (flows["TimeFlowEndMs"] < (first + count) * HOUR)]
    found = matrix_of_rollup(place / "hours", start, end)
    if own.empty:
        assert found.edges.empty
        return
    # What opened before the range is known by its SYN here, and inferred there.
    same_edges(
        found.edges.drop(columns="direction_by"),
        fk.matrix(own.reset_index(drop=True)).edges.drop(columns="direction_by"),
    )
    for one in METRICS:
        pd.testing.assert_frame_equal(metric_of_rollup(place / "hours", one.name, start, end), run(plan(one.spec), own))


SPANNING = hours(
    talk("web", "api", 443, 40_000, [50, 70, 130])
    + talk("web", "api", 443, 40_001, [10])
    + talk("api", "db", 80, 40_002, [200])
)


def test_a_connection_over_three_hours_is_one(tmp_path):
    write_layout(SPANNING, tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    edges = matrix_of_rollup(tmp_path / "hours").edges
    assert edges.set_index("to_workload")["connections"].to_dict() == {"api": 2, "db": 1}
    later = matrix_of_rollup(tmp_path / "hours", "1970-01-01 01:00", "1970-01-01 03:00").edges
    assert later["connections"].tolist() == [1]
    assert later["direction_by"].tolist() == ["SYN"]


def test_a_handshake_across_the_border_is_answered(tmp_path):
    ends = {"TimeFlowStartMs": HOUR - 500}
    rows = [
        flow(
            "10.0.0.1:40000",
            "10.0.0.2:443",
            "SYN",
            TimeFlowEndMs=HOUR - 400,
            **ends,
            **pod("Src", "web"),
            **pod("Dst", "api"),
        ),
        flow(
            "10.0.0.2:443",
            "10.0.0.1:40000",
            "SYN_ACK",
            TimeFlowEndMs=HOUR + 400,
            **ends,
            **pod("Src", "api"),
            **pod("Dst", "web"),
        ),
    ]
    write_layout(hours(rows), tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    (edge,) = matrix_of_rollup(tmp_path / "hours", end="1970-01-01 01:00").edges.to_dict("records")
    assert (edge["state"], edge["connections"], edge["flows"]) == ("answered", 1, 1)


def test_copies_across_the_border_are_one(tmp_path):
    ends = {"TimeFlowStartMs": HOUR - 500, **pod("Src", "web", host="10.1.0.1"), **pod("Dst", "api")}
    rows = [
        flow("10.0.0.1:40000", "10.0.0.2:443", OPENING, TimeFlowEndMs=HOUR - 1, FlowDirection=1, **ends),
        flow("10.0.0.1:40000", "10.0.0.2:443", OPENING, TimeFlowEndMs=HOUR + 1, FlowDirection=0, **ends),
    ]
    write_layout(hours(rows), tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    same_edges(matrix_of_rollup(tmp_path / "hours").edges, fk.matrix(hours(rows)).edges)


def test_periods_wait_for_what_follows_and_are_made_once(tmp_path):
    done = []
    for upto in range(60, 301, 60):
        part = SPANNING[
            (SPANNING["TimeFlowEndMs"] < upto * 60_000) & (SPANNING["TimeFlowEndMs"] >= (upto - 60) * 60_000)
        ]
        if len(part):
            write_layout(part, tmp_path / "flows")
        done.append(rollup(tmp_path / "flows", tmp_path / "hours", METRICS)["what"].tolist())
    waits = ["waits"]
    # An hour is made once there are flows from after the next one.
    assert done == [waits, waits * 2, ["made", *waits * 2], ["kept", "made", *waits * 2], ["kept", "kept", *waits * 2]]
    final = rollup(tmp_path / "flows", tmp_path / "hours", METRICS, finish=True)
    assert set(final["what"]) <= {"made", "kept"}
    assert set(rollup(tmp_path / "flows", tmp_path / "hours", METRICS, finish=True)["what"]) == {"kept"}
    same_edges(matrix_of_rollup(tmp_path / "hours").edges, fk.matrix(SPANNING).edges)


@pytest.mark.parametrize("steps", [0, 2])
def test_a_run_that_dies_is_started_again(tmp_path, monkeypatch, steps):
    write_layout(SPANNING, tmp_path / "flows")
    left = iter(range(steps))

    def dies(part, place):
        if next(left, None) is None:
            raise KeyboardInterrupt
        real(part, place)

    real = room._put
    monkeypatch.setattr(room, "_put", dies)
    with suppress(KeyboardInterrupt):
        rollup(tmp_path / "flows", tmp_path / "hours", METRICS, finish=True)
    monkeypatch.setattr(room, "_put", real)
    rollup(tmp_path / "flows", tmp_path / "hours", METRICS, finish=True)
    same_edges(matrix_of_rollup(tmp_path / "hours").edges, fk.matrix(SPANNING).edges)
    pd.testing.assert_frame_equal(
        metric_of_rollup(tmp_path / "hours", METRICS[0].name), run(plan(METRICS[0].spec), SPANNING)
    )


def test_a_run_that_dies_between_two_renames_loses_nothing(tmp_path):
    write_layout(SPANNING, tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    periods = sorted((tmp_path / "hours" / "periods").iterdir())
    periods[0].rename(periods[0].with_name(f".old-{periods[0].name}"))
    shutil.rmtree(tmp_path / "flows")
    (tmp_path / "flows").mkdir()
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    same_edges(matrix_of_rollup(tmp_path / "hours").edges, fk.matrix(SPANNING).edges)


def test_a_file_counts_once_under_however_many_names(tmp_path):
    write_layout(SPANNING, tmp_path / "flows")
    (path,) = (tmp_path / "flows").glob("1970*.parquet")
    shutil.copy(path, path.with_name("again.parquet"))
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    same_edges(matrix_of_rollup(tmp_path / "hours").edges, fk.matrix(SPANNING).edges)


def test_late_flows_renew_a_period_while_its_flows_are_there(tmp_path):
    half = SPANNING.index % 2 == 0
    write_layout(SPANNING[half], tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    write_layout(SPANNING[~half], tmp_path / "flows")
    assert set(rollup(tmp_path / "flows", tmp_path / "hours", finish=True)["what"]) == {"renewed"}
    same_edges(matrix_of_rollup(tmp_path / "hours").edges, fk.matrix(SPANNING).edges)


def test_flows_may_go_and_late_ones_are_said(tmp_path):
    write_layout(SPANNING, tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    before = matrix_of_rollup(tmp_path / "hours").edges
    shutil.rmtree(tmp_path / "flows")
    write_layout(SPANNING.head(1), tmp_path / "flows")
    for _ in range(2):
        assert rollup(tmp_path / "flows", tmp_path / "hours", finish=True)["what"].tolist() == ["late"]
    found = matrix_of_rollup(tmp_path / "hours").edges
    same_edges(found, before)
    (note,) = fk.provenance(found).notes
    assert note.endswith("UTC left out: 1 file came after the flows were removed")
    assert fk.provenance(found).losses == {"files that came too late for their period": 1}
    assert fk.provenance(matrix_of_rollup(tmp_path / "hours", "1970-01-01 04:00").edges).losses == {}


def test_a_period_that_is_made_anew_lacks_no_late_file_any_more(tmp_path):
    half = SPANNING.index % 2 == 0
    write_layout(SPANNING[half], tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    (tmp_path / "flows").rename(tmp_path / "aside")
    write_layout(SPANNING[~half], tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    assert fk.provenance(matrix_of_rollup(tmp_path / "hours").edges).losses
    shutil.rmtree(tmp_path / "flows")
    (tmp_path / "aside").rename(tmp_path / "flows")
    write_layout(SPANNING[~half], tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    found = matrix_of_rollup(tmp_path / "hours").edges
    same_edges(found, fk.matrix(SPANNING).edges)
    assert fk.provenance(found).losses == {}


EVENT = {"Feature": "acl", "Type": "NetworkPolicy", "Namespace": "shop", "Name": "deny", "Action": "drop"}
CAUSE = {"PktDropPackets": 1, "PktDropLatestDropCause": "SKB_DROP_REASON_NO_SOCKET"}


def test_who_dropped_flows_adds_up_too(tmp_path):
    flows = hours(
        [
            one | more
            for one, more in zip(
                talk("web", "api", 443, 40_000, [10, 50, 70, 130]) + talk("api", "db", 80, 40_001, [57, 70, 121]),
                [{}, {}, CAUSE, {}, {}, {}, {"NetworkEvents": [EVENT]}, *[{}] * 7],
                strict=True,
            )
        ]
    )
    write_layout(flows, tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    found = matrix_of_rollup(tmp_path / "hours").edges
    same_edges(found, fk.matrix(flows).edges)
    assert found["dropped_by"].tolist() == ["", "NetworkPolicy shop/deny, SKB_DROP_REASON_NO_SOCKET"]
    first, second = (
        matrix_of_rollup(tmp_path / "hours", *hour).edges
        for hour in (("1970-01-01 00:00", "1970-01-01 01:00"), ("1970-01-01 01:00", "1970-01-01 02:00"))
    )
    assert "SKB_DROP_REASON_NO_SOCKET" in first["dropped_by"].tolist()
    assert "dropped_by" not in second.columns


def test_json_lines_and_plain_parquet_roll_up_alike(tmp_path):
    for name in ("flows.jsonl", "flows.parquet"):
        fk.write(SPANNING, tmp_path / name / name)
        rollup(tmp_path / name, tmp_path / f"{name}-hours", METRICS, finish=True)
        same_edges(matrix_of_rollup(tmp_path / f"{name}-hours").edges, fk.matrix(SPANNING).edges)


def test_names_are_given_on_the_way(tmp_path):
    write_layout(SPANNING.drop(columns=[name for name in SPANNING if "K8S" in name]), tmp_path / "flows")
    rollup(
        tmp_path / "flows",
        tmp_path / "hours",
        reading=Reading(lambda flows: flows.assign(SrcK8S_Type="Pod")),
        finish=True,
    )
    assert matrix_of_rollup(tmp_path / "hours").by == "workload"


def test_what_cannot_be(tmp_path):
    write_layout(SPANNING, tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", METRICS[:1], finish=True)
    with pytest.raises(ContractError, match="has other periods"):
        rollup(tmp_path / "flows", tmp_path / "hours", every="1d")
    with pytest.raises(ContractError, match="'often' is no length of time"):
        rollup(tmp_path / "flows", tmp_path / "other", every="often")
    with pytest.raises(ContractError, match="do not fit into days"):
        rollup(tmp_path / "flows", tmp_path / "other", every="7h")
    with pytest.raises(ContractError, match="lies within a period"):
        matrix_of_rollup(tmp_path / "hours", "1970-01-01 00:30")
    with pytest.raises(ContractError, match="lacks 'netobserv_bytes' in 4 of 4 periods"):
        metric_of_rollup(tmp_path / "hours", "netobserv_bytes")


def test_a_metric_that_comes_later_renews_the_periods(tmp_path):
    write_layout(SPANNING, tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", METRICS[:1], finish=True)
    assert set(rollup(tmp_path / "flows", tmp_path / "hours", METRICS, finish=True)["what"]) == {"renewed"}
    pd.testing.assert_frame_equal(
        metric_of_rollup(tmp_path / "hours", METRICS[1].name), run(plan(METRICS[1].spec), SPANNING)
    )


def test_sums_beyond_64_bits_stay_exact(tmp_path):
    flows = hours([flow("10.0.0.1:1", "10.0.0.2:2", Bytes=2**64 - 1, TimeFlowEndMs=n * HOUR // 2) for n in range(4)])
    write_layout(flows, tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", METRICS[1:2], finish=True)
    assert metric_of_rollup(tmp_path / "hours", METRICS[1].name)["value"].tolist() == [4 * (2**64 - 1)]


def three_files(place):
    """The conversations hour by hour, a file each; the second one's last column is cut out of the middle."""
    for hour in (0, 1, 3):
        time = SPANNING["TimeFlowEndMs"]
        write_layout(SPANNING[(time >= hour * HOUR) & (time < (hour + 1) * HOUR)], place)
    return sorted(place.glob("1970*.parquet"))


@pytest.mark.parametrize("where", ["its end", "its flows"])
def test_a_damaged_file_is_refused_or_left_out_and_said(tmp_path, where):
    damaged = three_files(tmp_path / "flows")[1]
    whole = damaged.read_bytes()
    broken = whole[:-20] if where == "its end" else whole[:4] + bytes(200) + whole[204:]
    damaged.write_bytes(broken)
    with pytest.raises(SourceError, match=damaged.name):
        rollup(tmp_path / "flows", tmp_path / "hours", METRICS[1:2], finish=True)
    for _ in range(2):
        done = rollup(tmp_path / "flows", tmp_path / "hours", METRICS[1:2], reading=SKIP, finish=True)
        assert [f"{when:%H}" for when in done["period"]] == ["00", "03"]
        for result in (
            done,
            matrix_of_rollup(tmp_path / "hours").edges,
            metric_of_rollup(tmp_path / "hours", METRICS[1].name, "1970-01-01 00:00", "1970-01-01 01:00"),
        ):
            assert fk.provenance(result).losses == {"damaged files": 1}
            assert any(damaged.name in note for note in fk.provenance(result).notes)
    damaged.write_bytes(whole)
    rollup(tmp_path / "flows", tmp_path / "hours", METRICS[1:2], reading=SKIP, finish=True)
    found = matrix_of_rollup(tmp_path / "hours")
    same_edges(found.edges, fk.matrix(fk.read(tmp_path / "flows")).edges)
    assert fk.provenance(found.edges).losses == {}


def test_what_was_lost_before_counts_once_however_many_periods_see_the_file(tmp_path):
    lost = with_provenance(SPANNING, Provenance(("lab.pcap",)).losing({"frames that are not IP": 3}))
    write_layout(lost, tmp_path / "flows")
    rollup(tmp_path / "flows", tmp_path / "hours", finish=True)
    assert fk.provenance(matrix_of_rollup(tmp_path / "hours").edges).losses == {"frames that are not IP": 3}


def test_of_neighbours_only_what_is_near_or_goes_on_is_seen(tmp_path):
    rows = hours(
        talk("web", "api", 443, 40_000, [10, 50, 70, 130])
        + talk("web", "db", 443, 40_001, [20])
        + talk("api", "db", 80, 40_002, [57, 121, 170])
    )
    write_layout(rows, tmp_path)
    windows = Windows(files_of(tmp_path, Reading(), Damage({})), HOUR, Reading())
    minutes = (windows.view(1)["TimeFlowEndMs"] // 60_000).drop_duplicates().tolist()
    # Within five minutes of the hour everything; beyond, what talks within it.
    assert minutes == [10, 50, 57, 70, 121, 130]
