"""What the database is asked and told. Everything blocks and belongs into its thread."""

from __future__ import annotations

import json
import time
import zlib
from typing import TYPE_CHECKING, cast

from fixwright.agent.records import Event
from fixwright.agent.sessions.errors import UnknownSession
from fixwright.agent.sessions.records import (
    SavedSession,
    SessionInfo,
    digest_of,
    summary_of,
    text_bytes,
    text_of,
    to_json,
)

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from fixwright.agent.records import EventType

_INFO = (
    "SELECT id, created, updated, title, folders, mode, status, parent, parent_seq, tokens, cost,"
    " (SELECT max(seq) FROM events WHERE session = id) FROM sessions"
)
_InfoRow = tuple[
    str, float, float, str, str, str, str, str | None, int | None, int, float, int | None
]


def add_session(
    database: sqlite3.Connection, session: str, created: Mapping[str, object], now: float
) -> None:
    """A session's row, before its first event; what the row says comes from the events."""
    parent = cast("dict[str, object]", created.get("parent") or {})
    database.execute(
        "INSERT INTO sessions VALUES (?, ?, ?, '', ?, ?, 'new', ?, ?, 0, 0)",
        (session, now, now, json.dumps(created["folders"]), created["mode"],
         parent.get("session"), parent.get("seq")),
    )  # fmt: skip


def add_event(
    database: sqlite3.Connection, session: str, event: Event, texts: Iterable[str], *, spent: bool
) -> None:
    """One event with the texts that it names; `spent` says whether its cost is this session's."""
    database.execute(
        "INSERT INTO events VALUES (?, ?, ?, ?, ?)",
        (session, event.seq, event.time, event.type, to_json(event.data)),
    )
    for text in texts:
        _keep(database, session, event.seq, text)
    told = summary_of(event.type, event.data)
    database.execute(
        "UPDATE sessions SET updated = max(updated, ?), title = coalesce(?, title),"
        " status = coalesce(?, status), tokens = tokens + ?, cost = cost + ? WHERE id = ?",
        (event.time, told.title, told.status, told.tokens if spent else 0,
         told.cost if spent else 0.0, session),
    )  # fmt: skip


def _keep(database: sqlite3.Connection, session: str, seq: int, text: str) -> None:
    digest = digest_of(text)
    known = database.execute("SELECT 1 FROM texts WHERE digest = ?", (digest,)).fetchone()
    if known is None:
        packed = zlib.compress(text_bytes(text))
        database.execute("INSERT INTO texts VALUES (?, ?)", (digest, packed))
    database.execute("INSERT OR IGNORE INTO mentions VALUES (?, ?, ?)", (session, seq, digest))


def copy_texts(database: sqlite3.Connection, source: str, target: str, until: int) -> None:
    """Let a session name what another names, up to an event."""
    database.execute(
        "INSERT INTO mentions SELECT ?, seq, digest FROM mentions WHERE session = ? AND seq <= ?",
        (target, source, until),
    )


def text(database: sqlite3.Connection, digest: str) -> str:
    """A kept text. Raises `KeyError` when there is none."""
    row = database.execute("SELECT content FROM texts WHERE digest = ?", (digest,)).fetchone()
    if row is None:
        raise KeyError(digest)
    return text_of(zlib.decompress(cast("bytes", row[0])))


def texts_of(database: sqlite3.Connection, session: str) -> dict[str, str]:
    """All texts that a session names, by digest."""
    rows = database.execute(
        "SELECT DISTINCT digest FROM mentions WHERE session = ? ORDER BY digest", (session,)
    )
    return {digest: text(database, digest) for (digest,) in rows.fetchall()}


def mentions_of(database: sqlite3.Connection, session: str) -> dict[int, list[str]]:
    """Which kept texts each event names, by its number."""
    rows = database.execute(
        "SELECT seq, digest FROM mentions WHERE session = ? ORDER BY seq, digest", (session,)
    )
    named: dict[int, list[str]] = {}
    for seq, digest in rows:
        named.setdefault(seq, []).append(digest)
    return named


def saved(database: sqlite3.Connection, session: str) -> SavedSession:
    """A session whole.

    Raises:
        UnknownSession: there is none of this name.
    """
    row: _InfoRow | None = database.execute(f"{_INFO} WHERE id = ?", (session,)).fetchone()
    if row is None:
        raise UnknownSession(f"There is no session {session}. `fixwright sessions` lists them.")
    rows = database.execute(
        "SELECT seq, time, type, data FROM events WHERE session = ? ORDER BY seq", (session,)
    )
    events = (
        Event(seq, at, cast("EventType", kind), json.loads(data)) for seq, at, kind, data in rows
    )
    return SavedSession(_info(row), tuple(events))


def listed(database: sqlite3.Connection) -> Iterable[SessionInfo]:
    """All sessions, the last used first."""
    rows = database.execute(f"{_INFO} ORDER BY updated DESC, id DESC")
    return (_info(row) for row in rows)


def named(database: sqlite3.Connection, name: str) -> str:
    """The id that a name means: an id, or the beginning of exactly one.

    Raises:
        UnknownSession: it means none, or several.
    """
    rows = database.execute(
        "SELECT id FROM sessions WHERE substr(id, 1, ?) = ? ORDER BY id", (len(name), name)
    )
    found = [cast("str", row[0]) for row in rows] if name else []
    if name in found:
        return name
    if not found:
        raise UnknownSession(f"There is no session {name}. `fixwright sessions` lists them.")
    if len(found) > 1:
        some = ", ".join(found[:3]) + (" …" if found[3:] else "")
        raise UnknownSession(f"{len(found)} sessions begin with {name}: {some}. Give more of it.")
    return found[0]


def remove(database: sqlite3.Connection, session: str) -> None:
    """Delete a session, and the texts that no other one names."""
    database.execute("DELETE FROM sessions WHERE id = ?", (session,))
    database.execute("DELETE FROM texts WHERE digest NOT IN (SELECT digest FROM mentions)")


def older_than(database: sqlite3.Connection, days: float) -> list[str]:
    """The sessions whose last event is older."""
    limit = time.time() - days * 86_400
    rows = database.execute("SELECT id FROM sessions WHERE updated < ? ORDER BY id", (limit,))
    return [cast("str", row[0]) for row in rows]


def _info(row: _InfoRow) -> SessionInfo:
    identity, created, updated, title, folders, mode, status, parent, seq, tokens, cost, last = row
    return SessionInfo(
        identity, created, updated, title, tuple(cast("list[str]", json.loads(folders))), mode,
        status, (parent, seq or 0) if parent is not None else None, tokens, cost, last or 0,
    )  # fmt: skip
