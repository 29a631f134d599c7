"""The report in Chromium, as a reader uses it: pointer, keyboard, search, table, dark, narrow, on paper, without JavaScript."""

from __future__ import annotations

import csv
import io

import pytest

CENTRE = """([client, server]) => {
  const matrix = flowkit.matrix;
  const name = (item) => item.leaf < 0 ? matrix.model.nsNames[item.group] : matrix.model.labels[item.leaf];
  const r = matrix.layout.rows.findIndex((item) => name(item) === client);
  const c = matrix.layout.columns.findIndex((item) => name(item) === server);
  const { left, top } = matrix.canvas.getBoundingClientRect();
  const { frame, view } = matrix;
  return [left + frame.left + (c + 0.5 - view.x) * view.kx, top + frame.top + (r + 0.5 - view.y) * view.ky];
}"""
ROWS = "flowkit.matrix.layout.rows.map((item) => item.leaf < 0 ? '+' + flowkit.model.nsNames[item.group] : flowkit.model.labels[item.leaf])"


def until(page, condition):
    """Wait for what the browser does in its own time; Playwright's own wait needs the eval that the page forbids."""
    for _ in range(100):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    raise AssertionError(f"never true: {condition}")


def centre(page, client, server):
    return page.evaluate(CENTRE, [client, server])


def click_cell(page, client, server):
    page.mouse.click(*centre(page, client, server))


def side(page):
    return page.locator("aside")


def test_header_says_what_to_know(opened, sample):
    page = opened(sample.cluster(), title="Shop")
    assert page.title() == "Shop"
    assert page.locator("h1").inner_text() == "Shop"
    assert page.locator("#fallback").count() == 0
    assert "2026-09-21 14:13:11 – 16:00:16 UTC" in page.locator("header").inner_text()
    assert page.locator(".fk-notice").all_inner_texts() == [
        "Direction inferred for 2 edges.Show them",
        "The inventory has no Services: addresses of Services stay unknown.",
    ]
    page.locator(".fk-losses summary").click()
    assert page.locator(".fk-losses li").all_inner_texts() == [
        "1,204 frames that are not IP",
        "311 multicast and link-local flows",
        "3 flows of which no side is known",
    ]
    assert page.locator(".fk-status").inner_text() == (
        "26 clients × 28 servers · 73 cells · 753.6 MB · 5 refused · 4 unanswered"
    )


def test_click_a_cell_and_see_its_ports(opened, sample):
    page = opened(sample.cluster())
    click_cell(page, "shop/loadgen", "data/postgres")
    words = side(page).inner_text()
    assert side(page).locator("h2").inner_text() == "shop/loadgen → data/postgres"
    assert side(page).locator(".fk-port b").all_inner_texts() == ["22/TCP", "5432/TCP"]
    for part in ("✕ refused", "○ unanswered", "300 B · 6 flows · 6 connections", "direction: SYN"):
        assert part in words
    click_cell(page, "shop/catalog", "data/postgres")
    assert "direction: inferred: the lower port listens" in side(page).inner_text()
    click_cell(page, "shop/loadgen", "shop/frontend")
    assert "Nothing selected" in side(page).inner_text()


def test_hover_tells_the_cell(opened, sample):
    page = opened(sample.cluster())
    page.mouse.move(*centre(page, "shop/cart", "data/redis"))
    tip = page.locator(".fk-tip")
    assert tip.locator("b").inner_text() == "\u2068shop/cart\u2069 → \u2068data/redis\u2069"
    assert "6379/TCP, 16379/TCP" in tip.inner_text()
    assert "1 of 2 ports refused" in tip.inner_text()
    page.mouse.move(2, 2)
    assert tip.is_hidden()


def test_click_a_name_for_its_row_then_filter_to_it(opened, sample):
    page = opened(sample.cluster())
    _, y = centre(page, "shop/loadgen", "data/postgres")
    left = page.locator("canvas.fk-canvas").bounding_box()["x"]
    page.mouse.click(left + 150, y)
    assert side(page).locator("h2").inner_text() == "shop/loadgen → any server"
    side(page).get_by_role("button", name="Filter to this").click()
    assert page.evaluate(ROWS) == ["shop/loadgen"]
    assert "(6 of 79 edges)" in page.locator(".fk-status").inner_text()
    page.get_by_role("button", name="Clear filters").click()
    assert len(page.evaluate(ROWS)) == 26


def test_copy_as_csv_and_json(opened, sample):
    page = opened(sample.cluster(), permissions=["clipboard-read", "clipboard-write"])
    click_cell(page, "shop/cart", "data/redis")
    side(page).get_by_role("button", name="JSON").click()
    side(page).get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert '"client": "shop/cart"' in copied
    assert '"port": 16379' in copied


def test_collapse_a_namespace_and_open_it_again(opened, sample):
    page = opened(sample.cluster())
    pressed = page.get_by_role("group", name="Rows").locator("button[aria-pressed=true]")
    _, y = centre(page, "shop/catalog", "data/postgres")
    band = page.locator("canvas.fk-canvas").bounding_box()["x"] + page.evaluate("flowkit.matrix.frame.left") - 8
    page.mouse.click(band, y)
    rows = page.evaluate(ROWS)
    assert rows[-1] == "+shop"
    assert not any(name.startswith("shop/") for name in rows)
    assert pressed.count() == 0
    assert page.get_by_text("mixed").is_visible()
    click_cell(page, "shop", "shop")
    assert side(page).locator("h2").inner_text() == "shop → shop"
    page.get_by_role("group", name="Rows").get_by_role("button", name="namespace").click()
    assert page.evaluate(ROWS) == [f"+{name}" for name in page.evaluate("flowkit.model.nsNames")]
    page.get_by_role("group", name="Rows").get_by_role("button", name="workload").click()
    assert len(page.evaluate(ROWS)) == 26


def test_keyboard_alone(opened, sample):
    page = opened(sample.cluster())
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.type("redis")
    assert page.get_by_text("1 row, 2 columns").is_visible()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.value") == ""
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "CANVAS":
            break
    assert page.evaluate("document.activeElement.tagName") == "CANVAS"
    live = page.locator("[aria-live=polite]")
    page.keyboard.press("Control+ArrowRight")
    assert live.inner_text().startswith("\u2068(external) corp-vpn\u2069 → \u2068ingress/router\u2069: 8.3 MB")
    page.keyboard.press("ArrowDown")
    assert "1 of 3 ports refused; 1 of 3 ports unanswered" in live.inner_text()
    page.keyboard.press("Enter")
    assert side(page).locator("h2").inner_text() == "(external) unknown → ingress/router"
    page.keyboard.press("Shift+Enter")
    assert side(page).locator("h2").inner_text() == "(external) unknown → any server"
    page.keyboard.press("Control+Enter")
    assert side(page).locator("h2").inner_text() == "any client → ingress/router"
    page.keyboard.press("Escape")
    assert side(page).locator("h2").inner_text() == "Nothing selected"
    page.keyboard.press("c")
    assert page.evaluate(ROWS)[0] == "+(external)"
    assert "(external) collapsed" in live.inner_text()
    page.keyboard.press("c")
    before = page.evaluate("flowkit.matrix.view.kx")
    page.keyboard.press("+")
    assert page.evaluate("flowkit.matrix.view.kx") > before
    page.keyboard.press("0")
    assert page.evaluate("flowkit.matrix.view.kx") == before


def test_every_control_has_a_name_and_the_canvas_says_its_keys(opened, sample):
    page = opened(sample.cluster())
    nameless = """() => [...document.querySelectorAll("button, select, input, canvas[tabindex]")]
      .filter((one) => !one.textContent.trim() && !one.getAttribute("aria-label")).length"""
    assert page.evaluate(nameless) == 0
    assert "26 clients by 28 servers, 73 cells" in page.locator("canvas[role=application]").get_attribute("aria-label")
    unsuppressed = "document.querySelectorAll('button:not([data-lm-suppress-shortcuts])').length"
    assert page.evaluate(unsuppressed) == 0


def test_filters_and_the_empty_state(opened, sample):
    page = opened(sample.cluster())
    page.get_by_label("State").select_option("refused")
    assert "(5 of 79 edges)" in page.locator(".fk-status").inner_text()
    page.get_by_label("State").select_option("")
    page.get_by_role("button", name="Show them").click()
    assert "(2 of 79 edges)" in page.locator(".fk-status").inner_text()
    page.get_by_role("button", name="loki").click()
    assert page.get_by_text("No traffic matches: namespace loki, inferred").is_visible()
    page.locator(".fk-empty").get_by_role("button", name="Clear filters").click()
    assert page.locator("canvas.fk-canvas").is_visible()
    page.get_by_label("Port", exact=True).select_option("53")
    page.get_by_label("Protocol").select_option("17")
    assert page.evaluate("flowkit.matrix.layout.columns.length") == 2


@pytest.mark.parametrize("measure", ["flows", "connections", "rare", "bytes"])
def test_measures_change_the_legend(opened, sample, measure):
    page = opened(sample.cluster())
    page.get_by_role("group", name="Measure").get_by_role("button", name=measure).click()
    legend = page.locator(".fk-legend").inner_text()
    assert ("the rarest stand out" if measure == "rare" else f"{measure}, log scale") in legend
    assert "refused" in legend
    assert "unanswered" in legend


def test_orders_move_workloads_but_not_pinned_groups(opened, sample):
    page = opened(sample.cluster())
    for order in ("traffic", "similar", "namespace"):
        page.get_by_role("group", name="Order").get_by_role("button", name=order).click()
        assert [name[:1] for name in page.evaluate(ROWS)[:4]] == ["(", "(", "(", page.evaluate(ROWS)[3][:1]]
        assert len(page.evaluate(ROWS)) == 26


def test_table_sorts_pages_and_searches(opened, sample):
    page = opened(sample.cluster())
    page.get_by_role("tab", name="Table").click()
    first = page.locator("tbody tr").first.locator("td")
    assert first.nth(0).inner_text() == "data/postgres-backup"
    assert page.locator("tbody tr").count() == 50
    page.get_by_role("button", name="port", exact=True).click()
    assert page.locator("th[aria-sort=descending]").inner_text().strip().startswith("port")
    assert first.nth(2).inner_text() == "16379"
    page.get_by_role("button", name="port", exact=True).click()
    assert first.nth(2).inner_text() == "–"
    assert page.locator("th[aria-sort=ascending]").count() == 1
    page.get_by_role("button", name="Next").click()
    assert page.locator("tbody tr").count() == 29
    page.get_by_role("searchbox").fill("GRAFANA")
    assert page.locator("tbody tr").count() == 4
    page.get_by_role("tab", name="Table").press("ArrowLeft")
    page.get_by_role("tab", name="Ports").press("ArrowLeft")
    assert page.locator("canvas.fk-canvas").is_visible()


def test_csv_holds_all_filtered_rows_and_no_formula(opened, sample):
    page = opened(sample.hostile(), accept_downloads=True)
    page.get_by_role("tab", name="Table").click()
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Download CSV").click()
    text = waiting.value.path().read_bytes().decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(rows) == 30
    assert not any(value[:1] in {"=", "+", "-", "@", "\t", "\r"} for row in rows for value in row.values())
    assert {"'=HYPERLINK(1)/=HYPERLINK(1) (=HYPERLINK(1))"} <= {row["client"] for row in rows}


def test_hostile_names_do_nothing_and_fake_nothing(opened, sample):
    page = opened(sample.hostile(), title=sample.HOSTILE[0])
    for tab in ("Table", "Matrix"):
        page.get_by_role("tab", name=tab).click()
    page.mouse.move(*centre(page, "shop/cart", "(external) <b>bold</b>&amp;"))
    page.evaluate("flowkit.matrix.choose({ r0: 8, r1: 8, c0: 0, c1: 99, rAll: false, cAll: true })")
    assert page.locator("aside li").count() == 20
    page.get_by_role("tab", name="Table").click()
    elements = page.evaluate("[...new Set([...document.querySelectorAll('body *')].map((one) => one.tagName))]")
    assert not {"IMG", "B-", "IFRAME", "SVG", "A", "OBJECT"} & set(elements)
    text = page.locator("body").inner_text()
    assert "‹202E›txt.exe‹2066›" in text
    assert not any(mark in text for mark in ("\u202e", "\u2066", "\x1b", "\x07"))
    assert page.evaluate("({}).polluted === undefined && Object.keys(Object.prototype).length === 0")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("h1").inner_text() == sample.HOSTILE[0]


def test_an_injected_script_is_blocked(opened, sample, seen):
    """The policy holds even if something got in."""
    page = opened(sample.cluster())
    blocked = page.evaluate("""() => new Promise((resolve) => {
      document.addEventListener("securitypolicyviolation", (event) => resolve(event.effectiveDirective), { once: true });
      const script = document.createElement("script");
      script.textContent = "window.injected = 1";
      document.body.append(script);
    })""")
    assert blocked == "script-src-elem"
    assert page.evaluate("window.injected") is None
    assert "Content Security Policy" in seen.errors.pop()


def test_dark_follows_the_system_and_turns_with_it(opened, sample):
    page = opened(sample.cluster(), color_scheme="dark")
    ground = "[...flowkit.matrix.context.getImageData(2, 2, 1, 1).data].slice(0, 3)"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(20, 24, 29)"
    assert page.evaluate(ground) == [20, 24, 29]
    page.emulate_media(color_scheme="light")
    until(page, f"String({ground}) === '255,255,255'")


@pytest.mark.parametrize("width", [700, 420])
def test_narrow_pages_scroll_only_down(opened, sample, width):
    page = opened(sample.cluster(), viewport={"width": width, "height": 900})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert side(page).bounding_box()["y"] > page.locator(".fk-legend").bounding_box()["y"]
    page.get_by_role("tab", name="Table").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('.fk-scroll').scrollWidth") > width


def test_without_javascript_the_largest_edges_are_a_table(opened, sample):
    page = opened(sample.cluster(), title="Shop", java_script_enabled=False)
    assert page.locator("h1").inner_text() == "Shop"
    assert page.locator("tbody tr").count() == 79
    assert page.get_by_text("Direction inferred for 2 edges.").is_visible()
    assert page.get_by_text("1,204 frames that are not IP").is_visible()


def test_with_javascript_the_fallback_never_shows(opened, sample):
    page = opened(sample.cluster())
    hidden = "getComputedStyle(Object.assign(document.body.appendChild(document.createElement('i')), {className: 'fk-fallback'})).display"
    assert page.evaluate(hidden) == "none"


def test_on_paper(opened, sample):
    page = opened(sample.cluster(), color_scheme="dark")
    page.emulate_media(media="print")
    until(page, "flowkit.printing")
    assert page.locator("tbody tr").count() == 79
    assert page.locator("input[type=search]").is_hidden()
    assert page.evaluate("[...flowkit.matrix.context.getImageData(2, 2, 1, 1).data].slice(0, 3)") == [255, 255, 255]
    pdf = page.pdf(prefer_css_page_size=True)
    assert pdf.startswith(b"%PDF")
    page.emulate_media(media="screen", color_scheme="dark")
    until(page, "flowkit.printing === false")
    assert page.locator("input[type=search]").is_visible()


def test_an_empty_matrix_says_so(opened, sample):
    page = opened(sample.matrix_of([]))
    assert page.get_by_text("There are no edges in this matrix.").is_visible()
    page.get_by_role("tab", name="Table").click()
    assert page.get_by_role("tabpanel").get_by_text("0 edges").is_visible()


def test_a_matrix_of_namespaces_has_nothing_to_collapse(opened, sample):
    matrix = sample.cluster()
    page = opened(type(matrix)(matrix.edges, by="pod"))
    assert page.get_by_role("group", name="Rows").get_by_role("button").all_inner_texts() == ["namespace", "pod"]
    page = opened(type(matrix)(matrix.edges, by="namespace"))
    assert page.get_by_role("group", name="Rows").count() == 0
