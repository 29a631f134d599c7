"""TCP conversations: as tshark -z conv,tcp prints them."""

from __future__ import annotations

import shutil
import subprocess

import pytest
from typer.testing import CliRunner

from capture.cli import main
from capture.conversations import conversations
from tests.capture.craft import NOON, A, B, Frame, ether, ip4, pcap, save
from tests.capture.craft_more import handshake, segment
from tests.capture.tables import read_quietly


def printed(*paths):
    done = CliRunner().invoke(main, ["pcap", "--conversations", *map(str, paths)])
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout.splitlines()


def test_both_directions_are_one_row_and_who_sent_first_stands_left(tmp_path):
    table = conversations(read_quietly(save(tmp_path, "a.pcap", pcap(handshake()))))
    row = table.iloc[0].to_dict()
    assert (row["AddrA"], row["PortA"], row["AddrB"], row["PortB"]) == (A, 40000, B, 443)
    assert (row["Packets_AB"], row["Packets_BA"], row["EndNs"] - row["StartNs"]) == (3, 1, 7_001_000)


def test_an_end_that_talks_to_itself_is_counted_once(tmp_path):
    own = Frame(ether(ip4(segment(7, 7, 2, 1, 0), 6, A, A)))
    table = conversations(read_quietly(save(tmp_path, "a.pcap", pcap([own]))))
    assert table[["Packets_AB", "Packets_BA"]].values.tolist() == [[1, 0]]


@pytest.mark.tshark
@pytest.mark.skipif(not shutil.which("tshark"), reason="tshark is absent")
def test_the_same_lines_as_tshark(tmp_path, root):
    talks = [step for port in range(9) for step in handshake(port=port + 1, at=NOON + port * 10**9 + port)]
    paths = [save(tmp_path, "a.pcap", pcap(talks)), *sorted((root / "data" / "cluster").glob("*.pcap.gz"))]
    for path in paths:
        command = ["tshark", "-n", "-q", "-r", str(path), "-z", "conv,tcp"]
        theirs = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        assert printed(path) == theirs
