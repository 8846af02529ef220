"""What compilers warn of lies at its place, as warnings that go by the rules of failures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp

from support.editor import Editor, editing
from support.needs import needs

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]

C = """\
#include <stdio.h>
int main(void) {
    int spare = 1;
    puts("hello");
    return 0;
}
"""
RUST = 'fn main() {\n    let spare = 1;\n    println!("hello");\n}\n'
JAVA = """\
class A {
    public static void main(String[] arguments) {
        System.getSecurityManager();
        System.out.println("hello");
    }
}
"""
CASES: dict[str, tuple[str, str, str, tuple[int, int, int]]] = {
    "a.c": ("c", C, "-Wunused-variable", (2, 8, 13)),
    "a.rs": ("rust", RUST, "unused_variables", (1, 8, 13)),
    "A.java": ("java", JAVA, "compiler.warn.has.been.deprecated.for.removal", (2, 8, 33)),
}


async def run(editor: Editor, uri: str) -> dict[str, Any]:
    report = await editor.run(uri)
    if report["status"] == "image":
        pytest.skip(report["reason"])
    return report


@pytest.mark.parametrize("name", list(CASES))
async def test_a_warning_lies_at_its_place_and_goes_when_it_is_edited(
    tmp_path: Path, name: str
) -> None:
    needs("bubblewrap")
    language, text, kind, (line, start, end) = CASES[name]
    path = tmp_path / name
    path.write_text(text)
    place = lsp.Range(lsp.Position(line, start), lsp.Position(line, end))
    async with editing(tmp_path, settings={"sandbox": {"backend": "bubblewrap"}}) as editor:
        uri = editor.open_file(path, language)
        for _ in range(2):  # the second time nothing is compiled
            report = await run(editor, uri)
            assert (report["status"], report["failures"]) == ("passed", []), report
            assert report["stdout"] == "hello\n"
            [diagnostic] = await editor.diagnostics(uri, 1)
            assert diagnostic.severity == lsp.DiagnosticSeverity.Warning
            assert (diagnostic.source, diagnostic.code) == ("fixwright", kind)
            assert diagnostic.range == place
        titles = [each.title for each in await editor.actions(uri, place)]
        assert not [title for title in titles if title.startswith("Fix")]
        editor.insert(uri, 0, 0, "\n")
        await editor.until(lambda: shown(editor, uri)[0].range.start.line == line + 1, "moved")
        editor.insert(uri, line + 1, start + 1, "x")
        await editor.diagnostics(uri, 0)


async def test_a_failure_and_a_warning_stand_side_by_side_and_the_failure_alone_is_fixed(
    tmp_path: Path,
) -> None:
    needs("bubblewrap")
    path = tmp_path / "a.c"
    path.write_text(C.replace("spare = 1", "spare = nope"))
    async with editing(tmp_path, settings={"sandbox": {"backend": "bubblewrap"}}) as editor:
        uri = editor.open_file(path, "c")
        assert (await run(editor, uri))["status"] == "failed"
        both = {each.severity: each for each in await editor.diagnostics(uri, 2)}
        assert both[lsp.DiagnosticSeverity.Error].code == "CompileError"
        assert both[lsp.DiagnosticSeverity.Error].data is not None
        assert both[lsp.DiagnosticSeverity.Warning].data is None
        await editor.command("fixwright.clear", {"uri": uri})
        await editor.diagnostics(uri, 0)


async def test_warnings_can_be_turned_off(tmp_path: Path) -> None:
    needs("bubblewrap")
    path = tmp_path / "a.c"
    path.write_text(C)
    settings = {"sandbox": {"backend": "bubblewrap"}, "diagnostics": {"warnings": False}}
    async with editing(tmp_path, settings=settings) as editor:
        uri = editor.open_file(path, "c")
        report = await run(editor, uri)
        assert [each["kind"] for each in report["warnings"]] == ["-Wunused-variable"]
        assert not shown(editor, uri)


def shown(editor: Editor, uri: str) -> list[lsp.Diagnostic]:
    published = editor.shown.diagnostics.get(uri)
    return list(published.items) if published is not None else []
