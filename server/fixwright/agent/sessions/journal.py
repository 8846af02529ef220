"""One session that is open for writing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self, TypeAlias, cast

from fixwright.agent.records import Event
from fixwright.agent.sessions import rows
from fixwright.agent.sessions.errors import SessionError
from fixwright.agent.sessions.records import plain, redacted

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence
    from concurrent.futures import ThreadPoolExecutor
    from types import TracebackType

    from fixwright.agent.records import EventType
    from fixwright.agent.sessions.database import Database
    from fixwright.agent.sessions.locks import SessionLock

Redact: TypeAlias = Callable[[str], str]


class StoredJournal:
    """A `Journal` in the database. Its list of events changes in the store's thread alone."""

    def __init__(
        self,
        session: str,
        database: Database,
        thread: ThreadPoolExecutor,
        lock: SessionLock,
        redact: Redact | None,
    ) -> None:
        """Made by the store."""
        self._session = session
        self._database = database
        self._thread = thread
        self._lock: SessionLock | None = lock
        self._redact = redact
        self._events: tuple[Event, ...] = ()

    @property
    def session(self) -> str:
        """The session's id."""
        return self._session

    @property
    def events(self) -> Sequence[Event]:
        """All of them so far, oldest first; a later one is not added to what this gave."""
        return self._events

    @property
    def is_open(self) -> bool:
        """Whether it can still be written."""
        return self._lock is not None

    def keep_out(self, redact: Redact) -> None:
        """Take more secrets out of all that is written from now on."""
        known = self._redact

        def both(text: str) -> str:
            return redact(text if known is None else known(text))

        self._redact = both

    async def append(
        self, event: EventType, data: Mapping[str, object], texts: Sequence[str] = ()
    ) -> Event:
        """Add an event, and keep the texts that it names, in one step; see `Journal.append`.

        When this is cancelled, the event is added whole or not at all.

        Raises:
            SessionError: it is not written, and the session is as before; the message says why.
            TypeError: `data` is not JSON.
        """
        return await asyncio.wrap_future(
            self._thread.submit(self._append, event, data, tuple(texts))
        )

    async def text(self, digest: str) -> str:
        """A kept text by its `digest`. Raises `KeyError` when there is none."""
        return await asyncio.wrap_future(self._thread.submit(self._text, digest))

    async def close(self) -> None:
        """Let others write the session. Safe to call twice, and after the store is closed."""
        if self._lock is None:
            return
        await asyncio.wrap_future(self._thread.submit(self.release))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    # -- the thread's side

    def load(self, events: Iterable[Event]) -> None:
        """Take over what the database has."""
        self._events = tuple(events)

    def put(
        self,
        database: sqlite3.Connection,
        event: Event,
        texts: Iterable[str],
        *,
        spent: bool = True,
    ) -> Event:
        """Write an event; it counts when the transaction is committed and `load` has taken it.

        The event that is given back has exactly the data that reading it would give.
        """
        data, kept = plain(event.data), tuple(texts)
        if self._redact is not None:
            data = redacted(data, self._redact)
            kept = tuple(text for text in kept if self._redact(text) == text)
        clean = Event(event.seq, event.time, event.type, cast("dict[str, object]", data))
        rows.add_event(database, self._session, clean, kept, spent=spent)
        return clean

    def release(self) -> None:
        """Give the session up."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.release()

    def _append(
        self, event: EventType, data: Mapping[str, object], texts: tuple[str, ...]
    ) -> Event:
        if self._lock is None:
            raise SessionError(f"Session {self._session} is closed. Open it again to go on.")
        new = Event(len(self._events) + 1, time.time(), event, data)
        with self._database.writing() as database:
            new = self.put(database, new, texts)
        self._events = (*self._events, new)
        return new

    def _text(self, digest: str) -> str:
        with self._database.reading() as database:
            return rows.text(database, digest)
