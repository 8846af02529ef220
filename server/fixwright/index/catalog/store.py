"""The index on disk: what is known of each content, and which file held which when last seen.

A content's facts depend on its bytes and its language alone, so they are kept by the hash of both:
a branch that is checked out again, or a second editor, finds them. Two processes may write at the
same time without harm, because what they write of the same content is the same, and what they write
of a file is checked against the file when it is read. SQLite's write-ahead log keeps it whole when
a process dies in the middle of a write. If the database is damaged all the same, it is made anew.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from fixwright.index.catalog.policy import Policy
from fixwright.index.catalog.record import Record
from fixwright.index.catalog.stamp import Stamp

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

log = logging.getLogger(__name__)

_SCHEMA = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS contents (
    id INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, policy TEXT NOT NULL,
    reason TEXT NOT NULL, ascii INTEGER NOT NULL, used INTEGER NOT NULL,
    names BLOB NOT NULL, rows BLOB NOT NULL, counts BLOB NOT NULL, rest BLOB NOT NULL
);
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, size INTEGER NOT NULL, mtime INTEGER NOT NULL, ctime INTEGER NOT NULL,
    inode INTEGER NOT NULL, content INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_content ON files (content);
"""
_BUSY = 30.0
_DAY = 86_400
_KEPT = 14
_MANY = 500


@dataclass(frozen=True, slots=True)
class Content:
    """What some bytes are to the index, without their facts."""

    id: int
    policy: Policy
    reason: str
    is_ascii: bool


@dataclass(frozen=True, slots=True)
class Held:
    """Which content a file held when it had a stamp."""

    stamp: Stamp
    content: int


@dataclass(frozen=True, slots=True)
class NewContent:
    """A content to be stored."""

    key: bytes
    policy: Policy
    reason: str
    is_ascii: bool
    record: Record


class Store:
    """One workspace's database. For one thread at a time."""

    def __init__(self, path: Path) -> None:
        """Opens it, or makes it where there is none or only a damaged one. I/O.

        Raises:
            OSError: it can be neither read nor made; the message says where.
        """
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            self._database = self._opened()
        except sqlite3.DatabaseError as error:
            log.warning("%s is made anew: %s", path, error)
            self._remove()
            try:
                self._database = self._opened()
            except sqlite3.Error as again:
                raise OSError(f"{path} can't be made: {again}") from again

    def _opened(self) -> sqlite3.Connection:
        database = sqlite3.connect(
            self.path, timeout=_BUSY, isolation_level=None, check_same_thread=False
        )
        try:
            database.execute("PRAGMA journal_mode=WAL")
            database.execute("PRAGMA synchronous=NORMAL")
            database.execute("PRAGMA mmap_size=1073741824")
            database.executescript(_SCHEMA)
        except sqlite3.Error:
            database.close()
            raise
        return database

    def _remove(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def reset(self) -> None:
        """Makes it anew; for a database that turned out to be damaged."""
        self._database.close()
        self._remove()
        self._database = self._opened()

    def close(self) -> None:
        """Closes it."""
        self._database.close()

    # -- reading

    def fact(self, name: str) -> str | None:
        """A fact about the whole."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", [name]).fetchone()
        return None if row is None else cast("str", row[0])

    def files(self) -> dict[str, Held]:
        """What every file held when it was last seen."""
        rows = self._database.execute("SELECT path, size, mtime, ctime, inode, content FROM files")
        return {row[0]: Held(Stamp(*row[1:5]), row[5]) for row in rows}

    def contents(self) -> Iterator[Content]:
        """All contents that files hold, without their facts."""
        for row in self._database.execute(
            "SELECT id, policy, reason, ascii FROM contents"
            " WHERE id IN (SELECT content FROM files) ORDER BY id"
        ):
            yield Content(row[0], Policy(row[1]), row[2], bool(row[3]))

    def by_keys(self, keys: Sequence[bytes]) -> dict[bytes, Content]:
        """Those of the contents that are known."""
        found: dict[bytes, Content] = {}
        for part in _parts(keys):
            rows = self._database.execute(
                "SELECT key, id, policy, reason, ascii FROM contents"  # noqa: S608  only "?"
                f" WHERE key IN ({_marks(part)})",
                part,
            )
            for row in rows:
                found[row[0]] = Content(row[1], Policy(row[2]), row[3], bool(row[4]))
        return found

    def records(self, ids: Sequence[int]) -> Iterator[tuple[int, Record]]:
        """The facts of contents, those that are still there, ascending by id within each part."""
        for part in _parts(ids):
            rows = self._database.execute(
                "SELECT id, names, rows, counts, rest FROM contents"  # noqa: S608  only "?"
                f" WHERE id IN ({_marks(part)})",
                part,
            )
            for row in rows.fetchall():
                yield row[0], Record(*row[1:])

    # -- writing

    def add(self, contents: Sequence[NewContent]) -> list[Content]:
        """Stores contents; another process may have stored them before, which is as good."""
        today = _today()
        with self._writing():
            self._database.executemany(
                "INSERT OR IGNORE INTO contents"
                " (key, policy, reason, ascii, used, names, rows, counts, rest)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    (n.key, n.policy.value, n.reason, n.is_ascii, today, *n.record.pieces())
                    for n in contents
                ),
            )
        found = self.by_keys([new.key for new in contents])
        return [found[new.key] for new in contents]

    def put(self, files: Mapping[str, Held | None]) -> None:
        """Notes what files hold; None for those that are gone."""
        gone = [(path,) for path, held in files.items() if held is None]
        there = [
            (path, s.size, s.mtime, s.ctime, s.inode, held.content)
            for path, held in files.items()
            if held is not None and (s := held.stamp)
        ]
        with self._writing():
            self._database.executemany("DELETE FROM files WHERE path = ?", gone)
            self._database.executemany(
                "INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?)", there
            )

    def set_fact(self, name: str, value: str) -> None:
        """Notes a fact about the whole."""
        with self._writing():
            self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", [name, value])

    def tidy(self) -> None:
        """Forgets contents that no file has held for two weeks."""
        today = _today()
        with self._writing():
            self._database.execute(
                "UPDATE contents SET used = ? WHERE used < ? AND id IN (SELECT content FROM files)",
                [today, today],
            )
            self._database.execute("DELETE FROM contents WHERE used < ?", [today - _KEPT])

    @contextlib.contextmanager
    def _writing(self) -> Generator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")


def _today() -> int:
    return int(time.time()) // _DAY


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _parts(values: Sequence[object]) -> Iterable[list[object]]:
    for start in range(0, len(values), _MANY):
        yield list(values[start : start + _MANY])
