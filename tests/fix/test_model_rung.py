"""The model's rung over the real server: what a model may say, how it may fail, what it is told."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from fixwright.json_reading import as_object
from support.editor import PATIENCE, Editor, editing
from support.models import ScriptedModel, edit, scripted_model
from support.needs import needs

pytestmark = pytest.mark.bubblewrap
WRONG = (
    "def mean(values):\n    return sum(values) / (len(values) + 1)\n\n\n"
    "assert mean([1, 2, 3]) == 2, 'the mean'\n"
)
RIGHT = WRONG.replace("(len(values) + 1)", "len(values)")
REPAIR = edit("a.py", "(len(values) + 1)", "len(values)", "Divide by the count")
USELESS = edit("a.py", "len(values) + 1", "len(values) + 2", "Divide by more")
PROTOCOLS = ["anthropic", pytest.param("openai", marks=pytest.mark.slow)]


class Bench:
    """A broken program in an editor, and the model that is asked about it."""

    def __init__(self, editor: Editor, model: ScriptedModel, uri: str) -> None:
        self.editor = editor
        self.model = model
        self.uri = uri

    async def fix(self) -> dict[str, Any]:
        await self.editor.run(self.uri)
        [diagnostic] = await self.editor.diagnostics(self.uri, 1)
        return await self.editor.fix(self.uri, diagnostic)

    @property
    def text(self) -> str:
        return self.editor.text(self.uri)

    def asked(self, number: int) -> str:
        """The last message of a request, as the model reads it."""
        body = self.model.server.requests[number].body
        messages = body["messages"]
        assert isinstance(messages, list)
        return json.dumps(as_object(messages[-1]), ensure_ascii=False).replace("\\n", "\n")


@asynccontextmanager
async def bench(
    folder: Path, turns: Sequence[Mapping[str, Any]], protocol: Any = "anthropic", **more: Any
) -> AsyncGenerator[Bench, None]:
    needs("bubblewrap")
    path = folder / "a.py"
    if not path.exists():
        path.write_text(WRONG)
    async with scripted_model(turns, protocol) as model:
        settings = {"sandbox": {"backend": "bubblewrap"}, "model": model.settings, **more}
        async with editing(folder, settings=settings, environment=model.environment) as editor:
            yield Bench(editor, model, editor.open_file(path))


@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_second_attempt_learns_from_the_first(tmp_path: Path, protocol: str) -> None:
    async with bench(tmp_path, [USELESS, REPAIR], protocol) as it:
        report = await it.fix()
        assert (report["status"], report["rung"], report["applied"]) == ("verified", "model", True)
        assert (report["title"], report["attempts"]) == ("Divide by the count", 2)
        assert report["before"]["status"] == "failed"
        assert report["after"]["status"] == "passed"
        assert report["usage"]["inputTokens"] == 20
        assert it.text == RIGHT
        await it.editor.diagnostics(it.uri, 0)
        first, second = it.asked(0), it.asked(1)
        assert "AssertionError: the mean" in first
        assert "return sum(values) / (len(values) + 1)" in first
        assert "It still fails: AssertionError: the mean" in second
        assert "taken back" in second


@pytest.mark.slow
@pytest.mark.parametrize("protocol", PROTOCOLS)
async def test_the_bundled_scripted_provider_plays_a_script_file(
    tmp_path: Path, protocol: str
) -> None:
    needs("bubblewrap")
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"protocol": protocol, "turns": [USELESS, REPAIR]}))
    (tmp_path / "w").mkdir()
    path = tmp_path / "w" / "a.py"
    path.write_text(WRONG)
    settings = {
        "sandbox": {"backend": "bubblewrap"},
        "model": {"provider": "scripted", "script": str(script)},
    }
    async with editing(tmp_path / "w", settings=settings) as editor:
        uri = editor.open_file(path)
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(uri, 1)
        report = await editor.fix(uri, diagnostic)
        assert (report["status"], report["attempts"]) == ("verified", 2), report["reason"]
        assert editor.text(uri) == RIGHT


def call(**fields: Any) -> dict[str, Any]:
    return {"tools": [{"name": "propose_edit", **fields}]}


def proposal(*edits: object) -> dict[str, Any]:
    return call(input={"title": "t", "edits": list(edits)})


UNUSABLE = [
    pytest.param(call(raw='{"title": "cut of'), "not valid JSON", id="malformed"),
    pytest.param(call(raw="[1, 2]"), "not valid JSON", id="no object"),
    pytest.param(call(input={}), "a title and a list of edits", id="empty"),
    pytest.param(proposal(), "a title and a list of edits", id="no edits"),
    pytest.param(proposal("text"), "edits[0] must have", id="text for an edit"),
    pytest.param(proposal({"path": "a.py", "old": 1, "new": ""}), "edits[0]", id="wrong type"),
    pytest.param(edit("a.py", "nowhere", "x"), "does not occur in a.py", id="not there"),
    pytest.param(edit("a.py", "values", "x"), "occurs 3 times in a.py", id="not unique"),
    pytest.param(edit("a.py", "", "x"), "does not occur", id="old is empty"),
    pytest.param(edit("a.py", "'the mean'", "'the mean'"), "changes nothing", id="no change"),
    pytest.param(
        {"tools": [{"name": "run_shell", "input": {"command": "rm -rf /"}}]},
        "There is no tool run_shell",
        id="unknown tool",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize(("turn", "told"), UNUSABLE)
async def test_an_unusable_proposal_is_answered_and_the_next_one_run(
    tmp_path: Path, turn: dict[str, Any], told: str
) -> None:
    async with bench(tmp_path, [turn, REPAIR]) as it:
        report = await it.fix()
        assert told in it.asked(1)
        assert (report["status"], report["attempts"]) == ("verified", 2), report["reason"]
        assert it.text == RIGHT


WAYS_OUT = [
    "../other/secret.py",
    "{other}/secret.py",
    "file://{other}/secret.py",
    "link.py",
    "linked/secret.py",
    "./../other/secret.py",
    "sub/../../other/secret.py",
]
NOT_THE_PROGRAM = [".git/hooks/pre-commit", ".vscode/tasks.json", "ignored.py", "new.py", "", "."]


@pytest.mark.parametrize("paths", [WAYS_OUT, NOT_THE_PROGRAM], ids=["outside", "not the program"])
async def test_nothing_but_the_program_can_be_reached(tmp_path: Path, paths: list[str]) -> None:
    """One conversation tries every way; each is refused to the model's face."""
    folder, other = tmp_path / "w", tmp_path / "other"
    other.mkdir()
    await asyncio.to_thread(subprocess.run, ["git", "init", "-q", str(folder)], check=True)
    secret = other / "secret.py"
    secret.write_text("x = 'confidential'\n")
    hook = folder / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(parents=True, exist_ok=True)
    hook.write_text("x = 'confidential'\n")
    (folder / ".vscode").mkdir()
    (folder / ".vscode" / "tasks.json").write_text("x = 'confidential'\n")
    (folder / ".gitignore").write_text("ignored.py\n")
    (folder / "ignored.py").write_text("x = 'confidential'\n")
    (folder / "link.py").symlink_to(secret)
    (folder / "linked").symlink_to(other)
    turns = [edit(path.format(other=other), "confidential", "changed") for path in paths]
    harmless = {"path": "a.py", "old": "'the mean'", "new": "''"}
    outside = {"path": "../other/secret.py", "old": "confidential", "new": "changed"}
    turns.append(proposal(harmless, outside))
    async with bench(folder, turns, fix={"attempts": len(turns)}) as it:
        report = await it.fix()
        assert (report["status"], report["applied"], report["diff"]) == ("none", False, "")
        assert report["attempts"] == len(turns)
        assert it.text == WRONG
        for number in range(1, len(turns)):
            answer = it.asked(number)
            assert "confidential" not in answer, "nor is it shown"
            assert "is_error" in answer
            assert "taken back" not in answer, "none of them was run"
    for path in (secret, hook, folder / ".vscode" / "tasks.json", folder / "ignored.py"):
        assert path.read_text() == "x = 'confidential'\n"
    assert not (folder / "new.py").exists()


@pytest.mark.slow
async def test_exhausted_attempts_leave_the_buffers_untouched(tmp_path: Path) -> None:
    async with bench(tmp_path, [USELESS] * 5) as it:
        report = await it.fix()
        assert (report["status"], report["applied"], report["attempts"]) == ("none", False, 3)
        assert "no edit that passes in 3 attempts" in report["reason"]
        assert it.text == WRONG
        assert not it.editor.shown.edits
        assert not it.editor.shown.questions
        assert len(it.model.server.requests) == 3


@pytest.mark.slow
async def test_a_model_that_only_talks_is_quoted(tmp_path: Path) -> None:
    async with bench(tmp_path, [{"text": "I would rather not."}]) as it:
        report = await it.fix()
        assert report["status"] == "none"
        assert "I would rather not." in report["reason"]
        assert it.text == WRONG


@pytest.mark.slow
async def test_an_edit_that_moves_the_failure_is_offered_as_unverified_only(
    tmp_path: Path,
) -> None:
    moves = edit("a.py", "(len(values) + 1)", "nothing", "Move it")
    async with bench(tmp_path, [moves, {"text": "That is all."}]) as it:
        report = await it.fix()
        assert (report["status"], report["applied"]) == ("unverified", False)
        assert "NameError" in report["reason"]
        [question] = it.editor.shown.questions
        assert "not verified" in question.message
        assert it.text == WRONG


@pytest.mark.slow
async def test_the_budget_ends_the_attempts(tmp_path: Path) -> None:
    """A model of unknown price is not stopped; one attempt is always allowed."""
    async with bench(tmp_path, [USELESS, REPAIR]) as it:
        report = await it.fix()
        assert report["usage"]["costUsd"] is None
        assert report["attempts"] == 2


# ---- faults of the service ------------------------------------------------------------------

PASSING = [
    pytest.param({"status": 429, "headers": {"retry-after": "0.1"}}, id="rate limit"),
    pytest.param({"status": 529}, id="overloaded"),
    pytest.param({"status": 500}, id="server error"),
    pytest.param({"drop_after": 3}, id="broken stream"),
    pytest.param({"cut_after": 3}, id="short stream"),
    pytest.param({"reset_after": 2}, id="connection reset"),
    pytest.param({"error_after": 2, "error": "overloaded_error"}, id="error in the stream"),
]


@pytest.mark.slow
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("fault", PASSING)
async def test_a_passing_fault_costs_no_attempt(
    tmp_path: Path, protocol: str, fault: dict[str, Any]
) -> None:
    async with bench(tmp_path, [{**REPAIR, "fault": fault}, REPAIR], protocol) as it:
        report = await it.fix()
        assert (report["status"], report["attempts"]) == ("verified", 1), report["reason"]
        assert len(it.model.server.requests) == 2
        assert it.text == RIGHT


LASTING = [
    pytest.param({"status": 401}, "KEY", id="wrong key"),
    pytest.param({"status": 403}, "", id="forbidden"),
    pytest.param({"status": 400, "message": "bad"}, "bad", id="bad request"),
    pytest.param({"status": 404}, "scripted", id="no such model"),
]


@pytest.mark.slow
@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize(("fault", "said"), LASTING)
async def test_a_lasting_fault_is_told_at_once(
    tmp_path: Path, protocol: str, fault: dict[str, Any], said: str
) -> None:
    async with bench(tmp_path, [{"fault": fault}, REPAIR], protocol) as it:
        report = await it.fix()
        assert (report["status"], report["applied"]) == ("error", False)
        assert said in report["reason"]
        assert report["reason"].rstrip()[-1] in ".!)", report["reason"]
        assert "sk-test" not in report["reason"]
        assert len(it.model.server.requests) == 1
        assert any(report["reason"] in message for message in it.editor.shown.messages)
        assert it.text == WRONG


@pytest.mark.slow
async def test_a_missing_key_is_named(tmp_path: Path) -> None:
    needs("bubblewrap")
    path = tmp_path / "a.py"
    path.write_text(WRONG)
    settings = {"sandbox": {"backend": "bubblewrap"}, "model": {"provider": "openai"}}
    async with editing(tmp_path, settings=settings, environment={"OPENAI_API_KEY": ""}) as editor:
        uri = editor.open_file(path)
        await editor.run(uri)
        [diagnostic] = await editor.diagnostics(uri, 1)
        report = await editor.fix(uri, diagnostic)
        assert report["status"] == "error"
        assert "OPENAI_API_KEY is not set" in report["reason"]


@pytest.mark.slow
async def test_slow_words_can_be_cancelled(tmp_path: Path) -> None:
    slow = {**REPAIR, "text": "word " * 1000, "chunk": 5, "pace": 0.05}
    async with bench(tmp_path, [slow]) as it:
        fixing = asyncio.create_task(it.fix())
        await it.editor.until(lambda: "word" in str(it.editor.shown.progress), "words")
        await it.editor.command("fixwright.cancel", {})
        report = await asyncio.wait_for(fixing, PATIENCE)
        assert (report["status"], report["applied"]) == ("cancelled", False)
        left = it.model.server.wait_until(lambda server: server.disconnects == 1)
        await asyncio.wait_for(left, PATIENCE)
        assert it.text == WRONG
        assert (await it.editor.command("fixwright.status"))["jobs"] == []


# ---- what it is told ------------------------------------------------------------------------


@pytest.mark.slow
async def test_secrets_do_not_leave_the_machine(tmp_path: Path) -> None:
    secrets = [
        "sk-ant-api03-0123456789abcdefghijklmnop",
        "ghp_0123456789abcdefghijklmnopqrstuvwxyz",
        "AKIAIOSFODNN7EXAMPLE",
        "hunter2hunter2",
    ]
    key, token, cloud, password = secrets
    (tmp_path / "a.py").write_text(
        f"KEY = '{key}'\nTOKEN = '{token}'\nCLOUD = '{cloud}'\n"
        f"URL = 'postgres://me:{password}@db.example/x'\nprint(KEY, TOKEN, CLOUD, URL)\n" + WRONG
    )
    leak = edit("a.py", "'the mean'", f"'{key}'")
    async with bench(tmp_path, [USELESS, leak, REPAIR]) as it:
        report = await it.fix()
        assert (report["status"], report["attempts"]) == ("verified", 3), report["reason"]
        for number in (0, 1):
            said = it.model.asked(number)
            assert "assert mean" in said
            assert not [secret for secret in secrets if secret in said]
        assert key not in it.asked(2), "what the model said itself comes back redacted"
        assert key in it.text, "the user's own text keeps it"


@pytest.mark.slow
async def test_crlf_and_characters_beyond_the_plane_survive(tmp_path: Path) -> None:
    text = ("# 😀 é\n" + WRONG).replace("\n", "\r\n")
    (tmp_path / "a.py").write_bytes(text.encode())
    old = "def mean(values):\n    return sum(values) / (len(values) + 1)"
    new = "def mean(values):\n    return sum(values) / len(values)  # 😀"
    async with bench(tmp_path, [edit("a.py", old, new)]) as it:
        it.editor.close(it.uri)
        it.editor.open(it.uri, text)
        report = await it.fix()
        assert report["status"] == "verified", report["reason"]
        assert it.text == text.replace("/ (len(values) + 1)", "/ len(values)  # 😀")
