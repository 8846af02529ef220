"""The one place where a request is sent again."""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fixwright.models.types import Delta, Done, ModelError, Provider, Request

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often, and how long to wait; all times in seconds.

    Without a wish of the server the n-th wait is uniform in (0, min(longest, first * 2^n)], the
    "full jitter" of Brooker's "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015).
    """

    attempts: int = 6
    first: float = 1.0
    longest: float = 60.0
    longest_asked: float = 60.0
    """The longest wait that a server may ask for; beyond it the user is told instead."""
    in_all: float = 300.0
    """From the first failure on; no attempt begins later than that."""


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, so that a test can have its own."""

    now: Callable[[], datetime] = datetime.now
    sleep: Callable[[float], Awaitable[object]] = asyncio.sleep
    random: Callable[[], float] = random.random
    passing: Callable[[], float] = time.monotonic
    """Seconds, from any start."""


USUAL = RetryPolicy()
REAL = Clock()


@dataclass(frozen=True, slots=True)
class Restart:
    """The answer begins anew: every `Delta` since the request was sent is void."""

    error: ModelError


def ignore_wait(_delay: float, _error: ModelError) -> None:
    """The wait is nobody's concern."""


async def stream_with_retries(
    provider: Provider,
    request: Request,
    *,
    on_wait: Callable[[float, ModelError], None] = ignore_wait,
    policy: RetryPolicy = USUAL,
    clock: Clock = REAL,
) -> AsyncGenerator[Delta | Restart | Done, None]:
    """Stream an answer, asking again after failures that may pass.

    A tool call is handed out only with `Done`, after which nothing is retried: no call can be
    executed twice. A stream that broke earlier yields `Restart` if anything was yielded before.
    Consume it under `contextlib.aclosing`.

    Args:
        provider: whom to ask.
        request: what to ask; sent unchanged each time.
        on_wait: told the seconds and the reason before each wait.
        policy: how often and how long.
        clock: the time, sleeping, and chance.

    Raises:
        ModelError: asking again is useless, was done often enough, or would take too long.
    """
    deadline: float | None = None
    for attempt in range(policy.attempts):
        shown = False
        try:
            async with aclosing(provider.stream(request)) as items:
                async for item in items:
                    shown = True
                    yield item
                    if isinstance(item, Done):
                        return
        except ModelError as error:
            failure = error
        else:
            return
        delay = _delay(failure, attempt, policy, clock)
        if deadline is None:
            deadline = clock.passing() + policy.in_all
        if clock.passing() + delay > deadline:
            raise _given_up(failure, f"Tried for {policy.in_all / 60:.0f} minutes.") from failure
        if shown:
            yield Restart(failure)
        on_wait(delay, failure)
        await clock.sleep(delay)


def _delay(error: ModelError, attempt: int, policy: RetryPolicy, clock: Clock) -> float:
    """Seconds until the next attempt; raises when there is to be none."""
    if not error.retryable:
        raise error
    asked = error.retry_after
    if asked is not None and asked > policy.longest_asked:
        raise _too_long(error, asked, clock.now()) from error
    if attempt + 1 >= policy.attempts:
        raise _given_up(error, f"Tried {policy.attempts} times.") from error
    jitter = min(policy.longest, policy.first * 2**attempt) * clock.random()
    # A server that names a time names it to everybody: some jitter keeps the crowd apart.
    return jitter if asked is None else asked + min(jitter, 1.0)


def _given_up(error: ModelError, how: str) -> ModelError:
    return ModelError(
        error.kind, f"{error} ({how})", retry_after=error.retry_after, status=error.status
    )


def _too_long(error: ModelError, asked: float, now: datetime) -> ModelError:
    until = now + timedelta(seconds=asked)
    day = "" if until.date() == now.date() else f"{until:%Y-%m-%d} "
    return ModelError(
        error.kind,
        f"{error} The provider asks to wait until {day}{until:%H:%M:%S}; Fixwright does not wait "
        "that long by itself.",
        retry_after=asked,
        status=error.status,
        retryable=False,
    )
