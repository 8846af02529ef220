"""Limits of a turn. What a call may cost is set aside before it is made."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


class LimitReached(Exception):
    """A limit does not allow another call; the message names it and what raises it."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one turn, sub-calls included.

    Attributes:
        calls: to models.
        seconds: of time.
        tokens: read and written together; None for no limit.
        usd: of cost, where the model's price is known; None for no limit.
    """

    calls: int = 40
    seconds: float = 15 * 60
    tokens: int | None = None
    usd: float | None = 1.0


@dataclass(frozen=True, slots=True)
class Reservation:
    """What one call may use at most."""

    tokens: int
    usd: float | None


@dataclass
class Budget:
    """What a turn may still use.

    With a reservation for each call the limits of tokens and cost are never passed by more than
    what an estimate is wrong by; the real usage replaces the reservation when it is known.
    """

    limits: Limits
    clock: Callable[[], float] = time.monotonic
    calls: int = 0
    tokens: int = 0
    usd: float = 0.0
    unpriced: bool = False
    _held: list[Reservation] = field(default_factory=list[Reservation])
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    @property
    def left(self) -> float:
        """Seconds."""
        return self.limits.seconds - (self.clock() - self._started)

    def reserve(self, tokens: int, usd: float | None) -> Reservation:
        """Set aside what the next call may use: `tokens` and `usd` at most.

        Raises:
            LimitReached: the turn's limits do not allow it.
        """
        limits = self.limits
        if self.calls >= limits.calls:
            raise LimitReached(
                f"The turn has asked the model {self.calls} times, which is its limit"
                " (agent.maxTurns). Say “go on” to give it another turn."
            )
        if self.left <= 0:
            raise LimitReached(
                f"The turn has taken {limits.seconds / 60:.0f} minutes, which is its limit"
                " (agent.maxMinutes). Say “go on” to give it another turn."
            )
        held = sum(each.tokens for each in self._held)
        if limits.tokens is not None and self.tokens + held + tokens > limits.tokens:
            raise LimitReached(
                f"The next call may take {tokens:,} tokens, and {self.tokens + held:,} of"
                f" {limits.tokens:,} are used (agent.maxTokens)."
            )
        dear = sum(each.usd or 0.0 for each in self._held)
        if limits.usd is not None and usd is not None and self.usd + dear + usd > limits.usd:
            raise LimitReached(
                f"The next call may cost ${usd:.2f}, and ${self.usd + dear:.2f} of"
                f" ${limits.usd:.2f} are spent (model.budgetUsd)."
            )
        reserved = Reservation(tokens, usd)
        self._held.append(reserved)
        self.calls += 1
        return reserved

    def settle(self, reserved: Reservation, tokens: int, usd: float | None) -> None:
        """Replace a reservation by what the call really used."""
        self._held.remove(reserved)
        self.tokens += tokens
        if usd is None:
            self.unpriced = True
        else:
            self.usd += usd
