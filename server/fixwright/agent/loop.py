"""The loop: ask the model, make its calls, show it the results, until it is done or stopped."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from fixwright.agent.budget import LimitReached
from fixwright.agent.observer import Observer, unseen
from fixwright.agent.sessions.resume import finished
from fixwright.models.json_reading import as_list, as_object
from fixwright.models.types import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from fixwright.agent.asking import Asking
    from fixwright.agent.calls import Hands
    from fixwright.agent.history import History
    from fixwright.agent.records import Journal
    from fixwright.models.types import Call, Done

EndState: TypeAlias = Literal["done", "cancelled", "refused", "limit", "error"]

REPEATS = 3
"""A call with the same result, this often, ends the turn."""
MALFORMED = 3
"""Answers in a row with no usable call, likewise."""
_CUT = 2
"""How often an answer that the output limit cut is asked to go on."""
_GO_ON = "Your answer was cut by the output limit. Go on where it ended, in smaller steps."
_INTERRUPTED = 5.0
"""Seconds to write down a turn that was cancelled."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a turn ended.

    Attributes:
        status: the state, see `EndState`.
        reason: a sentence, unless it is done.
        text: what the model said at last, or its summary.
        claims: what it claims, each with its standing; see `tools.finish`.
    """

    status: EndState
    reason: str | None
    text: str = ""
    claims: tuple[Mapping[str, object], ...] = ()


@dataclass
class Loop:
    """One session's turns, one at a time."""

    journal: Journal
    history: History
    asking: Asking
    hands: Hands
    observe: Observer = unseen
    _words: str = ""
    _malformed: int = 0
    _cut: int = 0
    _finish: Mapping[str, object] = field(default_factory=dict[str, object])

    async def turn(self, text: str, context: str = "") -> Ended:
        """Take up what the user says, and work until it is done.

        Raises:
            CancelledError: the turn was cancelled; the session says so.
        """
        await self.journal.append("user", {"text": text, "context": context})
        return await self.go_on(())

    async def go_on(self, calls: Sequence[Call]) -> Ended:
        """Make the calls that a broken turn left, then work on as `turn` does."""
        try:
            ended = await self._worked(calls)
        except asyncio.CancelledError:
            ended = Ended("cancelled", "Stopped by the user.", self._words)
            with suppress(TimeoutError):
                async with asyncio.timeout(_INTERRUPTED):
                    await asyncio.shield(self._record(ended))
            raise
        await self._record(ended)
        return ended

    async def _worked(self, calls: Sequence[Call]) -> Ended:
        try:
            if calls and (ended := await self._handled(calls)) is not None:
                return ended
            if (said := finished(self.journal.events)) is not None:
                return _finished(said)  # a crash came before this was written down
            while True:
                if (ended := await self._step()) is not None:
                    return ended
        except LimitReached as limit:
            return Ended("limit", str(limit), self._words)
        except ModelError as error:
            return Ended("error", str(error), self._words)

    async def _step(self) -> Ended | None:
        """One question and what follows from its answer; None to go on."""
        request = await self.history.request(self.asking)
        answer = await self.asking.ask(request)
        self._words = answer.message.text.strip() or self._words
        if answer.message.calls:
            self._cut = 0
            return await self._handled(answer.message.calls)
        return await self._without_calls(answer)

    async def _without_calls(self, answer: Done) -> Ended | None:
        match answer.stop:
            case "pause":
                return None
            case "refusal":
                reason = f"The model declined: {self._words or 'it gave no reason.'}"
                return Ended("refused", reason, self._words)
            case "context_window":
                return Ended("limit", "The conversation fills the model's context.", self._words)
            case "max_tokens":
                self._cut += 1
                if self._cut > _CUT:
                    reason = "The model's answer was cut by the output limit (model.maxTokens)."
                    return Ended("limit", reason, self._words)
                await self.journal.append("user", {"text": _GO_ON, "context": "", "by": "loop"})
                return None
            case _:
                return Ended("done", None, self._words)

    async def _handled(self, calls: Sequence[Call]) -> Ended | None:
        """Make the calls; the end if one of them ends the turn."""
        done = await self.hands.make(calls)
        for each in done:
            if each.outcome is not None and each.outcome.ends:
                return _finished(each.outcome.data)
        if self.hands.most_repeated >= REPEATS:
            return Ended(
                "limit",
                f"The model made the same call {REPEATS} times with the same result, so it was"
                " stopped. Tell it what it misses.",
                self._words,
            )
        unusable = all(call.arguments is None for call in calls)
        self._malformed = self._malformed + 1 if unusable else 0
        if self._malformed >= MALFORMED:
            reason = f"{MALFORMED} answers in a row held no call that could be read."
            return Ended("error", f"{reason} This model may not know tools; choose another.")
        return None

    async def _record(self, ended: Ended) -> None:
        spent = self.asking.budget
        data = {
            "status": ended.status,
            "reason": ended.reason,
            "text": ended.text,
            "claims": list(ended.claims),
            "tokens": spent.tokens,
            "cost": None if spent.unpriced else spent.usd,
        }
        await self.journal.append("ended", data)
        self.observe("end", {"status": ended.status, "reason": ended.reason})


def _finished(data: Mapping[str, object]) -> Ended:
    summary, claims = data.get("summary"), data.get("claims")
    return Ended(
        "done",
        None,
        summary if isinstance(summary, str) else "",
        tuple(as_object(each) for each in as_list(claims)),
    )
