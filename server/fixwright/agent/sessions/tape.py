"""What a session recorded of requests and calls, put together again."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TYPE_CHECKING

from fixwright.agent.sessions.digests import Part
from fixwright.agent.sessions.messages import message_from_json
from fixwright.agent.sessions.resume import is_turns
from fixwright.models.json_reading import as_count, as_list, as_object, as_text
from fixwright.models.types import Call

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fixwright.agent.records import Event


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it was recorded, and what came of it.

    Attributes:
        event: the request's.
        parts: of the request; empty where they were not recorded.
        reply: the answer, or the failure; None where the turn was cancelled before either.
    """

    event: Event
    parts: tuple[Part, ...]
    reply: Event | None


def recorded_requests(events: Sequence[Event]) -> tuple[RecordedRequest, ...]:
    """All requests of a session, but for those that a crash cut: they were made again after it."""
    found: list[RecordedRequest] = []
    parts: tuple[Part, ...] = ()
    waiting: dict[object, RecordedRequest] = {}  # a title may be asked for beside a turn
    for event in events:
        match event.type:
            case "request":
                now = _parts(event, parts)
                parts = now if is_turns(event) else parts
                waiting[event.data.get("purpose")] = RecordedRequest(event, now, None)
            case "answer" | "failed":
                asked = waiting.pop(event.data.get("purpose"), None)
                if asked is not None:
                    found.append(replace(asked, reply=event))
            case "ended":
                found += waiting.values()
                waiting = {}
            case _:
                pass
    return tuple(sorted(found, key=lambda each: each.event.seq))


def _parts(event: Event, before: tuple[Part, ...]) -> tuple[Part, ...]:
    record = as_object(event.data.get("parts"))
    then = (as_list(each) for each in as_list(record.get("then")))
    new = (Part(as_text(name), as_text(digest)) for name, digest in then)
    return (*before[: as_count(record.get("kept"))], *new)


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call that was made.

    Attributes:
        name: the tool's.
        arguments: what it was given.
        result: its result's event; None where it was interrupted.
        run: the event of what it ran, if it did.
        answer: the number of the event that asked for it.
        until: the number of the event that closed its answer.
        went_on: whether the turn went on after it, though it may have been interrupted.
    """

    name: str
    arguments: Mapping[str, object] | None
    result: Event | None
    run: Event | None
    answer: int
    until: int
    went_on: bool


def recorded_calls(events: Sequence[Event]) -> tuple[RecordedCall, ...]:
    """All calls, each answer's in their order."""
    runs = {as_text(each.data.get("evidence")): each for each in events if each.type == "run"}
    found: list[RecordedCall] = []
    for answer, calls, during, last in _answers(events):
        until = events[-1].seq + 1 if last is None else last.seq
        went_on = last is not None and last.type == "answer"
        for call, result in _matched(calls, during):
            run = _run_of(result, runs)
            found.append(
                RecordedCall(call.name, call.arguments, result, run, answer, until, went_on)
            )
    return tuple(found)


def _run_of(result: Event | None, runs: Mapping[str, Event]) -> Event | None:
    return None if result is None else runs.get(as_text(result.data.get("evidence")))


def _answers(
    events: Iterable[Event],
) -> Iterator[tuple[int, tuple[Call, ...], list[Event], Event | None]]:
    """Each answer's number, its calls, the results behind it, and the event that closes them."""
    answer, calls = 0, tuple[Call, ...]()
    during: list[Event] = []
    for event in events:
        match event.type:
            case "result":
                during.append(event)
            case "answer" | "user" | "ended":
                yield answer, calls, during, event
                answer, calls, during = event.seq, (), []
                if event.type == "answer":
                    calls = message_from_json(as_object(event.data.get("message"))).calls
            case _:
                pass
    yield answer, calls, during, None


def _matched(
    calls: Sequence[Call], results: Iterable[Event]
) -> Iterator[tuple[Call, Event | None]]:
    waiting: dict[str, deque[Event]] = {}
    for event in results:
        waiting.setdefault(as_text(event.data.get("id")), deque()).append(event)
    for call in calls:
        found = waiting.get(call.id)
        yield call, found.popleft() if found else None


def turns(events: Iterable[Event]) -> tuple[Mapping[str, object], ...]:
    """What the user said, turn by turn; not what the loop put in by itself."""
    return tuple(each.data for each in events if each.type == "user" and "by" not in each.data)


_LEFT_ASIDE = frozenset(
    {
        "time",
        "requestId",
        "cost",
        "tokens",
        "reserved",
        "same",
        "parts",
        "upTo",
        "pruned",
        "by",
        "usage",
    }
)
"""What says when and for how much, or counts events; the rest has to be the same."""


def first_difference(recorded: Sequence[Event], repeated: Sequence[Event]) -> str | None:
    """Where two sessions first say something else, in a sentence; None where they say the same.

    Times, costs, titles, what the editor took and how a session began are left aside.
    """
    pairs = [_in_order(events) for events in (recorded, repeated)]
    for one, other in zip(*pairs, strict=False):
        if one.type != other.type:
            return f"Event {one.seq} is `{one.type}`; repeated, it is `{other.type}`."
        name = next(
            (
                name
                for name in {**one.data, **other.data}
                if name not in _LEFT_ASIDE
                and (one.type, name) != ("answer", "key")  # a request's says it
                and one.data.get(name) != other.data.get(name)
            ),
            None,
        )
        if name is not None:
            return f"Event {one.seq} (`{one.type}`) says something else of `{name}` when repeated."
    left = len(pairs[0]) - len(pairs[1])
    if left:
        return f"The repeated session has {abs(left)} events {'less' if left > 0 else 'more'}."
    return None


def _in_order(events: Iterable[Event]) -> list[Event]:
    """Without what is left aside; of calls that are made side by side any may come first."""
    kept = (each for each in events if each.type not in _EVENTS_LEFT_ASIDE)
    ordered: list[Event] = []
    for made, group in groupby(kept, key=lambda each: each.type in _OF_CALLS):
        several = list(group)
        ordered += sorted(several, key=_call_order) if made else several
    return ordered


_EVENTS_LEFT_ASIDE = ("created", "title", "applied", "discarded", "undone")
_OF_CALLS = ("permission", "call", "run", "result")


def _call_order(event: Event) -> tuple[int, str]:
    names = (as_text(event.data.get(name)) for name in ("id", "call", "evidence"))
    return _OF_CALLS.index(event.type), next(filter(None, names), "")
