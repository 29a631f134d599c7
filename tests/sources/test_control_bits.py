"""OR-ed TCP flags become the agent's as far as they follow, and no further."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowkit.contract import FLAG_BITS, agent_flags, conform, flag_names, provenance
from flowkit.sources.control_bits import with_flags

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
OPEN = SYN | ACK


def flow(src, dst, bits, packets=5, start=1_000, end=9_000, **more):
    (source, source_port), (target, target_port) = (each.split(":") for each in (src, dst))
    return {"SrcAddr": source, "SrcPort": int(source_port), "DstAddr": target, "DstPort": int(target_port), "Proto": 6,
            "TcpControlBits": bits, "Packets": packets, "TimeFlowStartMs": start, "TimeFlowEndMs": end, **more}  # fmt: skip


def names(*rows):
    flows = with_flags(conform(pd.DataFrame(list(rows))))
    return [set(each) if isinstance(each, list) else None for each in flag_names(flows["Flags"])]


@pytest.mark.parametrize(
    ("bits", "packets", "wanted"),
    [
        (SYN, 1, {"SYN"}),
        (SYN | ACK, 1, {"SYN_ACK"}),
        (RST | ACK, 1, {"RST_ACK"}),
        (SYN, 3, {"SYN"}),
        (SYN | RST, 2, {"SYN", "RST"}),
        (ACK | PSH, 9, {"ACK"}),
        (ACK | PSH | FIN, 9, {"ACK", "FIN_ACK"}),
        (OPEN | PSH | FIN, 9, {"ACK", "FIN_ACK"}),  # opened or answered: neither is said
        (0, 2, set()),
    ],
)
def test_what_follows_from_one_flow(bits, packets, wanted):
    assert names(flow("10.0.0.1:40000", "10.0.0.2:80", bits, packets)) == [wanted]


FORTH, BACK = ("10.0.0.1:40000", "10.0.0.2:80"), ("10.0.0.2:80", "10.0.0.1:40000")


def test_the_earlier_of_both_ways_opened():
    there, back = flow(*FORTH, OPEN, start=1_000), flow(*BACK, OPEN, start=1_001)
    assert names(back, there) == [{"ACK", "SYN_ACK"}, {"ACK", "SYN"}]


@pytest.mark.parametrize(
    "rows",
    [
        [flow(*FORTH, OPEN), flow(*BACK, OPEN)],  # the same millisecond
        [
            flow(*FORTH, OPEN, start=1_000, end=1_005),
            flow(*BACK, OPEN, start=2_000),
        ],  # one was over before the other began
        [flow(*FORTH, OPEN, start=1_000), flow(*FORTH, OPEN, start=1_001)],  # one way only
        [
            flow(*FORTH, OPEN, start=1_000, AgentIP="10.9.0.1"),
            flow(*BACK, OPEN, start=1_001, AgentIP="10.9.0.2"),
        ],  # two clocks
        [flow(*FORTH, OPEN, start=1), flow(*BACK, OPEN, start=2), flow(*FORTH, OPEN, start=3)],  # an odd one out
        [flow(*FORTH, OPEN, start=1_000), flow("10.0.0.2:80", "10.0.0.1:40001", OPEN, start=1_001)],  # other sockets
    ],
    ids=["tie", "apart", "one way", "two places", "odd", "other sockets"],
)
def test_what_is_open_stays_open_and_is_counted(rows):
    assert names(*rows) == [{"ACK"}] * len(rows)
    noted = provenance(with_flags(conform(pd.DataFrame(rows)))).notes
    assert len(noted) == 1
    assert noted[0].startswith(f"{len(rows)} TCP flows have SYN and ACK")


def test_ports_used_twice_are_told_apart_by_time():
    rows = [flow(*way, OPEN, start=start, end=start + 50) for start in (1_000, 5_000) for way in (FORTH, BACK)]
    rows[1]["TimeFlowStartMs"], rows[3]["TimeFlowStartMs"] = 1_001, 5_001
    assert names(*rows) == [{"ACK", "SYN"}, {"ACK", "SYN_ACK"}] * 2


def test_other_protocols_have_no_flags():
    flows = conform(pd.DataFrame([flow(*FORTH, 0) | {"Proto": 17}, flow(*FORTH, None)]))
    assert with_flags(flows)["Flags"].isna().all()
    assert provenance(with_flags(flows)).notes == ()


PACKETS = st.sampled_from([SYN, SYN | ACK, ACK, ACK | PSH, FIN | ACK, RST, RST | ACK])


@given(st.lists(PACKETS, min_size=1, max_size=6))
def test_nothing_is_said_that_the_agent_would_not_have(packets):
    """SYN and SYN_ACK stand in Flags only where packets had them; ACK may be said of a later packet only where ACK was."""
    octet = 0
    for each in packets:
        octet |= each
    (said,) = names(flow(*FORTH, octet, len(packets)))
    bits = agent_flags(pd.Series(packets, dtype="uint8").to_numpy())
    agent = {name for name, bit in FLAG_BITS.items() if any(int(each) & bit for each in bits)}
    assert said & {"SYN", "SYN_ACK"} <= agent
    if len(packets) == 1:
        assert said == agent
