"""The main job over the real server: run, see the failure in its place, fix it, verified."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from lsprotocol import types as lsp

from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.text import Encoding
from support.editor import editing
from support.needs import needs

BROKEN = "def mean(values):\n    return sum(values) / len(value)\n\n\nprint(mean([1, 2, 3]))\n"
FIXED = BROKEN.replace("len(value)", "len(values)")
BACKENDS = [
    pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.slow]),
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
]


def sandboxed(backend: str) -> dict[str, object]:
    needs(backend)
    return {"sandbox": {"backend": backend}}


def span(line: int, start: int, end: int) -> lsp.Range:
    return lsp.Range(start=lsp.Position(line, start), end=lsp.Position(line, end))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("ours", [True, False], ids=["our-client", "stock-client"])
async def test_run_see_fix(tmp_path: Path, backend: str, ours: bool) -> None:
    path = tmp_path / "a.py"
    path.write_text(BROKEN)
    async with editing(tmp_path, ours=ours, settings=sandboxed(backend)) as editor:
        uri = editor.open_file(path)
        report = await editor.run(uri)
        assert (report["status"], report["backend"]) == ("failed", backend)
        [diagnostic] = await editor.diagnostics(uri, 1)
        assert diagnostic.range == span(1, 29, 34)
        assert (diagnostic.source, diagnostic.code) == ("fixwright", "NameError")
        related = diagnostic.related_information or ()
        assert [each.location.range.start.line for each in related] == [1, 4]
        assert editor.shown.diagnostics[uri].version == 1

        fixed = await editor.fix(uri, diagnostic)
        assert (fixed["status"], fixed["applied"], fixed["rung"]) == ("verified", True, "rule")
        assert fixed["before"]["status"] == "failed"
        assert fixed["after"]["status"] == "passed"
        assert fixed["after"]["stdout"] == "2.0\n"
        assert editor.text(uri) == FIXED
        await editor.diagnostics(uri, 0)
        assert len(editor.shown.our_edits if ours else editor.shown.edits) == 1
    assert path.read_text() == BROKEN, "only the editor writes files"


@pytest.mark.bubblewrap
@pytest.mark.parametrize("encoding", list(Encoding))
async def test_places_are_in_the_editors_units(tmp_path: Path, encoding: Encoding) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = '😀é'; y = '😀' + valu\n", encoding="utf-8")
    async with editing(tmp_path, encoding=encoding, settings=sandboxed("bubblewrap")) as editor:
        uri = editor.open_file(path)
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(uri, 1)
        before = "x = '😀é'; y = '😀' + "
        start = {
            Encoding.UTF8: len(before.encode()),
            Encoding.UTF16: len(before.encode("utf-16-le")) // 2,
            Encoding.UTF32: len(before),
        }[encoding]
        assert diagnostic.range == span(0, start, start + 4)


@pytest.mark.bubblewrap
async def test_what_runs_is_what_the_editor_shows(tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text("NAME = 'on disk'\n")
    path = tmp_path / "a.py"
    path.write_text("print('saved')\n")
    async with editing(tmp_path, settings=sandboxed("bubblewrap")) as editor:
        uri = editor.open_file(path)
        other = editor.open_file(tmp_path / "other.py")
        editor.type(uri, span(0, 0, 14), "import other; print(other.NAME)")
        editor.type(other, span(0, 8, 15), "unsaved")
        report = await editor.run(uri)
        assert report["stdout"] == "unsaved\n"
    assert path.read_text() == "print('saved')\n"


@pytest.mark.bubblewrap
async def test_a_diagnostic_moves_with_the_text_above_and_goes_with_its_own(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("x = 1\nprint(y)\n")
    async with editing(tmp_path, settings=sandboxed("bubblewrap")) as editor:
        uri = editor.open_file(path)
        await editor.run(uri)
        await editor.diagnostics(uri, 1)
        editor.insert(uri, 0, 0, "# one\n# two\n")
        await editor.until(
            lambda: (
                editor.shown.diagnostics[uri].items
                and editor.shown.diagnostics[uri].items[0].range.start.line == 3
            )
        )
        assert editor.shown.diagnostics[uri].version == 2
        editor.type(uri, span(3, 6, 7), "x")
        await editor.diagnostics(uri, 0)


@pytest.mark.bubblewrap
async def test_a_later_run_that_passes_takes_the_diagnostic_back(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("import sys\nif len(sys.argv) < 2:\n    print(y)\n")
    async with editing(tmp_path, settings=sandboxed("bubblewrap")) as editor:
        uri = editor.open_file(path)
        await editor.run(uri)
        await editor.diagnostics(uri, 1)
        assert (await editor.run(uri, args=["one"]))["status"] == "passed"
        await editor.diagnostics(uri, 0)


@pytest.mark.bubblewrap
async def test_run_selection_brings_what_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(
        "import math\n\nprint('not this')\n\n\ndef area(r):\n    return math.pi * r ** 2\n\n\n"
        "def main():\n    total = area(2)\n    print(round(total, 2), nope)\n"
    )
    async with editing(tmp_path, settings=sandboxed("bubblewrap")) as editor:
        uri = editor.open_file(path)
        selected = lsp.Range(start=lsp.Position(10, 0), end=lsp.Position(12, 0))
        report = await editor.command("fixwright.runSelection", {"uri": uri, "range": selected})
        assert "not this" not in report["stdout"]
        [diagnostic] = await editor.diagnostics(uri, 1)
        assert diagnostic.range == span(11, 27, 31)


@pytest.mark.bubblewrap
async def test_another_servers_diagnostic_is_fixed_too(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(BROKEN)
    async with editing(tmp_path, settings=sandboxed("bubblewrap")) as editor:
        uri = editor.open_file(path)
        theirs = lsp.Diagnostic(
            range=span(1, 29, 34), message='"value" is not defined', source="Pyright"
        )
        fixed = await editor.fix(uri, theirs)
        assert (fixed["status"], fixed["applied"]) == ("verified", True)
        assert editor.text(uri) == FIXED


@pytest.mark.bubblewrap
async def test_typing_elsewhere_during_a_fix_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(BROKEN)
    async with editing(tmp_path, settings=sandboxed("bubblewrap")) as editor:
        uri = editor.open_file(path)
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(uri, 1)
        fixing = asyncio.create_task(editor.fix(uri, diagnostic))
        editor.insert(uri, 0, 0, "# mine\n")
        fixed = await fixing
        assert fixed["status"] == "verified", fixed
        assert editor.text(uri) == "# mine\n" + FIXED


@pytest.mark.bubblewrap
async def test_typing_in_the_same_place_makes_the_fix_stale(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(BROKEN)
    async with editing(tmp_path, settings=sandboxed("bubblewrap")) as editor:
        uri = editor.open_file(path)
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(uri, 1)
        editor.before_edit = lambda: editor.insert(uri, 1, 34, "s_of_mine")
        fixed = await editor.fix(uri, diagnostic)
        assert (fixed["status"], fixed["applied"]) == ("stale", False), fixed
        assert editor.text(uri) == BROKEN.replace("len(value)", "len(values_of_mine)")


@pytest.mark.bubblewrap
async def test_an_editor_that_lies_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(BROKEN)
    async with editing(tmp_path, settings=sandboxed("bubblewrap")) as editor:
        uri = editor.open_file(path)
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(uri, 1)
        editor.policy = "skips"
        fixed = await editor.fix(uri, diagnostic)
        assert fixed["applied"] is False
        assert "has not shown the change" in fixed["reason"]
        assert editor.text(uri) == BROKEN


@pytest.mark.bubblewrap
async def test_the_light_bulb_says_what_is_proven(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text(BROKEN)
    async with editing(tmp_path, settings=sandboxed("bubblewrap")) as editor:
        uri = editor.open_file(path)
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(uri, 1)
        preferred: list[lsp.CodeAction] = []
        async with asyncio.timeout(20):
            while not preferred:
                found = await editor.actions(uri, diagnostic.range)
                preferred = [action for action in found if action.is_preferred]
        assert preferred[0].title.endswith("(verified)")
        assert len(preferred) == 1
        command = preferred[0].command
        assert command is not None
        assert command.arguments is not None
        report = await editor.command(command.command, command.arguments[0])
        assert report["applied"]
        assert editor.text(uri) == FIXED


@pytest.mark.bubblewrap
async def test_untitled_buffers_run(tmp_path: Path) -> None:
    async with editing(None, settings=sandboxed("bubblewrap")) as editor:
        uri = "untitled:Untitled-1"
        editor.open(uri, "print(1 +\n")
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(uri, 1)
        assert diagnostic.code == "SyntaxError"
        assert diagnostic.range.start.line == 0


@pytest.mark.bubblewrap
async def test_two_folders_and_a_file_outside_both(tmp_path: Path) -> None:
    for name in ("one", "two", "outside"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "here.py").write_text(f"WHERE = {name!r}\n")
        (tmp_path / name / "a.py").write_text("import here; print(here.WHERE)\n")
    async with editing(tmp_path / "one", settings=sandboxed("bubblewrap")) as editor:
        editor.client.workspace_did_change_workspace_folders(
            lsp.DidChangeWorkspaceFoldersParams(
                event=lsp.WorkspaceFoldersChangeEvent(
                    added=[lsp.WorkspaceFolder(uri=path_to_uri(tmp_path / "two"), name="two")],
                    removed=[],
                )
            )
        )
        for name in ("one", "two", "outside"):
            uri = editor.open_file(tmp_path / name / "a.py")
            assert (await editor.run(uri))["stdout"] == f"{name}\n"


@pytest.mark.slow
@pytest.mark.bubblewrap
async def test_an_editor_that_is_mute_about_progress_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("print('ran')\n")
    async with editing(tmp_path, settings=sandboxed("bubblewrap")) as editor:
        editor.mute_about_progress = True
        uri = editor.open_file(path)
        assert (await editor.run(uri))["stdout"] == "ran\n"
        assert editor.shown.progress == []
