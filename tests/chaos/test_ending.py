"""An end at the worst moments: whatever the editor leaves out, nothing stays behind."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fixwright.workspace.paths import path_to_uri
from support.leftovers import Trail, until_none
from support.needs import needs
from support.raw import Message, RawServer, raw_server

pytestmark = pytest.mark.bubblewrap


@asynccontextmanager
async def running(tmp_path: Path) -> AsyncGenerator[RawServer, None]:
    """A server in the middle of a run; when it has ended, nothing of it may be left."""
    needs("bubblewrap")
    trail = Trail(tmp_path / "tmp")
    (tmp_path / "w").mkdir()
    path = tmp_path / "w" / "a.py"
    path.write_text(trail.program())
    environment = {**trail.environment, "FIXWRIGHT_SANDBOX_BACKEND": "bubblewrap"}
    async with raw_server(**environment) as server:
        await server.initialize(
            workspaceFolders=[{"uri": path_to_uri(path.parent), "name": "w"}],
            capabilities={"experimental": {"fixwright": 1}},
        )
        params = {"command": "fixwright.runFile", "arguments": [{"uri": path_to_uri(path)}]}
        server.post("workspace/executeCommand", params)
        await server.wait_for(_is_output, "output")
        yield server
        await server.ended()
        await until_none(trail.processes)
        await until_none(trail.files)


def _is_output(message: Message) -> bool:
    event = message.get("params") or {}
    return message.get("method") == "fixwright/runEvent" and event["type"] == "stdout"


async def test_an_exit_that_does_not_wait_for_the_answer_to_shutdown(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        answer = server.post("shutdown")
        server.notify("exit")
        assert (await server.answer(answer))["result"] is None
        assert await server.ended() == 0


async def test_a_shutdown_that_is_cancelled(tmp_path: Path) -> None:
    """An editor that lost its patience: what was begun to be given back is given back."""
    async with running(tmp_path) as server:
        shutdown = server.post("shutdown")
        server.notify("$/cancelRequest", {"id": shutdown})
        server.notify("exit")
        assert await server.ended() == 0


async def test_an_end_right_after_the_start(tmp_path: Path) -> None:
    needs("bubblewrap")
    trail = Trail(tmp_path / "tmp")
    environment = {**trail.environment, "FIXWRIGHT_SANDBOX_BACKEND": "bubblewrap"}
    folder = [{"uri": path_to_uri(tmp_path), "name": "w"}]
    async with raw_server(**environment) as server:
        await server.initialize(workspaceFolders=folder)
        server.post("shutdown")
        server.notify("exit")
        assert await server.ended() == 0
    await until_none(trail.processes)
    await until_none(trail.files)
