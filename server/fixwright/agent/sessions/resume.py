"""What a session's events come to: the conversation, what is left to do, the draft, the cost.

Pure functions. A session that was cut anywhere is read by the same functions as one that goes on,
so there is nothing to repair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from fixwright.agent.sessions.messages import message_from_json, usage_from_json
from fixwright.models.json_reading import as_count, as_list, as_object, as_text
from fixwright.models.types import Message, Result, Usage

if TYPE_CHECKING:
    from fixwright.agent.records import Event
    from fixwright.agent.tools.spec import Effect
    from fixwright.models.types import Call

Render: TypeAlias = Callable[[Mapping[str, object]], str]
"""What the model is shown of a `user` event's data."""

UNKNOWN = (
    "This call was interrupted while it was at work, and it is not known whether it took effect."
    " Look at what it was to change before you make it again."
)
"""The result of a call that must not be made again by itself."""

NOT_MADE = "This call was not made: the turn ended before it. Make it again if it is still needed."
"""The result of a call that never began."""

BROKEN_OFF = (
    "This call was interrupted, and nothing of it remains. Make it again if it is still needed."
)
"""The result of a call that had begun and leaves nothing behind."""


@dataclass(frozen=True, slots=True)
class PendingCall:
    """A call of the last answer that has no result.

    Attributes:
        call: what the model asked for.
        began: whether it was at work.
        effect: what kind of thing it did; None when it never began.
        fate: `again`: to be made (again), which does nothing twice; `unknown`: the model is to be
            told `result` instead.
    """

    call: Call
    began: bool
    effect: Effect | None

    @property
    def fate(self) -> Literal["again", "unknown"]:
        """See the class."""
        return "unknown" if self.began and self.effect in (None, "outside") else "again"

    @property
    def result(self) -> Result:
        """What the model is told when it is not made again."""
        if not self.began:
            return Result(self.call.id, NOT_MADE, error=True)
        return Result(self.call.id, UNKNOWN if self.fate == "unknown" else BROKEN_OFF, error=True)


def pending(events: Sequence[Event]) -> tuple[PendingCall, ...]:
    """The calls that a turn which was cut has left; none where the last turn has ended."""
    last = _last(events, "answer", "user", "ended")  # a summary comes when no call is left
    if last is None or last.type != "answer":
        return ()
    return _without_result(_answered(last), events[last.seq :])


def finished(events: Sequence[Event]) -> Mapping[str, object] | None:
    """What a turn that was cut had ended with: the data of its `finish`; None where it had not."""
    last = _last(events, "answer", "user", "ended")
    if last is None or last.type != "answer":
        return None
    ends = {call.id for call in _answered(last).calls if call.name == "finish"}
    for event in _results(events[last.seq :]):
        if event.data.get("id") in ends and event.data.get("error") is not True:
            return event.data
    return None


def is_cut(events: Sequence[Event]) -> bool:
    """Whether the last turn has not ended."""
    last = _last(events, "user", "ended")
    return last is not None and last.type == "user"


def conversation(events: Sequence[Event], render: Render) -> tuple[Message, ...]:
    """What a model is to be shown.

    Every call has its result, and no two messages of the user's follow each other: the templates of
    some models accept neither.

    What was compacted away is replaced by its summary, as a first message, and each result that was
    pruned by its replacement. Where the summary ends between a call and its result, both are shown.
    """
    summary, start, pruned = _compaction(events)
    shown = _Conversation(pruned)
    if summary:
        shown.say(summary)
    for event in events[start:]:
        match event.type:
            case "user":
                shown.end_answer()
                shown.say(render(event.data))
            case "answer" if is_turns(event):
                shown.end_answer()
                shown.answer(_answered(event))
            case "call" | "result":
                shown.during.append(event)
            case _:
                pass
    shown.end_answer()
    return tuple(shown.messages)


class _Conversation:
    """Messages as they come to be."""

    def __init__(self, pruned: Mapping[int, str]) -> None:
        self.messages: list[Message] = []
        self.during: list[Event] = []
        self._pruned = pruned
        self._open: Message | None = None

    def say(self, text: str) -> None:
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == "user":
            joined = f"{last.text}\n\n{text}" if last.text else text
            self.messages[-1] = replace(last, text=joined)
        else:
            self.messages.append(Message("user", text))

    def answer(self, message: Message) -> None:
        self.messages.append(message)
        self._open = message

    def end_answer(self) -> None:
        """Add the results of the last answer, in the order of its calls, all of them."""
        message, during = self._open, self.during
        self._open, self.during = None, []
        if message is None or not message.calls:
            return
        missing = [each.result for each in _without_result(message, during)]
        given = [(event.data, self._pruned.get(event.seq)) for event in _results(during)]
        found = [_result(data, instead) for data, instead in given] + missing
        self.messages.append(Message("user", results=tuple(_in_order(message.calls, found))))


def _in_order(calls: Sequence[Call], results: list[Result]) -> list[Result]:
    """One result for each call; several calls of one id take theirs as they came."""
    left = list(results)
    ordered: list[Result] = []
    for call in calls:
        found = next(each for each in left if each.id == call.id)
        left.remove(found)
        ordered.append(found)
    return ordered


def _result(data: Mapping[str, object], instead: str | None) -> Result:
    text = as_text(data.get("text")) if instead is None else instead
    return Result(as_text(data.get("id")), text, data.get("error") is True)


def _compaction(events: Sequence[Event]) -> tuple[str, int, dict[int, str]]:
    """The summary, how many events it stands for, and the replacements of results by their seq."""
    summary, until = "", 0
    pruned: dict[int, str] = {}
    for event in events:
        if event.type != "compacted":
            continue
        if (up_to := as_count(event.data.get("upTo"))) > 0:
            summary, until = as_text(event.data.get("summary")), min(up_to, event.seq)
        for seq, text in as_object(event.data.get("pruned")).items():
            if seq.isdecimal():
                pruned[int(seq)] = as_text(text)
    return summary, _whole_pairs(events, until), pruned


def _whole_pairs(events: Sequence[Event], until: int) -> int:
    """`until`, or where the answer begins whose results lie on both sides of it."""
    answer = _last(events[:until], "answer")
    if answer is None:
        return until
    rest = events[until:]
    cut = next((n for n, each in enumerate(rest) if each.type in ("answer", "user")), len(rest))
    if any(each.type == "result" for each in rest[:cut]) and _answered(answer).calls:
        return answer.seq - 1
    return until


def _without_result(message: Message, during: Sequence[Event]) -> tuple[PendingCall, ...]:
    """The calls of an answer that none of the events behind it gives a result to."""
    ended = Counter(as_text(event.data.get("id")) for event in _results(during))
    began = {as_text(each.data.get("id")): each.data for each in during if each.type == "call"}
    left: list[PendingCall] = []
    for call in message.calls:
        if ended[call.id] > 0:
            ended[call.id] -= 1
            continue
        data = began.get(call.id)
        effect = cast("Effect | None", data.get("effect")) if data is not None else None
        left.append(PendingCall(call, data is not None, effect))
    return tuple(left)


def _results(events: Sequence[Event]) -> list[Event]:
    return [event for event in events if event.type == "result"]


def is_turns(event: Event) -> bool:
    """Whether a request or an answer is part of the conversation, and not a summary of it."""
    return event.data.get("purpose", "turn") == "turn"


def _answered(event: Event) -> Message:
    return message_from_json(as_object(event.data.get("message")))


def _last(events: Sequence[Event], *types: str) -> Event | None:
    return next((event for event in reversed(events) if event.type in types), None)


@dataclass(frozen=True, slots=True)
class DraftText:
    """One change of a draft as it is kept; see `agent.drafts.recorded`.

    Attributes:
        op: `edit`, `create`, `rename`, `delete`, or `moved` for a renamed file's old name.
        uri: the name.
        origin: a renamed file's old name.
        before: the digest of the text before; None where there was none.
        after: of the text that is proposed; None where none is left.
    """

    op: str
    uri: str
    origin: str | None
    before: str | None
    after: str | None


def draft_texts(events: Sequence[Event]) -> tuple[DraftText, ...]:
    """The draft as it last was, without what the editor has taken since.

    It is said by the last event with a field `draft`, of whatever type.
    """
    said = next(
        (each for each in reversed(events) if isinstance(each.data.get("draft"), list)), None
    )
    if said is None:
        return ()
    taken = {
        (as_text(document.get("uri")), _digest(document.get("after")))
        for event in events[said.seq :]
        if event.type == "applied"
        for document in map(as_object, as_list(event.data.get("documents")))
    }
    changes = [_draft_text(as_object(each)) for each in as_list(said.data.get("draft"))]
    return tuple(each for each in changes if (each.uri, each.after) not in taken)


def _draft_text(data: Mapping[str, object]) -> DraftText:
    return DraftText(
        as_text(data.get("op")), as_text(data.get("uri")), _digest(data.get("from")),
        _digest(data.get("before")), _digest(data.get("after")),
    )  # fmt: skip


def _digest(value: object) -> str | None:
    return value if isinstance(value, str) else None


def usage(events: Sequence[Event]) -> Usage:
    """The tokens of all answers."""
    total = Usage()
    for event in events:
        if event.type == "answer":
            total += usage_from_json(as_object(event.data.get("usage")))
    return total


@dataclass(frozen=True, slots=True)
class Cost:
    """What answers cost: US dollars, and how many answers had no known price."""

    usd: float
    unpriced: int


def cost(events: Sequence[Event]) -> Cost:
    """The cost of all answers."""
    costs = [event.data.get("cost") for event in events if event.type == "answer"]
    known = [float(each) for each in costs if isinstance(each, int | float)]
    return Cost(sum(known), len(costs) - len(known))
