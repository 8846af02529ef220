"""The agent through the real server: what is drafted, asked, applied, reviewed and taken back."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import pytest
from lsprotocol import types as lsp

from fixwright.workspace.paths import path_to_uri
from support.agents import calls
from support.editor import Editor, editing
from support.models import ScriptedModel, Turn, scripted_model
from support.needs import needs

pytestmark = pytest.mark.bubblewrap

MEAN = "def mean(numbers):\n    return sum(numbers) / len(numbers) + 1\n"
TEST = "from mean import mean\n\n\ndef test_mean():\n    assert mean([1, 3]) == 2\n"
REPAIR = ("edit", {"path": "mean.py", "edits": [{"old": " + 1", "new": ""}]})
NEW = ("file_op", {"op": "create", "path": "notes.txt", "text": "one\n"})
Client = Literal["ours", "stock", "reviewing"]


def finish(summary: str, **claim: str) -> tuple[str, Mapping[str, Any]]:
    return "finish", {"summary": summary, "claims": [claim] if claim else []}


PROVEN: list[Turn] = [
    calls(REPAIR),
    calls(("test", {})),
    calls(finish("It added one too much.", text="The test passes.", evidence_id="run-1")),
]


@dataclass
class Desk:
    editor: Editor
    model: ScriptedModel
    folder: Path
    uri: str

    async def agent(self, prompt: str = "Repair mean.", **more: Any) -> dict[str, Any]:
        return await self.editor.command("fixwright.agent", {"prompt": prompt, **more})


@asynccontextmanager
async def desk(
    folder: Path,
    turns: Sequence[Turn],
    client: Client = "stock",
    *,
    annotations: bool = False,
    **settings: Any,
) -> AsyncGenerator[Desk, None]:
    needs("bubblewrap")
    (folder / "mean.py").write_text(MEAN)
    (folder / "test_mean.py").write_text(TEST)
    async with scripted_model(turns) as model:
        wanted = {"sandbox": {"backend": "bubblewrap"}, "model": model.settings, **settings}
        async with editing(
            folder,
            ours=client != "stock",
            reviews=client == "reviewing",
            settings=wanted,
            environment=model.environment,
        ) as editor:
            uri = editor.open_file(folder / "mean.py")
            yield Desk(editor, model, folder, uri)
    assert (folder / "mean.py").read_text() == MEAN, "only the editor writes files"


@pytest.mark.parametrize("client", ["ours", "stock"])
async def test_a_draft_is_applied_after_a_yes_and_can_be_taken_back(
    tmp_path: Path, client: Client
) -> None:
    async with desk(tmp_path, PROVEN, client) as it:
        it.editor.answer = "Apply all"
        report = await it.agent(uri=it.uri)
        assert (report["status"], report["applied"]) == ("done", True), report["reason"]
        assert report["text"] == "It added one too much."
        assert [each["standing"] for each in report["claims"]] == ["shown"]
        assert [each["status"] for each in report["runs"]] == ["passed"]
        assert it.editor.text(it.uri) == MEAN.replace(" + 1", "")
        [question] = it.editor.shown.questions
        assert "1 of 1 claims shown" in question.message
        assert "The user looks at mean.py" in it.model.asked(0)

        undone = await it.editor.command("fixwright.undo", {"sessionId": report["sessionId"]})
        assert undone["applied"] is True, undone
        assert it.editor.text(it.uri) == MEAN
        again = await it.editor.command("fixwright.undo", {"sessionId": report["sessionId"]})
        assert again["applied"] is False

        listed: Any = await it.editor.command("fixwright.sessions")
        [known] = listed
        assert known["id"] == report["sessionId"]
        if client == "ours":
            kinds = {each["type"] for each in it.editor.shown.events if "sessionId" in each}
            assert {"toolCall", "toolResult", "diff", "usage", "end"} <= kinds


async def test_undo_refuses_where_the_user_went_on(tmp_path: Path) -> None:
    async with desk(tmp_path, PROVEN) as it:
        it.editor.answer = "Apply all"
        await it.agent()
        it.editor.insert(it.uri, 0, 0, "# mine\n")
        undone = await it.editor.command("fixwright.undo", {})
        assert undone["applied"] is False
        assert "has changed since" in undone["reason"]
        assert it.editor.text(it.uri).startswith("# mine\n")


async def test_without_an_answer_a_proposal_waits_to_be_accepted(tmp_path: Path) -> None:
    turns = [calls(REPAIR, NEW), calls(finish("Two things."))]
    async with desk(tmp_path, turns) as it:
        report = await it.agent()
        assert (report["status"], report["applied"]) == ("done", False)
        assert it.editor.text(it.uri) == MEAN
        name = report["proposalId"]
        here = lsp.Range(start=lsp.Position(1, 0), end=lsp.Position(1, 0))
        offered = [each.title for each in await it.editor.actions(it.uri, here)]
        assert "Accept all 2 changes of the agent" in offered
        assert "Accept: delete this" in offered
        lenses = await it.editor.client.text_document_code_lens_async(
            lsp.CodeLensParams(text_document=lsp.TextDocumentIdentifier(uri=it.uri))
        )
        assert {"Accept: delete this", "Reject"} <= {
            each.command.title for each in lenses or () if each.command
        }
        first = await it.editor.command("fixwright.accept", {"proposalId": name, "hunks": [1]})
        assert (first["applied"], first["left"]) == (True, 1), first
        assert it.editor.text(it.uri) == MEAN.replace(" + 1", "")
        assert not (tmp_path / "notes.txt").exists()
        second = await it.editor.command("fixwright.accept", {"proposalId": name})
        assert (second["applied"], second["left"]) == (True, 0), second
        assert it.editor.text(path_to_uri(tmp_path / "notes.txt")) == "one\n"
        gone = await it.editor.command("fixwright.accept", {"proposalId": name})
        assert gone["applied"] is False


async def test_a_client_that_reviews_itself_is_not_asked(tmp_path: Path) -> None:
    async with desk(tmp_path, PROVEN, "reviewing") as it:
        it.editor.answer = "Apply all"
        report = await it.agent()
        assert (report["status"], report["applied"]) == ("done", False)
        assert not it.editor.shown.questions
        taken = await it.editor.command("fixwright.accept", {"proposalId": report["proposalId"]})
        assert (taken["applied"], taken["left"]) == (True, 0), taken
        assert it.editor.text(it.uri) == MEAN.replace(" + 1", "")


async def test_parts_are_chosen_in_the_editors_own_preview(tmp_path: Path) -> None:
    other = ("edit", {"path": "test_mean.py", "edits": [{"old": "[1, 3]", "new": "[1, 2, 3]"}]})
    turns = [calls(REPAIR, other), calls(finish("Two things."))]
    async with desk(tmp_path, turns, annotations=True) as it:
        it.editor.answer = "Choose in the editor"
        it.editor.confirmed = lambda text: text == ""
        report = await it.agent()
        assert report["applied"] is True, report["reason"]
        assert it.editor.text(it.uri) == MEAN.replace(" + 1", "")
        [sent] = it.editor.shown.edits
        assert sent.edit.change_annotations is not None
        [note] = sent.edit.change_annotations.values()
        assert note.needs_confirmation
        undone = await it.editor.command("fixwright.undo", {})
        assert undone["applied"] is True, undone
        assert it.editor.text(it.uri) == MEAN
        rest = {"proposalId": report["proposalId"]}
        taken = await it.editor.command("fixwright.accept", rest)
        assert taken["applied"] is True, taken
        assert "[1, 2, 3]" in it.editor.text(path_to_uri(tmp_path / "test_mean.py"))


async def test_what_was_discarded_is_no_part_of_the_session_any_more(tmp_path: Path) -> None:
    turns = [calls(REPAIR), {"text": "Changed."}, calls(("git", {"op": "draft"})), {"text": "Ok."}]
    async with desk(tmp_path, turns) as it:
        it.editor.answer = "Discard"
        report = await it.agent()
        assert report["applied"] is False
        await it.agent("And now?", sessionId=report["sessionId"], mode="plan")
        assert "The draft changes nothing yet." in it.model.asked(3)
        assert "The mode is now plan" in it.model.asked(3)
        assert it.editor.text(it.uri) == MEAN


async def test_verified_edits_go_to_the_editor_as_they_come(tmp_path: Path) -> None:
    async with desk(tmp_path, PROVEN, agent={"approval": "edits"}) as it:
        report = await it.agent()
        assert report["status"] == "done"
        assert it.editor.text(it.uri) == MEAN.replace(" + 1", "")
        assert not it.editor.shown.questions
        undone = await it.editor.command("fixwright.undo", {})
        assert undone["applied"] is True, undone
        assert it.editor.text(it.uri) == MEAN


async def test_typing_during_a_turn_is_kept(tmp_path: Path) -> None:
    async with desk(tmp_path, PROVEN, "ours") as it:
        it.editor.answer = "Apply all"
        it.editor.before_edit = lambda: None
        work = it.agent()
        it.editor.insert(it.uri, 0, 0, "# mine\n")
        report = await work
        assert report["applied"] is True, report["reason"]
        assert it.editor.text(it.uri) == "# mine\n" + MEAN.replace(" + 1", "")


async def test_an_explanation_changes_nothing(tmp_path: Path) -> None:
    async with desk(tmp_path, [{"text": "It is the mean."}]) as it:
        place = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
        report = await it.editor.command("fixwright.explain", {"uri": it.uri, "range": place})
        assert (report["status"], report["text"]) == ("done", "It is the mean.")
        tools: Any = it.model.server.requests[0].body["tools"]
        assert "edit" not in {tool["name"] for tool in tools}


async def test_without_a_model_it_says_what_is_missing(tmp_path: Path) -> None:
    async with editing(tmp_path) as editor:
        report = await editor.command("fixwright.agent", {"prompt": "Do it."})
        assert report["status"] == "refused"
        assert "needs a model" in report["reason"]


@pytest.mark.parametrize("answer", ["Trust them", "Leave them off"])
async def test_a_repositorys_hooks_run_only_when_they_are_trusted(
    tmp_path: Path, answer: str
) -> None:
    hooks = tmp_path / ".fixwright" / "hooks.toml"
    hooks.parent.mkdir()
    hooks.write_text('[[hooks]]\nwhen = "before"\ntool = "edit"\ncommand = ["false"]\n')
    turns = [calls(REPAIR), {"text": "Tried."}]
    async with desk(tmp_path, turns) as it:
        it.editor.answer = answer
        report = await it.agent(apply=False)
        assert report["status"] == "done"
        [question] = it.editor.shown.questions
        assert "before edit: false" in question.message
        blocked = "blocks it" in it.model.asked(1)
        assert blocked is (answer == "Trust them")
        assert bool(report["diff"]) is not blocked
