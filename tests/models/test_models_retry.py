"""The retry loop: when it asks again, how long it waits, and what it tells its caller."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from fixwright.models.retry import Clock, Restart, stream_with_retries
from fixwright.models.types import Delta, Done, Message, ModelError, Request, Usage
from models.model_stage import ASK

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from models.model_stage import Play

NOON = datetime(2026, 11, 21, 12, 0, 0)  # noqa: DTZ001 (local time, as the user's clock shows it)
DONE = Done(Message("assistant", "Yes."), "end_turn", Usage())


class Actor:
    """A provider that plays takes: each a list of items, the last of which may be an error."""

    key = "actor"
    model = "actor"

    def __init__(self, *takes: Sequence[Delta | Done | ModelError]) -> None:
        self.takes = list(takes)
        self.asked = 0
        self.closed = 0

    async def stream(self, request: Request) -> AsyncGenerator[Delta | Done, None]:
        self.asked += 1
        try:
            for item in self.takes.pop(0):
                if isinstance(item, ModelError):
                    raise item
                yield item
        finally:
            self.closed += 1

    async def close(self) -> None:
        pass


@dataclass
class Watch:
    """A clock that never waits, and what it was asked to wait; `each` is what an attempt takes."""

    chance: float = 1.0
    each: float = 0.0
    time: float = 0.0
    slept: list[float] = field(default_factory=list[float])
    told: list[tuple[float, ModelError]] = field(default_factory=list[tuple[float, ModelError]])

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds + self.each

    def passing(self) -> float:
        return self.time

    @property
    def clock(self) -> Clock:
        return Clock(
            now=lambda: NOON,
            sleep=self.sleep,
            random=lambda: self.chance,
            passing=self.passing,
        )

    def on_wait(self, seconds: float, error: ModelError) -> None:
        self.told.append((seconds, error))

    async def collect(self, provider: Actor) -> list[Delta | Restart | Done]:
        stream = stream_with_retries(provider, ASK, on_wait=self.on_wait, clock=self.clock)
        async with aclosing(stream) as items:
            return [item async for item in items]


def overloaded() -> ModelError:
    return ModelError("overloaded", "It is overloaded.")


async def test_an_answer_passes_through():
    text = Delta("text", "Yes.")
    watch = Watch()
    assert await watch.collect(Actor([text, DONE])) == [text, DONE]
    assert watch.slept == []


async def test_waits_double_up_to_a_bound_with_full_jitter():
    watch = Watch()
    takes = ([overloaded()] for _ in range(5))
    assert await watch.collect(Actor(*takes, [DONE])) == [DONE]
    assert watch.slept == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert [seconds for seconds, _ in watch.told] == watch.slept
    watch = Watch(chance=0.25)
    await watch.collect(Actor([overloaded()], [overloaded()], [DONE]))
    assert watch.slept == [0.25, 0.5]


async def test_the_server_may_name_the_wait():
    limited = ModelError("rate_limit", "Too fast.", retry_after=60)
    watch = Watch(chance=0.5)
    await watch.collect(Actor([limited], [DONE]))
    assert watch.slept == [60.5]


async def test_a_wait_that_is_too_long_is_told_and_not_slept():
    limited = ModelError("rate_limit", "Too fast.", retry_after=61, status=429)
    watch = Watch()
    with pytest.raises(ModelError, match=r"Too fast\. .*until 12:01:01; ") as caught:
        await watch.collect(Actor([limited]))
    error = caught.value
    assert (error.kind, error.retry_after, error.status) == ("rate_limit", 61, 429)
    assert not error.retryable
    assert watch.slept == []
    tomorrow = ModelError("rate_limit", "Too fast.", retry_after=86_400)
    with pytest.raises(ModelError, match="until 2026-11-22 12:00:00"):
        await watch.collect(Actor([tomorrow]))


@pytest.mark.parametrize("kind", ["auth", "billing", "bad_request", "too_large", "settings"])
async def test_what_cannot_pass_is_not_asked_again(kind: str):
    error = ModelError(kind, "No.")  # pyright: ignore[reportArgumentType]  (from the list above)
    actor = Actor([error], [DONE])
    with pytest.raises(ModelError) as caught:
        await Watch().collect(actor)
    assert caught.value is error
    assert actor.asked == 1


async def test_after_the_last_attempt_the_error_says_how_often():
    actor = Actor(*([overloaded()] for _ in range(6)))
    with pytest.raises(ModelError, match=r"It is overloaded\. \(Tried 6 times\.\)") as caught:
        await Watch().collect(actor)
    assert caught.value.kind == "overloaded"
    assert (actor.asked, actor.closed) == (6, 6)


async def test_there_is_an_end_to_asking_however_long_each_attempt_takes():
    actor = Actor(*([overloaded()] for _ in range(6)))
    watch = Watch(each=120)
    with pytest.raises(ModelError, match=r"It is overloaded\. \(Tried for 5 minutes\.\)") as caught:
        await watch.collect(actor)
    assert (caught.value.kind, caught.value.retryable) == ("overloaded", True)
    assert watch.slept == [1.0, 2.0, 4.0]
    assert actor.asked == 4


async def test_a_long_answer_is_not_the_time_of_retries():
    """The time counts from the first failure on, not from the question."""
    watch = Watch()

    class Slow(Actor):
        async def stream(self, request: Request) -> AsyncGenerator[Delta | Done, None]:
            watch.time += 1000 if self.asked == 0 else 0
            async for item in super().stream(request):
                yield item

    assert (await watch.collect(Slow([overloaded()], [DONE])))[-1] == DONE


async def test_partial_text_is_declared_void():
    half, call = Delta("text", "Ye"), Delta("call", '{"pa', 0, "edit")
    error = overloaded()
    items = await Watch().collect(Actor([half, call, error], [DONE]))
    assert items == [half, call, Restart(error), DONE]


async def test_nothing_is_asked_again_once_the_answer_is_complete():
    actor = Actor([DONE, overloaded()], [DONE])
    assert await Watch().collect(actor) == [DONE]
    assert (actor.asked, actor.closed) == (1, 1)


async def test_a_bug_is_not_a_reason_to_ask_again():
    class Broken(Actor):
        async def stream(self, request: Request) -> AsyncGenerator[Delta | Done, None]:
            self.asked += 1
            raise ZeroDivisionError
            yield DONE

    broken = Broken()
    with pytest.raises(ZeroDivisionError):
        await Watch().collect(broken)
    assert broken.asked == 1


async def test_cancelling_during_a_wait_ends_it():
    waiting = asyncio.Event()

    async def forever(_seconds: float) -> None:
        waiting.set()
        await asyncio.Event().wait()

    actor = Actor([overloaded()], [DONE])

    async def consume() -> None:
        async for _ in stream_with_retries(actor, ASK, clock=Clock(sleep=forever)):
            pass

    task = asyncio.create_task(consume())
    async with asyncio.timeout(10):
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert actor.asked == 1


async def test_end_to_end_against_a_server_that_recovers(play: Play):
    stage = await play(
        {"fault": {"status": 429, "headers": {"Retry-After": "2"}}},
        {"fault": {"status": 529}},
        {"text": "A wrong start", "chunk": 2, "fault": {"reset_after": 6}},
        {"text": "Cut", "chunk": 1, "fault": {"cut_after": 4}},
        {"text": "At last."},
    )
    watch = Watch()
    items = [
        item
        async for item in stream_with_retries(
            stage.provider, ASK, on_wait=watch.on_wait, clock=watch.clock
        )
    ]
    *_, done = items
    assert isinstance(done, Done)
    assert done.message.text == "At last."
    kinds = [error.kind for _, error in watch.told]
    assert kinds == ["rate_limit", "overloaded", "network", "truncated"]
    assert watch.slept[0] == 3.0
    last_restart = max(i for i, item in enumerate(items) if isinstance(item, Restart))
    after = [item.text for item in items[last_restart:] if isinstance(item, Delta)]
    assert "".join(after) == "At last."
