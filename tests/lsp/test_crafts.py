"""Generated tests and optimisations through the real server."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types as lsp

from fixwright.workspace.paths import path_to_uri
from support.crafts import faster, suite
from support.editor import Editor, editing
from support.models import scripted_model
from support.needs import needs

pytestmark = pytest.mark.bubblewrap

CODE = "def least(x, low):\n    return low if x < low else x\n"
TEST = """\
from least import least


def test_least():
    assert (least(0, 1), least(2, 1)) == (1, 2)
"""
PLACE = {"start": {"line": 1, "character": 4}, "end": {"line": 1, "character": 4}}


async def test_generated_tests_are_applied_after_a_yes(tmp_path: Path) -> None:
    needs("bubblewrap")
    (tmp_path / "least.py").write_text(CODE)
    async with scripted_model([suite(TEST, "test_least.py")]) as model:
        settings = {"sandbox": {"backend": "bubblewrap"}, "model": model.settings}
        async with editing(
            tmp_path, ours=False, settings=settings, environment=model.environment
        ) as editor:
            uri = editor.open_file(tmp_path / "least.py")
            editor.answer = "Apply all"
            report = await editor.command("fixwright.generateTests", {"uri": uri, "range": PLACE})
            assert (report["status"], report["applied"]) == ("done", True), report["reason"]
            assert [each["standing"] for each in report["claims"]] == ["shown", "shown"]
            assert [each["status"] for each in report["runs"]] == ["passed", "failed"]
            assert "mutants killed" in report["text"]
            assert report["usage"]["turns"] == 1
            assert "+def test_least():" in report["diff"]
            assert editor.text(path_to_uri(tmp_path / "test_least.py")) == TEST
            assert editor.text(uri) == CODE


@pytest.mark.slow
async def test_an_optimisation_that_changes_what_is_done_is_refused(tmp_path: Path) -> None:
    needs("bubblewrap")
    (tmp_path / "least.py").write_text(CODE)
    (tmp_path / "test_least.py").write_text(TEST)
    edit = ("low if x < low else x", "x")
    turns: list[Any] = [
        faster("import least\nprint(1)\n", edit, path="least.py"),
        {"text": "It can't be made faster."},
    ]
    async with scripted_model(turns) as model:
        settings = {"sandbox": {"backend": "bubblewrap"}, "model": model.settings}
        async with editing(
            tmp_path, ours=True, settings=settings, environment=model.environment
        ) as editor:
            uri = editor.open_file(tmp_path / "least.py")
            report = await editor.command("fixwright.optimize", {"uri": uri, "range": PLACE})
            assert (report["status"], report["applied"]) == ("refused", False)
            assert "can't be made faster" in report["reason"]
            assert report["diff"] == ""
            assert "the tests do not pass any more" in model.asked(1)


async def test_the_actions_are_offered_where_there_is_a_model(tmp_path: Path) -> None:
    (tmp_path / "least.py").write_text(CODE)
    (tmp_path / "run.sh").write_text("f() {\n  echo 1\n}\n")
    async with scripted_model([]) as model:
        for settings, wanted in (
            ({"model": model.settings}, ["Explain", "Generate tests", "Optimise"]),
            ({"model": {"provider": "none"}}, []),
        ):
            async with editing(
                tmp_path, settings=settings, environment=model.environment
            ) as editor:
                uri = editor.open_file(tmp_path / "least.py")
                await editor.command("fixwright.status", {})
                assert await _titles(editor, uri) == wanted
                shell = editor.open_file(tmp_path / "run.sh", "shellscript")
                assert await _titles(editor, shell) == wanted[:1], "Bash has no test runner"


async def _titles(editor: Editor, uri: str) -> list[str]:
    place = lsp.Range(lsp.Position(1, 4), lsp.Position(1, 4))
    found = await editor.actions(uri, place)
    return [each.title for each in found if each.kind == "source.fixwright.agent"]
