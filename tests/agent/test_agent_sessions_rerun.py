"""Sessions of the real loop, had over HTTP, and repeated from their export alone."""

from __future__ import annotations

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any, cast

import pytest

from fixwright.agent.budget import Limits
from fixwright.agent.session import Surroundings, open_session
from fixwright.agent.sessions.rerun import rerun
from fixwright.agent.sessions.resume import pending
from support.agents import Rig, calls, rig
from support.models import Turn

EDIT = {"path": "a.py", "edits": [{"old": "a = 1", "new": "a = 10"}]}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "project"
    where.mkdir()
    (where / "a.py").write_text("a = 1\nb = 2\n")
    (where / "AGENTS.md").write_text("Use tabs.\n")
    return where


def around(it: Rig) -> Surroundings:
    return Surroundings(
        now=lambda: it.snapshot,
        runner=it.desk.runner,
        models=it.loop.asking.models,
        small=it.loop.asking.small,
        guard=it.guard,
        clean=lambda text: text,
    )


async def had(
    folder: Path, turns: list[Turn], *prompts: str, window: int = 200_000
) -> dict[str, object]:
    """The export of a session that was had."""
    async with rig(folder, turns, window=window) as it:
        journal = await it.store.create([it.snapshot.folders[0].uri], "propose")
        session = await open_session(journal, "propose", around(it), Limits())
        for prompt in prompts:
            await session.turn(prompt, "a.py is open")
        exported = await it.store.export(journal.session)
    return cast("dict[str, object]", json.loads(json.dumps(exported)))


async def test_a_session_is_repeated_without_model_files_and_sandbox(folder: Path) -> None:
    turns = [
        calls(("read", {"path": "a.py"}), ("search", {"pattern": "b"}), text="I look."),
        calls(("edit", EDIT)),
        calls(("nothing", {}), ("read", {"path": "missing.py"})),
        {"text": "Changed."},
        calls(("read", {"path": "a.py"})),
        calls(("finish", {"summary": "Done.", "claims": []})),
        {"fault": {"status": 401}},
    ]
    exported = await had(folder, turns, "Change a.", "And now?", "Once more.")
    await asyncio.to_thread(shutil.rmtree, folder)
    found = await rerun(exported)
    assert found.difference is None
    assert (found.turns, found.requests) == (3, 7)


async def test_a_history_that_was_made_shorter_is_made_shorter_again(folder: Path) -> None:
    (folder / "long.py").write_text("".join(f"value_{n} = {n}\n" for n in range(900)))
    turns = [
        calls(("read", {"path": "long.py", "start_line": n, "end_line": n + 200}))
        for n in range(1, 14)
    ]
    exported = await had(folder, [*turns, {"text": "Long."}], "Read it.", window=32_000)
    events = cast("list[dict[str, object]]", exported["events"])
    assert "compacted" in [each["type"] for each in events]
    found = await rerun(exported)
    assert found.difference is None
    assert found.requests == sum(each["type"] == "request" for each in events) > 5


@pytest.mark.parametrize("effect", ["read", "outside"])
async def test_a_turn_that_a_crash_cut_is_repeated_with_its_cut(folder: Path, effect: str) -> None:
    turns = [calls(("read", {"path": "a.py"}), ("search", {"pattern": "b"})), {"text": "So."}]
    before = await had(folder, turns, "Look.")
    events = cast("list[dict[str, Any]]", before["events"])
    begun = next(n for n, each in enumerate(events) if each["type"] == "call")
    events[begun]["data"]["effect"] = effect
    del events[begun + 1 :]
    async with rig(folder, [{"text": "I go on."}]) as it:
        journal = await it.store.import_(before)
        session = await open_session(journal, "propose", around(it), Limits())
        (left, _) = pending(journal.events)
        assert left.fate == ("again" if effect == "read" else "unknown")
        await session.resume()
        after = await it.store.export(journal.session)
    results = [each for each in journal.events if each.type == "result"]
    assert len(results) == (2 if effect == "read" else 1)
    found = await rerun(after)
    assert found.difference is None
    assert found.requests == 2


async def test_a_forged_session_is_told_apart(folder: Path) -> None:
    turns = [calls(("read", {"path": "a.py"})), {"text": "It is 1."}]
    exported = await had(folder, turns, "What is a?")
    events = cast("list[dict[str, dict[str, object]]]", exported["events"])
    result = next(each for each in events if str(each["type"]) == "result")
    result["data"]["text"] = "a = 2"
    found = await rerun(exported)
    assert found.difference is not None
    assert found.difference.startswith(
        "Request 2 is not the recorded one: message 3 (user's results)"
    )
