"""Messages that cross: what the editor said last counts, and nothing is shown of what is gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.editor import editing
from support.needs import needs
from support.raw import PATIENCE, Message, RawServer, raw_server


@pytest.mark.bubblewrap
@pytest.mark.slow
async def test_a_buffer_that_is_closed_while_it_runs_gets_no_diagnostics(tmp_path: Path) -> None:
    """An untitled buffer is gone for good: nobody could ever clear what is shown in it."""
    needs("bubblewrap")
    uri = "untitled:Untitled-1"
    settings = {"sandbox": {"backend": "bubblewrap"}}
    async with editing(tmp_path, ours=True, settings=settings) as editor:
        editor.open(uri, "print('started', flush=True)\nimport time\ntime.sleep(1)\nnope\n")
        running = asyncio.create_task(editor.run(uri))
        await editor.until(lambda: "started" in str(editor.shown.events))
        editor.close(uri)
        report = await running
        assert report["failures"][0]["kind"] == "NameError"
        await editor.command("fixwright.status")
        shown = editor.shown.diagnostics.get(uri)
        assert shown is None or not shown.items


def _hold_configuration(server: RawServer) -> list[Message]:
    """Let the test answer the server's questions for settings."""
    held = list[Message]()
    answer: Callable[[Message], None] = server._answer_for_the_editor

    def hold(message: Message) -> None:
        if message.get("method") == "workspace/configuration":
            held.append(message)
        else:
            answer(message)

    server._answer_for_the_editor = hold
    return held


async def test_the_last_of_two_changes_of_the_settings_counts() -> None:
    """Also where the editor answers the later question first."""
    async with raw_server() as server:
        held = _hold_configuration(server)

        def tell(question: Message, backend: str) -> None:
            settings: list[Any] = [{"sandbox": {"backend": backend}}]
            server.send({"jsonrpc": "2.0", "id": question["id"], "result": settings})

        async def asked(number: int) -> None:
            await server.wait_for(lambda _: len(held) >= number, f"question {number}")

        await server.initialize(capabilities={"workspace": {"configuration": True}})
        await asked(1)
        tell(held[0], "auto")
        await server.command("fixwright.status", {})
        for _ in range(2):
            server.notify("workspace/didChangeConfiguration", {"settings": None})
        await asked(3)
        tell(held[2], "none")
        async with asyncio.timeout(PATIENCE):
            while await configured(server) != "none":
                pass
        tell(held[1], "auto")
        assert [await configured(server) for _ in range(20)] == ["none"] * 20


async def configured(server: RawServer) -> str:
    status: dict[str, Any] = await server.command("fixwright.status", {})
    return status["sandbox"]["configured"]
