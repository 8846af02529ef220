"""Repeating a session without a model and without a sandbox, from what it recorded.

The recorded provider gives the recorded answers, and only to the very requests that they were given
to; the recorded tools give the recorded results. Whatever loop asks them, it either repeats the
session, or is told where it first did something else.
"""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict, deque
from dataclasses import replace
from typing import TYPE_CHECKING, cast

from fixwright.agent.sessions.digests import request_bytes, request_digest, request_parts
from fixwright.agent.sessions.drafts import kept_texts, recorded_draft
from fixwright.agent.sessions.messages import done_from_json
from fixwright.agent.sessions.records import plain
from fixwright.agent.sessions.resume import draft_texts
from fixwright.agent.sessions.tape import recorded_calls, recorded_requests
from fixwright.agent.tools.registry import Registry
from fixwright.agent.tools.spec import Outcome
from fixwright.models.json_reading import as_count, as_object, as_text
from fixwright.models.types import Delta, Done, ModelError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping, Sequence

    from fixwright.agent.desk import Desk
    from fixwright.agent.records import Event, Journal
    from fixwright.agent.sessions.digests import Part
    from fixwright.agent.sessions.tape import RecordedCall, RecordedRequest
    from fixwright.agent.tools.registry import Tool
    from fixwright.agent.tools.spec import Action, Effect
    from fixwright.models.types import ErrorKind, Request
    from fixwright.workspace.draft import Draft
    from fixwright.workspace.snapshot import Snapshot

_RESULT_FIELDS = frozenset({"id", "text", "error", "evidence", "draft"})
_SHOWN = 200
_AT_ONCE = 2
"""A turn and a title."""


class ReplayDiffers(Exception):
    """The session took another way than the recorded one; the message says where first."""


class Replay:
    """A recorded session as a provider and as tools, for one repetition.

    Attributes:
        provider: gives the recorded answers.
        differs: where the repetition first left the recorded way, if it did.
    """

    def __init__(self, journal: Journal) -> None:
        """`journal` is the recorded session's; it is only read."""
        self.differs: ReplayDiffers | None = None
        self.provider = RecordedProvider(journal.events, self)
        self._journal = journal

    def tools(self, tools: Registry) -> Registry:
        """The same tools, giving what they gave."""
        calls = recorded_calls(self._journal.events)
        return Registry(
            RecordedTool(tool, [each for each in calls if each.name == tool.name], self)
            for tool in tools.values()
        )

    def left_at(self, sentence: str) -> ReplayDiffers:
        """The first difference, to be raised; what follows from it says nothing."""
        if self.differs is None:
            self.differs = ReplayDiffers(sentence)
        return self.differs

    async def draft_after(self, event: Event, base: Snapshot) -> Draft:
        """The draft as the recorded session had it after an event."""
        kept = draft_texts(self._journal.events[: event.seq])
        return recorded_draft(kept, await kept_texts(kept, self._journal.text), base)


class RecordedProvider:
    """A `Provider` that answers as the recorded one did."""

    def __init__(self, events: Sequence[Event], replay: Replay) -> None:
        """Made by `Replay`."""
        self._left = deque(recorded_requests(events))
        self._replay = replay
        self._asked = 0
        self._key = ""

    @property
    def key(self) -> str:
        """Of the provider that was asked next; a session may have fallen back to another."""
        if self._left:
            self._key = as_text(self._left[0].event.data.get("key"))
        return self._key

    @property
    def model(self) -> str:
        """Its model's name."""
        return model_of(self.key)

    @property
    def left(self) -> int:
        """How many of the recorded requests were not repeated yet."""
        return len(self._left)

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Done, None]:
        """See `Provider.stream`.

        Raises:
            ModelError: the recorded request failed.
            ReplayDiffers: this is not the request that was recorded, or there is none left.
            CancelledError: the recorded turn was cancelled while the model answered.
        """
        if self._replay.differs is not None:
            raise self._replay.differs
        self._asked += 1
        recorded = await asyncio.to_thread(self._found, request)
        if recorded.reply is None:
            raise asyncio.CancelledError
        if recorded.reply.type == "failed":
            data = recorded.reply.data
            kind = cast("ErrorKind", as_text(data.get("kind")))
            raise ModelError(kind, as_text(data.get("message")), retryable=False)
        done = done_from_json(recorded.reply.data)
        if done.message.text:
            yield Delta("text", done.message.text)
        yield done

    async def close(self) -> None:
        """There is nothing to close."""

    def _found(self, request: Request) -> RecordedRequest:
        """The recorded request that this one is: the next, or another made at the same time."""
        if not self._left:
            raise self._replay.left_at(f"The recorded session did not make request {self._asked}.")
        digests = _digests(request)
        for recorded in list(self._left)[:_AT_ONCE]:
            if recorded.event.data.get("digest") in digests:
                self._left.remove(recorded)
                return recorded
        difference = _difference(self._left[0], request)
        raise self._replay.left_at(f"Request {self._asked} is not the recorded one: {difference}")


def model_of(key: str) -> str:
    """The model's name in a provider's key, `PROTOCOL:URL:MODEL`; it may hold colons itself."""
    _, _, rest = key.partition("://")
    if not rest:
        return key.rpartition(":")[2]
    host, _, rest = rest.partition(":")
    port, colon, after = rest.partition(":")
    if "/" not in host and colon and port.partition("/")[0].isdecimal():
        return after
    return rest


def _digests(request: Request) -> tuple[str, ...]:
    """Of a request, and of it before its output was limited to the room that is left."""
    return request_digest(request), request_digest(replace(request, max_tokens=None))


def _difference(recorded: RecordedRequest, request: Request) -> str:
    size, was = len(request_bytes(request)), as_count(recorded.event.data.get("bytes"))
    where = _first_difference(recorded.parts, request_parts(request))
    return f"{where} (event {recorded.event.seq}; {size:,} bytes, recorded {was:,})"


def _first_difference(recorded: Sequence[Part], now: Sequence[Part]) -> str:
    if not recorded:
        return "its parts were not recorded, so it can't be told where"
    for had, has in zip(recorded, now, strict=False):
        if had.name != has.name:
            return f"where {had.name} was, {has.name} is"
        if had.digest != has.digest:
            return f"{had.name} has changed"
    if len(now) > len(recorded):
        return f"{now[len(recorded)].name} is new"
    if len(now) < len(recorded):
        return f"{recorded[len(now)].name} is missing"
    return "it was recorded in another form"


class RecordedTool:
    """A tool that gives what it gave, and does nothing else."""

    def __init__(self, tool: Tool, calls: Sequence[RecordedCall], replay: Replay) -> None:
        """Made by `Replay`."""
        self._tool = tool
        self._replay = replay
        self._calls: dict[str, deque[RecordedCall]] = defaultdict(deque)
        for call in calls:
            self._calls[_written(call.arguments)].append(call)

    @property
    def name(self) -> str:
        """See `Tool`."""
        return self._tool.name

    @property
    def description(self) -> str:
        """See `Tool`."""
        return self._tool.description

    @property
    def schema(self) -> Mapping[str, object]:
        """See `Tool`."""
        return self._tool.schema

    @property
    def effect(self) -> Effect:
        """See `Tool`."""
        return self._tool.effect

    def action(self, arguments: Mapping[str, object] | None, desk: Desk) -> Action:
        """See `Tool`."""
        return self._tool.action(arguments, desk)

    async def call(self, arguments: Mapping[str, object] | None, desk: Desk) -> Outcome:
        """The recorded outcome.

        Raises:
            ReplayDiffers: the tool was not called like this (any more) in the recorded session.
            CancelledError: the recorded turn was cancelled during the call.
        """
        waiting = self._calls.get(_written(arguments))
        if not waiting:
            given = _written(arguments)[:_SHOWN]
            raise self._replay.left_at(
                f"The recorded session has no (further) call {self.name} {given}"
            )
        recorded = waiting.popleft()
        if recorded.result is None:
            raise asyncio.CancelledError
        return await self._outcome(recorded, recorded.result, desk)

    async def _outcome(self, recorded: RecordedCall, result: Event, desk: Desk) -> Outcome:
        data = result.data
        draft = None
        if isinstance(data.get("draft"), list):
            draft = await self._replay.draft_after(result, desk.draft.base)
            desk.draft = draft
        error, evidence = data.get("error") is True, data.get("evidence")
        return Outcome(
            as_text(data.get("text")),
            error=error,
            evidence=evidence if isinstance(evidence, str) else None,
            draft=draft,
            data={name: value for name, value in data.items() if name not in _RESULT_FIELDS},
            report=as_object(recorded.run.data.get("report")) if recorded.run else None,
            ends=self.name == "finish" and not error,
        )


def _written(arguments: Mapping[str, object] | None) -> str:
    return json.dumps(plain(arguments), sort_keys=True)
