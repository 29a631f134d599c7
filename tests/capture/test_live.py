"""Live capture without privilege: filters, intervals, files, limits, and what the handle does when something fails."""

from __future__ import annotations

import signal
import sys
import time

import numpy as np
import pandas as pd
import pytest

import capture
from capture.cli.live import follow
from capture.live import bpf, capturing, opening
from capture.live.capturing import Limits, LiveCapture, Plan
from capture.live.files import Files
from capture.live.interval import DROPPED, Interval, joined
from capture.live.sources import Counters, Wanted
from capture.pcap.octets import SPARE
from capture.pcap.records import Records
from flowkit.contract import provenance
from flowkit.errors import CaptureError, FlowkitError
from tests.capture.craft import NOON, ether, ip4, udp
from tests.capture.test_cli import run

FRAME = ether(ip4(udp(), 17))


def block(count: int = 1) -> Records:
    buffer = np.frombuffer(FRAME * count + bytes(SPARE), np.uint8)
    start, size = np.arange(count) * len(FRAME), np.full(count, len(FRAME))
    return Records(buffer, start, size, size, np.full(count, NOON), 1)


class Played:
    """A source that gives what it was given, then waits until it is ended."""

    def __init__(self, *given, dropped=0, failure=None):
        self.given, self.dropped, self.failure = given, dropped, failure
        self.ended = self.closed = False

    def batches(self):
        yield from self.given
        if self.failure:
            raise self.failure
        while not self.ended:
            time.sleep(0.005)
            yield None

    def counters(self):
        return Counters(None, self.dropped)

    def end(self):
        self.ended = True

    def close(self):
        self.closed = True


def captured(source, *, every=60.0, folder=None, **limits):
    files = Files(folder, "eth0") if folder else None
    return LiveCapture(source, Plan("eth0", "10.0.0.11", every, Limits(**limits), files, Interval))


def test_flows_grow_an_interval_at_a_time_and_stop_closes_the_last():
    source = Played(block(2), block(3))
    with captured(source, every=0.05) as handle:
        time.sleep(0.3)
        assert handle.running
        assert handle.flows["Packets"].tolist() == [5]
    assert (handle.running, source.closed) == (False, True)
    assert handle.flows["CaptureFile"].tolist() == ["eth0"]
    assert handle.flows["AgentIP"].tolist() == ["10.0.0.11"]
    assert "captured on eth0: " in repr(handle)
    assert "5 packets" in handle._repr_html_()


def test_what_the_kernel_dropped_stands_in_provenance_and_account_once():
    with captured(Played(block(), dropped=7), every=0.02) as handle:
        time.sleep(0.2)
    assert provenance(handle.flows).losses == {DROPPED: 7}
    assert provenance(handle.flows).sources == ("eth0",)
    assert capture.report(handle.flows).files["eth0"].reasons == {DROPPED: 7}
    assert capture.report(handle.flows).total("packets") == 1
    assert handle.progress.dropped == 7


@pytest.mark.parametrize("limits", [{"duration": 0.05}, {"packets": 2}])
def test_limits_end_it(limits):
    handle = captured(Played(block(2)), **limits)
    assert handle.wait(5).packets == 2
    assert not handle.running


def test_a_limit_of_bytes_ends_it(tmp_path):
    handle = captured(Played(*[block()] * 50), every=0.001, folder=tmp_path, octets=1)
    assert not handle.wait(10).running
    assert len(handle.progress.files) >= 1


def test_files_are_whole_and_none_is_replaced(tmp_path):
    for _ in range(2):
        with captured(Played(block(2)), folder=tmp_path / "new") as handle:
            time.sleep(0.05)
        assert handle.flows["Packets"].tolist() == [2]
    files = sorted((tmp_path / "new").iterdir())
    assert len(files) == 2
    assert [pd.read_parquet(file)["Packets"].sum() for file in files] == [2, 2]
    assert files[0].name.startswith("eth0-2")


def test_intervals_without_packets_make_no_file(tmp_path):
    with captured(Played(), every=0.01, folder=tmp_path) as handle:
        time.sleep(0.1)
    assert list(tmp_path.iterdir()) == []
    assert len(handle.flows) == 0


def test_a_source_that_fails_loses_nothing_and_its_error_is_raised():
    handle = captured(Played(block(2), failure=CaptureError("eth0: the interface is down or gone")))
    with pytest.raises(CaptureError, match="down or gone"):
        handle.wait()
    with pytest.raises(CaptureError, match="down or gone"):
        handle.stop()
    assert handle.flows["Packets"].tolist() == [2]


def test_a_folder_that_cannot_be_written_ends_it_with_an_error(tmp_path, monkeypatch):
    def full(*_):
        raise FlowkitError("cannot write: no space left")

    monkeypatch.setattr(Files, "add", full)
    handle = captured(Played(block()), every=0.01, folder=tmp_path)
    with pytest.raises(FlowkitError, match="no space left"):
        handle.wait()


def test_intervals_join_into_one_account():
    tables = []
    for packets in (1, 2):
        interval = Interval(0.0)
        interval.add(block(packets))
        tables.append(interval.table("eth0", None, packets))
    whole = joined(tables)
    assert whole["Packets"].tolist() == [1, 2]
    assert capture.report(whole).total("packets") == 3
    assert provenance(whole).losses == {DROPPED: 3}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"every": 0}, "every is 0"),
        ({"duration": -1}, "duration is -1: give seconds above 0"),
        ({"most_packets": 0}, "most_packets is 0: give a number above 0"),
        ({"agent_ip": "node"}, "is not an IP address"),
    ],
)
def test_what_makes_no_sense_is_an_error(options, message):
    with pytest.raises(CaptureError, match=message):
        capture.live("lo", **options)


def test_a_file_is_no_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(CaptureError, match="give a folder"):
        capture.live("lo", folder=tmp_path / "file")


class TestFilter:
    """Compiling capture filters."""

    def test_without_a_filter_only_the_snap_length_is_set(self):
        assert bpf.compiled(" ", 128, 1) == b"\6\0\0\0" + (128).to_bytes(4, sys.byteorder)

    def test_without_tcpdump_the_error_says_what_to_install(self, monkeypatch):
        monkeypatch.setattr(bpf.shutil, "which", lambda _: None)
        with pytest.raises(CaptureError, match="apt install tcpdump"):
            bpf.compiled("tcp", 128, 1)

    @pytest.mark.skipif(not bpf.shutil.which("tcpdump"), reason="tcpdump is absent")
    def test_a_filter_is_compiled_and_a_wrong_one_refused_in_tcpdumps_words(self):
        assert len(bpf.compiled("udp port 53", 128, 1)) % 8 == 0
        with pytest.raises(CaptureError, match="capture filter 'portt 53': .*syntax error"):
            bpf.compiled("portt 53", 128, 1)
        with pytest.raises(CaptureError, match="capture filter"):
            bpf.compiled("-w /tmp/x", 128, 1)


class TestOpening:
    """Which source is taken."""

    def test_without_privilege_and_dumpcap_the_error_names_capability_and_command(self, monkeypatch):
        monkeypatch.setattr(opening, "Ring", self._refuse)
        monkeypatch.setattr(opening.shutil, "which", lambda _: None)
        with pytest.raises(
            CaptureError, match="CAP_NET_RAW.*: 'sudo setcap cap_net_raw,cap_net_admin=ep .*' grants it"
        ) as caught:
            opening.opened(Wanted("lo"))
        assert "\n" not in str(caught.value)

    def test_without_privilege_dumpcap_is_taken(self, monkeypatch):
        monkeypatch.setattr(opening, "Ring", self._refuse)
        monkeypatch.setattr(opening, "Dumpcap", lambda wanted: ("dumpcap", wanted))
        assert opening.opened(Wanted("lo")) == ("dumpcap", Wanted("lo"))

    def test_another_refusal_names_the_interface(self, monkeypatch):
        monkeypatch.setattr(opening, "Ring", lambda _: (_ for _ in ()).throw(OSError(12, "Cannot allocate memory")))
        with pytest.raises(CaptureError, match="lo: Cannot allocate memory"):
            opening.opened(Wanted("lo"))

    @staticmethod
    def _refuse(_):
        raise PermissionError(1, "Operation not permitted")


def test_the_command_prints_files_and_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(capturing, "opened", lambda _: Played(block(2)))
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        done = run("live", "-i", "eth0", "-o", tmp_path, "--duration", "0.1")
    finally:
        for number, handler in zip((signal.SIGINT, signal.SIGTERM), before, strict=True):
            signal.signal(number, handler)
    assert done.exit_code == 0
    assert [line.rsplit("/", 1)[0] for line in done.stdout.splitlines()] == [str(tmp_path)]
    assert "2 packets, 0 dropped, 1 interval" in done.stderr


def test_progress_is_shown_on_a_terminal(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    follow(captured(Played(block(2)), duration=0.1, folder=tmp_path))
    assert "packets" in capsys.readouterr().err
