"""What a person sees: the summary, progress only on a terminal and only when it takes long, no control characters."""

from __future__ import annotations

import io

from rich.console import Console

from capture import terminal
from tests.capture.craft import Frame, arp, ether, ip4, pcap, save, udp
from tests.capture.tables import read_quietly

NAME = "n\x1b[31m.pcap"


def console(*, is_terminal: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=is_terminal, width=100, color_system=None)


def test_the_summary_says_what_was_found_and_lost(tmp_path):
    flows = read_quietly(save(tmp_path, NAME, pcap([Frame(ether(ip4(udp(), 17))), Frame(arp())])))
    page = console(is_terminal=False)
    terminal.summary(flows, page)
    text = page.file.getvalue()
    assert "\x1b" not in text
    assert "n·[31m.pcap" in text
    assert "1 one-way flows" in text
    assert "lost: 1 frames that are not IP" in text


def test_progress_is_shown_only_on_a_terminal_that_waits(monkeypatch):
    for patience, is_terminal, shown in ((0.0, True, True), (0.0, False, False), (60.0, True, False)):
        monkeypatch.setattr(terminal, "_PATIENCE", patience)
        page = console(is_terminal=is_terminal)
        with terminal.progress(100, page) as tell:
            tell(50)
            tell(100)
        assert bool(page.file.getvalue()) is shown
