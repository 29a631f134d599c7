"""The report as text: content policy, fallback, sizes, no address of anything outside, and how it is written to disk."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import re
from html import unescape
from html.parser import HTMLParser

import pytest

from flowkit.errors import FlowkitError
from flowkit.view import bundle, report, repr_html
from flowkit.view.page import page
from flowkit.view.payload import payload


@pytest.fixture(scope="module")
def cluster_page(sample):
    return page(payload(sample.cluster(), "Shop"))


def content_of(text: str, tag: str) -> str:
    found = re.search(rf"<{tag}>(.*?)</{tag.split()[0]}>", text, re.DOTALL)
    assert found
    return found[1]


def policy_of(text: str) -> dict[str, str]:
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert found
    parts = (part.split(" ", 1) for part in unescape(found[1]).split("; "))
    return {name: value for name, value in parts}  # noqa: C416 - two values each, or this fails


def digest(content: str) -> str:
    return "'sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode() + "'"


def boot_of(text: str) -> str:
    return content_of(text, 'script type="module"')


def program_of(text: str) -> str:
    packed = content_of(text, 'script type="application/gzip[+]base64" id="program"')
    return gzip.decompress(base64.b64decode(packed)).decode()


def test_content_policy_names_exactly_this_script_and_style(cluster_page):
    assert policy_of(cluster_page) == {
        "default-src": "'none'",
        "script-src": " ".join(map(digest, (boot_of(cluster_page), program_of(cluster_page)))),
        "style-src": digest(content_of(cluster_page, "style")),
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }


def test_nothing_outside_is_named(cluster_page):
    assert not re.search(r"(https?|ftp|wss?)://|[\"'(]//|url\(|@import|\bsrc=|\bhref=", cluster_page)
    assert '<meta name="referrer" content="no-referrer">' in cluster_page


def test_data_is_the_payload(sample, cluster_page):
    packed = content_of(cluster_page, 'script type="application/gzip[+]base64" id="data"')
    assert json.loads(gzip.decompress(base64.b64decode(packed))) == json.loads(
        json.dumps(payload(sample.cluster(), "Shop"))
    )


def test_same_matrix_same_bytes_and_the_title_decides(sample, tmp_path):
    one, two = (report(sample.cluster(), tmp_path / name, title="T").read_bytes() for name in ("a.html", "b.html"))
    assert one == two
    assert b"<title>T</title>" in one
    assert b"<title>Flow matrix</title>" in report(sample.cluster(), tmp_path / "a.html").read_bytes()


def test_fallback_lists_the_200_largest_edges(sample):
    text = page(payload(sample.large(60, 300, 8)))
    assert text.count("<tr>") == 201
    assert "The 200 largest of 300 edges" in text


def test_fallback_says_what_the_header_says(cluster_page):
    for words in ("Direction inferred for 2 edges.", "1,204 frames that are not IP", "from node-a.pcap.gz"):
        assert words in cluster_page


class Elements(HTMLParser):
    """Every element and attribute of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: set[tuple[str, tuple[str, ...]]] = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add((tag, tuple(sorted(name for name, _ in attrs))))


def elements(text: str) -> set[tuple[str, tuple[str, ...]]]:
    parser = Elements()
    parser.feed(text)
    return parser.seen


def test_hostile_names_make_no_element(sample, cluster_page):
    text = page(payload(sample.hostile(), sample.HOSTILE[0]))
    assert elements(text) == elements(cluster_page)
    assert not re.search("[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]", text)


def test_sizes(sample):
    assert len(page(payload(sample.large(60, 300, 8))).encode()) < 100_000
    assert len(page(payload(sample.large(2000, 36_000))).encode()) < 800_000


def test_report_makes_folders_and_replaces_the_whole_file(sample, tmp_path):
    target = tmp_path / "deep" / "er" / "shop.html"
    assert report(sample.cluster(), str(target)) == target
    target.write_text("old")
    report(sample.cluster(), target)
    assert target.read_text().startswith("<!doctype html>")
    assert [path.name for path in target.parent.iterdir()] == ["shop.html"]
    assert target.stat().st_mode & 0o444 == 0o444


def test_report_that_cannot_be_written_leaves_nothing(sample, tmp_path):
    (tmp_path / "taken").mkdir()
    with pytest.raises(FlowkitError, match="cannot write '.*taken'"):
        report(sample.cluster(), tmp_path / "taken")
    assert [path.name for path in tmp_path.iterdir()] == ["taken"]
    (tmp_path / "file").write_text("")
    with pytest.raises(FlowkitError, match="cannot write"):
        report(sample.cluster(), tmp_path / "file" / "shop.html")


def test_cell_display_is_a_sandboxed_frame_with_a_plain_table_before(sample):
    html = repr_html(sample.cluster())
    assert html.startswith("<details><summary>Flow matrix: 18,864 flows · 79 edges")
    frame = html[html.index("<iframe") :]
    assert frame.startswith('<iframe sandbox="allow-scripts allow-downloads" allow="clipboard-write"')
    assert "allow-same-origin" not in html
    found = re.search(r'srcdoc="([^"]*)"></iframe>$', frame)
    assert found
    assert unescape(found[1]) == page(payload(sample.cluster()))
    assert html[: html.index("<iframe")].count("<tr>") == 21


def test_cell_display_of_hostile_names(sample):
    kinds = {tag for tag, _ in elements(repr_html(sample.hostile()))}
    assert kinds == {"details", "summary", "table", "caption", "thead", "tbody", "tr", "th", "td", "iframe"}


def test_matrix_displays_itself(sample):
    matrix = sample.cluster()
    assert matrix._repr_html_() == repr_html(matrix)


def test_style_is_not_lost():
    assert bundle.style().startswith(".fk,.fk-page{--fk-theme: light;")
