"""The events that a session is made of.

A session is an append-only list of them. Everything else — the conversation that a model sees, the
draft, what undo takes back, what a transcript shows — is computed from the list, so that a session
that was cut anywhere can go on, and can be repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EventType: TypeAlias = Literal[
    "created",  # {folders, mode, title, parent: {session, seq} | None}
    "front",  # {front: [digest of the system prompt, of the rules, of the map]}: "" for none;
    # {tools}: the digest of those from elsewhere, where there are any
    "user",  # a turn begins: {text, context}
    "request",  # a model is about to be asked: {key, purpose, digest, bytes, same, parts, reserved}
    "answer",  # it has answered: {message, purpose, stop, usage, cost, key, requestId}
    "failed",  # it has not: {kind, message, purpose}
    "permission",  # {call, action, decision, by}
    "call",  # a tool is about to work: {id, name, effect}
    "result",  # it has: {id, text, error, evidence}, and what it did to the draft: {draft}
    "run",  # a run ended: {evidence, report}
    "compacted",  # {upTo, summary, pruned}: what the model is shown in place of older events
    "applied",  # the editor took changes: {label, documents: [{uri, before, after}]}
    "discarded",  # what waited was rejected: {draft: what is left of it}
    "undone",  # the last applied changes were taken back: {applied}
    "title",  # {title}
    "ended",  # a turn ended: {status, reason, usage, cost}
]


@dataclass(frozen=True, slots=True)
class Event:
    """One event of one session.

    Attributes:
        seq: its place in the session, counted from 1 without gaps.
        time: seconds since 1970, UTC.
        type: what it is; `EventType` says what `data` holds.
        data: plain JSON. Texts of files are not in it but named by their digest, see `Journal`.
    """

    seq: int
    time: float
    type: EventType
    data: Mapping[str, object]


class Journal(Protocol):
    """One session's events, as the agent reads and writes them."""

    @property
    def session(self) -> str:
        """The session's id."""
        ...

    @property
    def events(self) -> Sequence[Event]:
        """All of them so far, oldest first."""
        ...

    async def append(
        self, event: EventType, data: Mapping[str, object], texts: Sequence[str] = ()
    ) -> Event:
        """Add an event, and keep the texts that it names, in one step.

        On the disk when this returns: a crash after it loses nothing, one before it leaves
        nothing of it.
        """
        ...

    async def text(self, digest: str) -> str:
        """A kept text by its `digest`. Raises `KeyError` when there is none."""
        ...
