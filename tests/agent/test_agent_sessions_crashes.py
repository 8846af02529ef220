"""Processes killed in the middle of writing, disks that are full, files that are damaged."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Self, cast

import pytest

from fixwright.agent.sessions.database import Database
from fixwright.agent.sessions.errors import SessionInUse, StoreDamaged, StoreFailed
from fixwright.agent.sessions.store import SessionStore

WRITER = Path(__file__).with_name("sessions_writer.py")
ROOT = Path(__file__).parents[2]
FOLDER = "file:///somewhere"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "sessions" / "sessions.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[SessionStore]:
    store = SessionStore(path)
    yield store
    await store.close()


class Mother:
    """A process that brings up writers, one after the other, and outlives them."""

    def __init__(self, path: Path) -> None:
        places = f"{ROOT / 'server'}:{ROOT / 'sandbox'}"
        self.process = subprocess.Popen(
            [sys.executable, str(WRITER), str(path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={"PYTHONPATH": places, "PATH": "/usr/bin:/bin"},
        )
        self.child = 0

    def said(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def begin(self, session: str, seed: int) -> str:
        """Bring up a writer; the session that it writes."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{session} {seed}\n")
        self.process.stdin.flush()
        self.child = int(self.said().removeprefix("child "))
        return self.said().removeprefix("session ")

    def end(self, events: int, seconds: float) -> int:
        """Kill the writer some time after it has said some events; the last one it said."""
        last = 0
        for _ in range(events):
            last = int(self.said())
        kill = threading.Timer(seconds, os.kill, (self.child, signal.SIGKILL))
        kill.start()
        while (line := self.said()) != "ended":
            last = int(line)
        kill.join()
        return last

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()


async def check_whole(path: Path, session: str, said: int, known: int = 1) -> int:
    """All that was said to be there is, and what is there is whole. Returns how many events.

    The texts of the first `known` events were looked at before.
    """
    store = SessionStore(path)
    found = await store.read(session)
    assert [each.seq for each in found.events] == list(range(1, len(found.events) + 1))
    assert len(found.events) >= said
    for event in found.events[known:]:
        for name in cast("list[str]", event.data["names"]):
            await store.text(name)
    await store.close()
    return len(found.events)


def check_file(path: Path) -> None:
    with sqlite3.connect(path) as database:
        assert database.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert database.execute("PRAGMA foreign_key_check").fetchall() == []
    database.close()


@pytest.mark.slow
async def test_what_was_appended_outlives_the_process(path: Path) -> None:
    """Two writers of two sessions at once, killed again and again."""
    chance = random.Random(20)
    sessions, length = ["-", "-"], [0, 0]
    with Mother(path) as one, Mother(path) as other:
        for _ in range(20):
            both = list(enumerate((one, other)))
            for n, mother in both:
                session = mother.begin(sessions[n], chance.randrange(1 << 30))
                assert sessions[n] in ("-", session)
                sessions[n] = session
            for n, mother in both:
                said = mother.end(chance.randrange(3), chance.random() * 0.02)
                least = max(length[n], said)
                length[n] = await check_whole(path, sessions[n], least, length[n] or 1)
    check_file(path)
    for session, count in zip(sessions, length, strict=True):
        assert await check_whole(path, session, count) == count > 20


async def test_a_killed_process_leaves_its_session_free(store: SessionStore, path: Path) -> None:
    with Mother(path) as mother:
        session = mother.begin("-", 1)
        with pytest.raises(SessionInUse, match=f"in process {mother.child}"):
            await store.open(session)
        assert (await store.read(session)).info.id == session
        mother.end(1, 0.0)
        async with await store.open(session) as journal:
            before = len(journal.events)
            event = await journal.append("result", {"names": [], "filler": ""})
            assert event.seq == before + 1
    await check_whole(path, session, before + 1)
    check_file(path)


async def test_a_full_disk_is_named_and_leaves_the_session_whole(path: Path) -> None:
    """No file of the writer's may grow beyond a megabyte, which the kernel sees to."""
    with Mother(path) as mother:
        resource.prlimit(mother.process.pid, resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
        session = mother.begin("-", 1)
        last = 1
        while (line := mother.said()).isdecimal():
            last = int(line)
        assert line.startswith("StoreFailed The session could not be written to")
        assert "The disk may be full: free some space, and resume the session" in line
        assert mother.said() == "ended"
    assert await check_whole(path, session, last) == last
    check_file(path)


async def test_a_full_database_fails_one_step_only(store: SessionStore) -> None:
    journal = await store.create([FOLDER], "propose")
    connection = await store._do(store._database._opened)
    pages = await store._do(connection.execute, "PRAGMA page_count")
    count = (await store._do(pages.fetchone))[0]
    await store._do(connection.execute, f"PRAGMA max_page_count={count}")
    with pytest.raises(StoreFailed, match=r"could not be written.*The disk may be full"):
        await journal.append("user", {"text": "x" * 100_000}, ["y" * 100_000])
    await store._do(connection.execute, "PRAGMA max_page_count=1000000")
    assert (await journal.append("user", {"text": "x" * 100_000})).seq == 2
    found = await store.read(journal.session)
    assert len(found.events) == 2


def _garbage(path: Path) -> None:
    path.write_bytes(b"this is no database at all, but something else. " * 200)


def _truncated(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def _holes(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[4096 : len(data) : 2] = b"\xff" * len(data[4096 : len(data) : 2])
    path.write_bytes(data)


def _foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE other (x)")
    database.close()


def _content(path: Path) -> bytes:
    return path.read_bytes()


@pytest.mark.parametrize("damage", [_garbage, _truncated, _holes, _foreign])
async def test_a_damaged_file_is_set_aside(path: Path, damage: Callable[[Path], None]) -> None:
    store = SessionStore(path)
    journal = await store.create([FOLDER], "propose")
    for n in range(20):
        await journal.append("user", {"text": f"{n} " * 2000}, [f"{n} " * 9000])
    await store.close()
    assert not path.with_name("sessions.db-wal").exists()
    damage(path)
    before = _content(path)
    store = SessionStore(path)
    with pytest.raises(StoreDamaged, match=r"It is kept as .*sessions-damaged-") as caught:
        await store.read(journal.session)
    assert _content(Path(str(caught.value).split("kept as ")[1].split(";")[0])) == before
    assert await store.list() == ()
    again = await store.create([FOLDER], "propose")
    assert [each.id for each in await store.list()] == [again.session]
    await store.close()
    assert len(list(path.parent.glob("sessions-damaged-*"))) == 1


async def test_damage_that_shows_during_a_turn_ends_it_with_a_sentence(path: Path) -> None:
    store = SessionStore(path)
    journal = await store.create([FOLDER], "propose")
    connection = await store._do(store._database._opened)
    await store._do(connection.execute, "PRAGMA wal_checkpoint(TRUNCATE)")
    await store._do(connection.execute, "PRAGMA cache_size=0")
    _holes(path)
    with pytest.raises(StoreDamaged, match="The file of sessions was damaged"):
        await journal.append("user", {"text": "x"})
    assert len(journal.events) == 1
    await store.close()


async def test_a_newer_file_is_left_alone(store: SessionStore, path: Path) -> None:
    await store.create([FOLDER], "propose")
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99")
    other = SessionStore(path)
    with pytest.raises(StoreFailed, match=r"newer Fixwright \(format 99, this one knows 1\)"):
        await other.list()
    await other.close()
    assert not list(path.parent.glob("*damaged*"))


async def test_a_place_that_can_not_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = SessionStore(tmp_path / "file" / "sessions.db")
    for work in (store.list, lambda: store.create([FOLDER], "propose")):
        with pytest.raises(StoreFailed, match="can't be used"):
            await work()
    await store.close()


def test_a_migration_that_fails_leaves_the_old_version(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fixwright.agent.sessions import database as module

    first = Database(path)
    with first.writing():
        pass
    first.close()
    shutil.copy(path, path.with_name("copy"))
    more = (*module._MIGRATIONS, ("CREATE TABLE new (x)", "not SQL"))
    monkeypatch.setattr(module, "_MIGRATIONS", more)
    with pytest.raises(StoreFailed, match="syntax error"), Database(path).reading():
        pass
    good = (*module._MIGRATIONS[:1], ("CREATE TABLE new (x)",))
    monkeypatch.setattr(module, "_MIGRATIONS", good)
    second = Database(path)
    with second.reading() as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("SELECT * FROM new").fetchall() == []
    second.close()
