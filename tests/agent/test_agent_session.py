"""A session that is closed and taken up again: its draft, its front, its conversation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from fixwright.agent.budget import Limits
from fixwright.agent.observer import SightKind
from fixwright.agent.session import AgentSession, Surroundings, open_session
from fixwright.agent.sessions.journal import StoredJournal
from support.agents import Rig, calls, rig

TEXT = "a = 1\nb = 2\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "project"
    where.mkdir()
    (where / "a.py").write_text(TEXT)
    (where / "AGENTS.md").write_text("Use tabs.\n")
    return where


def around(it: Rig) -> Surroundings:
    def observe(kind: SightKind, data: Mapping[str, object]) -> None:
        it.seen.append((kind, data))

    return Surroundings(
        now=lambda: it.snapshot,
        runner=it.desk.runner,
        models=it.loop.asking.models,
        small=it.loop.asking.small,
        guard=it.guard,
        clean=lambda text: text,
        observe=observe,
    )


async def opened(it: Rig, journal: StoredJournal) -> AgentSession:
    return await open_session(journal, "propose", around(it), Limits())


async def test_a_session_is_taken_up_with_its_draft_and_the_same_front(folder: Path) -> None:
    turns = [
        calls(("edit", {"path": "a.py", "edits": [{"old": "a = 1", "new": "a = 10"}]})),
        {"text": "Changed."},
        {"text": "Still here."},
    ]
    async with rig(folder, turns) as it:
        journal = await it.store.create([it.snapshot.folders[0].uri], "propose")
        session = await opened(it, journal)
        assert (await session.turn("Change a.")).ended.text == "Changed."
        await journal.close()
        (folder / "AGENTS.md").write_text("Use spaces.\n")
        (folder / "a.py").write_text(TEXT.replace("b = 2", "b = 3"))

        again = await opened(it, await it.store.open(journal.session))
        assert again.draft.text(it.uri("a.py")) == "a = 10\nb = 3\n"
        assert (await again.turn("And now?")).ended.text == "Still here."
        first, _, third = it.model.server.requests
        assert third.body["system"] == first.body["system"], "the front is frozen"
        assert "Use tabs." in str(first.body["system"])
        assert "Changed." in str(third.body["messages"])


async def test_a_draft_that_meets_what_was_typed_since_gives_way(folder: Path) -> None:
    turns = [
        calls(("edit", {"path": "a.py", "edits": [{"old": "a = 1", "new": "a = 10"}]})),
        {"text": "Changed."},
        calls(("read", {"path": "a.py"})),
        {"text": "I see."},
    ]
    async with rig(folder, turns) as it:
        journal = await it.store.create([it.snapshot.folders[0].uri], "propose")
        await (await opened(it, journal)).turn("Change a.")
        await journal.close()
        (folder / "a.py").write_text(TEXT.replace("a = 1", "a = 7"))
        again = await opened(it, await it.store.open(journal.session))
        assert again.draft.is_empty
        await again.turn("Go on.")
        told = it.model.server.requests[-1].body["messages"]
        assert "meets what was changed there since" in str(told)
