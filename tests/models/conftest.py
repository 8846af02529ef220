"""Fixtures: each test that plays a script does so against both protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fixwright.models.scripted import ScriptedServer, parse_script
from fixwright.models.scripted.provider import connect
from models.model_stage import Stage

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from models.model_stage import Play, Protocol


@pytest.fixture(params=["anthropic", "openai", "responses"])
def protocol(request: pytest.FixtureRequest) -> Protocol:
    """The protocol that the test speaks."""
    return request.param


@pytest.fixture
async def play(protocol: Protocol) -> AsyncIterator[Play]:
    """Start a server that plays the given turns, with the real client for it."""
    stages: list[Stage] = []

    async def start(*turns: dict[str, object]) -> Stage:
        script = parse_script({"protocol": protocol, "turns": list(turns)}, "test.toml")
        server = ScriptedServer(script)
        await server.start()
        stages.append(Stage(await connect(script, server, max_tokens=1000), server, protocol))
        return stages[-1]

    yield start
    for stage in stages:
        await stage.provider.close()
        await stage.server.close()
