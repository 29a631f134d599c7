"""The account of a read: what travels with the table, and the one line of a warning."""

from __future__ import annotations

import pandas as pd

import capture
from capture.account import NOT_IP, FileReport, warning, with_report


def test_a_report_survives_attrs():
    value = capture.CaptureReport({"a.pcap": FileReport(packets=2, link_types=(1,), reasons={NOT_IP: 1})})
    assert capture.report(with_report(pd.DataFrame(), value)) == value


def test_ordinary_frames_without_ip_are_no_reason_to_warn():
    assert warning({NOT_IP: 5, "undecodable IP headers": 0}) is None


def test_a_warning_names_five_reasons_and_counts_the_others():
    text = warning({f"reason {number}": number for number in range(1, 8)})
    assert text.startswith("1 reason 1; 2 reason 2;")
    assert text.endswith("5 reason 5; and 2 more reasons, see capture.report(flows)")
