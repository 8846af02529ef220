"""What tokens cost: US dollars per million of them, per kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fixwright.models.types import Usage

_PER_MILLION = 1e-6


@dataclass(frozen=True, slots=True)
class LongRequests:
    """A tariff for requests with more than `above` input tokens: factors on the prices."""

    above: int
    input: float
    output: float


@dataclass(frozen=True, slots=True)
class Price:
    """US dollars per million tokens."""

    input: float
    output: float
    cache_read: float
    cache_write: float
    long: LongRequests | None = None

    def cost(self, usage: Usage) -> float:
        """What one request cost, in US dollars.

        Add up the costs of requests rather than ask for the cost of added-up usage: long requests
        have their own tariff.
        """
        sent = (
            usage.input * self.input
            + usage.cache_read * self.cache_read
            + usage.cache_write * self.cache_write
        )
        size = usage.input + usage.cache_read + usage.cache_write
        return self._total(size, sent, usage.output * self.output)

    def at_most(self, sent: int, received: int) -> float:
        """What a request of so many tokens can cost, in US dollars: as if nothing were cached."""
        dearest = max(self.input, self.cache_write)
        return self._total(sent, sent * dearest, received * self.output)

    def _total(self, size: int, sent: float, received: float) -> float:
        if self.long is not None and size > self.long.above:
            sent, received = sent * self.long.input, received * self.long.output
        return (sent + received) * _PER_MILLION
