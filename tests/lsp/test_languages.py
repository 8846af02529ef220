"""Other languages from the editor: runs, diagnostics at their places, lenses, tests."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsprotocol import types as lsp

from support.editor import editing
from support.needs import needs

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]
BROKEN = {
    "a.js": ("javascript", "console.log(1)\nconsole.log(nope)\n", "ReferenceError", (1, 12, 16)),
    "a.c": ("c", "int main(void) { return nope; }\n", "CompileError", (0, 24, 28)),
    "a.rs": ("rust", "fn main() {\n    nope();\n}\n", "E0425", (1, 4, 8)),
}
TESTS = """\
import test from 'node:test'
import assert from 'node:assert'
test('adds', () => assert.equal(1 + 1, 2))
test('fails', () => assert.equal(1 + 1, 3))
"""


@pytest.mark.parametrize("name", list(BROKEN))
async def test_a_file_runs_and_its_failure_lies_at_its_place(tmp_path: Path, name: str) -> None:
    needs("bubblewrap")
    language, text, kind, (line, start, end) = BROKEN[name]
    path = tmp_path / name
    path.write_text(text)
    settings = {"sandbox": {"backend": "bubblewrap"}}
    async with editing(tmp_path, settings=settings) as editor:
        uri = editor.open_file(path, language)
        report = await editor.run(uri)
        if report["status"] == "image":
            pytest.skip(report["reason"])
        assert report["status"] == "failed"
        [diagnostic] = await editor.diagnostics(uri, 1)
        assert diagnostic.code == kind
        assert diagnostic.range == lsp.Range(lsp.Position(line, start), lsp.Position(line, end))


async def test_tests_have_lenses_and_run(tmp_path: Path) -> None:
    needs("bubblewrap")
    path = tmp_path / "a.test.mjs"
    path.write_text(TESTS)
    async with editing(tmp_path, settings={"sandbox": {"backend": "bubblewrap"}}) as editor:
        uri = editor.open_file(path, "javascript")
        lenses = await editor.client.text_document_code_lens_async(
            lsp.CodeLensParams(lsp.TextDocumentIdentifier(uri))
        )
        commands = [lens.command for lens in lenses or () if lens.command is not None]
        assert [(each.title, list(each.arguments or ())) for each in commands] == [
            ("Run", [{"uri": uri}]),
            ("Run test", [{"uri": uri, "testId": "a.test.mjs::adds"}]),
            ("Run test", [{"uri": uri, "testId": "a.test.mjs::fails"}]),
        ]
        report = await editor.command("fixwright.runTests", {"uri": uri})
        if report["status"] == "image":
            pytest.skip(report["reason"])
        assert report["tests"] == {"passed": 1, "failed": 1, "skipped": 0}
        [diagnostic] = await editor.diagnostics(uri, 1)
        assert diagnostic.range.start.line == 3
