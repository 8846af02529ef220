"""The database of sessions: opening, transactions, and what to do when it can't be used.

Writers take turns by a lock of their own, closing and the checkpoints inside a commit included:
SQLite before 3.51.3 can lose committed pages when one connection checkpoints while another starts
its write-ahead log anew (https://sqlite.org/wal.html, "The WAL-Reset Bug"), and an interpreter
brings whichever SQLite its system has. Readers never wait.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import time
from typing import TYPE_CHECKING

from fixwright.agent.sessions.errors import SessionError, StoreDamaged, StoreFailed
from fixwright.agent.sessions.locks import writing_turn

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

log = logging.getLogger(__name__)

_APPLICATION = 0x46575353
"""SQLite's `application_id` of our files: "FWSS"."""

_BUSY = 10.0
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR})
_PRIMARY = 0xFF
"""The bits of an error's code that say its kind."""

_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    "secure_delete=ON",
    "temp_store=MEMORY",
)

_MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE sessions (
            id TEXT PRIMARY KEY, created REAL NOT NULL, updated REAL NOT NULL,
            title TEXT NOT NULL, folders TEXT NOT NULL, mode TEXT NOT NULL, status TEXT NOT NULL,
            parent TEXT, parent_seq INTEGER, tokens INTEGER NOT NULL, cost REAL NOT NULL
        ) WITHOUT ROWID""",
        "CREATE INDEX sessions_by_update ON sessions (updated)",
        """CREATE TABLE events (
            session TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
            seq INTEGER NOT NULL, time REAL NOT NULL, type TEXT NOT NULL, data TEXT NOT NULL,
            PRIMARY KEY (session, seq)
        )""",
        "CREATE TABLE texts (digest TEXT PRIMARY KEY, content BLOB NOT NULL)",
        """CREATE TABLE mentions (
            session TEXT NOT NULL, seq INTEGER NOT NULL, digest TEXT NOT NULL REFERENCES texts,
            PRIMARY KEY (session, seq, digest),
            FOREIGN KEY (session, seq) REFERENCES events (session, seq) ON DELETE CASCADE
        ) WITHOUT ROWID""",
        "CREATE INDEX mentions_by_digest ON mentions (digest)",
    ),
)
"""What makes each version of the schema from the one before. Append; never change what is there."""


class Database:
    """The file at `path`. Belongs to one thread; everything blocks."""

    def __init__(self, path: Path) -> None:
        """Nothing is opened before it is used."""
        self.path = path
        self._turns = path.with_name("writers.lock")
        self._connection: sqlite3.Connection | None = None

    @contextlib.contextmanager
    def reading(self) -> Generator[sqlite3.Connection]:
        """A transaction that sees one moment.

        Raises:
            SessionError: the database can't be used; the message says why.
        """
        with self._translated():
            connection = self._opened()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                _end(connection)

    @contextlib.contextmanager
    def writing(self) -> Generator[sqlite3.Connection]:
        """A transaction that is on the disk when this ends, or leaves nothing when it raises.

        Raises:
            SessionError: the database can't be used; the message says why.
        """
        with self._translated():
            connection = self._opened()
            with writing_turn(self._turns):
                connection.execute("BEGIN IMMEDIATE")
                try:
                    yield connection
                    connection.execute("COMMIT")
                finally:
                    _end(connection)

    def shrink(self) -> None:
        """Overwrite what was deleted, in the write-ahead log too, and give its room back.

        Raises:
            SessionError: as `writing`.
        """
        with self._translated():
            connection = self._opened()
            with writing_turn(self._turns):
                connection.execute("PRAGMA incremental_vacuum").fetchall()
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def close(self) -> None:
        """Close it; a later use opens it again."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        try:
            with writing_turn(self._turns):
                connection.close()
        except StoreFailed as error:
            log.warning("%s", error)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            _make_private(self.path)
            with writing_turn(self._turns):
                self._connection = self._connect()
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=_BUSY, isolation_level=None)
        try:
            _check_ours(connection, self.path)
            for pragma in _PRAGMAS:
                connection.execute(f"PRAGMA {pragma}").fetchall()
            _migrate(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    @contextlib.contextmanager
    def _translated(self) -> Generator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise self._sentence(error) from error
        except OSError as error:
            raise StoreFailed(
                f"The sessions in {self.path.parent} can't be used: {error.strerror or error}."
            ) from error

    def _sentence(self, error: sqlite3.Error) -> SessionError:
        kind = getattr(error, "sqlite_errorcode", 0) & _PRIMARY
        if kind in _DAMAGE:
            return self._set_aside(str(error))
        if kind in _FULL:
            return StoreFailed(
                f"The session could not be written to {self.path}: {error}. The disk may be full:"
                " free some space, and resume the session; it is whole up to its last step."
            )
        return StoreFailed(f"The sessions in {self.path} can't be used: {error}.")

    def _set_aside(self, why: str) -> SessionError:
        """Move a damaged file away, with what belongs to it; nothing of it is deleted."""
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None
        try:
            with writing_turn(self._turns):
                if not _is_damaged(self.path):
                    return StoreFailed(
                        f"{self.path} looked damaged ({why}), and is whole now. Try again."
                    )
                aside = _free_name(self.path)
                for suffix in ("-wal", "-shm", ""):
                    with contextlib.suppress(FileNotFoundError):
                        source = self.path.with_name(self.path.name + suffix)
                        source.rename(aside.with_name(aside.name + suffix))
        except OSError as error:
            return StoreFailed(
                f"{self.path} is damaged ({why}) and can't be moved away: {error.strerror}."
                " Move it away yourself to begin anew."
            )
        log.error("%s was damaged (%s) and is %s now", self.path, why, aside)
        return StoreDamaged(
            f"The file of sessions was damaged ({why}). It is kept as {aside}; from now on"
            f" sessions go into a new {self.path.name}."
            f" `sqlite3 {aside.name} .recover` may save what is in the old one."
        )


def _end(connection: sqlite3.Connection) -> None:
    """Roll back what was not committed; SQLite may have done so itself."""
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _make_private(path: Path) -> None:
    """A folder and a file that nobody else can look into."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.parent.chmod(0o700)
    with contextlib.suppress(FileExistsError):
        # Never an existing one: closing it would end the locks that this process has on it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    path.chmod(0o600)  # SQLite gives its other files the same


def _check_ours(connection: sqlite3.Connection, path: Path) -> None:
    """Raise unless it is empty or ours, and of a version that is known."""
    application = _number(connection, "PRAGMA application_id")
    version = _number(connection, "PRAGMA user_version")
    empty = _number(connection, "SELECT count(*) FROM sqlite_master") == 0
    if empty and application == 0:
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")  # while there is nothing in it
        return
    if application != _APPLICATION:
        error = sqlite3.DatabaseError("it is a database of something else")
        error.sqlite_errorcode = sqlite3.SQLITE_NOTADB
        raise error
    if version > len(_MIGRATIONS):
        raise StoreFailed(
            f"{path} was written by a newer Fixwright (format {version}, this one knows"
            f" {len(_MIGRATIONS)}). Use that one, or name another place for this one's state."
        )


def _migrate(connection: sqlite3.Connection) -> None:
    version = _number(connection, "PRAGMA user_version")
    if version == len(_MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for statements in _MIGRATIONS[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id={_APPLICATION}")
        connection.execute(f"PRAGMA user_version={len(_MIGRATIONS)}")
        connection.execute("COMMIT")
    finally:
        _end(connection)


def _number(connection: sqlite3.Connection, question: str) -> int:
    row: tuple[int] = connection.execute(question).fetchone()
    return row[0]


def _is_damaged(path: Path) -> bool:
    """Look again: another process may have moved the damaged file away already."""
    connection = sqlite3.connect(path, timeout=_BUSY, isolation_level=None)
    try:
        _check_ours(connection, path)
        found: list[tuple[str]] = connection.execute("PRAGMA integrity_check(1)").fetchall()
    except StoreFailed:
        return False
    except sqlite3.DatabaseError as error:
        return (error.sqlite_errorcode & _PRIMARY) in _DAMAGE
    else:
        return found != [("ok",)]
    finally:
        connection.close()


def _free_name(path: Path) -> Path:
    stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
    names = (f"{path.stem}-damaged-{stamp}{extra}{path.suffix}" for extra in _numbers())
    return next(name for each in names if not (name := path.with_name(each)).exists())


def _numbers() -> Generator[str]:
    yield ""
    number = 2
    while True:
        yield f"-{number}"
        number += 1
