"""Files → one table: several files, agents, losses, warnings, errors."""

from __future__ import annotations

import gzip
import subprocess
import sys
import warnings

import pandas as pd
import pytest

import capture
from capture.pcap.reader import read_files
from flowkit.contract import provenance
from flowkit.errors import CaptureError
from tests.capture.craft import NOON, Frame, arp, cut, ether, extension, ip4, ip6, pcap, save, tcp, udp
from tests.capture.tables import read_quietly

PLAIN = pcap([Frame(ether(ip4(udp(), 17))), Frame(arp())])

PORTLESS = "IP packets that end before their ports (kept, without ports)"
FLAGLESS = "TCP packets that end before their flags (kept, without flags)"


def reasons(path):
    return capture.report(read_quietly(path)).files[path.name].reasons


def test_several_files_stand_under_each_other(tmp_path):
    one, two = save(tmp_path, "n1.pcap", PLAIN), save(tmp_path, "n2.pcap.gz", gzip.compress(PLAIN))
    flows = capture.read_pcap([one, str(two)])
    assert flows["CaptureFile"].tolist() == ["n1", "n2"]
    assert provenance(flows).sources == ("n1.pcap", "n2.pcap.gz")
    assert provenance(flows).losses == {"frames that are not IP": 2}
    assert capture.report(flows).total("packets") == 4
    assert flows.index.tolist() == [0, 1]


def test_files_of_one_name_are_told_apart_by_their_paths(tmp_path):
    for node in ("n1", "n2"):
        (tmp_path / node).mkdir()
    paths = [save(tmp_path / node, "eth0.pcap", PLAIN) for node in ("n1", "n2")]
    assert list(capture.report(capture.read_pcap(paths)).files) == [str(path) for path in paths]


def test_a_file_given_twice_would_count_double(tmp_path):
    path = save(tmp_path, "a.pcap", PLAIN)
    with pytest.raises(CaptureError, match=r"a.pcap is given twice"):
        capture.read_pcap([path, path])


def test_no_file_is_an_error():
    with pytest.raises(CaptureError, match="no capture file was given"):
        capture.read_pcap([])


def test_agents_by_name_by_address_and_by_mapping(tmp_path):
    names = ("10.0.0.1.pcap", "ip-10-0-0-2.ec2.internal.pcap", "n3.pcap")
    paths = [save(tmp_path, name, PLAIN) for name in names]
    assert capture.read_pcap(paths)["AgentIP"].astype(object).tolist()[:2] == ["10.0.0.1", "10.0.0.2"]
    assert capture.read_pcap(paths)["AgentIP"].isna().tolist() == [False, False, True]
    assert capture.read_pcap(paths, agent_ip="10.9.9.9")["AgentIP"].tolist() == ["10.9.9.9"] * 3
    mapped = capture.read_pcap(paths, agent_ip={"n3": "10.0.0.3"})["AgentIP"].tolist()
    assert mapped == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]


@pytest.mark.parametrize(
    ("frame", "expected"),
    [
        (Frame(b"\x02" * 13), {"frames that end before their EtherType": 1}),
        (cut(ether(ip4(udp(), 17)), 33), {"undecodable IP headers": 1}),
        (cut(ether(ip4(udp(), 17)), 37), {PORTLESS: 1}),
        (
            cut(ether(ip6(extension(17) + udp(), 0), 0x86DD), 58),
            {PORTLESS: 1},
        ),
        (cut(ether(ip4(tcp(), 6)), 47), {FLAGLESS: 1}),
        (Frame(arp()), {"frames that are not IP": 1}),
        (Frame(ether(ip4(udp(), 17))), {}),
    ],
)
def test_losses_are_counted_by_reason(tmp_path, frame, expected):
    assert reasons(save(tmp_path, "a.pcap", pcap([frame]))) == expected


def test_padding_behind_a_short_datagram_is_not_its_ports(tmp_path):
    flows = read_quietly(save(tmp_path, "a.pcap", pcap([Frame(ether(ip4(b"", 17)) + b"\xaa" * 26)])))
    assert flows["SrcPort"].isna().all()


def test_a_link_type_that_is_not_supported_is_counted(tmp_path):
    path = save(tmp_path, "a.pcap", pcap([Frame(b"x" * 50, 90)] * 3, link=147))
    flows = read_quietly(path)
    found = capture.report(flows).files["a.pcap"]
    assert (len(flows), found.undecoded_packets, found.undecoded_bytes, found.link_types) == (0, 3, 270, (147,))
    assert found.reasons == {"frames of link type 147, which is not supported": 3}


def test_a_truncated_capture_gives_the_rows_before_the_cut(tmp_path):
    path = save(tmp_path, "a.pcap", PLAIN[:-3])
    found = capture.report(read_quietly(path)).files["a.pcap"]
    assert (found.packets, found.left_over_bytes, found.first_bad_offset) == (1, 16 + 42 - 3, 24 + 16 + 50)
    assert reasons(path) == {"bytes left over at the end of a.pcap (cut record at offset 90)": 55}


def test_a_garbage_tail_gives_the_rows_before_it(tmp_path):
    found = reasons(save(tmp_path, "a.pcap", PLAIN + b"\xff" * 100))
    assert found == {
        "frames that are not IP": 1,
        f"bytes left over at the end of a.pcap (no sane record at offset {len(PLAIN)})": 100,
    }


def test_a_damaged_gzip_gives_the_rows_before_the_damage(tmp_path):
    packed = gzip.compress(PLAIN, mtime=0)
    path = save(tmp_path, "a.pcap.gz", packed[:-8])
    assert capture.report(read_quietly(path)).total("packets") == 2
    assert reasons(path)[f"packed streams damaged or cut (a.pcap.gz at byte {len(packed) - 8})"] == 1


def test_sizes_are_those_on_the_wire_not_what_was_captured(tmp_path):
    path = save(tmp_path, "a.pcap", pcap([cut(ether(ip4(udp(payload=bytes(1000)), 17)), 64)]))
    assert read_quietly(path)["Bytes"].tolist() == [1042]


def test_one_warning_a_call_names_the_losses_and_points_at_the_caller(tmp_path):
    paths = [save(tmp_path, name, PLAIN[:-3]) for name in ("a.pcap", "b.pcap")]
    with pytest.warns(
        capture.CaptureWarning, match=r"55 bytes left over at the end of a.pcap .*; 55 .* b.pcap"
    ) as caught:
        capture.read_pcap(paths)
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_ordinary_captures_do_not_warn(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        capture.read_pcap(save(tmp_path, "a.pcap", PLAIN))


def test_progress_is_told_the_bytes_read_of_all_files(tmp_path):
    paths = [save(tmp_path, name, PLAIN) for name in ("a.pcap", "b.pcap")]
    told: list[int] = []
    read_files(paths, progress=told.append)
    assert told == [len(PLAIN), 2 * len(PLAIN)]


def test_account_and_provenance_survive_parquet(tmp_path):
    flows = capture.read_pcap(save(tmp_path, "a.pcap", PLAIN))
    flows.to_parquet(tmp_path / "flows.parquet")
    again = pd.read_parquet(tmp_path / "flows.parquet")
    assert capture.report(again) == capture.report(flows)
    assert provenance(again) == provenance(flows)
    assert again.dtypes.astype(str).equals(flows.dtypes.astype(str))


def test_flows_out_of_time_order_start_with_their_earliest_packet(tmp_path):
    frame = ether(ip4(udp(), 17))
    data = pcap([Frame(frame, time=NOON + 2 * 10**9), Frame(frame, time=NOON), Frame(frame, time=NOON + 10**9)])
    flows = read_quietly(save(tmp_path, "a.pcap", data))
    assert (flows["TimeFlowEndMs"] - flows["TimeFlowStartMs"]).tolist() == [2000]


def test_importing_capture_loads_no_table_library(root):
    code = "import sys, capture; print([name for name in ('numpy', 'pandas', 'typer') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == "[]\n"


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'read_pcpa'"):
        capture.read_pcpa  # noqa: B018
