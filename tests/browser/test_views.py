"""Every view in Chromium: what it shows of a matrix with policies, an earlier matrix, times and an unknown outside."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

VIEWS = ("Matrix", "Ports", "Table", "Sankey", "Timeline", "Policies", "Changes", "External")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
AXE = """(rules) => axe.run(document, { runOnly: rules }).then(({ passes, violations }) =>
  [passes.length, violations.map(({ id, nodes }) => `${id}: ${nodes[0].html.slice(0, 200)}`)])"""


@pytest.fixture
def full(opened, sample):
    """The report with everything in it."""

    def open_full(**options):
        matrix, additions = sample.everything()
        return opened(matrix, "Shop", additions, **options)

    return open_full


def turn(page, view):
    page.get_by_role("tab", name=view).click()


def pane(page):
    return page.locator("[role=tabpanel]:visible")


def status(page):
    return page.locator(".fk-status").inner_text()


def test_tabs_are_those_that_have_something_to_show(opened, full, sample):
    assert tuple(full().get_by_role("tab").all_inner_texts()) == VIEWS
    assert tuple(opened(sample.cluster()).get_by_role("tab").all_inner_texts()) == VIEWS[:5]


def test_ports_show_a_thumbnail_each_and_lead_to_the_matrix(full):
    page = full()
    turn(page, "Ports")
    assert pane(page).locator(".fk-card").count() == 24
    assert pane(page).locator(".fk-card").first.inner_text().split("\n") == ["443/TCP", "249.9 MB", "11 edges · ▲ 11"]
    page.get_by_role("button", name="Show 8 more").click()
    assert pane(page).locator(".fk-card").count() == 32
    pane(page).locator(".fk-card", has=page.get_by_text("6379/TCP", exact=True)).click()
    assert page.get_by_role("tab", name="Matrix").get_attribute("aria-selected") == "true"
    assert "(3 of 81 edges)" in status(page)


def test_sankey_draws_namespaces_and_of_a_chosen_one_its_workloads(full):
    page = full()
    turn(page, "Sankey")
    names = page.locator(".fk-sankey g text")
    assert {"data", "443/TCP", "(external)", "20 other ports"} <= set(names.all_text_contents())
    assert "shop/cart" not in names.all_text_contents()
    titles = page.locator(".fk-ribbon title").all_text_contents()
    assert "\u2068443/TCP\u2069 → \u2068(external)\u2069: 196.1 MB" in titles
    page.get_by_role("button", name="shop", exact=True).click()
    assert {"shop/cart", "shop/frontend", "data", "8080/TCP"} <= set(names.all_text_contents())


def test_timeline_is_brushed_by_pointer_and_keyboard(full):
    page = full()
    turn(page, "Timeline")
    box = page.locator("svg.fk-timeline").bounding_box()
    page.mouse.move(box["x"] + 200, box["y"] + 80)
    page.mouse.down()
    page.mouse.move(box["x"] + 500, box["y"] + 80, steps=4)
    page.mouse.up()
    chip = page.locator(".fk-chip:visible").first
    dragged = chip.inner_text()
    assert dragged.startswith("2026-09-21 14:")
    assert "of 81 edges)" in status(page)
    page.keyboard.press("ArrowRight")
    assert chip.inner_text() != dragged
    page.keyboard.press("Escape")
    assert "of 81 edges)" not in status(page)
    for _ in range(3):
        page.keyboard.press("Shift+ArrowRight")
    turn(page, "Table")
    assert "of 81 edges)" in status(page)
    page.get_by_role("button", name="Clear filters").click()
    assert "of 81 edges)" not in status(page)


def test_timeline_of_edges_alone(opened, sample):
    page = opened(sample.cluster())
    turn(page, "Timeline")
    assert "Edges in use by server namespace" in pane(page).inner_text()
    assert page.locator("svg.fk-timeline path").count() == 10


def test_policies_say_what_they_would_deny_and_what_each_rule_stands_on(full):
    page = full(permissions=["clipboard-read", "clipboard-write"])
    turn(page, "Policies")
    denied = pane(page).locator(".fk-notice")
    assert denied.inner_text().startswith("6 observed edges would be denied: 32 connections, 32 flows.")
    policy = pane(page).locator(".fk-policy").first
    policy.locator("summary").click()
    assert "evidence: 13 edges, 2,162 flows, 2026-09-21 14:13:54 – 15:56:55 UTC" in policy.inner_text()
    assert "No observed traffic needs this rule." in policy.inner_text()
    policy.get_by_role("button", name="Copy YAML").click()
    policy.get_by_role("button", name="Copied").wait_for()
    assert "kind: NetworkPolicy" in page.evaluate("navigator.clipboard.readText()")
    policy.get_by_role("button", name="Show the evidence of ingress 1").click()
    assert "(13 of 81 edges)" in status(page)
    turn(page, "Policies")
    denied.get_by_role("button", name="Show them").click()
    assert page.locator("tbody tr").count() == 6
    assert page.locator("tbody").inner_text().count("⊘ would be denied") == 6


def test_side_panel_names_the_rule_behind_a_verdict(full):
    page = full()
    page.evaluate(
        "flowkit.setFilter({ status: '1' }); flowkit.matrix.choose({ r0: 0, r1: 99, c0: 0, c1: 0, rAll: true, cAll: false })"
    )
    assert "✓ allowed by policy\ndata/allow-observed, rule ingress 1: admitted" in page.locator("aside").inner_text()


def test_side_panel_copies_in_other_tools_words(full):
    page = full(permissions=["clipboard-read", "clipboard-write"])
    page.evaluate("flowkit.setFilter({ port: '6379', state: 'answered' })")
    page.evaluate("flowkit.matrix.choose({ r0: 1, r1: 1, c0: 0, c1: 0 })")
    copies = {}
    for words in ("YAML rule", "PromQL", "Wireshark filter"):
        page.locator("aside").get_by_role("button", name=words).click()
        page.locator("aside").get_by_role("button", name="Copied").wait_for()
        copies[words] = page.evaluate("navigator.clipboard.readText()")
        page.locator("aside").get_by_role("button", name=words).wait_for()
    assert "kubernetes.io/metadata.name" in copies["YAML rule"]
    assert 'to_namespace="data"' in copies["PromQL"]
    assert copies["Wireshark filter"].startswith("(tcp.port == 6379) && frame.time_epoch >= ")


def test_changes_are_listed_marked_and_filtered(full):
    page = full()
    turn(page, "Changes")
    counts = pane(page).locator(".fk-row button").all_inner_texts()
    assert counts == ["+ 9 added", "− 2 gone", "± 2 changed", "= 68 the same", "Download CSV"]
    gone = pane(page).locator("tbody tr", has_text="data/memcached")
    assert gone.inner_text().split("\t") == [
        "− gone", "shop/cart", "data/memcached", "11211/TCP", "● answered · 9.0 MB · 56 connections", "–",
    ]  # fmt: skip
    page.get_by_role("button", name="+ 9 added").click()
    assert "(9 of 81 edges)" in status(page)
    assert "added" in page.locator(".fk-legend").inner_text()


def test_external_proposes_labels(full):
    page = full(permissions=["clipboard-read", "clipboard-write"])
    turn(page, "External")
    assert pane(page).locator("tbody tr").count() == 3
    assert "5,313 of 6,010 connections (88.4 %)" in pane(page).inner_text()
    page.get_by_role("button", name="Copy all as customLabels").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert "- name: EXT:net_203_0_113_0_24\n  cidrs:\n  - 203.0.113.7/32" in page.evaluate(
        "navigator.clipboard.readText()"
    )


def test_commatrix_lists_each_server_port_once(full):
    page = full(accept_downloads=True)
    turn(page, "Table")
    with page.expect_download() as waiting:
        page.get_by_role("button", name="commatrix CSV").click()
    rows = list(csv.DictReader(io.StringIO(Path(waiting.value.path()).read_text(), newline="")))
    assert list(rows[0]) == [
        "Direction",
        "Protocol",
        "Port",
        "Namespace",
        "Service",
        "Pod",
        "Container",
        "Node Role",
        "Optional",
    ]
    assert [row["Pod"] for row in rows if row["Port"] == "5432"] == ["postgres"]
    assert len(rows) == len({tuple(row.values()) for row in rows})


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_any_view(full, scheme):
    axe = pytest.importorskip("axe_playwright_python", reason="axe-playwright-python is not installed: no axe-core")
    page = full(color_scheme=scheme)
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text(encoding="utf-8"))
    for view in VIEWS:
        turn(page, view)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        if view == "Matrix":
            page.evaluate("flowkit.matrix.choose({ r0: 2, r1: 2, c0: 0, c1: 99, rAll: false, cAll: true })")
        passed, violations = page.evaluate(AXE, RULES)
        assert (view, violations) == (view, [])
        assert passed > 20


def test_hostile_names_do_nothing_in_any_view(opened, sample):
    matrix, additions = sample.hostile_everything()
    page = opened(matrix, sample.HOSTILE[0], additions)
    for view in VIEWS:
        turn(page, view)
        page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        if view == "Matrix":
            page.evaluate("flowkit.matrix.choose({ r0: 0, r1: 99, c0: 0, c1: 99, rAll: true, cAll: true })")
        text = page.locator("body").inner_text()
        assert not any(mark in text for mark in ("\u202e", "\x1b", "\x07")), view
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), view
    tags = page.evaluate("[...new Set([...document.querySelectorAll('body *')].map((one) => one.tagName))]")
    assert not {"IMG", "B-", "IFRAME", "A", "OBJECT"} & set(tags)


@pytest.mark.parametrize("width", [1280, 700, 420])
def test_no_view_scrolls_sideways(full, width):
    page = full(viewport={"width": width, "height": 900})
    for view in VIEWS:
        turn(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, view


def test_on_paper_every_view_has_its_place(full):
    page = full(color_scheme="dark")
    page.emulate_media(media="print")
    page.wait_for_timeout(300)
    assert page.locator("[role=tabpanel]:visible").count() == len(VIEWS)
    assert page.locator(".fk-policy pre:visible").count() == 0
    assert page.locator(".fk-card:visible").count() == 32
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
