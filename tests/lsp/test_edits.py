"""Edits of one and of two documents under the habits of editors: all of it, or nothing, or told."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from lsprotocol import types as lsp

from fixwright.workspace.paths import path_to_uri
from support.editor import Editor, Policy, editing
from support.models import edit, scripted_model
from support.needs import needs

pytestmark = pytest.mark.bubblewrap
MAIN = "from helper import f\n\nfour = f(1)\nassert four == 4\n"
HELPER = "def f(x):\n    # 😀\n    return x + 1\n"
ONE = edit("helper.py", "x + 1", "x + 3")
TWO = {
    "tools": [
        {
            "name": "propose_edit",
            "input": {
                "title": "Change both",
                "edits": [
                    {"path": "a.py", "old": "f(1)", "new": "f(2)"},
                    {"path": "helper.py", "old": "x + 1", "new": "x + 2"},
                ],
            },
        }
    ]
}
Client = Literal["ours", "stock", "plain"]
CLIENTS: list[Client] = ["ours", "stock", "plain"]
"""plain: it announces no versions in edits."""
SIZES = [
    pytest.param(ONE, id="one document", marks=pytest.mark.slow),
    pytest.param(TWO, id="two documents"),
]


@dataclass
class Desk:
    editor: Editor
    main: str
    helper: str
    folder: Path

    async def fix(self) -> dict[str, Any]:
        await self.editor.run(self.main)
        [diagnostic] = await self.editor.diagnostics(self.main, 1)
        return await self.editor.fix(self.main, diagnostic)

    @property
    def texts(self) -> tuple[str, str]:
        """What the editor shows; of a closed file, what is on disk."""
        shown = self.editor.buffers
        return (
            self.editor.text(self.main),
            self.editor.text(self.helper) if self.helper in shown else HELPER,
        )

    @property
    def requests(self) -> int:
        return len(self.editor.shown.edits) + len(self.editor.shown.our_edits)


@asynccontextmanager
async def desk(folder: Path, client: Client, turn: dict[str, Any]) -> AsyncGenerator[Desk, None]:
    needs("bubblewrap")
    (folder / "a.py").write_text(MAIN)
    (folder / "helper.py").write_text(HELPER)
    async with scripted_model([turn]) as model:
        settings = {"sandbox": {"backend": "bubblewrap"}, "model": model.settings}
        async with editing(
            folder,
            ours=client == "ours",
            versions=client != "plain",
            settings=settings,
            environment=model.environment,
        ) as editor:
            uri = editor.open_file(folder / "a.py")
            yield Desk(editor, uri, path_to_uri(folder / "helper.py"), folder)
    assert (folder / "a.py").read_text() == MAIN
    assert (folder / "helper.py").read_text() == HELPER, "only the editor writes files"


def changed(turn: dict[str, Any]) -> tuple[str, str]:
    if turn is ONE:
        return MAIN, HELPER.replace("x + 1", "x + 3")
    return MAIN.replace("f(1)", "f(2)"), HELPER.replace("x + 1", "x + 2")


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("turn", SIZES)
@pytest.mark.parametrize("policy", ["honest", pytest.param("first-only", marks=pytest.mark.slow)])
async def test_an_edit_is_applied_whole(
    tmp_path: Path, client: Client, turn: dict[str, Any], policy: Policy
) -> None:
    async with desk(tmp_path, client, turn) as it:
        it.editor.policy = policy
        report = await it.fix()
        assert (report["status"], report["applied"]) == ("verified", True), report["reason"]
        assert it.texts == changed(turn)
        await it.editor.diagnostics(it.main, 0)
        assert it.helper in it.editor.buffers, "the closed file was opened first"
        documents = 1 if turn is ONE else 2
        if client == "ours":
            [request] = it.editor.shown.our_edits
            assert [each["version"] for each in request["documents"]] == [1] * documents
            assert it.requests == 1
            return
        assert it.requests == documents, "one undo step for each document"
        for sent in it.editor.shown.edits:
            assert sent.label
            if client == "plain":
                assert sent.edit.changes is not None
                assert sent.edit.document_changes is None
                continue
            assert sent.edit.document_changes is not None
            [change] = sent.edit.document_changes
            assert isinstance(change, lsp.TextDocumentEdit)
            assert change.text_document.version == 1
            [part] = change.edits
            assert part.range.start.line == part.range.end.line
            assert part.range.end.character - part.range.start.character <= 1, "only what differs"


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("turn", SIZES)
@pytest.mark.parametrize("policy", ["skips", "refuses"])
async def test_an_edit_that_is_not_applied_is_not_said_to_be(
    tmp_path: Path, client: Client, turn: dict[str, Any], policy: Policy
) -> None:
    async with desk(tmp_path, client, turn) as it:
        it.editor.policy = policy
        report = await it.fix()
        assert report["applied"] is False
        assert report["reason"].endswith(".")
        if policy == "refuses":
            assert report["status"] == "refused"
            assert "read-only" in report["reason"]
        assert it.texts == (MAIN, HELPER)
        assert it.requests == 1, "after the first, no other document is touched"
        assert len(it.editor.shown.diagnostics[it.main].items) == 1, "the failure is still there"


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("refused", ["main", "helper"])
async def test_when_one_of_two_documents_is_refused_neither_changes(
    tmp_path: Path, client: Client, refused: str
) -> None:
    async with desk(tmp_path, client, TWO) as it:
        it.editor.read_only.add(it.main if refused == "main" else it.helper)
        report = await it.fix()
        assert (report["status"], report["applied"]) == ("refused", False)
        assert "read-only" in report["reason"]
        assert it.texts == (MAIN, HELPER), "what was changed first was taken back"


@pytest.mark.slow
@pytest.mark.parametrize("client", ["stock", "plain"])
async def test_what_cannot_be_taken_back_is_named(tmp_path: Path, client: Client) -> None:
    """The user typed into the first document after it was changed: that is theirs now."""
    async with desk(tmp_path, client, TWO) as it:
        it.editor.read_only.add(it.helper)

        def type_into_the_first() -> None:
            if len(it.editor.shown.edits) == 2:
                it.editor.insert(it.main, 0, 0, "# mine\n")

        it.editor.before_edit = type_into_the_first
        report = await it.fix()
        assert (report["status"], report["applied"]) == ("stale", False)
        assert report["reason"].endswith("Already changed, and left so: a.py.")
        assert it.texts == ("# mine\n" + changed(TWO)[0], HELPER)


@pytest.mark.slow
@pytest.mark.parametrize("client", CLIENTS)
async def test_typing_into_the_second_document_stops_both(tmp_path: Path, client: Client) -> None:
    async with desk(tmp_path, client, TWO) as it:
        helper = it.editor.open_file(tmp_path / "helper.py")
        typed = list[bool]()

        def type_once() -> None:
            if not typed:
                typed.append(True)
                it.editor.insert(helper, 2, 16, "00")

        it.editor.before_edit = type_once
        report = await it.fix()
        assert (report["status"], report["applied"]) == ("stale", False), report["reason"]
        assert "helper.py" in report["reason"]
        assert it.texts == (MAIN, HELPER.replace("x + 1", "x + 100"))


@pytest.mark.slow
async def test_without_apply_nothing_is_changed_and_the_diff_is_told(tmp_path: Path) -> None:
    async with desk(tmp_path, "stock", TWO) as it:
        await it.editor.run(it.main)
        [diagnostic] = await it.editor.diagnostics(it.main, 1)
        report = await it.editor.fix(it.main, diagnostic, apply=False)
        assert (report["status"], report["applied"]) == ("verified", False)
        assert "-    return x + 1\n+    return x + 2\n" in report["diff"]
        assert it.texts == (MAIN, HELPER)
        assert it.requests == 0
        assert it.helper not in it.editor.buffers
