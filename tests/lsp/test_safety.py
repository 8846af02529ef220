"""What code would touch, as an editor sees it."""

from __future__ import annotations

from pathlib import Path

from lsprotocol import types as lsp

from support.editor import editing

SOURCE = "import shutil\nx = 'é'; shutil.rmtree(x)\nprint(x)\neval(x)\n"
EVERYWHERE = lsp.Range(start=lsp.Position(0, 0), end=lsp.Position(3, 7))


async def test_places_are_shown_as_information_and_move(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(SOURCE)
    async with editing(tmp_path) as editor:
        uri = editor.open_file(path)
        report = await editor.command("fixwright.safety", {"uri": uri})
        assert report["summary"] == (
            "By its text it may delete files (line 2) and run text as code (line 4)."
        )
        assert [each["name"] for each in report["findings"]] == ["shutil.rmtree", "eval"]
        delete, evaluate = await editor.diagnostics(uri, 2)
        assert delete.severity == lsp.DiagnosticSeverity.Information
        assert delete.range == lsp.Range(start=lsp.Position(1, 9), end=lsp.Position(1, 22))
        assert (evaluate.code, evaluate.source) == ("eval", "fixwright")
        titles = [action.title for action in await editor.actions(uri, EVERYWHERE)]
        assert not any(title.startswith("Fix") for title in titles)
        assert "Show what this code would touch" in titles

        editor.insert(uri, 0, 0, "# more\n")
        await editor.until(
            lambda: (
                [each.range.start.line for each in editor.shown.diagnostics[uri].items] == [2, 4]
            )
        )
        await editor.command("fixwright.clear", {})
        await editor.diagnostics(uri, 0)


async def test_a_range_and_code_that_touches_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(SOURCE)
    async with editing(tmp_path) as editor:
        uri = editor.open_file(path)
        place = lsp.Range(start=lsp.Position(2, 0), end=lsp.Position(2, 8))
        report = await editor.command("fixwright.safety", {"uri": uri, "range": place})
        assert report["findings"] == []
        assert report["summary"].startswith("Nothing was found")
