"""A whole session once more, offline: the real loop over what was recorded.

No model is asked, no tool does anything, no file is read or written but those of a temporary store.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections import defaultdict, deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fixwright.agent.asking import Asking
from fixwright.agent.budget import Budget, LimitReached, Limits
from fixwright.agent.calls import Done, Hands
from fixwright.agent.history import History
from fixwright.agent.loop import Loop
from fixwright.agent.plugins.recorded import with_recorded
from fixwright.agent.policy.fence import Fence
from fixwright.agent.session import Surroundings, open_session, tools_for
from fixwright.agent.sessions.records import plain
from fixwright.agent.sessions.replay import Replay, ReplayDiffers
from fixwright.agent.sessions.resume import is_turns
from fixwright.agent.sessions.store import SessionStore
from fixwright.agent.sessions.tape import first_difference, recorded_calls
from fixwright.agent.tools.spec import Outcome
from fixwright.json_reading import as_list, as_object
from fixwright.models.context import ContextFinder
from fixwright.models.errors import Endpoint
from fixwright.models.fallback import Fallback
from fixwright.models.json_reading import as_text
from fixwright.models.model import Model
from fixwright.models.types import Result
from fixwright.workspace.snapshot import Folder, Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from fixwright.agent.context.prompt import Mode
    from fixwright.agent.guard import Guard
    from fixwright.agent.records import Event, Journal
    from fixwright.agent.session import AgentSession
    from fixwright.agent.sessions.tape import RecordedCall
    from fixwright.agent.tools.registry import Registry
    from fixwright.models.types import Call, ModelError, Request
    from fixwright.runs.runner import Runner

_UNLIMITED = Limits(calls=1 << 30, seconds=1e9, tokens=None, usd=None)


@dataclass(frozen=True, slots=True)
class Rerun:
    """What came of a repetition: how many turns and requests, and where it first differed."""

    turns: int
    requests: int
    difference: str | None


async def rerun(exported: Mapping[str, object], tools: Registry | None = None) -> Rerun:
    """Repeat an exported session; `tools` are those that it had, the mode's own by default.

    Raises:
        SessionError: it is no session, or there is no place for a temporary one.
    """
    with tempfile.TemporaryDirectory(prefix="fixwright-replay-") as folder:
        store = SessionStore(Path(folder) / "sessions.db")
        try:
            recorded = await store.import_(exported)
            begun = await store.import_({**exported, "events": _before_turns(exported)})
            return await _repeated(recorded, begun, tools)
        finally:
            await store.close()


def _before_turns(exported: Mapping[str, object]) -> list[object]:
    events = as_list(exported.get("events"))
    types = [as_object(each).get("type") for each in events]
    return events[: types.index("user")] if "user" in types else events


async def _repeated(recorded: Journal, begun: Journal, tools: Registry | None) -> Rerun:
    replay = Replay(recorded)
    created = recorded.events[0].data
    around = _surroundings(replay, recorded)
    mode = cast("Mode", as_text(created.get("mode")))
    tools = tools or await with_recorded(tools_for(mode), recorded)
    session = await open_session(begun, mode, around, _UNLIMITED, tools)
    turns = _turns(recorded.events)
    for turn in turns:
        loop = _loop(session, around, replay, turn)
        try:
            said = turn[0].data
            await loop.turn(as_text(said.get("text")), as_text(said.get("context")))
        except ReplayDiffers:
            break
        except asyncio.CancelledError:  # as the recorded turn was
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
    difference = str(replay.differs) if replay.differs else None
    difference = difference or first_difference(recorded.events, begun.events)
    made = sum(each.type == "request" for each in begun.events)
    return Rerun(len(turns), made, difference)


def _surroundings(replay: Replay, recorded: Journal) -> Surroundings:
    folders = as_list(recorded.events[0].data.get("folders"))
    found = [Folder.at(each) for each in folders if isinstance(each, str)]
    now = Snapshot().with_folders([each for each in found if each is not None])
    keys = {as_text(each.data.get("key")) for each in recorded.events if each.type == "request"}
    endpoint = Endpoint("the recorded model", "", replay.provider.model, "the session")
    model = Model(replay.provider, max_tokens=1, context=ContextFinder(endpoint, ""))

    async def open_model() -> Model:
        return model

    async def consent(failed: Model, following: Model, error: ModelError) -> bool:
        del failed, following, error
        return True

    models = Fallback([open_model] * max(1, len(keys)), consent)
    return Surroundings(
        now=lambda: now,
        runner=cast("Runner", None),  # recorded tools run nothing
        models=models,
        small=models,
        guard=cast("Guard", None),  # nobody is asked: what was decided is recorded
        clean=lambda text: text,  # it was clean when it was recorded
    )


def _turns(events: Sequence[Event]) -> list[list[Event]]:
    """The events of each turn, from what the user said on."""
    turns: list[list[Event]] = []
    for event in events:
        if event.type == "user" and "by" not in event.data:
            turns.append([])
        if turns:
            turns[-1].append(event)
    return turns


def _loop(
    session: AgentSession, around: Surroundings, replay: Replay, turn: Sequence[Event]
) -> Loop:
    asking = Asking(around.models, around.small, Budget(_UNLIMITED), session.journal)
    hands = _RecordedHands(
        session.desk, session.tools, around.guard, session.journal, Fence(session.id),
        around.clean, replay=replay, recorded=turn,
    )  # fmt: skip
    offered = session.tools.for_model()
    steps, ended = _steps(turn)
    history = _RecordedHistory(session.journal, session.front, offered, steps=steps, ended=ended)
    return Loop(session.journal, history, asking, hands)


def _steps(turn: Iterable[Event]) -> tuple[deque[tuple[str, ...]], str]:
    """How the history was made shorter before each request of a turn, and why the turn ended."""
    steps: deque[tuple[str, ...]] = deque()
    waiting: list[str] = []
    ended = ""
    for event in turn:
        if event.type == "compacted":
            waiting.append("summary" if event.data.get("upTo") else "prune")
        elif event.type == "request" and is_turns(event):
            steps.append(tuple(waiting))
            waiting = []
        elif event.type == "ended":
            ended = as_text(event.data.get("reason"))
    return steps, ended


@dataclass
class _RecordedHistory(History):
    """Is made shorter where the recorded one was: how long it may get the model said then."""

    steps: deque[tuple[str, ...]] = field(default_factory=deque[tuple[str, ...]])
    ended: str = ""

    async def request(self, asking: Asking) -> Request:
        if not self.steps:
            raise LimitReached(self.ended)
        for step in self.steps.popleft():
            await (self._prune() if step == "prune" else self._summarise(asking))
        return self._request()


@dataclass
class _RecordedHands(Hands):
    """Writes down of each call what was written down, and does nothing."""

    replay: Replay = field(kw_only=True)
    recorded: Sequence[Event] = field(kw_only=True)

    def __post_init__(self) -> None:
        self._waiting: dict[str, deque[RecordedCall]] = defaultdict(deque)
        for each in recorded_calls(self.recorded):
            self._waiting[_named(each.name, each.arguments)].append(each)

    async def _made(self, call: Call) -> Done:
        name = _named(call.name, call.arguments)
        if not (waiting := self._waiting[name]):
            raise self.replay.left_at(f"The recorded session has no (further) call {name[:200]}")
        found = waiting.popleft()
        last = found.until if found.result is None else found.result.seq
        for event in self.recorded:
            if found.answer < event.seq < last and _is_of(event, call, found):
                await self.journal.append(event.type, event.data)
        if found.result is None:
            if not found.went_on:
                raise asyncio.CancelledError
            return Done(call, Result(call.id, "", error=True), None)  # as nobody knows what came
        data = found.result.data
        await self.journal.append("result", data)
        text, error = as_text(data.get("text")), data.get("error") is True
        ends = call.name == "finish" and not error
        outcome = Outcome(text, error=error, data=data, ends=ends)
        return Done(call, Result(call.id, text, error), outcome)


def _is_of(event: Event, call: Call, found: RecordedCall) -> bool:
    """Whether an event between an answer and a result belongs to that result's call."""
    match event.type:
        case "permission":
            return event.data.get("call") == call.id
        case "call":
            return event.data.get("id") == call.id
        case "run":
            return event is found.run
        case _:
            return False


def _named(name: str, arguments: Mapping[str, object] | None) -> str:
    return f"{name} {json.dumps(plain(arguments), sort_keys=True)}"
