"""One model, ready to be asked: its provider, with what is known of its size and price."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fixwright.models.gauge import Estimates, TokenGauge, estimate_message, sent_tokens
from fixwright.models.tokens import estimate_tokens
from fixwright.models.types import Delta, Done, ModelError, Provider, Request, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from fixwright.models.context import Context, ContextFinder
    from fixwright.models.prices import Price

LEAST_ANSWER = 1_024
"""Tokens that must be left for an answer; a request that leaves less is refused."""


@dataclass(frozen=True, slots=True)
class Reserve:
    """What a request uses at most; `usd` is None for a model whose price is not known."""

    tokens: int
    usd: float | None


class Model:
    """A `Provider` that knows what a request takes before it is sent, and learns from answers.

    Attributes:
        provider: whom it asks.
        max_tokens: the output limit of a request that sets none.
        price: what its tokens cost; None if that is not known.
        gauge: how its tokens differ from estimates; the provider's key is its key there.
    """

    def __init__(
        self,
        provider: Provider,
        *,
        max_tokens: int,
        context: ContextFinder,
        price: Price | None = None,
        gauge: TokenGauge | None = None,
    ) -> None:
        self.provider = provider
        self._context = context
        self.max_tokens = max_tokens
        self.price = price
        self.gauge = gauge or TokenGauge()
        self._estimates = Estimates()

    @property
    def key(self) -> str:
        """See `Provider.key`."""
        return self.provider.key

    @property
    def model(self) -> str:
        """See `Provider.model`."""
        return self.provider.model

    async def context(self) -> Context | None:
        """How much it holds; asks the server where that is not known otherwise."""
        return await self._context.find()

    async def room(self) -> int | None:
        """The tokens that a question may have, so that there is room for a good answer, too."""
        context = await self.context()
        if context is None:
            return None
        answer = min(self.max_tokens, max(LEAST_ANSWER, context.tokens // 4))
        return context.tokens - answer

    def tokens(self, text: str) -> int:
        """The tokens to expect for a text."""
        return self.gauge.tokens(self.key, estimate_tokens(text))

    def estimate(self, request: Request) -> int:
        """The input tokens to expect for a request."""
        return self.gauge.tokens(self.key, self._estimates.of(request, self.key))

    def cost(self, usage: Usage) -> float | None:
        """What one request cost, in US dollars; None if the price is not known."""
        return self.price.cost(usage) if self.price is not None else None

    def reserve(self, request: Request) -> Reserve:
        """What a request uses at most, with the whole of its output limit."""
        sent = self.gauge.at_most(self.key, self._estimates.of(request, self.key))
        received = request.max_tokens or self.max_tokens
        usd = self.price.at_most(sent, received) if self.price is not None else None
        return Reserve(sent + received, usd)

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Done, None]:
        """See `Provider.stream`; a request that the model cannot hold is refused, not cut.

        Where the room that is left is less than the output limit, the limit is lowered to it.

        Raises:
            ModelError: there is no whole answer; `too_large` before anything was sent.
        """
        estimated = self._estimates.of(request, self.key)
        context = await self.context()
        fitting = request if context is None else self._fitted(request, estimated, context)
        async with aclosing(self.provider.stream(fitting)) as items:
            async for item in items:
                yield self._counted(estimated, item) if isinstance(item, Done) else item

    async def close(self) -> None:
        """Close the connections."""
        await self.provider.close()
        await self._context.close()

    def _fitted(self, request: Request, estimated: int, context: Context) -> Request:
        limit = request.max_tokens or self.max_tokens
        least = min(limit, LEAST_ANSWER)
        likely = self.gauge.tokens(self.key, estimated)
        at_most = self.gauge.at_most(self.key, estimated)
        # Who refuses by itself may decide what is close; who cuts silently may not.
        if (at_most if context.cuts else likely) + least > context.tokens:
            raise self._too_large(likely, context)
        room = max(context.tokens - at_most, least)
        return request if room >= limit else replace(request, max_tokens=room)

    def _too_large(self, likely: int, context: Context) -> ModelError:
        instead = "it would drop a part unseen" if context.cuts else "it would be refused"
        by = {"settings": "model.contextTokens", "server": "its server"}.get(context.source, "")
        said = f" (says {by})" if by else ""
        return ModelError(
            "too_large",
            f"The question is about {likely:,} tokens; {self.model} holds {context.tokens:,} with "
            f"the answer{said}, so {instead}. {context.remedy} Or start a new session, or select "
            "less code.",
        )

    def _counted(self, estimated: int, done: Done) -> Done:
        """Learn from the usage; where the server tells none, put what is likely."""
        if sent_tokens(done.usage):
            self.gauge.learn(self.key, estimated, sent_tokens(done.usage))
            return done
        sent = self.gauge.tokens(self.key, estimated)
        answered = self.gauge.tokens(self.key, estimate_message(done.message, self.key))
        return replace(done, usage=Usage(input=sent, output=done.usage.output or answered))
