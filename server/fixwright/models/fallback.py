"""When a model fails for good, ask another one: in the user's order, with the user's consent."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from fixwright.models.retry import (
    REAL,
    USUAL,
    Clock,
    Restart,
    RetryPolicy,
    ignore_wait,
    stream_with_retries,
)
from fixwright.models.types import Delta, Done, ErrorKind, ModelError, Request, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence

    from fixwright.models.model import Model

MENDED_ELSEWHERE: frozenset[ErrorKind] = frozenset(
    {"rate_limit", "overloaded", "network", "timeout", "truncated", "server", "billing"}
)
"""What another model may not suffer from. A wrong key or request is the user's to correct."""

Consent: TypeAlias = "Callable[[Model, Model, ModelError], Awaitable[bool]]"
"""Asked whether the conversation may go on from one model to another, and why."""

Admit: TypeAlias = "Callable[[Model], Awaitable[None]]"
"""Awaited before a model is asked; what it raises ends the stream."""


@dataclass(frozen=True, slots=True)
class Switched:
    """Another model answers from now on: every `Delta` since the request was sent is void."""

    model: Model
    error: ModelError


async def _no(_from: Model, _to: Model, _error: ModelError) -> bool:
    return False


async def _admit(_model: Model) -> None:
    """Any model may be asked."""


class Fallback:
    """The models of one session in their order, and which of them is asked.

    A switch holds for the rest of the session: to go back and forth would lose the cache and the
    reasoning each time. Consent is asked once for each model that would be switched to; either
    answer holds for the session.
    """

    def __init__(
        self, openers: Sequence[Callable[[], Awaitable[Model]]], consent: Consent = _no
    ) -> None:
        """`openers` open the models, the first being the one that is asked first."""
        assert openers, "a session needs a model"
        self._openers = openers
        self._consent = consent
        self._place = 0
        self._model: Model | None = None
        self._refused: set[int] = set()
        self._usage: dict[str, Usage] = {}
        self._usd = 0.0
        self._unpriced: set[str] = set()

    async def model(self) -> Model:
        """The model that is asked now.

        Raises:
            ModelError: it cannot be set up.
        """
        if self._model is None:
            self._model = await self._openers[self._place]()
        return self._model

    @property
    def usage(self) -> Mapping[str, Usage]:
        """Tokens so far, by the model's name."""
        return dict(self._usage)

    @property
    def cost(self) -> float | None:
        """US dollars so far; None when the price of one of the models is not known."""
        return None if self._unpriced else self._usd

    @property
    def unpriced(self) -> frozenset[str]:
        """Models that were asked and whose price is not known."""
        return frozenset(self._unpriced)

    def add(self, model: Model, usage: Usage) -> None:
        """Count a request that was made elsewhere, such as a title's."""
        self._usage[model.model] = self._usage.get(model.model, Usage()) + usage
        usd = model.cost(usage)
        if usd is None:
            self._unpriced.add(model.model)
        else:
            self._usd += usd

    async def stream(
        self,
        request: Request,
        *,
        admit: Admit = _admit,
        on_wait: Callable[[float, ModelError], None] = ignore_wait,
        policy: RetryPolicy = USUAL,
        clock: Clock = REAL,
    ) -> AsyncGenerator[Delta | Restart | Switched | Done, None]:
        """Stream an answer as `stream_with_retries` does, from the next model if need be.

        Consume it under `contextlib.aclosing`.

        Args:
            request: what to ask.
            admit: awaited before each model is asked, for reserving what it may cost; called again
                for the next one after a switch.
            on_wait: told the seconds and the reason before each wait.
            policy: how often and how long each model is asked.
            clock: the time, sleeping, and chance.

        Raises:
            ModelError: the model failed, and no other could help or was allowed to.
        """
        while True:
            model = await self.model()
            await admit(model)
            stream = stream_with_retries(
                model, request, on_wait=on_wait, policy=policy, clock=clock
            )
            try:
                async with aclosing(stream) as items:
                    async for item in items:
                        if isinstance(item, Done):
                            self.add(model, item.usage)
                        yield item
                return
            except ModelError as error:
                switched = await self._switched(model, error)
            yield switched

    async def _switched(self, failed: Model, error: ModelError) -> Switched:
        """The next model that can be set up and may be asked; raises the error if there is none."""
        if error.kind not in MENDED_ELSEWHERE:
            raise error
        unusable: list[str] = []
        for place in range(self._place + 1, len(self._openers)):
            if place in self._refused:
                continue
            try:
                following = await self._openers[place]()
            except ModelError as why:
                unusable.append(f"Fallback model {place} cannot be used: {why}")
                continue
            if not await self._consent(failed, following, error):
                self._refused.add(place)
                continue
            self._place, self._model = place, following
            return Switched(following, error)
        if not unusable:
            raise error
        raise ModelError(
            error.kind,
            " ".join((str(error), *unusable)),
            retry_after=error.retry_after,
            status=error.status,
            retryable=error.retryable,
        ) from error
