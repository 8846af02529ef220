"""The store of sessions: one SQLite file for all of a user's processes.

Everything that blocks is done in one thread of the store's own. A session is written by at most one
process at a time and may be read by all.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

import platformdirs

from fixwright.agent.records import Event
from fixwright.agent.sessions import rows
from fixwright.agent.sessions.database import Database
from fixwright.agent.sessions.errors import SessionError, SessionInUse, StoreFailed
from fixwright.agent.sessions.journal import StoredJournal
from fixwright.agent.sessions.locks import SessionLock, is_held
from fixwright.agent.sessions.records import new_id, plain
from fixwright.agent.sessions.transfer import Entry, exported, imported

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from fixwright.agent.sessions.journal import Redact
    from fixwright.agent.sessions.records import SavedSession, SessionInfo

P = ParamSpec("P")
R = TypeVar("R")


def default_path() -> Path:
    """Where sessions are kept: a folder of their own in the user's state directory."""
    state = Path(platformdirs.user_state_dir("fixwright", appauthor=False))
    return state / "sessions" / "sessions.db"


def _nothing(database: sqlite3.Connection, session: str) -> None:
    del database, session


class SessionStore:
    """The sessions in one file. Close it when done; it may be used from one event loop only."""

    def __init__(self, path: Path | None = None, redact: Redact | None = None) -> None:
        """Nothing is opened before it is used.

        Args:
            path: the file, in a folder of its own; `default_path` where not given.
            redact: takes secrets out of a text. What events say is redacted before it is kept, and
                a file's text that would have to be redacted is not kept at all.
        """
        self.path = path or default_path()
        self._redact = redact
        self._database = Database(self.path)
        self._locks = self.path.with_name("open")
        self._journals: dict[str, StoredJournal] = {}
        self._thread = ThreadPoolExecutor(1, "fixwright-sessions")

    async def create(
        self,
        folders: Sequence[str],
        mode: str,
        title: str = "",
        *,
        extra: Mapping[str, object] = {},
    ) -> StoredJournal:
        """Begin a session, with its event `created`.

        Args:
            folders: the workspace's, as URIs.
            mode: what the agent may do.
            title: for people.
            extra: what else `created` shall say.

        Raises:
            SessionError: it can't be written.
        """
        created = {
            **extra, "folders": list(folders), "mode": mode, "title": title, "parent": None,
        }  # fmt: skip
        return await self._acquire(self._begun, created)

    async def open(self, session: str) -> StoredJournal:
        """Go on with a session; `session` is an id or the beginning of one.

        Raises:
            UnknownSession: there is none.
            SessionInUse: it is open already.
            SessionError: it can't be read.
        """
        return await self._acquire(self._opened, session)

    async def fork(self, session: str, seq: int | None = None) -> StoredJournal:
        """Begin a session with the events of another, all or those up to `seq`.

        The other may be open anywhere. Its events keep their numbers; `created` names the parent.

        Raises:
            UnknownSession: there is none.
            SessionError: it has no event `seq`, or can't be read or written.
        """
        return await self._acquire(self._forked, session, seq)

    async def read(self, session: str) -> SavedSession:
        """A session as it is now, open or not. Raises as `open`, but for `SessionInUse`."""
        return await self._do(self._read, session)

    async def text(self, digest: str) -> str:
        """A kept text. Raises `KeyError` when there is none."""
        return await self._do(self._text, digest)

    async def list(
        self, workspace: str | None = None, limit: int | None = None
    ) -> tuple[SessionInfo, ...]:
        """Sessions, the last used first; of a workspace that has the folder, if one is given."""
        return await self._do(self._listed, workspace, limit)

    async def rename(self, session: str, title: str) -> str:
        """Give a session another title; returns its id. Raises as `open`."""
        identity = await self.resolve(session)
        journal = self._journals.get(identity)
        if journal is not None and journal.is_open:
            await journal.append("title", {"title": title})
        else:
            async with await self.open(identity) as opened:
                await opened.append("title", {"title": title})
        return identity

    async def delete(self, session: str) -> str:
        """Remove a session, and texts that no other one names; returns its id.

        Raises:
            UnknownSession: there is none.
            SessionInUse: it is open.
            SessionError: it can't be written.
        """
        return await self._do(self._deleted, session)

    async def prune(self, days: float) -> tuple[str, ...]:
        """Remove all sessions without an event in the last `days`, but for those that are open."""
        return await self._do(self._pruned, days)

    async def export(self, session: str) -> dict[str, object]:
        """A session with its texts, as JSON. Raises as `read`."""
        return await self._do(self._exported, session)

    async def import_(self, data: object) -> StoredJournal:
        """Begin a session with the events of an exported one; `created` says `imported: true`.

        Raises:
            BadExport: `data` is not what `export` gives.
            SessionError: it can't be written.
        """
        return await self._acquire(self._imported, data)

    async def resolve(self, name: str) -> str:
        """The id that a name means. Raises `UnknownSession` when it means none, or several."""
        return await self._do(self._named, name)

    async def close(self) -> None:
        """Close all sessions, and end the thread."""
        await self._do(self._closed)
        self._thread.shutdown(wait=False)

    # -- the thread's side

    def _begun(
        self,
        created: Mapping[str, object],
        later: Iterable[Entry] = (),
        beside: Callable[[sqlite3.Connection, str], None] = _nothing,
    ) -> StoredJournal:
        """A new session with its first events, in one step with what is done `beside` them."""
        now = time.time()
        session, data = new_id(), cast("dict[str, object]", plain(created))
        journal = self._journal(session)
        try:
            with self._database.writing() as database:
                rows.add_session(database, session, data, now)
                entries = (Entry(Event(1, now, "created", data), ()), *later)
                events = [
                    journal.put(database, each.event, each.texts, spent=False) for each in entries
                ]
                beside(database, session)
            journal.load(events)
        except BaseException:
            journal.release()
            raise
        return self._kept(journal)

    def _opened(self, name: str) -> StoredJournal:
        session = self._named(name)
        journal = self._journal(session)
        try:
            with self._database.reading() as database:
                journal.load(rows.saved(database, session).events)
        except BaseException:
            journal.release()
            raise
        return self._kept(journal)

    def _forked(self, name: str, seq: int | None) -> StoredJournal:
        parent = self._read(name)
        identity, last = parent.info.id, parent.info.events
        until = last if seq is None else seq
        if not 1 <= until <= last:
            raise SessionError(f"Session {identity} has events 1 to {last}, and no event {until}.")
        created = {
            **parent.events[0].data,
            "title": parent.info.title, "parent": {"session": identity, "seq": until},
        }  # fmt: skip
        later = (Entry(event, ()) for event in parent.events[1:until])
        return self._begun(
            created, later, lambda database, new: rows.copy_texts(database, identity, new, until)
        )

    def _imported(self, data: object) -> StoredJournal:
        entries = imported(data)
        created = {**entries[0].event.data, "imported": True, "parent": None}
        return self._begun(created, entries[1:])

    def _journal(self, session: str) -> StoredJournal:
        try:
            self._locks.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = SessionLock.take(self._locks, session)
        except OSError as error:
            raise StoreFailed(
                f"The sessions in {self._locks} can't be used: {error.strerror or error}."
            ) from error
        return StoredJournal(session, self._database, self._thread, lock, self._redact)

    def _kept(self, journal: StoredJournal) -> StoredJournal:
        """Remember it for as long as it is open; those that were closed are forgotten here."""
        self._journals = {name: each for name, each in self._journals.items() if each.is_open}
        self._journals[journal.session] = journal
        return journal

    def _named(self, name: str) -> str:
        with self._database.reading() as database:
            return rows.named(database, name)

    def _read(self, name: str) -> SavedSession:
        with self._database.reading() as database:
            found = rows.saved(database, rows.named(database, name))
        return replace(found, info=self._judged(found.info))

    def _text(self, digest: str) -> str:
        with self._database.reading() as database:
            return rows.text(database, digest)

    def _listed(self, workspace: str | None, limit: int | None) -> tuple[SessionInfo, ...]:
        found: list[SessionInfo] = []
        with self._database.reading() as database:
            for info in rows.listed(database):
                if limit is not None and len(found) >= limit:
                    break
                if workspace is None or workspace in info.folders:
                    found.append(info)
        return tuple(self._judged(info) for info in found)

    def _judged(self, info: SessionInfo) -> SessionInfo:
        """A turn that nobody is at was cut."""
        if info.status == "running" and not is_held(self._locks, info.id):
            return replace(info, status="interrupted")
        return info

    def _deleted(self, name: str) -> str:
        session = self._named(name)
        journal = self._journal(session)
        try:
            with self._database.writing() as database:
                rows.remove(database, session)
            self._database.shrink()
        finally:
            journal.release()
        return session

    def _pruned(self, days: float) -> tuple[str, ...]:
        with self._database.reading() as database:
            old = rows.older_than(database, days)
        removed: list[str] = []
        for session in old:
            try:
                removed.append(self._deleted(session))
            except SessionInUse:
                continue
        return tuple(removed)

    def _exported(self, name: str) -> dict[str, object]:
        found = self._read(name)
        with self._database.reading() as database:
            texts = rows.texts_of(database, found.info.id)
            named = rows.mentions_of(database, found.info.id)
        return exported(found, named, texts)

    def _closed(self) -> None:
        for journal in self._journals.values():
            journal.release()
        self._journals.clear()
        self._database.close()

    # -- the loop's side

    async def _do(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        return await asyncio.wrap_future(self._thread.submit(work, *args, **kwargs))

    async def _acquire(
        self, work: Callable[P, StoredJournal], *args: P.args, **kwargs: P.kwargs
    ) -> StoredJournal:
        """As `_do`; when nobody waits any more, what was acquired is given back."""
        future = self._thread.submit(work, *args, **kwargs)
        try:
            return await asyncio.wrap_future(future)
        except asyncio.CancelledError:
            future.add_done_callback(_given_back)
            raise


def _given_back(future: Future[StoredJournal]) -> None:
    if not future.cancelled() and future.exception() is None:
        future.result().release()
