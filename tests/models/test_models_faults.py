"""Every way a provider fails ends in a ModelError that says so, in both protocols."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import TYPE_CHECKING

import pytest

from fixwright.models.errors import Endpoint
from fixwright.models.loading import load_anthropic, load_openai
from fixwright.models.types import Done, ModelError
from models.model_stage import ASK

if TYPE_CHECKING:
    from models.model_stage import Play, Protocol, Stage

LONG = "It divides by the length of an empty list. " * 5
EDIT = {"name": "edit", "input": {"path": "a.py", "text": "x" * 200}}


async def failure_of(stage: Stage) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await stage.ask()
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind", "retryable"),
    [
        (400, "bad_request", False),
        (401, "auth", False),
        (402, "billing", False),
        (403, "auth", False),
        (404, "bad_request", False),
        (408, "timeout", True),
        (409, "server", True),
        (413, "too_large", False),
        (422, "bad_request", False),
        (429, "rate_limit", True),
        (500, "server", True),
        (502, "server", True),
        (503, "overloaded", True),
        (529, "overloaded", True),
    ],
)
async def test_a_refusal_is_named_by_its_status(
    play: Play, status: int, kind: str, retryable: bool
):
    stage = await play({"fault": {"status": status, "message": "Because of reasons"}})
    error = await failure_of(stage)
    assert (error.kind, error.status, error.retryable) == (kind, status, retryable)
    assert f"({status}): Because of reasons." in str(error)
    assert str(error).startswith("The scripted model (test.toml)")
    assert len(stage.server.requests) == 1, "the SDK must not retry by itself"


async def test_a_rate_limit_carries_the_wait_without_sleeping_on_it(play: Play):
    stage = await play({"fault": {"status": 429, "headers": {"Retry-After": "300"}}})
    async with asyncio.timeout(30):
        error = await failure_of(stage)
    assert error.retry_after == 300
    assert len(stage.server.requests) == 1


@pytest.mark.parametrize("code", ["insufficient_quota", "billing_error"])
async def test_a_spent_budget_is_not_a_rate_limit(play: Play, code: str):
    error = await failure_of(await play({"fault": {"status": 429, "error": code}}))
    assert (error.kind, error.retryable) == ("billing", False)


async def test_a_server_may_say_that_asking_again_is_useless(play: Play):
    headers = {"x-should-retry": "false"}
    error = await failure_of(await play({"fault": {"status": 500, "headers": headers}}))
    assert (error.kind, error.retryable) == ("server", False)


@pytest.mark.parametrize("said", [{"text": LONG}, {"tools": [EDIT]}, {"thinking": LONG}])
@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("cut_after", "truncated"),
        ("drop_after", "network"),
        ("reset_after", "network"),
        ("error_after", "overloaded"),
        ("garbage_after", "server"),
    ],
)
@pytest.mark.parametrize("events", [1, 5])
async def test_a_broken_stream_is_never_an_answer(
    play: Play, said: dict[str, object], fault: str, kind: str, events: int
):
    stage = await play(said | {"fault": {fault: events}})
    error = await failure_of(stage)
    assert (error.kind, error.retryable) == (kind, True)


async def test_a_stream_without_any_event_is_truncated(play: Play):
    error = await failure_of(await play({"text": LONG, "fault": {"cut_after": 0}}))
    assert error.kind == "truncated"


@pytest.mark.parametrize("code", ["rate_limit_error", "timeout_error"])
async def test_an_error_inside_a_stream_is_named_by_its_type(play: Play, code: str):
    stage = await play({"text": LONG, "fault": {"error_after": 2, "error": code}})
    assert (await failure_of(stage)).kind == code.removesuffix("_error")


async def test_a_web_page_with_status_200_is_not_an_answer(play: Play):
    stage = await play({"fault": {"body": "<html><body>Please log in</body></html>"}})
    error = await failure_of(stage)
    assert (error.kind, error.retryable) == ("server", False)
    assert "a web page" in str(error)
    assert "model.baseUrl" in str(error)


async def test_slow_tokens_arrive_one_by_one(play: Play):
    stage = await play({"text": "one two three", "chunk": 4, "pace": 0.02, "delay": 0.02})
    deltas, done = await stage.ask()
    assert [d.text for d in deltas] == ["one ", "two ", "thre", "e"]
    assert done.message.text == "one two three"


@pytest.mark.parametrize("fault", [{"hang_after": 4}, {"hang_before": True}])
async def test_cancelling_closes_the_connection_at_once(play: Play, fault: dict[str, object]):
    stage = await play({"text": LONG, "chunk": 4, "fault": fault})
    task = asyncio.create_task(stage.ask())
    async with asyncio.timeout(30):
        await stage.server.wait_until(lambda s: len(s.requests) == 1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await stage.server.wait_until(lambda s: s.disconnects == 1)


async def test_leaving_early_closes_the_connection_at_once(play: Play):
    stage = await play({"text": LONG, "chunk": 4, "fault": {"hang_after": 6}})
    async with asyncio.timeout(30):
        async with aclosing(stage.provider.stream(ASK)) as items:
            async for item in items:
                assert not isinstance(item, Done)
                break
        await stage.server.wait_until(lambda s: s.disconnects == 1)


async def test_a_provider_still_works_after_every_fault(play: Play):
    stage = await play({"text": LONG, "fault": {"reset_after": 3}}, {"text": "Better."})
    await failure_of(stage)
    _, done = await stage.ask()
    assert done.message.text == "Better."


async def test_a_script_that_runs_out_says_so(play: Play):
    stage = await play({"text": "Only this."})
    await stage.ask()
    error = await failure_of(stage)
    assert (error.kind, error.status, error.retryable) == ("server", 500, False)
    assert "The script test.toml has no turn for request 2" in str(error)


async def test_a_server_that_is_not_there(protocol: Protocol):
    endpoint = Endpoint("the model server", "http://127.0.0.1:9", "m", "nothing")
    load = load_anthropic if protocol == "anthropic" else load_openai
    provider = (await load())(endpoint, "none", max_tokens=9)
    with pytest.raises(ModelError, match=r"connection to the model server at .* failed") as caught:
        _ = [item async for item in provider.stream(ASK)]
    assert (caught.value.kind, caught.value.retryable) == ("network", True)
    await provider.close()


async def test_a_key_that_a_server_repeats_is_hidden(play: Play):
    stage = await play({"fault": {"status": 401, "message": "Wrong key: Bearer scripted"}})
    assert "Wrong key: Bearer …" in str(await failure_of(stage))
