"""The loop with a scripted model behind a real wire: what is asked, what is done, how it ends."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest

from fixwright.agent.budget import Limits
from fixwright.agent.policy.rules import Rule
from support.agents import calls, rig
from support.sandboxes import open_or_skip

MEAN = "def mean(numbers):\n    return sum(numbers) / len(numbers) + 1\n"
TEST = "from mean import mean\n\n\ndef test_mean():\n    assert mean([1, 3]) == 2\n"
REPAIR = ("edit", {"path": "mean.py", "edits": [{"old": " + 1", "new": ""}]})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    where = tmp_path / "project"
    where.mkdir()
    (where / "mean.py").write_text(MEAN)
    (where / "test_mean.py").write_text(TEST)
    return where


async def test_it_reads_edits_tests_and_finishes_with_evidence(folder: Path) -> None:
    turns = [
        calls(("read", {"path": "mean.py"}), ("test", {})),
        calls(REPAIR),
        calls(("test", {})),
        calls(
            (
                "finish",
                {
                    "summary": "mean added one too much.",
                    "claims": [
                        {"text": "The test passes.", "evidence_id": "run-2"},
                        {"text": "It failed before.", "evidence_id": "run-1"},
                        {"text": "It is fast."},
                    ],
                },
            )
        ),
    ]
    async with await open_or_skip("unconfined") as sandbox, rig(folder, turns, sandbox) as it:
        ended = await it.turn("Repair mean.")
        assert (ended.status, ended.text) == ("done", "mean added one too much."), ended
        assert [each["standing"] for each in ended.claims] == ["shown", "failed", "unproven"]
        assert it.desk.draft.text(it.uri("mean.py")) == MEAN.replace(" + 1", "")
        assert (folder / "mean.py").read_text() == MEAN, "the draft is not on the disk"
        read, failed, edited, passed, _ = it.results()
        assert "|    return sum(numbers) / len(numbers) + 1" in read
        assert "AssertionError" in failed
        assert "[run-1]" in failed
        assert "version" in edited
        assert "[run-2]" in passed
        types = [event.type for event in it.loop.journal.events]
        assert types[:4] == ["created", "user", "request", "answer"]
        assert types[-1] == "ended"
        asked = it.model.server.requests[1].body
        assert "AssertionError" in str(asked["messages"])


async def test_requests_begin_with_the_bytes_of_the_one_before(folder: Path) -> None:
    turns = [calls(("read", {"path": "mean.py"})), calls(REPAIR), {"text": "Done."}]
    async with rig(folder, turns) as it:
        await it.turn()
        asked = [event.data for event in it.loop.journal.events if event.type == "request"]
        assert len(asked) == 3
        for before, after in pairwise(asked):
            assert after["same"] == before["bytes"], "nothing of the request before was changed"


async def test_a_call_that_comes_again_and_again_ends_the_turn(folder: Path) -> None:
    turns = [calls(("read", {"path": "nowhere.py"}))] * 5
    async with rig(folder, turns) as it:
        ended = await it.turn()
        assert ended.status == "limit"
        assert "3 times" in (ended.reason or "")
        assert len(it.model.server.requests) == 3


async def test_answers_without_a_usable_call_end_the_turn(folder: Path) -> None:
    broken = {"tools": [{"name": "read", "raw": '{"path": '}]}
    async with rig(folder, [broken] * 5) as it:
        ended = await it.turn()
        assert ended.status in ("error", "limit")
        assert len(it.model.server.requests) == 3


async def test_a_limit_stops_before_the_call_that_would_pass_it(folder: Path) -> None:
    turns = [calls(("read", {"path": name})) for name in ("mean.py", "test_mean.py", "a.py")]
    async with rig(folder, turns, limits=Limits(calls=2)) as it:
        ended = await it.turn()
        assert ended.status == "limit"
        assert "agent.maxTurns" in (ended.reason or "")
        assert len(it.model.server.requests) == 2


async def test_what_is_not_allowed_is_not_done_and_the_model_is_told(folder: Path) -> None:
    turns = [calls(REPAIR), {"text": "I may not."}]
    async with rig(folder, turns, rules=(Rule("deny", tool="edit"),)) as it:
        ended = await it.turn()
        assert ended.status == "done"
        assert it.desk.draft.is_empty
        assert "Not allowed: change mean.py. The policy forbids it" in it.results()[0]


async def test_what_the_user_types_meanwhile_is_kept(folder: Path) -> None:
    turns = [
        calls(("read", {"path": "mean.py"})),
        calls(REPAIR),
        calls(("read", {"path": "test_mean.py"})),
        {"text": "Done."},
    ]
    async with rig(folder, turns) as it:
        uri = it.uri("mean.py")

        def typing(kind: str, data: object) -> None:
            if kind == "toolCall" and "edit" in str(data):
                it.snapshot = it.snapshot.opened(uri, "python", 1, f"# mine\n{MEAN}")

        it.loop.hands.observe = typing
        await it.turn()
        assert it.desk.draft.text(uri) == f"# mine\n{MEAN.replace(' + 1', '')}"


async def test_a_clash_with_the_user_leaves_the_users_text(folder: Path) -> None:
    turns = [calls(REPAIR), calls(("read", {"path": "mean.py"})), {"text": "I see."}]
    async with rig(folder, turns) as it:
        uri = it.uri("mean.py")
        theirs = MEAN.replace(" + 1", " + 2")

        def typing(kind: str, data: object) -> None:
            if kind == "toolResult":
                it.snapshot = it.snapshot.opened(uri, "python", 1, theirs)

        it.loop.hands.observe = typing
        await it.turn()
        assert it.desk.draft.is_empty
        assert it.desk.draft.text(uri) == theirs
        assert any("The user changed mean.py meanwhile" in said for said in it.results())


async def test_a_cancelled_turn_says_so_and_leaves_the_session_usable(folder: Path) -> None:
    turns = [calls(("run", {"command": "sleep 60"})), {"text": "Going on."}]
    async with await open_or_skip("unconfined") as sandbox, rig(folder, turns, sandbox) as it:
        working = asyncio.ensure_future(it.turn())
        begun = asyncio.Event()

        def look(kind: str, data: object) -> None:
            if kind == "toolCall":
                begun.set()

        it.loop.hands.observe = look
        await asyncio.wait_for(begun.wait(), 30)
        working.cancel()
        with pytest.raises(asyncio.CancelledError):
            await working
        last = it.loop.journal.events[-1]
        assert (last.type, last.data["status"]) == ("ended", "cancelled")
        ended = await it.turn("Go on.")
        assert ended.text == "Going on."
        messages = it.model.server.requests[-1].body["messages"]
        assert "interrupted" in str(messages), "the call that was cut has a result"
