"""A session that talked to a model over HTTP, repeated without it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from fixwright.agent.desk import Desk
from fixwright.agent.drafts import recorded
from fixwright.agent.records import Journal
from fixwright.agent.sessions.digests import (
    Part,
    parts_record,
    request_bytes,
    request_digest,
    request_parts,
    shared_prefix,
)
from fixwright.agent.sessions.messages import message_to_json, usage_to_json
from fixwright.agent.sessions.replay import Replay, ReplayDiffers, model_of
from fixwright.agent.sessions.resume import conversation
from fixwright.agent.sessions.store import SessionStore
from fixwright.agent.sessions.tape import first_difference, recorded_requests, turns
from fixwright.agent.tools.registry import Registry, Tool
from fixwright.agent.tools.spec import Action, Effect, Outcome
from fixwright.models.scripted.provider import connect
from fixwright.models.scripted.script import parse_script
from fixwright.models.scripted.server import ScriptedServer
from fixwright.models.types import Done, Message, ModelError, Provider, Request
from fixwright.models.types import Tool as ModelTool
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot

if TYPE_CHECKING:
    from fixwright.runs.runner import Runner

SCRIPT = {
    "turns": [
        {
            "text": "I look.",
            "thinking": "hm",
            "tools": [{"name": "look", "input": {"n": 1}}, {"name": "change", "input": {"n": 2}}],
        },
        {"text": "I look again.", "tools": [{"name": "look", "input": {"n": 1}}]},
        {"text": "Done."},
        {"fault": {"status": 401}},
    ]
}


@dataclass
class Counter:
    """A tool whose answers differ from call to call, so that only a recording repeats them."""

    name: str
    effect: Effect
    uri: str
    description: str = "Counts."
    calls: int = 0

    @property
    def schema(self) -> Mapping[str, object]:
        return {"type": "object", "properties": {"n": {"type": "integer"}}}

    def action(self, arguments: Mapping[str, object] | None, desk: Desk) -> Action:
        return Action(self.name, self.effect)

    async def call(self, arguments: Mapping[str, object] | None, desk: Desk) -> Outcome:
        self.calls += 1
        if self.effect != "draft":
            return Outcome(f"{self.name} {self.calls}")
        desk.draft = desk.draft.create(self.uri, "new\n")
        return Outcome(f"{self.name} {self.calls}", draft=desk.draft)


def rendered(data: Mapping[str, object]) -> str:
    return str(data["text"])


@dataclass
class SmallLoop:
    """The least that makes a session: asks, makes calls, records both."""

    provider: Provider
    tools: Registry
    journal: Journal
    desk: Desk
    system: str = "You count."
    parts: tuple[Part, ...] = ()

    async def turn(self, text: str) -> None:
        await self.journal.append("user", {"text": text})
        try:
            while await self.step():
                pass
            status = "done"
        except ModelError as error:
            await self.journal.append("failed", {"kind": error.kind, "message": str(error)})
            status = "error"
        except asyncio.CancelledError:
            status = "cancelled"
        await self.journal.append("ended", {"status": status})

    async def step(self) -> bool:
        messages = conversation(self.journal.events, rendered)
        request = Request((self.system,), messages, self.tools.for_model())
        parts = request_parts(request)
        said = {
            "key": self.provider.key,
            "digest": request_digest(request),
            "bytes": len(request_bytes(request)),
            "parts": parts_record(parts, self.parts),
        }
        self.parts = parts
        await self.journal.append("request", said)
        done: Done | None = None
        async with aclosing(self.provider.stream(request)) as items:
            async for item in items:
                done = item if isinstance(item, Done) else done
        assert done is not None
        answer = {
            "message": message_to_json(done.message), "stop": done.stop,
            "usage": usage_to_json(done.usage), "requestId": done.request_id,
        }  # fmt: skip
        await self.journal.append("answer", answer)
        for call in done.message.calls:
            await self.journal.append("call", {"id": call.id, "name": call.name})
            outcome = await self.tools[call.name].call(call.arguments, self.desk)
            data: dict[str, object] = {"id": call.id, "text": outcome.text, "error": outcome.error}
            texts: Sequence[str] = ()
            if outcome.draft is not None:
                data["draft"], texts = recorded(outcome.draft)
            await self.journal.append("result", data, texts)
        return bool(done.message.calls)


@dataclass
class Stage:
    """A store, a workspace, and a session that was had."""

    store: SessionStore
    now: Snapshot
    uri: str
    session: Journal
    loop: SmallLoop

    def tools(self) -> Registry:
        counters = [Counter("look", "read", self.uri), Counter("change", "draft", self.uri)]
        return Registry(cast("list[Tool]", counters))

    def desk(self) -> Desk:
        return Desk(lambda: self.now, Draft.over(self.now), cast("Runner", None))

    async def again(self, replay: Replay, tools: Registry | None = None) -> SmallLoop:
        journal = await self.store.create([], "propose")
        offered = replay.tools(tools or self.tools())
        return SmallLoop(replay.provider, offered, journal, self.desk())


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    store = SessionStore(tmp_path / "state" / "sessions.db")
    (tmp_path / "project").mkdir()
    folder = Folder.at(path_to_uri(tmp_path / "project"))
    assert folder is not None
    now = Snapshot().with_folders([folder])
    journal = await store.create([folder.uri], "propose")
    script = parse_script(SCRIPT)
    server = ScriptedServer(script)
    await server.start()
    provider = await connect(script, server, max_tokens=1000)
    stage = Stage(
        store, now, path_to_uri(tmp_path / "project" / "new"), journal, cast("SmallLoop", None)
    )
    stage.loop = SmallLoop(provider, stage.tools(), journal, stage.desk())
    await stage.loop.turn("count, please")
    await stage.loop.turn("and again")
    await provider.close()
    await server.close()
    yield stage
    await store.close()


def types(journal: Journal) -> list[str]:
    return [event.type for event in journal.events]


async def test_a_session_is_repeated_without_its_model_and_its_tools(stage: Stage) -> None:
    replay = Replay(stage.session)
    loop = await stage.again(replay)
    for data in turns(stage.session.events):
        await loop.turn(str(data["text"]))
    assert first_difference(stage.session.events, loop.journal.events) is None
    assert types(loop.journal) == types(stage.session)
    assert loop.desk.draft.text(stage.uri) == "new\n"
    assert conversation(loop.journal.events, rendered) == conversation(
        stage.session.events, rendered
    )
    assert replay.provider.left == 0
    assert replay.provider.key.startswith("anthropic:http://127.0.0.1")
    assert replay.provider.model == "scripted"
    texts = [event.data["text"] for event in loop.journal.events if event.type == "result"]
    assert texts == ["look 1", "change 1", "look 2"]
    with pytest.raises(ReplayDiffers, match="did not make request 5"):
        await loop.step()


async def test_a_session_is_repeated_from_its_export(stage: Stage, tmp_path: Path) -> None:
    other = SessionStore(tmp_path / "other" / "sessions.db")
    imported = await other.import_(await stage.store.export(stage.session.session))
    loop = await stage.again(Replay(imported))
    await loop.turn("count, please")
    await loop.turn("and again")
    assert first_difference(stage.session.events, loop.journal.events) is None
    await other.close()


async def test_what_differs_first_is_named(stage: Stage) -> None:
    async def told(text: str = "count, please", system: str = "", **changed: str) -> str:
        tools = stage.tools()
        for name, description in changed.items():
            cast("Counter", tools[name]).description = description
        loop = await stage.again(Replay(stage.session), tools)
        loop.system = system or loop.system
        with pytest.raises(ReplayDiffers) as caught:
            await loop.turn(text)
        return str(caught.value)

    said = await told("something else")
    assert "Request 1 is not the recorded one: message 1 (user's message) has changed" in said
    assert "(event 3; " in said
    assert "part 1 of the system prompt has changed" in await told(system="You don't.")
    assert "the tool change has changed" in await told(change="Another description.")


async def test_a_tool_that_is_called_otherwise_is_named_first(stage: Stage) -> None:
    replay = Replay(stage.session)
    tools = replay.tools(stage.tools())
    with pytest.raises(ReplayDiffers, match=r'no \(further\) call look \{"n": 7\}') as caught:
        await tools["look"].call({"n": 7}, stage.desk())
    with pytest.raises(ReplayDiffers) as later:
        async with aclosing(replay.provider.stream(Request(("",), ()))) as items:
            await anext(items)
    assert later.value is caught.value is replay.differs


async def test_a_limit_that_was_lowered_on_the_way_is_no_difference(stage: Stage) -> None:
    replay = Replay(stage.session)
    messages = (Message("user", "count, please"),)
    request = Request(("You count.",), messages, stage.tools().for_model(), max_tokens=7)
    async with aclosing(replay.provider.stream(request)) as items:
        found = [item async for item in items]
    assert isinstance(found[-1], Done)


async def test_a_cancelled_turn_is_cancelled_again(stage: Stage) -> None:
    journal = await stage.store.create([], "propose")
    events = stage.session.events
    for event in events[1 : [each.type for each in events].index("request") + 1]:
        await journal.append(event.type, event.data)
    await journal.append("ended", {"status": "cancelled"})
    loop = await stage.again(Replay(journal))
    await loop.turn("count, please")
    assert types(loop.journal) == types(journal)


async def test_a_request_that_a_crash_cut_is_made_once(stage: Stage) -> None:
    journal = await stage.store.create([], "propose")
    for event in stage.session.events[1:]:
        await journal.append(event.type, event.data)
        if event.type == "request":
            await journal.append(event.type, event.data)
    assert len(recorded_requests(journal.events)) == len(recorded_requests(stage.session.events))


def test_a_request_continues_the_one_before() -> None:
    tool = ModelTool("look", "Looks.", {"type": "object"})
    first = Request(("a", "b"), (Message("user", "one"),), (tool,))
    then = Request(first.system, (*first.messages, Message("assistant", "two \ud800")), (tool,))
    one, other = request_bytes(first), request_bytes(then)
    assert other.startswith(one)
    assert shared_prefix(one, other) == len(one) == shared_prefix(other, one)
    assert shared_prefix(b"", one) == 0
    assert request_digest(first) != request_digest(then)
    assert request_digest(first) == request_digest(Request(("a", "b"), first.messages, (tool,)))
    record = parts_record(request_parts(then), request_parts(first))
    assert record["kept"] == 4
    assert [part[0] for part in cast("list[list[str]]", record["then"])] == [
        "message 2 (assistant's message)"
    ]


@pytest.mark.parametrize(
    ("key", "model"),
    [
        ("anthropic:https://api.anthropic.com:claude-x", "claude-x"),
        ("openai:http://127.0.0.1:11434/v1:llama3:8b", "llama3:8b"),
        ("openai:http://localhost:8080:m", "m"),
        ("openai:https://host/v1:org/model:free", "org/model:free"),
        ("openai:https://host:org/model", "org/model"),
        ("scripted", "scripted"),
        ("", ""),
    ],
)
def test_the_model_of_a_key(key: str, model: str) -> None:
    assert model_of(key) == model
