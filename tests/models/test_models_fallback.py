"""Another model steps in when one has failed for good, if the user agrees."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from fixwright.models.factory import ModelSettings, open_model
from fixwright.models.fallback import Fallback, Switched
from fixwright.models.prices import Price
from fixwright.models.retry import Clock, Restart, RetryPolicy
from fixwright.models.scripted import ScriptedServer, parse_script
from fixwright.models.types import Delta, Done, Message, ModelError, Request, Usage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from fixwright.models.model import Model

DOWN: dict[str, object] = {"fault": {"status": 529}}
ASK = Request(("Be brief.",), (Message("user", "Why?"),))
TWICE = RetryPolicy(attempts=2)


@dataclass
class Session:
    """A fallback over scripted models called a, b, c, and what it asked for."""

    servers: list[ScriptedServer]
    models: list[Model]
    agrees: list[bool]
    fallback: Fallback = field(init=False)
    asked: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    admitted: list[str] = field(default_factory=list[str])
    slept: list[float] = field(default_factory=list[float])

    def __post_init__(self) -> None:
        def opener(model: Model):
            async def opened() -> Model:
                return model

            return opened

        self.fallback = Fallback([opener(model) for model in self.models], self._consent)

    async def _consent(self, failed: Model, following: Model, error: ModelError) -> bool:
        self.asked.append((failed.model, following.model, error.kind))
        return self.agrees.pop(0)

    async def _admit(self, model: Model) -> None:
        self.admitted.append(model.model)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    async def ask(self, request: Request = ASK) -> list[Delta | Restart | Switched | Done]:
        stream = self.fallback.stream(
            request, admit=self._admit, policy=TWICE, clock=Clock(sleep=self._sleep)
        )
        async with aclosing(stream) as items:
            return [item async for item in items]


@pytest.fixture
async def stack() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def session(
    stack: AsyncExitStack, *scripts: Sequence[Mapping[str, object]], agrees: Sequence[bool] = ()
) -> Session:
    servers: list[ScriptedServer] = []
    models: list[Model] = []
    for name, turns, protocol in zip(
        "abc", scripts, ("anthropic", "openai", "openai"), strict=False
    ):
        script = parse_script({"protocol": protocol, "turns": list(turns)}, name)
        server = await stack.enter_async_context(ScriptedServer(script))
        url = server.url if protocol == "anthropic" else f"{server.url}/v1"
        prices = {"a": Price(1, 10, 1, 1), "b": Price(2, 20, 2, 2)}
        provider = "anthropic" if protocol == "anthropic" else "openai"
        model = await open_model(ModelSettings(provider, name, base_url=url, prices=prices), {})
        assert model is not None
        stack.push_async_callback(model.close)
        servers.append(server)
        models.append(model)
    return Session(servers, models, list(agrees))


def texts(items: Sequence[object]) -> list[str]:
    return [item.text for item in items if isinstance(item, Delta) and item.kind == "text"]


async def test_the_first_model_answers_as_long_as_it_can(stack: AsyncExitStack):
    talk = await session(stack, [DOWN, {"text": "Yes."}], [])
    *_, done = await talk.ask()
    assert isinstance(done, Done)
    assert done.message.text == "Yes."
    assert (talk.asked, talk.admitted, len(talk.slept)) == ([], ["a"], 1)


async def test_the_next_one_is_asked_with_consent_and_stays(stack: AsyncExitStack):
    cut = {"text": "A wrong start", "fault": {"cut_after": 5}}
    usage = {"input": 1_000_000, "output": 100_000}
    talk = await session(
        stack,
        [{"thinking": "Hm.", "text": "So.", "usage": usage}, cut, cut],
        [{"text": "From b.", "usage": usage}, {"text": "Again.", "usage": usage}],
        agrees=[True],
    )
    *_, first = await talk.ask()
    assert isinstance(first, Done)
    more = Request(
        ("Be brief.",), (Message("user", "Why?"), first.message, Message("user", "And?"))
    )
    items = await talk.ask(more)
    [switched] = [item for item in items if isinstance(item, Switched)]
    assert (switched.model.model, switched.error.kind) == ("b", "truncated")
    assert texts(items[items.index(switched) :]) == ["From b."]
    assert talk.asked == [("a", "b", "truncated")]
    assert talk.admitted == ["a", "a", "b"], "each is reserved for before it is asked"
    said = str(talk.servers[1].requests[0].body)
    assert "So." in said
    assert "Hm." not in said, "reasoning goes back only to the model that had it"
    await talk.ask(more)
    assert len(talk.servers[0].requests) == 3, "the session stays with the model that works"
    assert talk.asked == [("a", "b", "truncated")]
    assert talk.fallback.usage["a"].input == 1_000_000
    assert talk.fallback.usage["b"] == Usage(2_000_000, 200_000)
    assert talk.fallback.cost == pytest.approx(2 + 2 * 4)


async def test_without_consent_the_error_stands_and_is_not_asked_about_again(
    stack: AsyncExitStack,
):
    talk = await session(stack, [DOWN] * 4, [{"text": "b"}], agrees=[False])
    for _ in range(2):
        with pytest.raises(ModelError, match=r"overloaded.*Tried 2 times") as caught:
            await talk.ask()
        assert caught.value.kind == "overloaded"
    assert talk.asked == [("a", "b", "overloaded")]
    assert talk.servers[1].requests == []


async def test_one_after_the_other(stack: AsyncExitStack):
    broke = {"fault": {"status": 402, "message": "No credit"}}
    talk = await session(stack, [DOWN] * 2, [broke], [{"text": "c"}], agrees=[True, True])
    items = await talk.ask()
    assert texts(items) == ["c"]
    assert talk.asked == [("a", "b", "overloaded"), ("b", "c", "billing")]
    assert talk.admitted == ["a", "b", "c"]
    assert talk.fallback.cost is None, "the price of c is not known"
    assert talk.fallback.unpriced == {"c"}


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413])
async def test_what_is_the_users_to_correct_is_not_taken_elsewhere(
    stack: AsyncExitStack, status: int
):
    talk = await session(stack, [{"fault": {"status": status}}], [{"text": "b"}], agrees=[True])
    with pytest.raises(ModelError):
        await talk.ask()
    assert talk.asked == []


async def test_a_fallback_that_cannot_be_set_up_is_named(stack: AsyncExitStack):
    talk = await session(stack, [DOWN] * 2)

    async def unusable() -> Model:
        model = await open_model(ModelSettings("openai"), {})
        assert model is not None
        return model

    async def first() -> Model:
        return talk.models[0]

    talk.fallback = Fallback([first, unusable])
    with pytest.raises(
        ModelError, match=r"overloaded.*Fallback model 1 .*OPENAI_API_KEY is not set"
    ):
        await talk.ask()


async def test_what_admit_raises_ends_it_before_anything_is_sent(stack: AsyncExitStack):
    talk = await session(stack, [{"text": "a"}])

    async def broke(_model: Model) -> None:
        raise PermissionError("no budget")

    with pytest.raises(PermissionError):
        async for _ in talk.fallback.stream(ASK, admit=broke):
            pass
    assert talk.servers[0].requests == []


async def test_calls_made_elsewhere_are_counted(stack: AsyncExitStack):
    talk = await session(stack, [])
    talk.fallback.add(talk.models[0], Usage(input=500_000))
    talk.fallback.add(talk.models[0], Usage(output=10_000))
    assert talk.fallback.usage == {"a": Usage(500_000, 10_000)}
    assert talk.fallback.cost == pytest.approx(0.6)


@pytest.mark.parametrize("fault", [{"hang_before": True}, {"hang_after": 4}])
async def test_cancelling_closes_the_connection_through_all_layers(
    stack: AsyncExitStack, fault: dict[str, object]
):
    talk = await session(stack, [{"text": "Slowly.", "chunk": 1, "fault": fault}], [{"text": "b"}])
    task = asyncio.create_task(talk.ask())
    async with asyncio.timeout(30):
        await talk.servers[0].wait_until(lambda server: len(server.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await talk.servers[0].wait_until(lambda server: server.disconnects == 1)
    assert talk.asked == []
