"""The server answers while it works, and nothing holds up its event loop."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Awaitable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp

from fixwright.workspace.paths import path_to_uri
from support.editor import Editor, editing
from support.models import edit, scripted_model
from support.needs import needs

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]
LINES = 100_000


@asynccontextmanager
async def watched(
    folder: Path,
    report: Path,
    *,
    model: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
) -> AsyncGenerator[Editor, None]:
    """An editor over the watched server; fails for whatever blocked the loop."""
    needs("bubblewrap")
    settings = {"sandbox": {"backend": "bubblewrap"}, "model": model or {"provider": "none"}}
    paths = os.pathsep.join(["tests", os.environ.get("PYTHONPATH", "")])
    async with editing(
        folder,
        ours=True,
        settings=settings,
        environment={**(environment or {}), "PYTHONPATH": paths},
        command=(sys.executable, "-m", "support.watched_server", str(report)),
    ) as editor:
        yield editor
    _must_be_empty(report)


def _must_be_empty(report: Path) -> None:
    violations = report.read_text()
    assert not violations, violations


async def answers_meanwhile(editor: Editor, uri: str, work: Awaitable[Any]) -> tuple[Any, int]:
    """Keep asking until the work is done; returns its result and how many answers came."""
    task = asyncio.ensure_future(work)
    place = lsp.Range(start=lsp.Position(0, 0), end=lsp.Position(0, 1))
    count = 0
    while not task.done():
        assert "version" in await editor.command("fixwright.status")
        assert await editor.actions(uri, place)
        count += 1
    return await task, count


def long_program(lines: int = LINES) -> str:
    body = "".join(f"def f{n}(a, b):\n    return a + b + {n}\n\n\n" for n in range(lines // 4))
    return body + "print(f1(1, 2), vale)\n"


async def test_a_run_and_a_fix_by_rules(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    (folder / "helper.py").write_text("def half(x):\n    return x / tow\n\n\ntwo = 2\n")
    path = folder / "a.py"
    path.write_text("import time\nimport helper\ntime.sleep(1)\nprint(helper.half(4))\n")
    async with watched(folder, tmp_path / "report") as editor:
        uri = editor.open_file(path)
        report, count = await answers_meanwhile(editor, uri, editor.run(uri))
        assert report["status"] == "failed"
        assert count > 5
        helper = path_to_uri(folder / "helper.py")
        [diagnostic] = await editor.diagnostics(helper, 1)
        fixed, _ = await answers_meanwhile(editor, uri, editor.fix(helper, diagnostic))
        assert (fixed["status"], fixed["applied"]) == ("verified", True), fixed["reason"]
        assert "x / two" in editor.text(helper)
        selection = lsp.Range(start=lsp.Position(0, 0), end=lsp.Position(1, 0))
        await editor.command("fixwright.runSelection", {"uri": uri, "range": selection})
        await editor.command("fixwright.runTests", {"uri": uri})
        editor.close(uri)
        assert (await editor.run(uri))["status"] == "passed"


@pytest.mark.parametrize("protocol", ["anthropic", "openai"])
async def test_a_fix_by_a_model_whose_sdk_is_imported_meanwhile(
    tmp_path: Path, protocol: Any
) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    path = folder / "a.py"
    path.write_text("x = 1\nassert x == 2\n")
    turn = {**edit("a.py", "x = 1", "x = 2"), "text": "word " * 200, "pace": 0.005}
    async with (
        scripted_model([turn], protocol) as model,
        watched(
            folder, tmp_path / "report", model=model.settings, environment=model.environment
        ) as editor,
    ):
        uri = editor.open_file(path)
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(uri, 1)
        fixed, count = await answers_meanwhile(editor, uri, editor.fix(uri, diagnostic))
        assert (fixed["status"], fixed["rung"]) == ("verified", "model"), fixed["reason"]
        assert count > 20


async def test_a_buffer_of_a_hundred_thousand_lines(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    small = folder / "small.py"
    small.write_text("print(1)\n")
    async with watched(folder, tmp_path / "report") as editor:
        small_uri = editor.open_file(small)
        uri = path_to_uri(folder / "long.py")
        editor.open(uri, long_program())
        symbols = editor.client.text_document_document_symbol_async(
            lsp.DocumentSymbolParams(text_document=lsp.TextDocumentIdentifier(uri=uri))
        )
        found, _ = await answers_meanwhile(editor, small_uri, symbols)
        assert found is not None
        assert len(found) == LINES // 4
        report, _ = await answers_meanwhile(editor, small_uri, editor.run(uri))
        assert report["failures"][0]["kind"] == "NameError", report
        [diagnostic] = await editor.diagnostics(uri, 1)
        assert diagnostic.range.start.line == LINES
        for number in range(20):
            editor.insert(uri, 4 * number, 0, "# typed\n")
        await editor.until(
            lambda: editor.shown.diagnostics[uri].items[0].range.start.line == LINES + 20
        )
        editor.type(
            uri,
            lsp.Range(start=lsp.Position(LINES + 20, 16), end=lsp.Position(LINES + 20, 20)),
            "f2(1, 2)",
        )
        await editor.diagnostics(uri, 0)


async def test_a_flood_of_output(tmp_path: Path) -> None:
    folder = tmp_path / "w"
    folder.mkdir()
    path = folder / "a.py"
    path.write_text("for n in range(400_000):\n    print(n, 'some words')\nprint(vale)\n")
    async with watched(folder, tmp_path / "report") as editor:
        uri = editor.open_file(path)
        report, count = await answers_meanwhile(editor, uri, editor.run(uri))
        assert report["status"] in ("failed", "output"), report["reason"]
        assert count
