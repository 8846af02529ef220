"""Scripts are checked as a whole; the server plays them and records what it was asked."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from fixwright.models.scripted import ScriptedServer, ScriptError, load_script, parse_script
from fixwright.models.scripted.__main__ import main
from fixwright.models.types import Message, ModelError, Request

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from models.model_stage import Play

GOOD = """
protocol = "openai"

[[turns]]
when = "ZeroDivisionError"
text = "A count of zero has to be handled."
tools = [{ name = "edit", input = { path = "mean.py" } }]

[[turns]]
fault = { status = 429, headers = { Retry-After = "2" } }
"""

BAD = """
protocol = "smoke signals"
turn = 1

[[turns]]
text = 5
delay = -1
fault = { status = 429, cut_after = 2 }

[[turns]]
tools = [{ name = "a", input = {}, raw = "" }, { input = 3 }]
stop = "later"
usage = { inputs = 4 }

[[turns]]
fault = {}
"""


def test_a_script_is_read_from_toml_and_from_json(tmp_path: Path):
    toml = tmp_path / "script.toml"
    toml.write_text(GOOD, "utf-8")
    script = load_script(toml)
    as_json = tmp_path / "script.json"
    as_json.write_text(json.dumps(tomllib.loads(GOOD)), "utf-8")
    assert load_script(as_json).turns == script.turns
    assert script.protocol == "openai"
    assert script.name == str(toml)
    first, second = script.turns
    assert first.when == "ZeroDivisionError"
    assert first.reason == "tool_use"
    assert json.loads(first.tools[0].arguments) == {"path": "mean.py"}
    assert second.fault is not None
    assert second.fault.headers == {"Retry-After": "2"}


def test_everything_that_is_wrong_is_named_at_once_with_file_turn_and_field(tmp_path: Path):
    path = tmp_path / "bad.toml"
    path.write_text(BAD, "utf-8")
    with pytest.raises(ScriptError) as caught:
        load_script(path)
    first, *lines = str(caught.value).splitlines()
    assert first == f"The script {path} is not valid:"
    assert [line.partition(": ")[0] for line in lines] == [
        "- protocol",
        "- turn 1, text",
        "- turn 1, delay",
        "- turn 1, fault",
        "- turn 2, tools 1",
        "- turn 2, tools 2, name",
        "- turn 2, tools 2, input",
        "- turn 2, stop",
        "- turn 2, usage, inputs",
        "- turn 3, fault",
        "- turn",
    ]
    assert "- turn: there is no such field" in lines
    assert "- turn 1, fault: only one of these can happen: status, cut_after" in lines
    assert "- turn 2, tools 1: give either input or raw, not both" in lines


@pytest.mark.parametrize(
    ("name", "content", "complaint"),
    [
        ("a.toml", b"turns = [", "not valid TOML"),
        ("a.json", b"{,}", "not valid JSON"),
        ("a.toml", b"\xff", "cannot be read"),
        ("a.json", b"[]", "the whole file"),
    ],
)
def test_a_file_that_is_no_script(tmp_path: Path, name: str, content: bytes, complaint: str):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ScriptError, match=complaint) as caught:
        load_script(path)
    assert str(path) in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path):
    with pytest.raises(ScriptError, match=r"gone\.toml cannot be read"):
        load_script(tmp_path / "gone.toml")


def asking(text: str) -> Request:
    return Request((), (Message("user", text),))


async def test_a_turn_may_wait_for_its_request(play: Play):
    stage = await play(
        {"when": 'says "two"\n', "text": "2"}, {"when": "one", "text": "1"}, {"text": "any"}
    )
    texts = [
        (await stage.ask(asking(question)))[1].message.text
        for question in ("three", "one", 'He says "two"\nagain')
    ]
    assert texts == ["any", "1", "2"]
    assert [r.turn for r in stage.server.requests] == [2, 1, 0]
    assert stage.server.unused == ()


async def test_a_request_that_no_turn_is_for(play: Play):
    stage = await play({"when": "one", "text": "1"})
    with pytest.raises(ModelError, match=r"unused: 1 \(when = 'one'\)"):
        await stage.ask(asking("two"))
    assert stage.server.unused == (0,)


@pytest.fixture
async def server() -> AsyncIterator[ScriptedServer]:
    turn = {
        "text": "Hi.",
        "thinking": "Hm.",
        "tools": [{"name": "edit", "input": {"a": 1}}],
        "usage": {"cache_read": 4},
    }
    turns = [turn, {"fault": {"status": 529}}, {"text": "x", "fault": {"drop_after": 1}}]
    async with ScriptedServer(parse_script({"model": "m-1", "turns": turns})) as server:
        yield server


async def post(server: ScriptedServer, path: str, body: object) -> httpx2.Response:
    async with httpx2.AsyncClient(trust_env=False, base_url=server.url) as client:
        return await client.post(path, json=body)


async def test_an_anthropic_answer_that_is_not_streamed(server: ScriptedServer):
    answer = await post(server, "/v1/messages", {"model": "asked-for", "messages": []})
    body: Any = answer.json()
    assert answer.headers["request-id"] == "req_00000001"
    assert body["model"] == "asked-for"
    assert [block["type"] for block in body["content"]] == ["thinking", "text", "tool_use"]
    assert body["content"][2]["input"] == {"a": 1}
    assert body["stop_reason"] == "tool_use"
    assert (body["usage"]["input_tokens"], body["usage"]["cache_read_input_tokens"]) == (10, 4)
    overloaded = await post(server, "/v1/messages", {})
    assert overloaded.status_code == 529
    assert overloaded.json()["error"]["type"] == "overloaded_error"
    with pytest.raises(httpx2.RemoteProtocolError):
        await post(server, "/v1/messages", {})


async def test_an_openai_answer_that_is_not_streamed(server: ScriptedServer):
    answer = await post(server, "/v1/chat/completions", {"messages": []})
    body: Any = answer.json()
    assert answer.headers["x-request-id"] == "req_00000001"
    assert (body["object"], body["model"]) == ("chat.completion", "m-1")
    (choice,) = body["choices"]
    assert choice["finish_reason"] == "tool_calls"
    assert choice["message"]["content"] == "Hi."
    (call,) = choice["message"]["tool_calls"]
    assert (call["function"]["name"], json.loads(call["function"]["arguments"])) == (
        "edit",
        {"a": 1},
    )
    assert body["usage"]["prompt_tokens"] == 14
    overloaded = await post(server, "/v1/chat/completions", {})
    assert overloaded.json()["error"]["code"] == "server_error"


async def test_the_stream_is_what_the_real_server_sends(server: ScriptedServer):
    answer = await post(server, "/v1/messages", {"stream": True})
    events = [block.partition("\n")[0] for block in answer.text.split("\n\n") if block]
    kinds = [event.removeprefix("event: ") for event in events]
    assert kinds[:3] == ["message_start", "ping", "content_block_start"]
    assert kinds[-3:] == ["content_block_stop", "message_delta", "message_stop"]
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    for block in answer.text.strip().split("\n\n"):
        kind, data = block.split("\n")
        assert kind.removeprefix("event: ") == json.loads(data.removeprefix("data: "))["type"]


async def test_usage_is_streamed_to_an_openai_client_only_if_it_asks():
    script = parse_script({"turns": [{"text": "a"}, {"text": "b"}]})
    async with ScriptedServer(script) as server:
        path = "/v1/chat/completions"
        plain = await post(server, path, {"stream": True})
        options = {"include_usage": True}
        asked = await post(server, path, {"stream": True, "stream_options": options})
    assert "usage" not in plain.text
    assert '"prompt_tokens":10' in asked.text
    assert plain.text.endswith("data: [DONE]\n\n")


async def test_models_are_listed_in_either_protocol(server: ScriptedServer):
    async with httpx2.AsyncClient(trust_env=False, base_url=server.url) as client:
        openai = (await client.get("/v1/models")).json()
        anthropic = (await client.get("/v1/models", headers={"anthropic-version": "x"})).json()
        elsewhere = await client.get("/v1/embeddings")
    assert openai["data"][0]["object"] == "model"
    assert anthropic["data"][0]["type"] == "model"
    assert openai["data"][0]["id"] == anthropic["data"][0]["id"] == "m-1"
    assert elsewhere.status_code == 404
    assert server.unused == (0, 1, 2)


@pytest.mark.parametrize(
    "sent",
    [
        b"nonsense\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\ncontent-length: 99999999999\r\n\r\n",
        b"POST / HTTP/1.1\r\nx: " + b"x" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_what_is_not_http_is_refused(server: ScriptedServer, sent: bytes):
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(sent)
    async with asyncio.timeout(10):
        answer = await reader.read()
    writer.close()
    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert server.requests == []


async def test_a_client_that_comes_and_goes_is_no_request(server: ScriptedServer):
    _, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.close()
    await writer.wait_closed()
    await post(server, "/v1/messages", {})
    assert len(server.requests) == 1


async def test_closing_the_server_drops_its_connections():
    turns = [{"fault": {"hang_before": True}}]
    server = ScriptedServer(parse_script({"turns": turns}))
    await server.start()
    request = asyncio.create_task(post(server, "/v1/messages", {}))
    async with asyncio.timeout(10):
        await server.wait_until(lambda s: len(s.requests) == 1)
        await server.close()
        with pytest.raises(httpx2.RemoteProtocolError):
            await request
    assert server.disconnects == 0


def test_a_script_can_be_served_from_the_command_line(tmp_path: Path):
    path = tmp_path / "script.toml"
    path.write_text(GOOD, "utf-8")
    command = [sys.executable, "-m", "fixwright.models.scripted", str(path)]
    env = {"PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        models = httpx2.get(f"{url}/v1/models", trust_env=False)
        process.terminate()
    assert models.json()["data"][0]["id"] == "scripted"


def test_the_command_line_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    path = tmp_path / "script.toml"
    path.write_text(BAD, "utf-8")
    assert main([str(path)]) == 4
    assert "turn 2, stop" in capsys.readouterr().err
