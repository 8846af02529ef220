"""How the server starts and ends: exit status, a clean stream, the editor's death."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator

import pytest

from support.raw import RawServer, raw_server

INVALID_REQUEST = -32600
PRINTS = """
import os, subprocess, sys
from fixwright.lsp import workbench
from fixwright.lsp import names

async def noisy(bench, snapshot, arguments):
    print("printed")
    sys.__stdout__.write("written\\n")
    os.write(1, b"raw\\n")
    subprocess.run(["echo", "from a child"])
    subprocess.run([sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"])
    return {"said": sys.stdin.read()}

workbench._COMMANDS[names.STATUS] = noisy
sys.argv = ["fixwright", "serve"]
from fixwright.cli.main import main
main()
"""


@pytest.fixture
async def server() -> AsyncGenerator[RawServer, None]:
    async with raw_server(FIXWRIGHT_SANDBOX_BACKEND="none") as server:
        yield server


async def test_it_ends_with_0_after_shutdown(server: RawServer) -> None:
    await server.initialize()
    assert await server.shut_down() == 0
    assert server.strays == []


@pytest.mark.slow
async def test_it_ends_with_1_without_shutdown(server: RawServer) -> None:
    await server.initialize()
    server.notify("exit")
    assert await server.ended() == 1


@pytest.mark.slow
async def test_it_ends_with_1_when_exit_comes_first(server: RawServer) -> None:
    server.notify("exit")
    assert await server.ended() == 1


async def test_it_ends_at_the_end_of_its_input(server: RawServer) -> None:
    await server.initialize()
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert await server.ended() == 1


@pytest.mark.slow
async def test_it_ends_when_its_input_ends_in_the_middle_of_a_message(server: RawServer) -> None:
    await server.initialize()
    server.send_bytes(b"Content-Length: 1000\r\n\r\n{")
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert await server.ended() == 1


@pytest.mark.slow
async def test_an_end_of_input_after_shutdown_is_an_orderly_end(server: RawServer) -> None:
    await server.initialize()
    await server.result("shutdown")
    assert server.process.stdin is not None
    server.process.stdin.close()
    assert await server.ended() == 0


@pytest.mark.slow
async def test_it_ends_with_the_editors_process_though_its_input_stays_open(
    server: RawServer,
) -> None:
    """A child that the editor left may hold the pipe open for ever."""
    editor = await asyncio.create_subprocess_exec("sleep", "600")
    try:
        await server.initialize(processId=editor.pid)
        await server.command("fixwright.status", {})
        editor.kill()
        assert await server.ended() == 1
    finally:
        if editor.returncode is None:
            editor.kill()
        await editor.wait()


@pytest.mark.slow
async def test_an_editor_whose_process_id_means_nothing_is_served(server: RawServer) -> None:
    await server.initialize(processId=2**22 + 1)
    status = await server.command("fixwright.status", {})
    assert status["jobs"] == []
    assert await server.shut_down() == 0


@pytest.mark.slow
async def test_a_second_initialize_is_refused_and_changes_nothing(server: RawServer) -> None:
    folder = {"uri": "file:///first", "name": "first"}
    await server.initialize(workspaceFolders=[folder])
    other = {"uri": "file:///second", "name": "second"}
    error = await server.error(
        "initialize", {"processId": None, "capabilities": {}, "workspaceFolders": [other]}
    )
    assert error["code"] == INVALID_REQUEST
    assert "twice" in error["message"]
    status = await server.command("fixwright.status", {})
    assert status["folders"] == ["file:///first"]


@pytest.mark.slow
async def test_a_command_before_initialized_is_answered(server: RawServer) -> None:
    """Some clients never say `initialized`: their commands wait a little, then run."""
    await server.result("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
    clear = await server.command("fixwright.clear", {})
    assert clear == {}


async def test_nothing_but_messages_reaches_the_editor() -> None:
    """Prints, children, and what they read are kept away from the stream of messages."""
    command = (sys.executable, "-c", PRINTS)
    async with raw_server(command, FIXWRIGHT_SANDBOX_BACKEND="none") as server:
        await server.initialize()
        assert await server.command("fixwright.status", {}) == {"said": ""}
        assert await server.shut_down() == 0
        assert server.strays == []


@pytest.mark.slow
async def test_a_result_that_cannot_be_sent_is_an_error_and_not_silence() -> None:
    unsendable = PRINTS.replace('return {"said": sys.stdin.read()}', 'return {"said": object()}')
    async with raw_server((sys.executable, "-c", unsendable)) as server:
        await server.initialize()
        error = await server.error(
            "workspace/executeCommand", {"command": "fixwright.status", "arguments": [{}]}
        )
        assert "can't be sent" in error["message"]


@pytest.mark.slow
async def test_a_handler_that_fails_gives_one_sentence_and_no_traceback() -> None:
    failing = PRINTS.replace('return {"said": sys.stdin.read()}', "raise KeyError('why')")
    async with raw_server((sys.executable, "-c", failing)) as server:
        await server.initialize()
        error = await server.error(
            "workspace/executeCommand", {"command": "fixwright.status", "arguments": [{}]}
        )
        assert "KeyError: 'why'" in error["message"]
        assert "data" not in error
        assert ".py" not in error["message"]


@pytest.mark.slow
async def test_an_editor_that_does_not_read_does_not_hold_up_the_server() -> None:
    """Answers wait in a queue: the loop goes on, and so does what comes in."""
    async with raw_server(FIXWRIGHT_SANDBOX_BACKEND="none") as server:
        await server.initialize()
        output = server.process.stdout
        assert output is not None
        transport: asyncio.ReadTransport = output._transport  # type: ignore[attr-defined]
        transport.pause_reading()
        ids = [
            server.post("workspace/executeCommand", {"command": "fixwright.nothing" + "x" * 10_000})
            for _ in range(100)
        ]
        server.notify("textDocument/didOpen", {
            "textDocument": {"uri": "untitled:a", "languageId": "python", "version": 1, "text": ""}
        })  # fmt: skip
        transport.resume_reading()
        for each in ids:
            assert "error" in await server.answer(each)
        assert (await server.command("fixwright.status", {}))["documents"] == 1
