"""The agent over the Agent Client Protocol, version 1; needs the extra `acp`."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import acp
from acp.schema import (
    AgentCapabilities,
    ClientCapabilities,
    EmbeddedResourceContentBlock,
    Implementation,
    PromptCapabilities,
    ResourceContentBlock,
    SessionMode,
    SessionModeState,
    StopReason,
    TextContentBlock,
    TextResourceContents,
)

from fixwright import __version__
from fixwright.agent.sessions.errors import SessionError
from fixwright.agent.sessions.store import SessionStore
from fixwright.doors.acp_turn import MODES, AcpTurn, TurnFailed
from fixwright.doors.acp_updates import replayed
from fixwright.headless import Headless, headless
from fixwright.log import redact
from fixwright.workspace.paths import path_to_uri

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAMES = {
    "ask": ("Ask", "Looks and runs, and changes nothing."),
    "plan": ("Plan", "Says what it would do. Nothing is changed or run."),
    "edit": ("Edit", "Works in a draft, and asks before it changes your files."),
}


@dataclass
class _Open:
    """A session of this connection."""

    workspace: Headless
    mode: str = "edit"
    task: asyncio.Task[StopReason] | None = None


class FixwrightAgent:
    """What the client may call; see the protocol for what each means."""

    def __init__(self) -> None:
        self._client: acp.Client | None = None
        self._capabilities = ClientCapabilities()
        self._sessions: dict[str, _Open] = {}
        self._workspaces: dict[Path, Headless] = {}
        self._stack = AsyncExitStack()
        self._store = SessionStore(redact=redact)

    def on_connect(self, conn: acp.Client) -> None:
        """Take the client."""
        self._client = conn

    async def close(self) -> None:
        """Stop everything; nothing is left behind."""
        tasks = [each.task for each in self._sessions.values() if each.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._stack.aclose()
        await self._store.close()

    async def initialize(
        self,
        protocol_version: int,
        client_capabilities: ClientCapabilities | None = None,
        **_more: Any,
    ) -> acp.InitializeResponse:
        """Agree on a version and on what both can do."""
        self._capabilities = client_capabilities or ClientCapabilities()
        return acp.InitializeResponse(
            protocol_version=min(protocol_version, acp.PROTOCOL_VERSION),
            agent_capabilities=AgentCapabilities(
                load_session=True, prompt_capabilities=PromptCapabilities(embedded_context=True)
            ),
            agent_info=Implementation(name="fixwright", title="Fixwright", version=__version__),
        )

    async def new_session(self, cwd: str, **_more: Any) -> acp.NewSessionResponse:
        """Begin a session in a folder."""
        workspace = await self._workspace(cwd)
        folders = [folder.uri for folder in workspace.snapshot.folders]
        async with await self._store.create(folders, "propose") as journal:
            name = journal.session
        self._sessions[name] = _Open(workspace)
        return acp.NewSessionResponse(session_id=name, modes=_modes("edit"))

    async def load_session(
        self, cwd: str, session_id: str, **_more: Any
    ) -> acp.LoadSessionResponse:
        """Go on with a kept session: what was said is told again."""
        workspace = await self._workspace(cwd)
        try:
            kept = await self._store.read(session_id)
        except SessionError as error:
            raise acp.RequestError(-32002, str(error)) from error
        self._sessions[session_id] = _Open(workspace)
        assert self._client is not None
        for update in replayed(kept.events):
            await self._client.session_update(session_id=session_id, update=update)
        return acp.LoadSessionResponse(modes=_modes("edit"))

    async def set_session_mode(
        self, session_id: str, mode_id: str, **_more: Any
    ) -> acp.SetSessionModeResponse:
        """Change what the agent may do, from the next turn on."""
        if mode_id not in MODES:
            raise acp.RequestError(-32602, f"There is no mode {mode_id}: {', '.join(MODES)}.")
        self._opened(session_id).mode = mode_id
        return acp.SetSessionModeResponse()

    async def prompt(self, session_id: str, prompt: list[Any], **_more: Any) -> acp.PromptResponse:
        """One turn; answered `cancelled` when it was."""
        session = self._opened(session_id)
        if session.task is not None:
            raise acp.RequestError(-32600, "A turn of this session is under way. Cancel it first.")
        assert self._client is not None
        text, context, files = _read(prompt)
        turn = AcpTurn(
            self._client, self._capabilities, session.workspace, self._store, session_id,
            session.mode,
        )  # fmt: skip
        session.task = task = asyncio.create_task(turn.run(text, context, files))
        try:
            return acp.PromptResponse(stop_reason=await task)
        except asyncio.CancelledError:
            if not task.cancelled():  # the connection ends
                task.cancel()
                raise
            return acp.PromptResponse(stop_reason="cancelled")
        except (TurnFailed, SessionError) as error:
            raise acp.RequestError(-32603, str(error)) from error
        finally:
            session.task = None

    async def cancel(self, session_id: str, **_more: Any) -> None:
        """Stop a session's turn."""
        session = self._sessions.get(session_id)
        if session is not None and session.task is not None:
            session.task.cancel()

    async def _workspace(self, cwd: str) -> Headless:
        folder = Path(cwd)
        if not folder.is_absolute() or not await asyncio.to_thread(folder.is_dir):
            raise acp.RequestError(-32602, f"{cwd} is no folder, by its absolute path.")
        if folder not in self._workspaces:
            opening = headless(folder, watch=True)
            self._workspaces[folder] = await self._stack.enter_async_context(opening)
        return self._workspaces[folder]

    def _opened(self, name: str) -> _Open:
        session = self._sessions.get(name)
        if session is None:
            raise acp.RequestError(-32002, f"There is no session {name} here. Load it first.")
        return session


def _modes(current: str) -> SessionModeState:
    every = [
        SessionMode(id=mode, name=name, description=told) for mode, (name, told) in _NAMES.items()
    ]
    return SessionModeState(current_mode_id=current, available_modes=every)


def _read(blocks: Sequence[object]) -> tuple[str, str, list[str]]:
    """What the user says, what comes with it, and which files are pointed at."""
    said: list[str] = []
    context: list[str] = []
    files: list[str] = []
    for block in blocks:
        match block:
            case TextContentBlock():
                said.append(block.text)
            case ResourceContentBlock():
                said.append(f"[{block.name}]")
                context.append(f"The user points at {block.uri}.")
                files.append(_uri(block.uri))
            case EmbeddedResourceContentBlock(resource=TextResourceContents() as resource):
                context.append(f"The user shows {resource.uri}:\n{resource.text}")
            case _:
                context.append("The user has attached something that is not text.")
    return "".join(said), "\n".join(context), files


def _uri(named: str) -> str:
    """A link as a document is named; some clients give bare paths."""
    with suppress(ValueError):
        if named.startswith("/"):
            return path_to_uri(Path(named))
    return named
