"""What a provider's cache is told to keep: at most four marks, always in the same places."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from fixwright.json_reading import as_object
from fixwright.models.errors import Endpoint
from fixwright.models.openai import OpenAIProvider
from fixwright.models.responses import ResponsesProvider
from fixwright.models.types import Call, Message, ModelError, Request, Result, Tool

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from models.model_stage import Play

OWN = Endpoint("OpenAI", "https://api.openai.com/v1", "gpt-6.1-sol", "OPENAI_API_KEY")
ELSEWHERE = Endpoint("Ollama", "http://localhost:11434/v1", "m", "nothing")
TOOLS = (Tool("run", "Runs.", {"type": "object"}),)
FRONT = ("Who you are.", "The rules.", "The map.")
TALK = (
    Message("user", "Why?"),
    Message("assistant", "Let me see.", (Call("c1", "run", "{}", {}), Call("c2", "run", "{}", {}))),
    Message("user", results=(Result("c1", "one"), Result("c2", "two"))),
    Message("assistant", "Because."),
    Message("user", "Really?"),
)


def marked(value: object, kept: str) -> Iterator[str]:
    """The texts that end with a mark, in order."""
    if isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]  (JSON)
            yield from marked(item, kept)  # pyright: ignore[reportUnknownArgumentType]
    for name, inner in as_object(value).items():
        if name == kept:
            block = as_object(value)
            yield str(block.get("text") or block.get("content"))
        yield from marked(inner, kept)


def kept_by_claude(body: Mapping[str, object]) -> list[str]:
    """The system comes first, wherever it stands in the JSON."""
    return [*marked(body["system"], "cache_control"), *marked(body["messages"], "cache_control")]


async def test_the_messages_api_keeps_the_front_and_the_last_two_messages(play: Play):
    stage = await play({"text": "a"}, {"text": "b"}, {"text": "c"})
    if stage.protocol != "anthropic":
        pytest.skip("elsewhere marks are for OpenAI's own models")
    await stage.ask(Request(FRONT, TALK[:1], TOOLS))
    await stage.ask(Request(FRONT, TALK[:3], TOOLS))
    await stage.ask(Request(FRONT, TALK, TOOLS))
    front = ["Who you are.\n\n", "The map."]
    told = [kept_by_claude(request.body) for request in stage.server.requests]
    assert told == [[*front, "Why?"], [*front, "Why?", "two"], [*front, "two", "Really?"]]
    system: Any = stage.server.requests[0].body["system"]
    assert "".join(part["text"] for part in system) == "Who you are.\n\nThe rules.\n\nThe map."


async def test_a_question_of_its_own_is_not_kept(play: Play):
    stage = await play({"text": "a"})
    await stage.ask(Request(FRONT, TALK, TOOLS, cache=False))
    assert "cache" not in json.dumps(stage.server.requests[0].body).replace("prompt_cache_key", "")


async def test_a_single_part_has_a_single_mark(play: Play):
    stage = await play({"text": "a"})
    await stage.ask(Request(("All.",), TALK[:1]))
    if stage.protocol == "anthropic":
        assert kept_by_claude(stage.server.requests[0].body) == ["All.", "Why?"]


async def test_servers_that_may_not_know_marks_get_plain_texts(play: Play):
    stage = await play({"text": "a"})
    await stage.ask(Request(FRONT, TALK, TOOLS))
    body: Any = stage.server.requests[0].body
    whole = "Who you are.\n\nThe rules.\n\nThe map."
    if stage.protocol == "openai":
        assert body["messages"][0] == {"role": "system", "content": whole}
    if stage.protocol == "responses":
        assert body["instructions"] == whole
    if stage.protocol != "anthropic":
        assert "prompt_cache" not in json.dumps(body)


async def sent(request: Request, *, responses: bool, endpoint: Endpoint = OWN) -> dict[str, Any]:
    """What a provider sends for a model that takes marks."""
    bodies: list[dict[str, Any]] = []

    def record(http: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(http.content))
        return httpx2.Response(200, text="data: [DONE]\n\n")

    make = ResponsesProvider if responses else OpenAIProvider
    transport = httpx2.MockTransport(record)
    provider = make(endpoint, "key", max_tokens=9, cache_marks=True, transport=transport)
    with pytest.raises(ModelError):
        _ = [item async for item in provider.stream(request)]
    await provider.close()
    return bodies[0]


@pytest.mark.parametrize("responses", [True, False])
async def test_openai_keeps_the_front_and_the_last_two_messages(responses: bool):
    body = await sent(Request(FRONT, TALK, TOOLS), responses=responses)
    told = list(marked(body, "prompt_cache_breakpoint"))
    assert told == ["Who you are.", "The map.", "two", "Really?"]
    assert body["prompt_cache_options"] == {"mode": "explicit"}
    if responses:
        assert "instructions" not in body
        assert [item.get("role", item.get("type")) for item in body["input"]] == [
            "system", "user", "assistant", "function_call", "function_call",
            "function_call_output", "function_call_output", "assistant", "user",
        ]  # fmt: skip
        assert body["input"][6]["call_id"] == "c2"
    else:
        roles = [message["role"] for message in body["messages"]]
        assert roles == ["system", "user", "assistant", "tool", "tool", "assistant", "user"]
        assert body["messages"][4]["tool_call_id"] == "c2"
    once = await sent(Request(FRONT, TALK, TOOLS, cache=False), responses=responses)
    assert list(marked(once, "prompt_cache_breakpoint")) == []
    assert once["prompt_cache_options"] == {"mode": "explicit"}, "else OpenAI chooses by itself"


@pytest.mark.parametrize("responses", [True, False])
async def test_a_conversation_has_one_cache_key_and_only_openai_gets_it(responses: bool):
    first = await sent(Request(FRONT, TALK[:1], TOOLS), responses=responses)
    later = await sent(Request(FRONT, TALK, TOOLS), responses=responses)
    other = await sent(Request(FRONT, TALK[4:], TOOLS), responses=responses)
    key = first["prompt_cache_key"]
    assert later["prompt_cache_key"] == key != other["prompt_cache_key"]
    assert "Who you are" not in key
    local = await sent(Request(FRONT, TALK, TOOLS), responses=responses, endpoint=ELSEWHERE)
    assert "prompt_cache_key" not in local
