"""A session for people to read: one entry a line, long texts cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from fixwright.agent.sessions.messages import message_from_json
from fixwright.agent.sessions.resume import is_turns
from fixwright.models.json_reading import as_list, as_object, as_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from fixwright.agent.records import Event

_LINES = 6
_WIDTH = 400


def transcript(events: Sequence[Event]) -> Iterator[str]:
    """Its lines; each entry begins with its event's number, by which a fork is made."""
    for event in events:
        for number, (mark, text) in enumerate(_entries(event)):
            place = f"{event.seq:>5}" if number == 0 else " " * 5
            for line_number, line in enumerate(_cut(text)):
                yield f"{place} {mark if line_number == 0 else ' '} {line}".rstrip()
                place = " " * 5


def _entries(event: Event) -> list[tuple[str, str]]:
    """The mark and the text of each thing that an event says."""
    if event.type == "answer":
        return _answer(event) if is_turns(event) else []
    said = _SAID.get(event.type)
    return [] if said is None else [said(event.data)]


def _answer(event: Event) -> list[tuple[str, str]]:
    message = message_from_json(as_object(event.data.get("message")))
    words = [("·", message.text)] if message.text else []
    return words + [("→", f"{call.name} {call.raw}") for call in message.calls]


def _result(data: Mapping[str, object]) -> tuple[str, str]:
    return ("✗" if data.get("error") is True else "←"), as_text(data.get("text"))


def _permission(data: Mapping[str, object]) -> tuple[str, str]:
    return "?", f"{data.get('action')}: {data.get('decision')}, by {data.get('by')}"


def _applied(data: Mapping[str, object]) -> tuple[str, str]:
    count = len(as_list(data.get("documents")))
    return "✓", f"the editor took “{as_text(data.get('label'))}” ({count} files)"


def _ended(data: Mapping[str, object]) -> tuple[str, str]:
    reason = as_text(data.get("reason"))
    return "■", as_text(data.get("status")) + (f": {reason}" if reason else "")


_SAID: Mapping[str, Callable[[Mapping[str, object]], tuple[str, str]]] = {
    "user": lambda data: (">", as_text(data.get("text"))),
    "result": _result,
    "permission": _permission,
    "failed": lambda data: ("!", as_text(data.get("message"))),
    "applied": _applied,
    "undone": lambda data: ("↶", f"undone: what was taken in event {data.get('applied')}"),
    "compacted": lambda _: ("…", "older parts are shown to the model in short from here on"),
    "ended": _ended,
}


def _cut(text: str) -> list[str]:
    lines = [
        line if len(line) <= _WIDTH else f"{line[:_WIDTH]}… ({len(line):,} characters)"
        for line in text.encode("utf-8", "replace").decode().splitlines()
    ] or [""]
    if len(lines) <= _LINES:
        return lines
    return [*lines[:_LINES], f"… ({len(lines) - _LINES} more lines)"]
