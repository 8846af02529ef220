"""The real server killed in the middle of a turn, started again, and told to go on."""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from fixwright.agent.records import Event
from fixwright.agent.sessions.store import SessionStore
from support.agents import calls
from support.editor import PATIENCE, SERVE, Editor, editing
from support.models import ScriptedModel, Turn, scripted_model
from support.needs import needs

pytestmark = [pytest.mark.bubblewrap, pytest.mark.slow]

MEAN = "def mean(numbers):\n    return sum(numbers) / len(numbers) + 1\n"
MENDED = MEAN.replace(" + 1", "")
TEST = "from mean import mean\n\n\ndef test_mean():\n    assert mean([1, 3]) == 2\n"
EDIT = {"path": "mean.py", "edits": [{"old": " + 1", "new": ""}]}
FINISH = {"summary": "Mended.", "claims": [{"text": "It passes.", "evidence_id": "run-1"}]}
TURNS: list[Turn] = [
    calls(("edit", EDIT)),
    calls(("test", {})),
    calls(("read", {"path": "mean.py"})),
    calls(("finish", FINISH)),
]
CRASHING = Path(__file__).with_name("crash_server.py")


@dataclass
class Place:
    """A workspace, and a state folder that outlives the server."""

    folder: Path
    state: Path

    @asynccontextmanager
    async def server(
        self, model: ScriptedModel, command: Sequence[str] = SERVE, **settings: Any
    ) -> AsyncGenerator[tuple[Editor, str], None]:
        wanted = {"sandbox": {"backend": "bubblewrap"}, "model": model.settings, **settings}
        environment = {**model.environment, "XDG_STATE_HOME": str(self.state)}
        async with editing(
            self.folder, ours=True, settings=wanted, environment=environment, command=command
        ) as editor:
            yield editor, editor.open_file(self.folder / "mean.py")

    async def events(self) -> tuple[str, tuple[Event, ...]]:
        """The one session, as it is on the disk."""
        store = SessionStore(self.state / "fixwright" / "sessions" / "sessions.db")
        [known] = await store.list()
        found = await store.read(known.id)
        await store.close()
        return known.id, tuple(found.events)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    needs("bubblewrap")
    folder, state = tmp_path / "project", tmp_path / "state"
    folder.mkdir()
    (folder / "mean.py").write_text(MEAN)
    (folder / "test_mean.py").write_text(TEST)
    return Place(folder, state)


async def gone(editor: Editor, turn: asyncio.Future[Any]) -> None:
    """The server has died, and the turn with it."""
    await asyncio.wait_for(editor.server.wait(), PATIENCE)
    turn.cancel()
    await asyncio.gather(turn, return_exceptions=True)


def begin(editor: Editor) -> asyncio.Future[Any]:
    return asyncio.ensure_future(editor.command("fixwright.agent", {"prompt": "Mend it."}))


def check(events: Sequence[Event], turns: int) -> None:
    types = Counter(event.type for event in events)
    assert types["answer"] == types["result"] == turns
    assert types["user"] == types["ended"] == 1
    wrong = [event.data for event in events if event.type == "result" and event.data["error"]]
    assert not wrong, wrong


async def test_in_the_middle_of_a_models_answer(place: Place) -> None:
    cut: Turn = {"text": "I think. " * 40, "fault": {"hang_after": 8}}
    turns = [TURNS[0], cut, *TURNS[1:]]
    async with scripted_model(turns) as model:
        async with place.server(model) as (editor, _):
            turn = begin(editor)
            await editor.until(lambda: any(e.get("type") == "text" for e in editor.shown.events))
            editor.server.kill()
            await gone(editor, turn)
        name, left = await place.events()
        assert left[-1].type == "request"
        async with place.server(model) as (editor, uri):
            editor.answer = "Apply all"
            report = await editor.command("fixwright.agent", {"sessionId": name})
            assert (report["status"], report["applied"]) == ("done", True), report
            assert editor.text(uri) == MENDED
            again = await editor.command("fixwright.agent", {"sessionId": name})
            assert again["status"] == "refused"
            assert "nothing to go on with" in again["reason"]
        requests = model.server.requests
        assert len(requests) == len(turns)
        assert requests[1].body["messages"] == requests[2].body["messages"], "asked the same again"
    _, events = await place.events()
    check(events, len(TURNS))
    assert sum(event.type == "run" for event in events) == 1


async def test_in_the_middle_of_a_run(place: Place) -> None:
    """The test waits in the first life only; the file is another one in the second."""
    test = place.folder / "test_mean.py"
    test.write_text(f"print('begun', flush=True)\nimport time\ntime.sleep(600)\n{TEST}")
    async with scripted_model(TURNS) as model:
        async with place.server(model) as (editor, _):
            turn = begin(editor)
            await editor.until(lambda: any(e.get("type") == "toolCall" and e.get("name") == "test"
                                           for e in editor.shown.events))  # fmt: skip
            await editor.until(lambda: any(e["method"] == "fixwright/runEvent"
                                           for e in editor.shown.events))  # fmt: skip
            editor.server.kill()
            await gone(editor, turn)
        test.write_text(TEST)
        name, left = await place.events()
        assert left[-1].type == "call"
        async with place.server(model) as (editor, uri):
            editor.answer = "Apply all"
            report = await editor.command("fixwright.agent", {"sessionId": name})
            assert [each["standing"] for each in report["claims"]] == ["shown"], report
            assert [each["status"] for each in report["runs"]] == ["passed"]
            assert editor.text(uri) == MENDED
        assert len(model.server.requests) == len(TURNS)
    _, events = await place.events()
    check(events, len(TURNS))
    assert sum(event.type == "run" for event in events) == 1


@pytest.mark.parametrize(
    ("when", "kind", "count"),
    [("behind", "result", 2), ("before", "request", 3), ("before", "result", 1),
     ("behind", "answer", 1), ("before", "ended", 1)],
)  # fmt: skip
async def test_between_two_steps(place: Place, when: str, kind: str, count: int) -> None:
    doomed = (sys.executable, str(CRASHING), when, kind, str(count))
    async with scripted_model(TURNS) as model:
        async with place.server(model, doomed) as (editor, _):
            await gone(editor, begin(editor))
        name, left = await place.events()
        asked = len(model.server.requests)
        assert asked == sum(event.type == "answer" for event in left)
        async with place.server(model) as (editor, uri):
            editor.answer = "Apply all"
            report = await editor.command("fixwright.agent", {"sessionId": name})
            assert (report["status"], report["applied"]) == ("done", True), report
            assert report["text"] == "Mended."
            assert editor.text(uri) == MENDED
        assert len(model.server.requests) == len(TURNS)
    _, events = await place.events()
    check(events, len(TURNS))
    assert sum(event.type == "run" for event in events) == 1


@pytest.mark.parametrize("when", ["before", "behind"])
async def test_while_the_editor_takes_the_changes(place: Place, when: str) -> None:
    """The editor has them; whether the session knows is what the crash decides."""
    doomed = (sys.executable, str(CRASHING), when, "applied", "1")
    settings: dict[str, Any] = {"agent": {"approval": "edits"}}
    async with scripted_model(TURNS) as model:
        async with place.server(model, doomed, **settings) as (editor, uri):
            await gone(editor, begin(editor))
            assert editor.text(uri) == MENDED
        (place.folder / "mean.py").write_text(MENDED)  # the user saves what the editor shows
        name, _ = await place.events()
        async with place.server(model, **settings) as (editor, uri):
            report = await editor.command("fixwright.agent", {"sessionId": name})
            assert report["status"] == "done", report
            assert editor.text(uri) == MENDED
            assert not editor.shown.our_edits, "nothing is changed twice"
            assert report["diff"] == ""
        assert len(model.server.requests) == len(TURNS)
    _, events = await place.events()
    check(events, len(TURNS))


async def test_a_session_is_needed_to_go_on(place: Place) -> None:
    async with scripted_model([]) as model, place.server(model) as (editor, _):
        report = await editor.command("fixwright.agent", {"sessionId": "20000101-nothing"})
        assert report["status"] == "refused"
