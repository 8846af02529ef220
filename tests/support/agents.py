"""An agent over a folder, a scripted model behind real wires, and a sandbox."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixwright.agent.asking import Asking
from fixwright.agent.budget import Budget, Limits
from fixwright.agent.calls import Hands
from fixwright.agent.context.prompt import Front
from fixwright.agent.desk import Desk
from fixwright.agent.guard import Guard
from fixwright.agent.history import History
from fixwright.agent.loop import Ended, Loop
from fixwright.agent.observer import SightKind
from fixwright.agent.policy.fence import Fence
from fixwright.agent.policy.hooks import Hooks
from fixwright.agent.policy.permissions import Permissions
from fixwright.agent.policy.policy import Policy
from fixwright.agent.policy.rules import Rule
from fixwright.agent.sessions.store import SessionStore
from fixwright.agent.tools.all import own_tools
from fixwright.index.workspace_index import WorkspaceIndex
from fixwright.models.factory import ModelSettings, open_model
from fixwright.models.fallback import Fallback
from fixwright.models.model import Model
from fixwright.runs.runner import Runner
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright_sandbox import Limits as RunLimits
from fixwright_sandbox import Sandbox
from support.models import ScriptedModel, Turn, scripted_model


@dataclass
class Rig:
    """One session."""

    folder: Path
    model: ScriptedModel
    desk: Desk
    loop: Loop
    store: SessionStore
    guard: Guard
    seen: list[tuple[SightKind, Mapping[str, object]]]
    snapshot: Snapshot

    def uri(self, name: str) -> str:
        return path_to_uri(self.folder / name)

    async def turn(self, text: str = "Do it.") -> Ended:
        return await self.loop.turn(text)

    def results(self) -> list[str]:
        """What the tools told the model."""
        events = self.loop.journal.events
        return [str(event.data["text"]) for event in events if event.type == "result"]


def calls(*wanted: tuple[str, Mapping[str, Any]], text: str = "") -> Turn:
    """A turn of the model that calls tools."""
    tools = [{"name": name, "input": dict(arguments)} for name, arguments in wanted]
    return {"text": text, "tools": tools} if text else {"tools": tools}


@asynccontextmanager
async def rig(
    folder: Path,
    turns: Sequence[Turn],
    sandbox: Sandbox | None = None,
    *,
    limits: Limits | None = None,
    index: WorkspaceIndex | None = None,
    window: int = 200_000,
    rules: tuple[Rule, ...] = (),
) -> AsyncGenerator[Rig, None]:
    """An agent whose user allows everything."""
    root = Folder.at(path_to_uri(folder))
    assert root is not None
    snapshot = Snapshot().with_folders([root])
    seen: list[tuple[SightKind, Mapping[str, object]]] = []

    def observe(kind: SightKind, data: Mapping[str, object]) -> None:
        seen.append((kind, data))

    async def opened() -> Sandbox:
        assert sandbox is not None, "this test has no sandbox"
        return sandbox

    async with scripted_model(turns) as model:
        settings = ModelSettings(
            provider="anthropic",
            name=model.settings["name"],
            base_url=model.settings["baseUrl"],
            max_tokens=4096,
            context_tokens=window,
        )
        opened_models: list[Model] = []

        async def opened_model() -> Model:
            found = await open_model(settings, model.environment)
            assert found is not None
            opened_models.append(found)
            return found

        models, small = Fallback([opened_model]), Fallback([opened_model])
        store = SessionStore(folder.parent / f"{folder.name}-state" / "sessions.db")
        journal = await store.create([root.uri], "propose")
        tools = own_tools()
        box: list[Rig] = []
        desk = Desk(
            now=lambda: box[0].snapshot if box else snapshot,
            draft=Draft.over(snapshot),
            runner=Runner(opened, RunLimits()),
            index=index,
        )
        guard = Guard(Permissions(Policy("propose", rules=rules)), Hooks(()))
        asking = Asking(models, small, Budget(limits or Limits()), journal, observe)
        hands = Hands(
            desk, tools, guard, journal, Fence(journal.session), lambda text: text, observe
        )
        front = Front("You are a test.", "", "")
        history = History(journal, front, tools.for_model(), observe)
        loop = Loop(journal, history, asking, hands, observe)
        made = Rig(folder, model, desk, loop, store, guard, seen, snapshot)
        box.append(made)
        try:
            yield made
        finally:
            for each in opened_models:
                await each.close()
            await store.close()
