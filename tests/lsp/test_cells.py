"""Cells over the real server: state per document, values, failures in their places."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from lsprotocol import types as lsp

from fixwright.workspace.paths import path_to_uri
from support.editor import Editor, editing
from support.needs import needs

TEXT = (
    "x = 20\n"
    "# %% define\n"
    "def half(n):\n"
    "    return n / zero\n"
    "zero = 2\n"
    "# %% use\n"
    "half(x)\n"
    "# %% break\n"
    "zero = 0\n"
    "half(x)\n"
)
BACKENDS = [
    pytest.param("docker", marks=[pytest.mark.docker, pytest.mark.slow]),
    pytest.param("bubblewrap", marks=pytest.mark.bubblewrap),
]
pytestmark = pytest.mark.bubblewrap
BUBBLEWRAP = {"sandbox": {"backend": "bubblewrap"}}


async def lenses(editor: Editor, uri: str) -> list[tuple[str, int, dict[str, Any]]]:
    document = lsp.TextDocumentIdentifier(uri)
    found = await editor.client.text_document_code_lens_async(lsp.CodeLensParams(document))
    commands = [(each.command, each.range.start.line) for each in found or ()]
    return [
        (command.title, line, cast("dict[str, Any]", (command.arguments or [{}])[0]))
        for command, line in commands
        if command is not None and command.command == "fixwright.runCell"
    ]


async def run_cells(
    editor: Editor, uri: str, first: int, last: int | None = None
) -> dict[str, Any]:
    last = first if last is None else last
    place = {"start": {"line": first, "character": 0}, "end": {"line": last, "character": 0}}
    return await editor.command("fixwright.runCell", {"uri": uri, "range": place})


OTHERS = {
    "cells.sh": (
        "x=20\n# %% define\nhalf() {\n  nosuch $1\n}\n# %% use\nhalf $x\n# %% fine\necho $x\n",
        ("CommandNotFound", 2),
        "20\n",
        [],
    ),
    "cells.js": (
        (
            "const x = 20;\n// %% define\nfunction half(n) {\n  nosuch(n);\n}\n// %% use\n"
            "half(x);\n// %% fine\nconsole.log('on');\nx + 1\n"
        ),
        ("ReferenceError", 2),
        "on\n",
        [{"text/plain": "21"}],
    ),
}


@pytest.mark.parametrize("name", OTHERS)
async def test_cells_of_other_languages(tmp_path: Path, name: str) -> None:
    needs("bubblewrap")
    text, (kind, column), out, results = OTHERS[name]
    async with editing(tmp_path, ours=True, settings=BUBBLEWRAP) as editor:
        uri = path_to_uri(tmp_path / name)
        language = "shellscript" if name.endswith(".sh") else "javascript"
        editor.open(uri, text, language)
        found = await lenses(editor, uri)
        assert [line for title, line, _ in found if title == "Run cell"] == [0, 1, 5, 7]
        report = await run_cells(editor, uri, 0, 6)
        assert report["status"] == "failed"
        [failure] = report["failures"]
        assert failure["kind"] == kind
        assert [each["range"]["start"]["line"] for each in failure["frames"]] == [6, 3]
        [diagnostic] = await editor.diagnostics(uri, 1)
        assert diagnostic.range.start == lsp.Position(3, column)
        report = await run_cells(editor, uri, 8)
        assert (report["status"], report["stdout"]) == ("passed", out)
        assert report["results"] == results
        restarted = await editor.command("fixwright.restartSession", {"uri": uri})
        assert restarted == {"restarted": True}


@pytest.mark.parametrize("backend", BACKENDS)
async def test_cells_share_the_state_of_their_document(tmp_path: Path, backend: str) -> None:
    needs(backend)
    async with editing(tmp_path, ours=True, settings={"sandbox": {"backend": backend}}) as editor:
        uri = path_to_uri(tmp_path / "unsaved.py")
        editor.open(uri, TEXT)
        titles = [(title, line) for title, line, _ in await lenses(editor, uri)]
        assert titles[:3] == [("Run cell", 0), ("Run cell and below", 0), ("Run cell", 1)]
        assert titles[-2:] == [("Run cell", 7), ("Run above", 7)]

        above = next(each for each in await lenses(editor, uri) if each[:2] == ("Run above", 7))
        report = await editor.command("fixwright.runCell", above[2])
        assert (report["status"], report["results"]) == ("passed", [{"text/plain": "10.0"}])

        editor.insert(uri, 0, 0, "# a line that moves everything\n")
        report = await run_cells(editor, uri, 9)
        assert report["status"] == "failed"
        [failure] = report["failures"]
        assert failure["kind"] == "ZeroDivisionError"
        assert [each["range"]["start"]["line"] for each in failure["frames"]] == [10, 4]
        [diagnostic] = await editor.diagnostics(uri, 1)
        assert diagnostic.range.start == lsp.Position(4, 11)

        report = await run_cells(editor, uri, 6)
        assert report["status"] == "failed", "the state of the failed cell stays"
        status = await editor.command("fixwright.status", {})
        assert status["sessions"] == [uri]

        assert await editor.command("fixwright.restartSession", {"uri": uri}) == {"restarted": True}
        assert await editor.command("fixwright.restartSession", {"uri": uri}) == {
            "restarted": False
        }
        report = await run_cells(editor, uri, 6)
        assert report["failures"][0]["kind"] == "NameError"


async def test_values_come_as_events_and_in_the_log_of_others(tmp_path: Path) -> None:
    needs("bubblewrap")
    text = "# %%\nprint('out')\n6 * 7\n"
    uri = path_to_uri(tmp_path / "a.py")
    async with editing(tmp_path, ours=True, settings=BUBBLEWRAP) as editor:
        editor.open(uri, text)
        report = await run_cells(editor, uri, 0)
        assert report["stdout"] == "out\n"
        events = [each for each in editor.shown.events if each.get("type") == "result"]
        assert [each["data"] for each in events] == [{"text/plain": "42"}]
    async with editing(tmp_path, settings=BUBBLEWRAP) as editor:
        editor.open(uri, text)
        await run_cells(editor, uri, 0)
        await editor.until(lambda: any("out\n\n42" in each for each in editor.shown.messages))


async def test_the_first_failure_ends_a_run_of_several_cells(tmp_path: Path) -> None:
    needs("bubblewrap")
    uri = path_to_uri(tmp_path / "a.py")
    async with editing(tmp_path, ours=True, settings=BUBBLEWRAP) as editor:
        editor.open(uri, "# %%\nprint(1)\n# %%\n1 / 0\n# %%\nprint(3)\n")
        report = await run_cells(editor, uri, 0, 5)
        assert (report["status"], report["stdout"]) == ("failed", "1\n")


async def test_cancelling_a_cell_keeps_the_state(tmp_path: Path) -> None:
    needs("bubblewrap")
    uri = path_to_uri(tmp_path / "a.py")
    async with editing(tmp_path, ours=True, settings=BUBBLEWRAP) as editor:
        editor.open(uri, "# %%\nx = 1\n# %%\nprint('on')\nwhile True: pass\n# %%\nx\n")
        await run_cells(editor, uri, 0)
        running = asyncio.create_task(run_cells(editor, uri, 2))
        await editor.until(lambda: any(e.get("data") == "on\n" for e in editor.shown.events))
        await editor.command("fixwright.cancel", {})
        report = await running
        assert report["status"] == "cancelled"
        assert (await run_cells(editor, uri, 5))["results"] == [{"text/plain": "1"}]


async def test_a_language_without_sessions_is_refused(tmp_path: Path) -> None:
    needs("bubblewrap")
    uri = path_to_uri(tmp_path / "a.go")
    async with editing(tmp_path, ours=True, settings=BUBBLEWRAP) as editor:
        editor.open(uri, "// %%\npackage main\n", language="go")
        assert await lenses(editor, uri) == []
        report = await run_cells(editor, uri, 0, 2)
        assert report["status"] == "refused"
        assert "Go keeps no state" in report["reason"]


async def test_a_failure_in_a_cell_is_fixed(tmp_path: Path) -> None:
    needs("bubblewrap")
    uri = path_to_uri(tmp_path / "a.py")
    async with editing(tmp_path, ours=True, settings=BUBBLEWRAP) as editor:
        editor.open(uri, "# %%\nvalues = [1, 2]\n# %%\nprint(sum(value))\n")
        await run_cells(editor, uri, 0)
        await run_cells(editor, uri, 2)
        [diagnostic] = await editor.diagnostics(uri, 1)
        fixed = await editor.fix(uri, diagnostic)
        assert (fixed["status"], fixed["applied"]) == ("verified", True)
        assert "sum(values)" in editor.text(uri)
