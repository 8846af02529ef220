"""A cold index of three thousand files holds up nothing, and ends with the server."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from lsprotocol import types as lsp

from support.editor import editing
from support.index_editor import ALL, at, symbols, until_symbols, written

pytestmark = pytest.mark.slow
BODY = "def shared(value):\n    return value\n" * 20


async def test_a_cold_index_holds_up_no_answer(tmp_path: Path) -> None:
    """The watched server writes down whatever blocks its loop for more than 50 ms."""
    report = tmp_path / "report"
    files = {f"p{n % 50}/m{n}.py": f"def function_{n}(): pass\n{BODY}" for n in range(3000)}
    folder = written(tmp_path / "work", files)
    paths = os.pathsep.join(["tests", os.environ.get("PYTHONPATH", "")])
    async with editing(
        folder,
        settings={**ALL, "sandbox": {"backend": "none"}},
        environment={"PYTHONPATH": paths},
        command=(sys.executable, "-m", "support.watched_server", str(report)),
    ) as editor:
        uri = editor.open_file(folder / "p0" / "m0.py")
        names: set[str] = set()
        answers = 0
        while "function_2999" not in names:
            editor.insert(uri, 0, 0, "# typed\n")
            names = {each.name for each in await symbols(editor, "function_2999")}
            found = await editor.client.text_document_hover_async(
                lsp.HoverParams(**at(uri, answers + 1, 5))
            )
            answers += 1
            assert found is not None
            assert "function_0" in str(found.contents)
        await until_symbols(editor, "function_2999", {"function_2999"})
    assert answers > 1
    assert not report.read_text(), report.read_text()


async def test_the_server_ends_in_the_middle_of_a_cold_index(tmp_path: Path) -> None:
    files = {f"p{n % 50}/m{n}.py": f"def function_{n}(): pass\n{BODY}" for n in range(3000)}
    async with editing(written(tmp_path, files), settings=ALL) as editor:
        await editor.until(lambda: editor.shown.progress, "the index begins")
    assert editor.server.returncode == 0
