"""The front end as an anywidget module, with a model of a few lines in place of the kernel."""

from __future__ import annotations

import json
from base64 import b64encode

import pytest

from flowkit.view import bundle
from flowkit.view.payload import payload, to_gzip

HOST = """<!doctype html><meta charset=utf-8><style>{style}</style>
<body data-jp-theme-light="true"><div id=cell tabindex=-1><div id=host></div></div></body>"""
MODEL = """async ([source, packed, traits]) => {
  const bytes = (text) => new DataView(Uint8Array.from(atob(text), (one) => one.charCodeAt(0)).buffer);
  const state = { ...traits, payload: bytes(packed) };
  const heard = new Map();
  window.saved = [];
  window.keys = [];
  document.getElementById("cell").addEventListener("keydown", (event) => keys.push(event.key));
  window.model = {
    get: (name) => state[name],
    set: (name, value) => { state[name] = value; },
    save_changes: () => saved.push(JSON.stringify({ ...state, payload: undefined })),
    on: (name, act) => heard.set(name, [...(heard.get(name) ?? []), act]),
    off: (name, act) => heard.set(name, (heard.get(name) ?? []).filter((one) => one !== act)),
    heard: () => [...heard.values()].flat().length,
    send: (message) => (heard.get("msg:custom") ?? []).forEach((act) => act(message)),
    receive: (name, value) => {
      state[name] = name === "payload" ? bytes(value) : value;
      return Promise.all((heard.get(`change:${name}`) ?? []).map((act) => act()));
    },
  };
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const widget = (await import(url)).default;
  window.end = await widget.render({ model, el: document.getElementById("host") });
}"""
TRAITS = {"selection": [], "view": "matrix", "theme": "auto", "brush": []}


def text_of(matrix) -> str:
    return b64encode(to_gzip(payload(matrix))).decode()


@pytest.fixture
def widget(chromium, sample):
    page = chromium.new_page(viewport={"width": 1100, "height": 1000})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.set_content(HOST.format(style=bundle.style()))
    page.evaluate(MODEL, [bundle.module(), text_of(sample.cluster()), TRAITS])
    yield page
    page.close()
    assert errors == []


def last_saved(page):
    return json.loads(page.evaluate("saved.at(-1)"))


def move_to(page, row, column):
    """Put the cursor of the keyboard on a cell."""
    page.locator("canvas.fk-canvas").focus()
    for _ in range(row):
        page.keyboard.press("ArrowDown")
    for _ in range(column):
        page.keyboard.press("ArrowRight")


def test_a_selection_is_saved_once_as_edge_numbers(widget, sample):
    assert widget.evaluate("saved.length") == 0
    move_to(widget, 0, 0)
    widget.keyboard.press("Control+ArrowRight")
    widget.keyboard.press("Enter")
    assert widget.evaluate("saved.length") == 1
    document = payload(sample.cluster())
    [edge] = last_saved(widget)["selection"]
    ends = [document["labels"][document["edges"][side][edge]] for side in ("s", "d")]
    assert widget.locator("aside h2").inner_text() == " → ".join(ends) == "(external) corp-vpn → ingress/router"


def test_no_key_leaves_the_widget(widget):
    move_to(widget, 0, 0)
    for key in ("d", "d", "x", "/"):
        widget.keyboard.press(key)
    assert widget.evaluate("document.activeElement.type") == "search"
    widget.locator("aside").click()
    widget.keyboard.press("d")
    assert widget.evaluate("document.activeElement.hasAttribute('data-lm-suppress-shortcuts')")
    assert widget.evaluate("keys") == []


def test_a_new_payload_keeps_what_the_reader_chose(widget, sample):
    widget.get_by_role("button", name="shop", exact=True).click()
    move_to(widget, 1, 0)
    widget.keyboard.press("Shift+Enter")
    title = widget.locator("aside h2").inner_text()
    widget.get_by_role("searchbox", name="Search names").fill("redis")
    matrix = sample.cluster()
    more = type(matrix)(matrix.edges.iloc[::2].reset_index(drop=True))
    widget.evaluate("(text) => model.receive('payload', text)", text_of(more))
    assert widget.locator(".fk").count() == 1
    assert "of 41 edges)" in widget.locator(".fk-status").inner_text()
    assert widget.get_by_role("button", name="shop", exact=True).get_attribute("aria-pressed") == "true"
    assert widget.locator("aside h2").inner_text() == title
    assert widget.evaluate("[document.activeElement.type, document.activeElement.value]") == ["search", "redis"]


def test_a_selection_outlives_measures_views_and_payloads(widget, sample):
    move_to(widget, 0, 0)
    widget.keyboard.press("Control+ArrowRight")
    widget.keyboard.press("Enter")
    chosen, title = last_saved(widget)["selection"], widget.locator("aside h2").inner_text()
    widget.get_by_role("button", name="flows", exact=True).click()
    assert widget.locator("aside h2").inner_text() == title
    widget.get_by_role("tab", name="Table").click()
    matrix = sample.cluster()
    widget.evaluate(
        "(text) => { saved.push(JSON.stringify({selection: []})); model.receive('selection', []); model.receive('payload', text); }",
        text_of(type(matrix)(matrix.edges.iloc[::-1])),
    )
    widget.wait_for_function("JSON.parse(saved.at(-1)).selection?.length > 0")
    assert last_saved(widget)["selection"] == chosen
    widget.get_by_role("tab", name="Matrix").click()
    assert widget.locator("aside h2").inner_text() == title
    widget.get_by_role("button", name="data", exact=True).click()
    assert widget.locator("aside h2").inner_text() == "Nothing selected"
    assert last_saved(widget)["selection"] == []


def test_view_goes_both_ways_and_theme_follows_the_lab(widget):
    widget.get_by_role("tab", name="Table").click()
    assert last_saved(widget)["view"] == "table"
    widget.evaluate("model.receive('view', 'matrix')")
    assert widget.locator("canvas.fk-canvas").is_visible()
    background = "getComputedStyle(document.querySelector('.fk')).backgroundColor"
    assert widget.evaluate(background) == "rgb(255, 255, 255)"
    widget.evaluate("document.body.dataset.jpThemeLight = 'false'")
    assert widget.evaluate(background) == "rgb(20, 24, 29)"
    widget.evaluate("model.receive('theme', 'light')")
    assert widget.evaluate(background) == "rgb(255, 255, 255)"


def test_the_end_leaves_nothing(widget):
    widget.evaluate("end()")
    assert widget.locator(".fk").count() == 0
    assert widget.evaluate("model.heard()") == 0


def test_message_of_sixty_workloads_is_small(sample):
    assert len(to_gzip(payload(sample.large(60, 300, 8)))) < 300_000
