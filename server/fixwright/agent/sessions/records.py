"""What is kept of a session, and how it is written down."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast, get_args

from fixwright.agent.records import EventType
from fixwright.models.json_reading import as_count, as_object, as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from fixwright.agent.records import Event

EVENT_TYPES: frozenset[str] = frozenset(get_args(EventType))

_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
"""Of ids: no letters that are mistaken for digits."""
_TIME_DIGITS = 9
_RANDOM_DIGITS = 8


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session in a list.

    Attributes:
        id: its name.
        created: seconds since 1970, UTC.
        updated: when its last event came.
        title: for people; may be empty.
        folders: the workspace's.
        mode: what it may do, as `created` says.
        status: `new`, `running` (a turn is on its way, in whatever process), `interrupted` (one was
            cut), or how its last turn ended.
        parent: the session that it was forked from, and after which of its events.
        tokens: read and written by its own requests, not by those that it was forked with.
        cost: of the same, in US dollars, where the price was known.
        events: how many there are.
    """

    id: str
    created: float
    updated: float
    title: str
    folders: tuple[str, ...]
    mode: str
    status: str
    parent: tuple[str, int] | None
    tokens: int
    cost: float
    events: int


@dataclass(frozen=True, slots=True)
class SavedSession:
    """A session as it was at one moment, to be looked at."""

    info: SessionInfo
    events: tuple[Event, ...]


def new_id() -> str:
    """A name that sorts by time and can't be guessed: milliseconds and 40 random bits."""
    stamp, chance = time.time_ns() // 1_000_000, secrets.randbits(5 * _RANDOM_DIGITS)
    return _written(stamp, _TIME_DIGITS) + _written(chance, _RANDOM_DIGITS)


def _written(number: int, digits: int) -> str:
    return "".join(_DIGITS[number >> (5 * place) & 31] for place in reversed(range(digits)))


def digest_of(text: str) -> str:
    """The name of a kept text: SHA-256 of it in UTF-8, in hexadecimal."""
    return hashlib.sha256(text_bytes(text)).hexdigest()


def text_bytes(text: str) -> bytes:
    """As a kept text is stored; a model or an editor may send halves of surrogate pairs."""
    return text.encode("utf-8", "surrogatepass")


def text_of(data: bytes) -> str:
    """The inverse of `text_bytes`."""
    return data.decode("utf-8", "surrogatepass")


def to_json(data: Mapping[str, object]) -> str:
    """An event's data as it is stored: exactly what `json.loads` gives back.

    Raises:
        TypeError: it holds something that isn't JSON.
    """
    return json.dumps(plain(data), separators=(",", ":"))


def plain(value: object) -> object:
    """Mappings and sequences of any kind as those that JSON knows."""
    if isinstance(value, Mapping):
        items = cast("Mapping[str, object]", value)
        return {name: plain(item) for name, item in items.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(item) for item in cast("Sequence[object]", value)]
    return value


def redacted(value: object, redact: Callable[[str], str]) -> object:
    """With every string in it redacted; names of fields are ours and stay."""
    if isinstance(value, str):
        return redact(value)
    if isinstance(value, dict):
        items = cast("dict[str, object]", value)
        return {name: redacted(item, redact) for name, item in items.items()}
    if isinstance(value, list):
        return [redacted(item, redact) for item in cast("list[object]", value)]
    return value


@dataclass(frozen=True, slots=True)
class Summary:
    """What a list shows of a session's events; `None` and 0 where one says nothing of it."""

    title: str | None = None
    status: str | None = None
    tokens: int = 0
    cost: float = 0.0


def summary_of(event: str, data: Mapping[str, object]) -> Summary:
    """What one event changes in the list."""
    match event:
        case "created":
            return Summary(title=as_text(data.get("title")), status="new")
        case "title":
            return Summary(title=as_text(data.get("title")))
        case "user":
            return Summary(status="running")
        case "ended":
            return Summary(status=as_text(data.get("status")) or "ended")
        case "answer":
            usage = as_object(data.get("usage"))
            tokens = sum(as_count(count) for name, count in usage.items() if name in _COUNTED)
            cost = data.get("cost")
            return Summary(
                tokens=tokens, cost=float(cost) if isinstance(cost, int | float) else 0.0
            )
        case _:
            return Summary()


_COUNTED = frozenset({"inputTokens", "outputTokens", "cacheReadTokens", "cacheWriteTokens"})
