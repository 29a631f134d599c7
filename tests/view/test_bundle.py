"""The front end joined into one text: the same functions, no import, no name said twice, and small."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from flowkit.errors import FlowkitError
from flowkit.view import bundle
from flowkit.view.payload import packed

JS = Path(__file__).parent / "js"
NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="node is not installed: the front end's own tests cannot run")


def node_tests(**environment: str) -> None:
    assert NODE is not None
    command = [NODE, "--test", *map(str, sorted(JS.glob("*.test.js")))]
    done = subprocess.run(
        command, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **environment}, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@needs_node
def test_modules_pass_their_own_tests():
    node_tests()


@needs_node
def test_the_joined_text_passes_the_same_tests(tmp_path):
    exported = {
        name
        for module in bundle.STATIC.glob("*.js")
        if module.name not in (bundle.REPORT, bundle.BOOT, bundle.WIDGET, "inflate.js")
        for name in re.findall(r"^export (?:async )?(?:const|function|class) (\w+)", module.read_text(), re.MULTILINE)
        if name != "VERSION"
    }
    together = tmp_path / "together.mjs"
    together.write_text(bundle.script("app.js") + f"export {{ {', '.join(sorted(exported))} }};\n")
    node_tests(FLOWKIT_BUNDLE=together.as_uri())


def test_budget_and_form():
    script = bundle.script()
    assert len(script.encode()) < 128_000  # what eight views take
    assert len(packed(script.encode())) < 38_000  # what a report carries of it
    assert not re.search(r"^(import|export)\b", script, re.MULTILINE)
    assert "</script" not in script.lower()
    assert "<!--" not in script
    assert "</style" not in bundle.style().lower()


def test_no_module_makes_html_out_of_text_or_code_out_of_data():
    forbidden = re.compile(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|srcdoc|https?:"
    )
    for module in bundle.STATIC.iterdir():
        assert not forbidden.search(module.read_text()), module.name


def test_every_module_is_used_and_short():
    entries = (bundle.REPORT, bundle.BOOT, bundle.WIDGET)
    script_names = {name for entry in entries for name in bundle._in_order(bundle.STATIC, entry)}
    assert script_names == {module.name for module in bundle.STATIC.glob("*.js")}
    assert all(len(module.read_text().splitlines()) < 400 for module in bundle.STATIC.glob("*.js"))


def joined(folder: Path, **modules: str) -> str:
    for name, content in modules.items():
        (folder / f"{name}.js").write_text(content)
    return bundle.joined(folder, "main.js")


def test_modules_come_after_what_they_import(tmp_path):
    text = joined(
        tmp_path,
        main='import { b } from "./two.js";\nimport { a } from "./one.js";\n\nconsole.log(a, b);\n',
        one="// one\nexport const a = 1;\n",
        two='import { a } from "./one.js";\nexport const b = a;\n',
    )
    assert text == "const a = 1;\nconst b = a;\nconsole.log(a, b);\n"


@pytest.mark.parametrize(
    ("main", "message"),
    [
        ('import { a } from "./one.js";\nconst a = 2;\n', "'a' is declared by both one.js and main.js"),
        ('import { a as b } from "./one.js";\n', "renames what it imports"),
        ('import * as one from "./one.js";\n', "a line that cannot be joined"),
        ("export default 1;\n", "a line that cannot be joined"),
        ("const text = `two\nlines`;\n", "would lose its indentation"),
    ],
)
def test_what_cannot_be_joined_is_refused(tmp_path, main, message):
    with pytest.raises(FlowkitError, match=re.escape(message)):
        joined(tmp_path, main=main, one="export const a = 1;\n")


def test_modules_that_import_each_other_are_refused(tmp_path):
    with pytest.raises(FlowkitError, match=r"main\.js → one\.js → main\.js"):
        joined(tmp_path, main='import { a } from "./one.js";\n', one='import { b } from "./main.js";\n')
