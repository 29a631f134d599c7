"""The flow table of a notebook cell in Chromium: hostile names do nothing, headings sort, the search hides."""

import pytest

import flowkit as fk
from tests.flows import flow, table

EVIL = [
    '<img src=x onerror="alert(1)">',
    "<script>alert(2)</script>",
    "</td></table></iframe><script>parent.alert(3)</script>",
    '" onmouseover="alert(4)',
    "\u202egnp.exe\x1b[2J",
    "{}{policy}",
    "&lt;img&gt;",
]
FLOWS = table(
    *(
        flow(f"10.0.0.{n}:{4000 - n}", "10.0.1.1:443", "SYN", SrcK8S_Name=name, Bytes=10**n, TimeFlowEndMs=9_000 - n)
        for n, name in enumerate(EVIL)
    )
)


@pytest.fixture
def frame(chromium, seen, tmp_path):
    """The frame of the cell, in a page as a notebook's is."""
    html = fk.show(FLOWS, columns=["EndTime", "SrcK8S_Name", "SrcPort", "Bytes"])._repr_html_()
    file = tmp_path / "cell.html"
    file.write_text(f"<!doctype html><meta charset=utf-8><body>{html}", encoding="utf-8")
    context = chromium.new_context(offline=True)
    page = context.new_page()
    seen.watch(page)
    page.goto(file.as_uri())
    inside = page.frame_locator("iframe")
    inside.locator("tbody tr").first.wait_for()
    yield inside
    page.mouse.move(100, 200)
    assert page.locator("body > *").count() == 2  # the plain table and the frame, nothing that broke out
    page.locator("summary").click()
    assert page.locator("details tbody tr").count() == len(EVIL)
    assert page.locator("img, script").count() == 0
    context.close()
    assert seen.dialogs == []
    assert [url for url in seen.requests if url != file.as_uri() and not url.startswith("about:")] == []
    assert seen.errors == []


def column(frame, number):
    return frame.locator(f"tbody tr:not([hidden]) td:nth-child({number})").all_text_contents()


def test_names_are_text_and_nothing_else(frame):
    names = column(frame, 2)
    assert names[:4] == EVIL[:4]
    assert names[4] == "·gnp.exe·[2J"
    assert names[5:] == EVIL[5:]
    assert frame.locator("img, td script").count() == 0


def test_headings_sort_numbers_as_numbers(frame):
    press = frame.get_by_role("button", name="bytes")
    press.click()
    assert column(frame, 4) == [f"{10**n:,}" for n in range(len(EVIL))]
    press.click()
    assert column(frame, 4) == [f"{10**n:,}" for n in reversed(range(len(EVIL)))]
    assert frame.locator("th[aria-sort]").all_text_contents() == ["bytes"]
    frame.get_by_role("button", name="src port").click()
    assert column(frame, 3) == [str(4000 - n) for n in reversed(range(len(EVIL)))]


def test_the_search_hides_rows_and_counts(frame):
    frame.get_by_role("searchbox").fill("SCRIPT")
    assert len(column(frame, 2)) == 2
    assert frame.locator("output").text_content() == "2 rows"
    frame.get_by_role("searchbox").fill("")
    assert len(column(frame, 2)) == len(EVIL)
