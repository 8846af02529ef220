"""Wherever an answer breaks off it is no answer, and every fault has a name and a remedy."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

import pytest

from fixwright.models.errors import Endpoint
from fixwright.models.loading import load_anthropic, load_openai, load_responses
from fixwright.models.scripted import parse_script
from fixwright.models.scripted.anthropic_wire import AnthropicWire
from fixwright.models.scripted.openai_wire import OpenAIWire
from fixwright.models.scripted.replies import Reply
from fixwright.models.scripted.responses_wire import ResponsesWire
from fixwright.models.scripted.script import Fault
from fixwright.models.types import Done, ModelError
from models.model_stage import ASK

if TYPE_CHECKING:
    from models.model_stage import Play, Protocol, Stage

WIRES = {"anthropic": AnthropicWire(), "openai": OpenAIWire(), "responses": ResponsesWire()}
LOADERS = {"anthropic": load_anthropic, "openai": load_openai, "responses": load_responses}
EVERYTHING = {
    "thinking": "Let me think about it.",
    "text": "Two edits are needed.",
    "tools": [
        {"name": "edit", "input": {"path": "a.py", "new": "x" * 40}},
        {"name": "edit", "input": {"path": "b.py", "new": "y" * 40}},
    ],
    "chunk": 12,
}
REMEDY = re.compile(r"[Tt]ry again|Wait|Check|Set |Choose|choose|Start a new|Use a key")


async def failure_of(stage: Stage) -> ModelError:
    with pytest.raises(ModelError) as caught:
        await stage.ask()
    return caught.value


def events_of(protocol: Protocol) -> list[bytes]:
    """What a whole answer consists of; the usage of Chat Completions was asked for."""
    turn = parse_script({"turns": [EVERYTHING]}).turns[0]
    return WIRES[protocol].events(Reply(turn, "m", 1, with_usage=True))


@pytest.mark.parametrize("fault", ["cut_after", "drop_after", "reset_after"])
async def test_an_answer_that_breaks_off_anywhere_is_no_answer(
    play: Play, protocol: Protocol, fault: str
):
    events = events_of(protocol)
    # In Chat Completions the answer is whole with its finish reason: what follows is bookkeeping,
    # which many compatible servers leave out.
    ends = [n for n, event in enumerate(events) if b'"finish_reason":"' in event]
    whole = ends[0] + 1 if protocol == "openai" and fault == "cut_after" else len(events)
    assert whole > 15
    stage = await play(*(EVERYTHING | {"fault": {fault: n}} for n in range(whole)))
    kinds = {(await failure_of(stage)).kind for _ in range(whole)}
    assert kinds == ({"truncated"} if fault == "cut_after" else {"network"})
    assert len(stage.server.requests) == whole


async def test_an_answer_without_bookkeeping_is_whole(play: Play, protocol: Protocol):
    if protocol != "openai":
        pytest.skip("the others end with an event of their own")
    events = events_of(protocol)
    cut = next(n for n, event in enumerate(events) if b'"finish_reason":"' in event) + 1
    stage = await play(EVERYTHING | {"fault": {"cut_after": cut}})
    _, done = await stage.ask()
    assert [call.arguments for call in done.message.calls] == [
        {"path": "a.py", "new": "x" * 40},
        {"path": "b.py", "new": "y" * 40},
    ]


WAYS: dict[str, tuple[dict[str, object], str]] = {
    "status": ({"status": 500}, "server"),
    "body": ({"body": "<html>Log in</html>"}, "server"),
    "hang_before": ({"hang_before": True}, "timeout"),
    "cut_after": ({"cut_after": 3}, "truncated"),
    "drop_after": ({"drop_after": 3}, "network"),
    "reset_after": ({"reset_after": 3}, "network"),
    "error_after": ({"error_after": 3}, "overloaded"),
    "garbage_after": ({"garbage_after": 3}, "server"),
    "hang_after": ({"hang_after": 3}, "timeout"),
}
HARMLESS = {"headers", "error", "message", "content_type"}


def test_every_way_to_fail_is_in_the_table():
    assert WAYS.keys() | HARMLESS == Fault.model_fields.keys()


@pytest.mark.parametrize("way", WAYS)
async def test_every_way_to_fail_has_a_name_and_a_remedy(
    play: Play, way: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("fixwright.models.connection.LOCAL_SILENCE_SECONDS", 0.3)
    fault, kind = WAYS[way]
    async with asyncio.timeout(60):
        error = await failure_of(await play(EVERYTHING | {"fault": fault}))
    assert error.kind == kind
    assert "scripted model" in str(error)
    assert REMEDY.search(str(error)), str(error)


@pytest.mark.parametrize(
    "status", [400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 503, 529]
)
async def test_every_status_has_a_remedy(play: Play, status: int):
    error = await failure_of(await play({"fault": {"status": status}}))
    assert REMEDY.search(str(error)), str(error)


@pytest.mark.parametrize(
    "said",
    [
        "prompt is too long: 210000 tokens > 200000 maximum",
        "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens",
        "request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it",
        "the input length exceeds the context length",
        "Your input exceeds the context window of this model",
    ],
)
@pytest.mark.parametrize("status", [400, 500])
async def test_a_full_context_is_named_however_the_server_says_it(
    play: Play, said: str, status: int
):
    error = await failure_of(await play({"fault": {"status": status, "message": said}}))
    assert (error.kind, error.retryable) == ("too_large", False)


@pytest.mark.parametrize("head", [b"", b"HTTP/1.1 200 OK\r\ncontent-ty", b"HELO\r\n\r\n"])
async def test_a_connection_that_ends_before_the_first_byte(protocol: Protocol, head: bytes):
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    async with server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        endpoint = Endpoint("the model server", url, "m", "nothing")
        provider = (await LOADERS[protocol]())(endpoint, "none", max_tokens=9)
        with pytest.raises(ModelError) as caught:
            async for item in provider.stream(ASK):
                assert not isinstance(item, Done)
        await provider.close()
    assert (caught.value.kind, caught.value.retryable) == ("network", True)
