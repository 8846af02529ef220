"""From a session's events to the next request, made to fit the model's context."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.agent.budget import LimitReached
from fixwright.agent.context.compaction import (
    SUMMARISE,
    kept_word_for_word,
    prunable,
    summarised_up_to,
    summary_text,
)
from fixwright.agent.context.prompt import turn_text
from fixwright.agent.observer import Observer, unseen
from fixwright.agent.sessions.resume import conversation
from fixwright.models.json_reading import as_text
from fixwright.models.types import Message, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.agent.asking import Asking
    from fixwright.agent.context.prompt import Front
    from fixwright.agent.records import Event, Journal
    from fixwright.models.types import Tool

_PRUNE_AT = 0.6
_SUMMARISE_AT = 0.8


@dataclass
class History:
    """One session's conversation.

    Attributes:
        front: what every request begins with; frozen, or providers could not cache it.
        tools: in their frozen order.
    """

    journal: Journal
    front: Front
    tools: tuple[Tool, ...]
    observe: Observer = unseen

    async def request(self, asking: Asking) -> Request:
        """The next request; the history is compacted first where it gets long.

        Raises:
            LimitReached: it does not fit, whatever is left out.
            ModelError: the summary could not be had.
        """
        request = self._request()
        model, room = await asking.room()
        if room is None:
            return request
        if model.estimate(request) > _PRUNE_AT * room and await self._prune():
            request = self._request()
        if model.estimate(request) > _SUMMARISE_AT * room and await self._summarise(asking):
            request = self._request()
        if (size := model.estimate(request)) > room:
            raise LimitReached(
                f"The conversation has about {size:,} tokens, and the model takes {room:,}. Begin a"
                " new session, or choose a model with a longer context."
            )
        return request

    def _request(self) -> Request:
        messages = conversation(self.journal.events, rendered)
        return Request(self.front.parts, messages, self.tools)

    async def _prune(self) -> bool:
        found = prunable(self.journal.events)
        if found:
            data = {"upTo": 0, "summary": None, "pruned": found.replaced}
            await self.journal.append("compacted", data)
            self.observe("compacted", {"saved": found.saved})
        return bool(found)

    async def _summarise(self, asking: Asking) -> bool:
        events = self.journal.events
        up_to = summarised_up_to(events)
        if not up_to:
            return False
        older = [event for event in events if event.seq <= up_to]
        asked = Message("user", SUMMARISE)
        messages = _with(conversation(older, rendered), asked)
        request = Request(self.front.parts, messages, cache=False)
        answer = await asking.ask(request, "summary")
        kept = kept_word_for_word(events, up_to, _said)
        text = summary_text(kept, answer.message.text)
        await self.journal.append("compacted", {"upTo": up_to, "summary": text, "pruned": {}})
        self.observe("compacted", {"saved": sum(len(_text(each)) for each in messages)})
        return True


def rendered(data: Mapping[str, object]) -> str:
    """What the model is shown of a `user` event."""
    return turn_text(as_text(data.get("text")), as_text(data.get("context")))


def _text(message: Message) -> str:
    return message.text + "".join(result.text for result in message.results)


def _said(event: Event) -> str:
    """What the user said, without where the cursor was then."""
    return as_text(event.data.get("text"))


def _with(messages: tuple[Message, ...], last: Message) -> tuple[Message, ...]:
    """One more message of the user; joined to the last where that is the user's too."""
    if messages and messages[-1].role == "user":
        end = messages[-1]
        text = f"{end.text}\n\n{last.text}" if end.text else last.text
        return (*messages[:-1], Message("user", text, results=end.results))
    return (*messages, last)
