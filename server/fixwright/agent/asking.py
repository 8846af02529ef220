"""Asking a model once: within the budget, recorded before and after, shown while it comes."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fixwright.agent.observer import Observer, unseen
from fixwright.agent.sessions.digests import (
    Part,
    canonical,
    parts_record,
    shared_prefix,
)
from fixwright.agent.sessions.messages import message_to_json, usage_to_json
from fixwright.models.fallback import Fallback, Switched
from fixwright.models.retry import Restart
from fixwright.models.types import Delta, Done, ModelError, Request, Usage

if TYPE_CHECKING:
    from fixwright.agent.budget import Budget, Reservation
    from fixwright.agent.records import Journal
    from fixwright.models.model import Model


@dataclass
class Asking:
    """Asks one session's models.

    Attributes:
        models: for the turns.
        small: for summaries and titles.
        budget: of the turn; all of them are paid from it.
        usage: of the turn so far, all models together.
    """

    models: Fallback
    small: Fallback
    budget: Budget
    journal: Journal
    observe: Observer = unseen
    usage: Usage = field(default_factory=Usage)
    _before: bytes = b""
    _parts: tuple[Part, ...] = ()

    async def room(self) -> tuple[Model, int | None]:
        """The model that is asked next, and the tokens that a request to it may have.

        Raises:
            ModelError: it can't be set up.
        """
        model = await self.models.model()
        return model, await model.room()

    async def ask(self, request: Request, purpose: str = "turn") -> Done:
        """The whole answer.

        Args:
            request: what to ask.
            purpose: `turn`, or what else the answer is for; only a turn's answers are shown and
                become part of the conversation.

        Raises:
            LimitReached: the turn's limits do not allow it; nothing was sent.
            ModelError: there is no answer.
        """
        one = _Question(self, request, purpose)
        try:
            done = await one.streamed()
        except ModelError as error:
            await one.failed(error)
            raise
        except BaseException:
            one.given_up()
            raise
        await one.answered(done)
        return done

    def continues(self, whole: bytes, parts: tuple[Part, ...]) -> tuple[int, dict[str, object]]:
        """How much of a request is the one before it; that one is replaced by it."""
        same, record = shared_prefix(self._before, whole), parts_record(parts, self._parts)
        self._before, self._parts = whole, parts
        return same, record


@dataclass
class _Question:
    """One request on its way."""

    asking: Asking
    request: Request
    purpose: str
    _model: Model | None = None
    _reserved: Reservation | None = None

    async def streamed(self) -> Done:
        models = self.asking.models if self.purpose == "turn" else self.asking.small
        observe = self.asking.observe if self.purpose == "turn" else unseen
        done: Done | None = None
        stream = models.stream(self.request, admit=self._admit, on_wait=self._waiting)
        async with aclosing(stream) as items:
            async for item in items:
                match item:
                    case Done():
                        done = item
                    case Restart():
                        observe("restart", {})
                    case Switched():
                        await self.failed(item.error)
                        observe("restart", {"model": item.model.model})
                    case Delta(kind="text" | "thinking" as kind):
                        observe(kind, {"text": item.text})
                    case Delta():
                        pass  # a call: its tool shows it, once it is whole
        if done is None:
            raise ModelError("truncated", "The model's answer ended before it was whole.")
        return done

    async def _admit(self, model: Model) -> None:
        """Set aside what it may cost, and write down that it is asked."""
        most = model.reserve(self.request)
        self._reserved = self.asking.budget.reserve(most.tokens, most.usd)
        self._model = model
        asked = canonical(self.request)
        data: dict[str, object] = {
            "key": model.key,
            "purpose": self.purpose,
            "digest": asked.digest,
            "bytes": len(asked.whole),
            "reserved": {"tokens": most.tokens, "usd": most.usd},
        }
        if self.purpose == "turn":
            same, parts = self.asking.continues(asked.whole, asked.parts)
            data |= {"same": same, "parts": parts}
        await self.asking.journal.append("request", data)

    def _waiting(self, seconds: float, error: ModelError) -> None:
        self.asking.observe("wait", {"seconds": seconds, "reason": str(error)})

    async def failed(self, error: ModelError) -> None:
        """It gave no answer, and is not billed."""
        reserved, self._reserved = self._reserved, None
        if reserved is not None:
            self.asking.budget.settle(reserved, 0, 0.0)
        said = {"kind": error.kind, "message": str(error), "purpose": self.purpose}
        await self.asking.journal.append("failed", said)

    def given_up(self) -> None:
        """Cancelled: what was sent may be billed, and nobody will say what it was."""
        if self._reserved is not None:
            self.asking.budget.settle(self._reserved, self._reserved.tokens, self._reserved.usd)
            self._reserved = None

    async def answered(self, done: Done) -> None:
        """Write down what it said and what it cost."""
        asking, model, usage = self.asking, self._model, done.usage
        assert model is not None
        assert self._reserved is not None
        cost = model.cost(usage)
        size = usage.input + usage.cache_read + usage.cache_write
        asking.budget.settle(self._reserved, size + usage.output, cost)
        asking.usage += usage
        data: dict[str, object] = {
            "key": model.key,
            "purpose": self.purpose,
            "message": message_to_json(done.message),
            "stop": done.stop,
            "usage": usage_to_json(usage),
            "cost": cost,
            "requestId": done.request_id,
        }
        await asking.journal.append("answer", data)
        spent = None if asking.budget.unpriced else asking.budget.usd
        turns = {"costUsd": spent, "turns": asking.budget.calls}
        asking.observe("usage", {**usage_to_json(asking.usage), **turns})
