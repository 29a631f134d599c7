"""The display of a matrix in a notebook cell: the report works inside its sandbox and cannot reach out of it."""

from __future__ import annotations

from flowkit.view import repr_html


def test_the_frame_draws_and_stays_inside(chromium, sample, tmp_path):
    path = tmp_path / "cell.html"
    path.write_text(f"<!doctype html><meta charset=utf-8><body>{repr_html(sample.hostile())}</body>", encoding="utf-8")
    context = chromium.new_context(offline=True, viewport={"width": 1100, "height": 900})
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("dialog", lambda dialog: errors.append(dialog.message))
    page.goto(path.as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("html[data-ready]").wait_for(state="attached", timeout=10_000)
    assert frame.locator("canvas.fk-canvas").is_visible()
    assert frame.locator("#fallback").count() == 0
    assert page.locator("details table").is_hidden()
    reach = "try { parent.document.title } catch (error) { error.name }"
    assert page.frames[1].evaluate(reach) == "SecurityError"
    context.close()
    assert errors == []


def test_values_of_strangers_run_nothing_in_a_cell(chromium, sample):
    page = chromium.new_page()
    heard: list[str] = []
    for event, said in (("pageerror", str), ("dialog", lambda dialog: dialog.message), ("request", lambda it: it.url)):
        page.on(event, lambda what, said=said: heard.append(said(what)))
    cells = "".join(f"<div>{value._repr_html_()}</div>" for value in sample.hostile_values())
    page.set_content(f"<!doctype html><meta charset=utf-8><body>{cells}</body>")
    assert page.locator("body > div").count() == 4
    assert page.locator("img, script, a").count() == 0
    page.close()
    assert heard == []
