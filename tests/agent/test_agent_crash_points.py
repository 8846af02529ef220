"""A turn that is cut at every one of its steps, and gone on with: nothing is lost or done twice.

What a crash leaves is what is on the disk. So the journal is made to fail before and behind each
event in turn, for good, and the session is opened again from its file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest

from fixwright.agent.budget import Limits
from fixwright.agent.records import Event, EventType
from fixwright.agent.session import Surroundings, open_session
from fixwright.agent.sessions.journal import StoredJournal
from fixwright.agent.sessions.resume import finished, is_cut
from fixwright.agent.sessions.store import SessionStore
from fixwright_sandbox import Sandbox
from support.agents import Rig, calls, rig
from support.models import Turn
from support.sandboxes import open_or_skip

MEAN = "def mean(numbers):\n    return sum(numbers) / len(numbers) + 1\n"
MENDED = MEAN.replace(" + 1", "")
TEST = "from mean import mean\n\n\ndef test_mean():\n    assert mean([1, 3]) == 2\n"
CHECK = "! grep -F '+ 1' mean.py"
EDIT = {"path": "mean.py", "edits": [{"old": " + 1", "new": ""}]}
NOTE = {"op": "create", "path": "notes.txt", "text": "one\n"}
TURNS: list[Turn] = [
    calls(("read", {"path": "mean.py"}), ("edit", EDIT), ("file_op", NOTE)),
    calls(("run", {"command": CHECK})),
    calls(("read", {"path": "notes.txt"}), ("finish", {"summary": "Mended.", "claims": []})),
]
CALLS = 6


class Crash(BaseException):
    """The process is gone: nothing catches it."""


@dataclass
class Doomed:
    """A journal that ends the process before or behind its event of a number, and stays dead."""

    journal: StoredJournal
    at: int
    before: bool
    dead: bool = False

    @property
    def session(self) -> str:
        return self.journal.session

    @property
    def events(self) -> Sequence[Event]:
        return self.journal.events

    async def append(
        self, event: EventType, data: Mapping[str, object], texts: Sequence[str] = ()
    ) -> Event:
        number = len(self.journal.events) + 1
        if self.dead or (self.before and number >= self.at):
            self.dead = True
            raise Crash
        added = await self.journal.append(event, data, texts)
        if number >= self.at:
            self.dead = True
            raise Crash
        return added

    async def text(self, digest: str) -> str:
        return await self.journal.text(digest)


def around(it: Rig) -> Surroundings:
    return Surroundings(
        now=lambda: it.snapshot,
        runner=it.desk.runner,
        models=it.loop.asking.models,
        small=it.loop.asking.small,
        guard=it.guard,
        clean=lambda text: text,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "project"
    where.mkdir()
    (where / "mean.py").write_text(MEAN)
    (where / "test_mean.py").write_text(TEST)
    return where


async def cut(folder: Path, sandbox: Sandbox, at: int, *, before: bool) -> tuple[str, int]:
    """A session whose process died there, and how often it had asked."""
    async with rig(folder, TURNS, sandbox) as it:
        journal = await it.store.create([it.snapshot.folders[0].uri], "propose")
        doomed = Doomed(journal, at, before)
        session = await open_session(doomed, "propose", around(it), Limits())
        with pytest.raises((Crash, BaseExceptionGroup)):
            await session.turn("Mend it.")
        assert doomed.dead
        return journal.session, len(it.model.server.requests)


async def whole(folder: Path, sandbox: Sandbox) -> tuple[Event, ...]:
    """The events of the turn that nothing cuts."""
    async with rig(folder, TURNS, sandbox) as it:
        journal = await it.store.create([it.snapshot.folders[0].uri], "propose")
        session = await open_session(journal, "propose", around(it), Limits())
        assert (await session.turn("Mend it.")).ended.status == "done"
        return tuple(journal.events)


def place_of(folder: Path) -> Path:
    return folder.parent / f"{folder.name}-state" / "sessions.db"


async def gone_on(folder: Path, sandbox: Sandbox, name: str, asked: int) -> tuple[Event, ...]:
    """Open what the dead process left, and go on; its events at the end."""
    store = SessionStore(place_of(folder))
    left = (await store.read(name)).events
    await store.close()
    assert is_cut(left)
    answers = sum(event.type == "answer" for event in left)
    assert asked - answers in (0, 1), "at most the question whose answer the crash took"
    async with (
        rig(folder, TURNS[answers:], sandbox) as it,
        await it.store.open(name) as journal,
    ):
        session = await open_session(journal, "propose", around(it), Limits())
        done = await session.resume()
        assert (done.ended.status, done.ended.text) == ("done", "Mended."), done.ended
        assert session.draft.text(it.uri("mean.py")) == MENDED
        assert session.draft.text(it.uri("notes.txt")) == "one\n"
        assert len(it.model.server.requests) == len(TURNS) - answers
        return tuple(journal.events)


def check(events: Sequence[Event], *, repeated: int) -> None:
    """One result for each call, one answer for each question that was answered, one end."""
    types = Counter(event.type for event in events)
    assert types["answer"] == len(TURNS)
    assert types["ended"] == types["user"] == 1
    results = [event.data for event in events if event.type == "result"]
    assert len(results) == CALLS
    wrong = [str(each["text"])[:300] for each in results if each["error"]]
    assert not wrong, wrong
    assert types["run"] <= 1 + repeated
    begun = Counter(cast("str", event.data["id"]) for event in events if event.type == "call")
    assert sum(begun.values()) <= CALLS + repeated + 1  # two that look are made side by side


@pytest.mark.slow
@pytest.mark.parametrize("before", [True, False], ids=["before", "behind"])
async def test_a_turn_that_is_cut_anywhere_is_gone_on_with(folder: Path, *, before: bool) -> None:
    async with await open_or_skip("unconfined") as sandbox:
        events = await whole(folder, sandbox)
        first = next(event.seq for event in events if event.type == "user")
        points = range(first + before, len(events) + before)
        assert len(points) > 20
        for at in points:
            name, asked = await cut(folder, sandbox, at, before=before)
            ended = await gone_on(folder, sandbox, name, asked)
            check(ended, repeated=1)


async def test_what_had_finished_is_not_asked_about_again(folder: Path) -> None:
    """A crash between the last result and the end of the turn."""
    async with await open_or_skip("unconfined") as sandbox:
        events = await whole(folder, sandbox)
        assert finished(events) is None, "it has ended"
        assert events[-1].type == "ended"
        name, asked = await cut(folder, sandbox, len(events), before=True)
        assert asked == len(TURNS)
        ended = await gone_on(folder, sandbox, name, asked)
        assert [event.type for event in ended] == [event.type for event in events]
