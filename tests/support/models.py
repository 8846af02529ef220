"""A scripted model that the server under test talks to as if it were the vendor's."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from fixwright.models.scripted.script import Protocol, parse_script
from fixwright.models.scripted.server import ScriptedServer

Turn = Mapping[str, Any]


@dataclass(frozen=True)
class ScriptedModel:
    """The model, with what makes the server under test ask it."""

    server: ScriptedServer
    settings: dict[str, Any]
    environment: dict[str, str]

    def asked(self, number: int) -> str:
        """Everything that one request said, counted from zero."""
        return str(self.server.requests[number].body)


def edit(path: str, old: str, new: str, title: str = "Repair it") -> dict[str, Any]:
    """A turn that proposes one replacement."""
    edits = [{"path": path, "old": old, "new": new}]
    return {"tools": [{"name": "propose_edit", "input": {"title": title, "edits": edits}}]}


@asynccontextmanager
async def scripted_model(
    turns: Sequence[Turn], protocol: Protocol = "anthropic"
) -> AsyncGenerator[ScriptedModel, None]:
    """Serve the turns in this process, so that a test sees what was asked and who left."""
    script = parse_script({"protocol": protocol, "turns": list(turns)})
    async with ScriptedServer(script) as server:
        url = server.url if protocol == "anthropic" else f"{server.url}/v1"
        yield ScriptedModel(
            server,
            {"provider": protocol, "name": "scripted", "baseUrl": url},
            {"ANTHROPIC_API_KEY": "sk-test", "OPENAI_API_KEY": "sk-test"},
        )
