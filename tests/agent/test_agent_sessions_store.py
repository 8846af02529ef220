"""The store on real SQLite files: what is written is read, by whom, and what is deleted is gone."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from types import MappingProxyType

import pytest

from fixwright.agent.records import Journal
from fixwright.agent.sessions.errors import (
    BadExport,
    SessionError,
    SessionInUse,
    UnknownSession,
)
from fixwright.agent.sessions.records import digest_of, new_id
from fixwright.agent.sessions.store import SessionStore

FOLDER = "file:///home/someone/project"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions" / "sessions.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SessionStore]:
    store = SessionStore(path)
    yield store
    await store.close()


async def a_turn(journal: Journal, text: str = "hello") -> None:
    await journal.append("user", {"text": text, "context": ""})
    usage = {"inputTokens": 100, "outputTokens": 20, "cacheReadTokens": 3, "reasoningTokens": 9}
    message = {"role": "assistant", "text": "hi"}
    await journal.append("answer", {"message": message, "usage": usage, "cost": 0.25})
    await journal.append("ended", {"status": "done"})


async def test_what_was_written_is_read_by_another_store(store: SessionStore, path: Path) -> None:
    journal = await store.create([FOLDER], "propose", "a title")
    data = {
        "text": "für \ud800 „dich“",
        "n": 1.0,
        "many": (1, 2),
        "map": MappingProxyType({"a": None}),
    }
    event = await journal.append("user", data, ["one text", "another \ud800"])
    assert (event.seq, event.data["many"], event.data["map"]) == (2, [1, 2], {"a": None})
    assert journal.events[1] == event
    other = SessionStore(path)
    found = await other.read(journal.session)
    assert list(found.events) == list(journal.events)
    assert await other.text(digest_of("another \ud800")) == "another \ud800"
    assert await journal.text(digest_of("one text")) == "one text"
    with pytest.raises(KeyError):
        await journal.text(digest_of("never kept"))
    await other.close()


async def test_only_its_owner_can_look_into_it(store: SessionStore, path: Path) -> None:
    await store.create([FOLDER], "propose")
    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert modes["sessions.db"] == modes["sessions.db-wal"] == modes["sessions.db-shm"] == 0o600


async def test_a_list_tells_what_matters(store: SessionStore) -> None:
    first = await store.create([FOLDER], "propose", "first")
    second = await store.create([FOLDER, "file:///other"], "plan")
    await a_turn(second)
    await a_turn(first)
    listed = await store.list()
    assert [each.id for each in listed] == [first.session, second.session]
    info = listed[1]
    assert (info.folders, info.mode, info.status) == ((FOLDER, "file:///other"), "plan", "done")
    assert (info.tokens, info.cost, info.events, info.parent) == (123, 0.25, 4, None)
    assert [each.id for each in await store.list("file:///other")] == [second.session]
    assert [each.id for each in await store.list(limit=1)] == [first.session]
    assert await store.list("file:///elsewhere") == ()


async def test_a_turn_that_nobody_is_at_was_interrupted(store: SessionStore, path: Path) -> None:
    journal = await store.create([FOLDER], "propose")
    await journal.append("user", {"text": "go"})
    assert [each.status for each in await store.list()] == ["running"]
    await journal.close()
    assert [each.status for each in await store.list()] == ["interrupted"]


async def test_a_session_is_open_once(store: SessionStore, path: Path) -> None:
    journal = await store.create([FOLDER], "propose")
    other = SessionStore(path)
    for each in (store, other):
        with pytest.raises(SessionInUse, match=r"open already, in this process.*fork it"):
            await each.open(journal.session)
        with pytest.raises(SessionInUse):
            await each.delete(journal.session)
    assert (await other.read(journal.session)).info.id == journal.session
    await journal.close()
    await journal.close()
    with pytest.raises(SessionError, match="is closed"):
        await journal.append("user", {})
    async with await other.open(journal.session) as again:
        await a_turn(again)
        assert [each.seq for each in again.events] == [1, 2, 3, 4]
    await other.close()
    async with await store.open(journal.session) as last:
        assert len(last.events) == 4
    await last.close()


async def test_two_stores_write_at_once(store: SessionStore, path: Path) -> None:
    other = SessionStore(path)

    async def work(store: SessionStore, name: str) -> None:
        for _ in range(3):
            async with await store.create([FOLDER], "propose", name) as journal:
                for n in range(10):
                    await journal.append("user", {"n": n}, ["shared", f"{name} {n}"])

    await asyncio.gather(work(store, "a"), work(other, "b"))
    assert [each.events for each in await store.list()] == [11] * 6
    await other.close()


async def test_an_id_may_be_given_by_its_beginning(store: SessionStore) -> None:
    journal = await store.create([FOLDER], "propose")
    assert await store.resolve(journal.session[:-3]) == journal.session
    other = await store.create([FOLDER], "propose")
    with pytest.raises(UnknownSession, match=r"2 sessions begin with .*Give more"):
        await store.resolve(journal.session[:4])
    for name in ("zzz", "", "%", "_" * 17):
        with pytest.raises(UnknownSession, match=f"There is no session {name}"):
            await store.resolve(name)
    assert journal.session < other.session


def test_ids_sort_by_time_and_differ() -> None:
    ids = [new_id() for _ in range(1000)]
    assert len(set(ids)) == 1000
    assert [each[:9] for each in ids] == sorted(each[:9] for each in ids)


async def test_a_fork_goes_its_own_way(store: SessionStore) -> None:
    journal = await store.create([FOLDER], "propose", "a title")
    await journal.append("user", {"text": "one"}, ["kept"])
    await journal.append("user", {"text": "two"}, ["not kept in the fork"])
    await journal.append("title", {"title": "better"})
    fork = await store.fork(journal.session, 2)
    assert [each.type for each in fork.events] == ["created", "user"]
    created = fork.events[0].data
    assert created["parent"] == {"session": journal.session, "seq": 2}
    assert created["title"] == "better"
    assert fork.events[1] == journal.events[1]
    await fork.append("user", {"text": "three"})
    assert [each.data["text"] for each in fork.events[1:]] == ["one", "three"]
    listed = {each.id: each for each in await store.list()}
    assert listed[fork.session].parent == (journal.session, 2)
    assert set((await store.export(fork.session))["texts"].values()) == {"kept"}  # type: ignore[attr-defined]
    whole = await store.fork(journal.session)
    assert len(whole.events) == 4
    for seq in (0, 5):
        with pytest.raises(SessionError, match=f"has events 1 to 4, and no event {seq}"):
            await store.fork(journal.session, seq)


async def test_what_a_fork_was_made_with_is_not_counted_twice(store: SessionStore) -> None:
    journal = await store.create([FOLDER], "propose")
    await a_turn(journal)
    fork = await store.fork(journal.session)
    await a_turn(fork)
    listed = await store.list()
    assert [(each.tokens, each.cost) for each in listed] == [(123, 0.25), (123, 0.25)]
    assert listed[0].id == fork.session


async def test_deleting_takes_the_texts_that_nobody_else_names(
    store: SessionStore, path: Path
) -> None:
    secret = "something that is nobody's business " * 50
    one = await store.create([FOLDER], "propose")
    await one.append("user", {"text": secret}, ["shared", "only in the first " * 500])
    two = await store.fork(one.session, 1)
    await two.append("user", {}, ["shared"])
    await one.close()
    assert await store.delete(one.session[:-1]) == one.session
    assert await two.text(digest_of("shared")) == "shared"
    with pytest.raises(KeyError):
        await two.text(digest_of("only in the first " * 500))
    with pytest.raises(UnknownSession):
        await store.read(one.session)
    for each in path.parent.glob("sessions.db*"):
        assert b"nobody's business" not in each.read_bytes(), each


async def test_renaming(store: SessionStore) -> None:
    journal = await store.create([FOLDER], "propose", "old")
    await store.rename(journal.session, "while open")
    assert (await store.list())[0].title == "while open"
    assert journal.events[-1].data == {"title": "while open"}
    await journal.close()
    await store.rename(journal.session, "while closed")
    assert (await store.list())[0].title == "while closed"
    async with await store.open(journal.session) as again:
        assert len(again.events) == 3


async def test_pruning_leaves_what_is_young_or_open(store: SessionStore, path: Path) -> None:
    old, opened, young = [await store.create([FOLDER], "propose") for _ in range(3)]
    await old.close()
    await young.close()
    with sqlite3.connect(path) as database:
        database.execute(
            "UPDATE sessions SET updated = updated - 40 * 86400 WHERE id != ?", (young.session,)
        )
    assert await store.prune(30) == (old.session,)
    assert {each.id for each in await store.list()} == {opened.session, young.session}


async def test_export_and_import(store: SessionStore, tmp_path: Path) -> None:
    journal = await store.create([FOLDER], "propose", "to be sent")
    await journal.append("user", {"text": "\ud800"}, ["text \ud800", "other"])
    exported = json.loads(json.dumps(await store.export(journal.session)))
    elsewhere = SessionStore(tmp_path / "elsewhere" / "sessions.db")
    again = await elsewhere.import_(exported)
    assert again.session != journal.session
    assert again.events[1] == journal.events[1]
    assert again.events[0].data["imported"] is True
    assert await again.text(digest_of("text \ud800")) == "text \ud800"
    back = await elsewhere.export(again.session)
    assert (back["texts"], back["events"][1]) == (exported["texts"], exported["events"][1])  # type: ignore[index]
    await elsewhere.close()


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"format": "else"}, "no exported session"),
        ({"version": 2}, "version 2 of the format"),
        ({"events": []}, "no events"),
        ({"events": [{"seq": 2}]}, "event 1 is missing"),
        ({"events": [{"seq": 1, "type": "strange"}]}, "type that is not known: 'strange'"),
        ({"events": [{"seq": 1, "type": "user"}]}, "`created` comes first"),
        ({"events": [{"seq": 1, "type": "created", "data": []}]}, "no data or no time"),
        (
            {"events": [{"seq": 1, "type": "created", "data": {}, "time": 1}]},
            "does not name the session's folders",
        ),
        (
            {"events": [{"seq": 1, "type": "created", "data": {}, "time": 1, "texts": ["x"]}]},
            "names a text that is missing: 'x'",
        ),
        ({"texts": {"0" * 64: "x"}}, "not what its digest says"),
    ],
)
async def test_what_is_no_session_is_not_imported(
    store: SessionStore, change: dict[str, object], sentence: str
) -> None:
    journal = await store.create([FOLDER], "propose")
    exported = await store.export(journal.session) | change
    with pytest.raises(BadExport, match=sentence):
        await store.import_(exported)
    assert len(await store.list()) == 1


async def test_secrets_are_not_written(path: Path) -> None:
    store = SessionStore(path, redact=lambda text: text.replace("hunter2", "[secret]"))
    journal = await store.create([FOLDER], "propose")
    event = await journal.append(
        "user", {"text": "it is hunter2", "deep": [{"x": "hunter2"}]}, ["key=hunter2", "clean"]
    )
    assert event.data == {"text": "it is [secret]", "deep": [{"x": "[secret]"}]}
    assert journal.events[-1] == event
    assert await journal.text(digest_of("clean")) == "clean"
    with pytest.raises(KeyError):
        await journal.text(digest_of("key=hunter2"))
    for each in path.parent.glob("sessions.db*"):
        assert b"hunter2" not in each.read_bytes()
    await store.close()


async def test_what_is_not_json_is_refused_and_leaves_nothing(store: SessionStore) -> None:
    journal = await store.create([FOLDER], "propose")
    with pytest.raises(TypeError):
        await journal.append("user", {"text": b"bytes"}, ["a text"])
    with pytest.raises(KeyError):
        await journal.text(digest_of("a text"))
    assert (await journal.append("user", {})).seq == 2


async def test_nobody_waits_any_more(store: SessionStore) -> None:
    """A creation or an opening that is cancelled holds no session."""
    journal = await store.create([FOLDER], "propose")
    await journal.close()
    for _ in range(20):
        opening = asyncio.ensure_future(store.open(journal.session))
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
        async with await store.open(journal.session):
            pass


async def test_a_cancelled_append_is_whole_or_not_there(store: SessionStore, path: Path) -> None:
    journal = await store.create([FOLDER], "propose")
    for n in range(20):
        adding = asyncio.ensure_future(journal.append("user", {"n": n}, [f"text {n}"]))
        for _ in range(n % 4):
            await asyncio.sleep(0)
        adding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await adding
    await journal.append("ended", {"status": "done"})
    other = SessionStore(path)
    assert list((await other.read(journal.session)).events) == list(journal.events)
    assert [each.seq for each in journal.events] == list(range(1, len(journal.events) + 1))
    await other.close()
