"""A session as one JSON object, for a bug report, an archive or a test.

{"format": "fixwright-session", "version": 1, "session": {id, title, …},
 "events": [{seq, time, type, data, texts: [digest]}], "texts": {digest: text}}
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

from fixwright.agent.records import Event
from fixwright.agent.sessions.errors import BadExport
from fixwright.agent.sessions.records import EVENT_TYPES, digest_of
from fixwright.models.json_reading import as_list, as_object

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fixwright.agent.records import EventType
    from fixwright.agent.sessions.records import SavedSession, SessionInfo

FORMAT = "fixwright-session"
VERSION = 1


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, and the texts that are kept with it."""

    event: Event
    texts: tuple[str, ...]


def exported(
    session: SavedSession, named: Mapping[int, Sequence[str]], texts: Mapping[str, str]
) -> dict[str, object]:
    """The whole of a session; `named` are the digests that each event keeps."""
    events = [
        {
            "seq": event.seq, "time": event.time, "type": event.type, "data": event.data,
            "texts": list(named.get(event.seq, ())),
        }
        for event in session.events
    ]  # fmt: skip
    return {
        "format": FORMAT, "version": VERSION, "session": info_json(session.info),
        "events": events, "texts": dict(texts),
    }  # fmt: skip


def info_json(info: SessionInfo) -> dict[str, object]:
    """A session's place in a list, as the wire has it."""
    parent = None if info.parent is None else {"session": info.parent[0], "seq": info.parent[1]}
    return {**asdict(info), "folders": list(info.folders), "parent": parent}


def imported(data: object) -> list[Entry]:
    """The events of an exported session, the first of which is `created`.

    Raises:
        BadExport: it is none; the message says what is wrong with it, and where.
    """
    whole = as_object(data)
    if whole.get("format") != FORMAT:
        raise BadExport("This is no exported session: `fixwright sessions export` makes one.")
    if whole.get("version") != VERSION:
        raise BadExport(
            f"This session was exported in version {whole.get('version')} of the format, and this"
            f" Fixwright reads version {VERSION}."
        )
    texts = _texts(as_object(whole.get("texts")))
    entries = [
        _entry(seq, as_object(each), texts)
        for seq, each in enumerate(as_list(whole.get("events")), 1)
    ]
    if not entries:
        raise BadExport("The exported session has no events.")
    _check_created(entries[0].event)
    return entries


def _texts(given: Mapping[str, object]) -> dict[str, str]:
    for digest, text in given.items():
        if not isinstance(text, str) or digest_of(text) != digest:
            raise BadExport(f"The exported text {digest[:12]}… is not what its digest says.")
    return cast("dict[str, str]", given)


def _entry(seq: int, given: Mapping[str, object], texts: Mapping[str, str]) -> Entry:
    kind, data, time = given.get("type"), given.get("data"), given.get("time")
    if given.get("seq") != seq:
        raise BadExport(f"The exported events have a gap: event {seq} is missing.")
    if kind not in EVENT_TYPES:
        raise BadExport(f"The exported event {seq} is of a type that is not known: {kind!r}.")
    if (kind == "created") != (seq == 1):
        raise BadExport(f"The exported event {seq} can't be {kind!r}: `created` comes first, once.")
    if not isinstance(data, dict) or isinstance(time, bool) or not isinstance(time, int | float):
        raise BadExport(f"The exported event {seq} has no data or no time.")
    named = as_list(given.get("texts"))
    missing = next((each for each in named if each not in texts), None)
    if missing is not None:
        raise BadExport(f"The exported event {seq} names a text that is missing: {missing!r}.")
    event = Event(seq, float(time), cast("EventType", kind), cast("dict[str, object]", data))
    return Entry(event, tuple(texts[cast("str", each)] for each in named))


def _check_created(event: Event) -> None:
    folders = event.data.get("folders")
    strings = isinstance(folders, list) and all(
        isinstance(each, str) for each in cast("list[object]", folders)
    )
    if not strings or not isinstance(event.data.get("mode"), str):
        raise BadExport("The exported event 1 does not name the session's folders and mode.")
