"""The agent over ACP, through the package's own client side and a real process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import acp
import pytest
from acp.schema import (
    AllowedOutcome,
    ClientCapabilities,
    DeniedOutcome,
    FileSystemCapabilities,
    ReadTextFileResponse,
    RequestPermissionResponse,
)

from fixwright.workspace.paths import path_to_uri
from support.agents import calls
from support.needs import needs

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]

MEAN = "def mean(numbers):\n    return sum(numbers) / len(numbers) + 1\n"
RIGHT = MEAN.replace(" + 1", "")
REPAIR = calls(("edit", {"path": "mean.py", "edits": [{"old": " + 1", "new": ""}]}))
DONE = calls(("finish", {"summary": "It added one too much.", "claims": []}))
Turn = Mapping[str, Any]


def on_disk(path: str) -> str:
    return Path(path).read_text()


@dataclass
class Editor:
    """What the client has open, answers and is told."""

    folder: Path
    agent: Any = None
    answer: str | None = "apply"
    buffers: dict[str, str] = field(default_factory=dict[str, str])
    updates: list[Any] = field(default_factory=list[Any])
    asked: list[Any] = field(default_factory=list[Any])
    before_answer: Any = None
    began: asyncio.Event = field(default_factory=asyncio.Event)

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        self.updates.append(update)
        if update.session_update == "tool_call":
            self.began.set()

    async def request_permission(
        self, session_id: str, tool_call: Any, options: list[Any], **_: Any
    ) -> RequestPermissionResponse:
        self.asked.append((tool_call, options))
        if self.before_answer:
            self.before_answer()
        if self.answer is None:
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        chosen = AllowedOutcome(outcome="selected", option_id=self.answer)
        return RequestPermissionResponse(outcome=chosen)

    async def read_text_file(self, session_id: str, path: str, **_: Any) -> ReadTextFileResponse:
        if path in self.buffers:
            return ReadTextFileResponse(content=self.buffers[path])
        try:
            return ReadTextFileResponse(content=on_disk(path))
        except OSError as error:
            raise acp.RequestError.resource_not_found(path) from error

    async def write_text_file(self, session_id: str, path: str, content: str, **_: Any) -> None:
        self.buffers[path] = content

    def on_connect(self, conn: Any) -> None:
        self.agent = conn

    @property
    def code(self) -> str:
        return str(self.folder / "mean.py")

    def said(self) -> str:
        every = [each for each in self.updates if each.session_update == "agent_message_chunk"]
        return "".join(each.content.text for each in every)

    def kinds(self, what: str) -> list[Any]:
        return [each for each in self.updates if each.session_update == what]

    async def begin(self, mode: str = "edit") -> str:
        session = (await self.agent.new_session(cwd=str(self.folder), mcp_servers=[])).session_id
        if mode != "edit":
            await self.agent.set_session_mode(session_id=session, mode_id=mode)
        return session

    async def say(self, session: str, text: str, *more: Any) -> str:
        blocks = [acp.text_block(text), *more]
        return (await self.agent.prompt(session_id=session, prompt=blocks)).stop_reason


@asynccontextmanager
async def editing(
    root: Path, turns: Sequence[Turn], *, files: bool = True
) -> AsyncGenerator[Editor, None]:
    needs("bubblewrap")
    folder = root / "code"
    folder.mkdir(exist_ok=True)
    (folder / "mean.py").write_text(MEAN)
    script = root / "script.json"
    script.write_text(json.dumps({"protocol": "anthropic", "turns": list(turns)}))
    environment = {
        **os.environ,
        "FIXWRIGHT_SANDBOX_BACKEND": "bubblewrap",
        "FIXWRIGHT_MODEL_PROVIDER": "scripted",
        "FIXWRIGHT_MODEL_SCRIPT": str(script),
        "XDG_STATE_HOME": str(root / "state"),
        "XDG_CACHE_HOME": str(root / "cache"),
    }
    editor: Any = Editor(folder)
    async with acp.spawn_agent_process(
        editor, sys.executable, "-m", "fixwright", "acp", env=environment, cwd=folder
    ) as (agent, _process):
        editor.agent = agent
        fs = FileSystemCapabilities(read_text_file=files, write_text_file=files)
        answer = await agent.initialize(
            protocol_version=acp.PROTOCOL_VERSION, client_capabilities=ClientCapabilities(fs=fs)
        )
        assert answer.protocol_version == acp.PROTOCOL_VERSION
        yield editor


async def test_a_draft_is_shown_asked_about_and_handed_over(tmp_path: Path) -> None:
    async with editing(tmp_path, [{**REPAIR, "thinking": "Hm.", "text": "I see."}, DONE]) as it:
        session = await it.begin()
        assert await it.say(session, "Repair it.") == "end_turn"
        assert it.buffers == {it.code: RIGHT}
        assert (it.folder / "mean.py").read_text() == MEAN
        assert it.said().startswith("I see.")
        assert it.kinds("agent_thought_chunk")[0].content.text == "Hm."
        [edit, _finish, apply] = it.kinds("tool_call")
        assert (edit.kind, edit.status) == ("edit", "in_progress")
        assert [each.path for each in edit.locations] == [it.code]
        [(asked, options)] = it.asked
        assert [(each.path, each.old_text, each.new_text) for each in asked.content] == [
            (it.code, MEAN, RIGHT)
        ]
        assert [each.kind for each in options] == ["allow_once", "reject_once"]
        ends = {each.tool_call_id: each.status for each in it.kinds("tool_call_update")}
        assert ends[apply.tool_call_id] == "completed"

        it.updates.clear()
        await it.agent.load_session(cwd=str(it.folder), session_id=session, mcp_servers=[])
        assert it.kinds("user_message_chunk")[0].content.text == "Repair it."
        assert "It added one too much." in it.said()


async def test_unsaved_text_is_worked_on_and_typing_is_kept(tmp_path: Path) -> None:
    async with editing(tmp_path, [REPAIR, DONE]) as it:
        it.buffers[it.code] = f"# unsaved\n{MEAN}"

        def type_on() -> None:
            it.buffers[it.code] = "# typed\n" + it.buffers[it.code]

        it.before_answer = type_on
        session = await it.begin()
        link = acp.resource_link_block("mean.py", path_to_uri(it.folder / "mean.py"))
        assert await it.say(session, "Repair it.", link) == "end_turn"
        assert it.buffers[it.code] == f"# typed\n# unsaved\n{RIGHT}"


async def test_what_the_user_changed_at_the_same_place_stays(tmp_path: Path) -> None:
    async with editing(tmp_path, [REPAIR, DONE]) as it:
        mine = MEAN.replace("+ 1", "+ 2")
        it.before_answer = lambda: it.buffers.update({it.code: mine})
        await it.say(await it.begin(), "Repair it.")
        assert it.buffers == {it.code: mine}
        assert "Not applied" in it.said()


async def test_nothing_is_written_without_a_yes(tmp_path: Path) -> None:
    async with editing(tmp_path, [REPAIR, DONE, REPAIR, {"text": "No tool."}]) as it:
        it.answer = None
        await it.say(await it.begin(), "Repair it.")
        assert it.buffers == {}
        it.asked.clear()
        assert await it.say(await it.begin("ask"), "Repair it.") == "end_turn"
        assert it.asked == []
        assert "There is no tool edit" in str(it.updates)
    assert on_disk(it.code) == MEAN


async def test_permissions_are_asked_of_the_client(tmp_path: Path) -> None:
    make = calls(("file_op", {"op": "create", "path": ".env", "text": "A=1\n"}))
    async with editing(tmp_path, [make, {"text": "I may not."}]) as it:
        it.answer = "no"
        await it.say(await it.begin(), "Make it.")
        [(_, options)] = it.asked
        kinds = {each.option_id: each.kind for each in options}
        assert kinds == {"once": "allow_once", "no": "reject_once"}
        assert it.buffers == {}


async def test_a_client_without_files_has_them_written_to_disk(tmp_path: Path) -> None:
    async with editing(tmp_path, [REPAIR, DONE], files=False) as it:
        await it.say(await it.begin(), "Repair it.")
        assert on_disk(it.code) == RIGHT


async def test_a_turn_that_is_cancelled_answers_so(tmp_path: Path) -> None:
    slow = calls(("run", {"command": "sleep 300"}))
    async with editing(tmp_path, [slow, {"text": "Here."}]) as it:
        session = await it.begin()
        turn = asyncio.create_task(it.say(session, "Go."))
        async with asyncio.timeout(30):
            await it.began.wait()
        await it.agent.cancel(session_id=session)
        async with asyncio.timeout(10):
            assert await turn == "cancelled"
        assert await it.say(session, "Go on.") == "end_turn"
        assert "Here." in it.said()


async def test_what_is_wrong_is_an_error_that_says_so(tmp_path: Path) -> None:
    async with editing(tmp_path, [{"fault": {"status": 401}}]) as it:
        session = await it.begin()
        with pytest.raises(acp.RequestError, match="key"):
            await it.say(session, "Go.")
        with pytest.raises(acp.RequestError, match="no session"):
            await it.say("nosuch", "Go.")
        with pytest.raises(acp.RequestError, match="no mode"):
            await it.agent.set_session_mode(session_id=session, mode_id="wild")
