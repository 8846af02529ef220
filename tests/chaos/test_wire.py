"""Garbage on the wire: what can't be used is passed over, a stream that can't be read ends.

A server that waits for ever on a stream it has lost track of would leave every request of the
editor without an answer; an editor starts one that has ended again.
"""

from __future__ import annotations

import json
import random
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from support.raw import RawServer, raw_server

BIG = 10**30


@pytest.fixture
async def server() -> AsyncGenerator[RawServer, None]:
    async with raw_server(FIXWRIGHT_SANDBOX_BACKEND="none") as server:
        await server.initialize()
        yield server


async def still_works(server: RawServer) -> None:
    status = await server.command("fixwright.status", {})
    assert status["jobs"] == []
    assert await server.shut_down() == 0
    assert server.strays == []


@pytest.mark.parametrize(
    "header",
    [
        b"content-length: %d\r\n\r\n",
        b"Content-Length:%d\r\n\r\n",
        b"Content-Length: %d \r\n\r\n",
        b"Content-Type: application/vscode-jsonrpc; charset=utf-8\r\nContent-Length: %d\r\n\r\n",
        b"Content-Length: %d\r\nX-Other: a: b\r\n\r\n",
        b"Content-Length: %d\n\n",
    ],
)
async def test_a_header_is_read_as_http_reads_it(server: RawServer, header: bytes) -> None:
    body = b'{"jsonrpc":"2.0","id":"it","method":"workspace/executeCommand","params":{"command":"fixwright.status"}}'  # noqa: E501
    server.send_bytes(header % len(body) + body)
    assert "result" in await server.answer("it")
    await still_works(server)


@pytest.mark.parametrize(
    "stream",
    [
        b"Content-Length: 5\r\n\r\n{}{}{}{}{}{}{}\r\n\r\n",  # too short: the rest is no header
        b"Content-Length: -5\r\n\r\n",
        b"Content-Length: five\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        b"Content-Type: application/json\r\n\r\n{}",
        b"Content-Length: 1" + b"0" * 18 + b"\r\n\r\n",
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b'{"jsonrpc":"2.0","id":1,"method":"shutdown"}\n',
        b"\0\xff\xfe" * 100 + b"\n",
        b"x" * (1 << 20),
    ],
)
async def test_a_stream_that_cannot_be_read_ends_the_server(
    server: RawServer, stream: bytes
) -> None:
    server.send_bytes(stream)
    assert await server.ended() == 1
    assert server.strays == []


async def test_a_body_that_is_no_message_is_passed_over(server: RawServer) -> None:
    for body in (b"\xff\xfe{}", b'"\\ud800"', b'{"jsonrpc":"2.0","id":1e400}', b"{" * 1000, b" "):
        server.send_body(body)
    await still_works(server)


async def test_an_empty_body_is_passed_over(server: RawServer) -> None:
    server.send_body(b"")
    await still_works(server)


async def test_huge_ids_are_answered_as_they_are(server: RawServer) -> None:
    for message_id in (BIG, -BIG, "", "x" * 100_000, 0):
        server.send({"jsonrpc": "2.0", "id": message_id, "method": "no/such"})
        assert "error" in await server.answer(message_id)
    await still_works(server)


async def test_a_response_with_the_id_of_a_request_of_the_editors_own(server: RawServer) -> None:
    """It answers nothing that was asked, and the request is answered all the same."""
    for answer in ({"result": 1}, {"error": {"code": 1, "message": "no"}}):
        params = {"command": "fixwright.status", "arguments": [{}]}
        request = server.post("workspace/executeCommand", params)
        server.send({"jsonrpc": "2.0", "id": request, **answer})
        assert "result" in await server.answer(request)
    await still_works(server)


async def test_one_id_for_two_requests_at_once_gets_two_answers(server: RawServer) -> None:
    params = {"command": "fixwright.status", "arguments": [{}]}
    for _ in range(2):
        server.send(
            {
                "jsonrpc": "2.0",
                "id": "twice",
                "method": "workspace/executeCommand",
                "params": params,
            }
        )
    await server.wait_for(
        lambda _: sum(message.get("id") == "twice" for message in server.messages) == 2
    )
    await still_works(server)


@pytest.mark.parametrize("seed", range(3))
async def test_random_messages_never_stop_it(server: RawServer, seed: int) -> None:
    """Every request that can be answered is, whatever its parameters."""
    dice = random.Random(seed)
    asked = list[str]()
    for number in range(300):
        message = _random_message(dice)
        if "id" in message and isinstance(message.get("method"), str):
            message["id"] = f"r{number}"
            if message.get("jsonrpc") == "2.0":
                asked.append(message["id"])
        server.send_body(json.dumps(message).encode())
    for message_id in asked:
        await server.answer(message_id)
    await still_works(server)


_METHODS = [
    "textDocument/didOpen", "textDocument/didChange", "textDocument/didClose",
    "textDocument/codeAction", "textDocument/codeLens", "textDocument/documentSymbol",
    "workspace/executeCommand", "workspace/didChangeConfiguration",
    "workspace/didChangeWorkspaceFolders", "window/workDoneProgress/cancel", "$/cancelRequest",
    "$/setTrace", "$/progress", "initialize", "initialized", "workspace/didChangeWatchedFiles",
    "notebookDocument/didOpen", "no/such", "$/no", "",
]  # fmt: skip
_KEYS = [
    "textDocument", "uri", "version", "text", "languageId", "contentChanges", "range", "start",
    "end", "line", "character", "context", "diagnostics", "command", "arguments", "id", "token",
    "event", "added", "removed", "name", "settings", "value", "message", "position",
]  # fmt: skip
_LEAVES: list[Any] = [
    None, True, 0, -1, 1, BIG, 1.5, "", "a", "untitled:a", "file:///tmp/none.py", "file:///%00",
    "\ud800", [], {}, "fixwright.status", "fixwright.runFile", "fixwright.clear",
]  # fmt: skip


def _random_value(dice: random.Random, depth: int) -> Any:
    kind = dice.randrange(3) if depth else 0
    if kind == 0:
        return dice.choice(_LEAVES)
    if kind == 1:
        return [_random_value(dice, depth - 1) for _ in range(dice.randrange(3))]
    return {key: _random_value(dice, depth - 1) for key in dice.choices(_KEYS, k=5)}


def _random_message(dice: random.Random) -> dict[str, Any]:
    message = {
        "jsonrpc": dice.choice(["2.0"] * 8 + ["1.0", None, 2]),
        "method": dice.choice([*_METHODS * 3, None, 5, {}]),
        "params": _random_value(dice, 4),
    }
    if dice.random() < 0.6:
        message["id"] = dice.choice([1, "a", None, 1.5, [], BIG])
    for key in ("jsonrpc", "method", "params"):
        if dice.random() < 0.05:
            del message[key]
    if dice.random() < 0.1:
        message[dice.choice(["result", "error"])] = _random_value(dice, 2)
    return message
