"""What a model says arrives whole, in both protocols, through the real SDK clients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import httpx2
import pytest

from fixwright.models.anthropic import AnthropicProvider
from fixwright.models.errors import Endpoint
from fixwright.models.openai import OpenAIProvider
from fixwright.models.responses import ResponsesProvider
from fixwright.models.types import (
    Call,
    Done,
    Message,
    ModelError,
    Native,
    Provider,
    Request,
    Result,
    Tool,
    Usage,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.model_stage import Play

NASTY = 'a\r\n\r\ndata: [DONE]\n\nevent: error\u2028\u0085\x00 𝕏é 👩‍👩‍👧 \\ " }'


@pytest.mark.parametrize("chunk", [1, 3, 1000])
async def test_text_arrives_unchanged_however_it_is_cut(play: Play, chunk: int):
    stage = await play({"text": NASTY, "chunk": chunk})
    deltas, done = await stage.ask()
    assert "".join(d.text for d in deltas if d.kind == "text") == NASTY
    assert done.message.text == NASTY
    assert done.message.role == "assistant"
    assert done.stop == "end_turn"
    assert done.request_id == "req_00000001"


async def test_parallel_calls_keep_their_arguments_apart(play: Play):
    arguments: dict[str, object] = {"path": "größe.py", "edits": [{"old": NASTY, "new": ""}]}
    tools = [{"name": "edit", "input": arguments}, {"name": "run"}]
    stage = await play({"text": "Two calls.", "tools": tools, "chunk": 5})
    deltas, done = await stage.ask()
    edit, run = done.message.calls
    assert (edit.name, edit.arguments) == ("edit", arguments)
    assert (run.name, run.arguments) == ("run", {})
    assert edit.id != run.id
    assert done.stop == "tool_use"
    pieces = [d for d in deltas if d.kind == "call" and d.name == "edit"]
    assert json.loads("".join(d.text for d in pieces)) == arguments
    assert len({d.index for d in deltas if d.kind == "call"}) == 2


@pytest.mark.parametrize("raw", ['{"path": "a.py", "text": "x', '["a"]', "null", "{'a': 1}"])
async def test_malformed_arguments_are_reported_and_never_completed(play: Play, raw: str):
    stage = await play({"tools": [{"name": "edit", "raw": raw}], "stop": "max_tokens"})
    _, done = await stage.ask()
    (call,) = done.message.calls
    assert call.arguments is None
    assert call.raw == raw
    assert done.stop == "max_tokens"


async def test_usage_counts_uncached_input_only(play: Play):
    usage = {"input": 11, "output": 7, "cache_read": 5, "cache_write": 3, "reasoning": 2}
    stage = await play({"text": "a", "usage": usage})
    _, done = await stage.ask()
    assert done.usage == Usage(11, 7, 5, 3, 2)
    assert done.usage + Usage(1, 1, 1, 1, 1) == Usage(12, 8, 6, 4, 3)


@pytest.mark.parametrize("stop", ["end_turn", "max_tokens", "refusal"])
async def test_the_reason_to_stop_is_the_same_in_every_protocol(play: Play, stop: str):
    stage = await play({"text": "a", "stop": stop})
    _, done = await stage.ask()
    assert done.stop == stop


async def test_thinking_is_shown_and_goes_back_unchanged(play: Play):
    call = {"name": "run", "input": {"a": 1}}
    stage = await play({"thinking": "Hm, hm.", "tools": [call]}, {"text": "It works."})
    deltas, done = await stage.ask()
    assert "".join(d.text for d in deltas if d.kind == "thinking") == "Hm, hm."
    answered = Message(
        "user", "Go on.", results=(Result(done.message.calls[0].id, "4", error=True),)
    )
    await stage.ask(Request((), (Message("user", "Why?"), done.message, answered)))
    body: Any = stage.server.requests[1].body
    if stage.protocol == "responses":
        _, reasoning, call_item, result, question = body["input"]
        assert reasoning["encrypted_content"] == "sealed:Hm, hm."
        assert "id" not in reasoning, "nothing is stored, so no id is known there"
        assert (call_item["name"], call_item["arguments"]) == ("run", '{"a": 1}')
        assert result["call_id"] == call_item["call_id"] == done.message.calls[0].id
        assert (result["type"], result["output"]) == ("function_call_output", "4")
        assert question == {"role": "user", "content": "Go on."}
        return
    sent = body["messages"]
    if stage.protocol == "anthropic":
        _, replayed, results = sent
        thinking, tool_use = replayed["content"]
        assert thinking == {"type": "thinking", "thinking": "Hm, hm.", "signature": "c2NyaXB0ZWQ="}
        assert tool_use["input"] == {"a": 1}
        assert results["content"] == [
            {
                "type": "tool_result",
                "tool_use_id": tool_use["id"],
                "content": "4",
                "is_error": True,
            },
            {"type": "text", "text": "Go on.", "cache_control": {"type": "ephemeral"}},
        ]
    else:
        _, replayed, result, question = sent
        assert replayed["reasoning_content"] == "Hm, hm."
        assert replayed["tool_calls"][0]["function"] == {"name": "run", "arguments": '{"a": 1}'}
        assert result == {
            "role": "tool",
            "tool_call_id": done.message.calls[0].id,
            "content": "4",
        }
        assert question == {"role": "user", "content": "Go on."}


async def test_another_providers_thinking_is_not_replayed(play: Play):
    stage = await play({"text": "a"})
    foreign = Message(
        "assistant",
        "I see.",
        (Call("call_1", "run", '{"a":', None),),
        native=Native("anthropic:https://elsewhere:other", [{"type": "thinking"}]),
    )
    result = Message("user", results=(Result("call_1", "not JSON", error=True),))
    await stage.ask(Request((), (Message("user", "Why?"), foreign, result)))
    body = json.dumps(stage.server.requests[0].body)
    assert "thinking" not in body
    assert "I see." in body
    assert "call_1" in body


async def test_an_empty_answer_is_an_answer_and_is_not_sent_back(play: Play):
    stage = await play({"stop": "refusal"}, {"text": "a"})
    _, done = await stage.ask()
    assert (done.message.text, done.message.calls) == ("", ())
    messages = (Message("user", "Why?"), done.message, Message("user", "Really?"))
    await stage.ask(Request((), messages))
    body: Any = stage.server.requests[1].body
    if stage.protocol != "openai":
        sent = body["messages" if stage.protocol == "anthropic" else "input"]
        assert [m["role"] for m in sent] == ["user", "user"]


async def test_tools_system_and_limit_reach_the_server(play: Play):
    stage = await play({"text": "a"}, {"text": "b"})
    schema: dict[str, object] = {"type": "object", "properties": {"path": {"type": "string"}}}
    tool = Tool("edit", "Edits a file.", schema)
    question = (Message("user", "Why?"),)
    await stage.ask(Request(("Be brief.",), question, (tool,), max_tokens=77))
    await stage.ask(Request((), question))
    first, second = (r.body for r in stage.server.requests)
    limit = "max_output_tokens" if stage.protocol == "responses" else "max_tokens"
    assert first[limit] == 77
    assert second[limit] == 1000
    assert "tools" not in second
    tools: Any = first["tools"]
    if stage.protocol == "responses":
        assert (first["instructions"], first["store"]) == ("Be brief.", False)
        assert "instructions" not in second
        [told] = tools
        assert (told["type"], told["name"], told["parameters"]) == ("function", "edit", schema)
    elif stage.protocol == "anthropic":
        (system,) = cast("list[dict[str, object]]", first["system"])
        assert system["text"] == "Be brief."
        assert tools == [{"name": "edit", "description": "Edits a file.", "input_schema": schema}]
    else:
        messages: Any = first["messages"]
        assert messages[0] == {"role": "system", "content": "Be brief."}
        function = {"name": "edit", "description": "Edits a file.", "parameters": schema}
        assert tools == [{"type": "function", "function": function}]


async def test_nothing_of_the_environment_leaks_into_a_request(
    play: Play, monkeypatch: pytest.MonkeyPatch
):
    for name, value in {
        "OPENAI_ORG_ID": "org-secret",
        "OPENAI_PROJECT_ID": "proj-secret",
        "OPENAI_BASE_URL": "http://127.0.0.1:9/v1",
        "OPENAI_CUSTOM_HEADERS": "X-Leak: secret\nAuthorization: Bearer secret",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:9",
        "ANTHROPIC_CUSTOM_HEADERS": "X-Leak: secret\nAuthorization: Bearer secret",
        "ANTHROPIC_AUTH_TOKEN": "secret",
        "HTTP_PROXY": "http://127.0.0.1:9",
    }.items():
        monkeypatch.setenv(name, value)
    stage = await play({"text": "a"})
    await stage.ask()
    (request,) = stage.server.requests
    assert request.headers["authorization"] == "Bearer scripted"
    assert not [n for n in request.headers if "stainless" in n or "openai" in n]
    assert "secret" not in repr(request)


OWN = Endpoint("OpenAI", "https://api.openai.com/v1", "gpt-6-sol", "OPENAI_API_KEY")
CLAUDE = Endpoint("Anthropic", "https://api.anthropic.com", "claude", "ANTHROPIC_API_KEY")
TOOLS = (Tool("edit", "Edits.", {"type": "object"}),)


async def _sent(make: Callable[[httpx2.MockTransport], Provider], request: Request) -> Any:
    """The JSON that a provider sends to its vendor's own address."""
    bodies: list[Any] = []

    def refuse(sent: httpx2.Request) -> httpx2.Response:
        bodies.append(json.loads(sent.content))
        return httpx2.Response(200, text="data: [DONE]\n\n")

    provider = make(httpx2.MockTransport(refuse))
    with pytest.raises(ModelError, match=r"broke off|answered with"):
        _ = [item async for item in provider.stream(request)]
    await provider.close()
    return bodies[0]


async def test_openai_itself_gets_the_new_limit_and_no_reasoning_beside_tools():
    def make(transport: httpx2.MockTransport) -> Provider:
        return OpenAIProvider(
            OWN, "key", max_tokens=9, tools_need_no_reasoning=True, transport=transport
        )

    body = await _sent(make, Request((), (Message("user", "a"),), TOOLS))
    assert body["max_completion_tokens"] == 9
    assert "max_tokens" not in body
    assert body["reasoning_effort"] == "none"
    body = await _sent(make, Request((), (Message("user", "a"),)))
    assert "reasoning_effort" not in body


async def test_thinking_is_asked_for_only_where_it_is_known_to_be_accepted():
    question = Request((), (Message("user", "a"),))
    for show in (True, False):

        def make(transport: httpx2.MockTransport, show: bool = show) -> Provider:
            return AnthropicProvider(
                CLAUDE, "key", max_tokens=9, show_thinking=show, transport=transport
            )

        body = await _sent(make, question)
        expected = {"type": "adaptive", "display": "summarized"} if show else None
        assert body.get("thinking") == expected


def _sse(*events: object) -> str:
    return "".join(f"data: {json.dumps(e)}\n\n" for e in events) + ": keep-alive\n\n"


async def _answer(provider: Provider) -> Done:
    *_, done = [item async for item in provider.stream(Request((), (Message("user", "a"),)))]
    await provider.close()
    assert isinstance(done, Done)
    return done


async def _openai_answer(*chunks: object) -> Done:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, text=_sse(*chunks)))
    endpoint = Endpoint("Ollama", "http://localhost:11434/v1", "m", "nothing")
    return await _answer(OpenAIProvider(endpoint, "none", max_tokens=9, transport=transport))


def _calls(*calls: dict[str, object]) -> dict[str, object]:
    return {"choices": [{"delta": {"tool_calls": list(calls)}}]}


STOP: dict[str, object] = {"choices": [{"finish_reason": "stop"}]}


async def test_a_compatible_server_without_indices_ids_and_done():
    """Arguments as objects, `stop` after calls, usage without details, and the other spelling."""
    first: dict[str, object] = {"function": {"name": "edit", "arguments": {"path": "a.py"}}}
    second: dict[str, object] = {"function": {"name": "run", "arguments": "{}"}}
    done = await _openai_answer(
        {"choices": [{"delta": {"content": None, "reasoning": "Hm."}}]},
        _calls(first, second),
        STOP,
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    )
    assert done.message.calls == (
        Call("call_0", "edit", '{"path": "a.py"}', {"path": "a.py"}),
        Call("call_1", "run", "{}", {}),
    )
    assert done.stop == "tool_use"
    assert done.usage == Usage(3, 2)
    assert done.message.native is not None
    assert done.message.native.key == "openai:http://localhost:11434/v1:m"
    content: Any = done.message.native.content
    assert content["reasoning"] == "Hm."
    assert content["content"] is None


async def test_a_compatible_server_that_gives_every_call_the_index_0():
    done = await _openai_answer(
        _calls({"index": 0, "id": "x", "function": {"name": "edit", "arguments": '{"a"'}}),
        _calls({"index": 0, "id": "x", "function": {"arguments": ": 1}"}}),
        _calls({"index": 0, "id": "y", "function": {"name": "run", "arguments": "{}"}}),
        STOP,
    )
    assert done.message.calls == (
        Call("x", "edit", '{"a": 1}', {"a": 1}),
        Call("y", "run", "{}", {}),
    )


async def test_a_refusal_in_its_own_field():
    done = await _openai_answer({"choices": [{"delta": {"refusal": "I won't."}}]}, STOP)
    assert (done.message.text, done.stop) == ("I won't.", "refusal")


async def test_an_upstream_error_as_a_reason_to_stop():
    with pytest.raises(ModelError, match="upstream"):
        await _openai_answer({"choices": [{"finish_reason": "error"}]})


async def test_a_messages_server_with_whole_inputs_empty_texts_and_nulls():
    use: dict[str, object] = {"type": "tool_use", "id": "t", "name": "run", "input": {"a": 1}}
    events: list[dict[str, Any]] = [
        {
            "type": "message_start",
            "message": {"usage": {"input_tokens": 9, "cache_read_input_tokens": 4}},
        },
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_start", "index": 1, "content_block": use},
        {"type": "something_new", "index": 1},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "a_new_reason"},
            "usage": {"output_tokens": 3, "input_tokens": None},
        },
        {"type": "message_stop"},
    ]
    text = "".join(f"event: {e['type']}\ndata: {json.dumps(e)}\n\n" for e in events)
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, text=text))
    done = await _answer(AnthropicProvider(CLAUDE, "key", max_tokens=9, transport=transport))
    assert done.message.calls == (Call("t", "run", '{"a": 1}', {"a": 1}),)
    assert done.message.native == Native("anthropic:https://api.anthropic.com:claude", [use])
    assert done.usage == Usage(input=9, output=3, cache_read=4)
    assert done.stop == "unknown"


async def test_no_log_shows_what_was_asked_or_the_key(play: Play, caplog: pytest.LogCaptureFixture):
    caplog.set_level("DEBUG")
    stage = await play({"text": "A secret answer."})
    await stage.ask(Request(("A secret system.",), (Message("user", "A secret question."),)))
    assert "secret" not in caplog.text
    assert "scripted" not in caplog.text


async def _responses_answer(*events: object) -> Done:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, text=_sse(*events)))
    return await _answer(ResponsesProvider(OWN, "key", max_tokens=9, transport=transport))


@pytest.mark.parametrize(
    ("status", "details", "stop"),
    [
        ("completed", None, "end_turn"),
        ("incomplete", {"reason": "max_output_tokens"}, "max_tokens"),
        ("incomplete", {"reason": "something_new"}, "unknown"),
    ],
)
async def test_how_a_response_ends(status: str, details: object, stop: str):
    item = {"type": "message", "content": [{"type": "output_text", "text": "a"}]}
    done = await _responses_answer(
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {
            "type": f"response.{status}",
            "response": {"status": status, "incomplete_details": details},
        },
    )
    assert (done.message.text, done.stop) == ("a", stop)


async def test_a_response_that_failed_is_an_error():
    error = {"code": "rate_limit_exceeded", "message": "Slow down"}
    with pytest.raises(ModelError, match="Slow down") as caught:
        await _responses_answer({"type": "response.failed", "response": {"error": error}})
    assert caught.value.kind == "rate_limit"


async def test_a_refusal_in_a_response():
    item = {"type": "message", "content": [{"type": "refusal", "refusal": "No."}]}
    done = await _responses_answer(
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": {"status": "completed"}},
    )
    assert (done.message.text, done.stop) == ("No.", "refusal")
