"""Everything behind the protocol: what features share, and which feature answers what."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from fixwright import config
from fixwright.config import Configuration, Settings
from fixwright.fix.fix import Fix
from fixwright.fix.ladder import Ladder
from fixwright.fix.model import ModelRung
from fixwright.index.buffers import OpenBuffers
from fixwright.index.definitions import WorkspaceDefinitions
from fixwright.index.languages import all_languages
from fixwright.json_reading import as_object
from fixwright.log import start_logging
from fixwright.lsp import names
from fixwright.lsp.board import Board
from fixwright.lsp.editor import Editor
from fixwright.lsp.edits import Edits
from fixwright.lsp.features import actions, fixing, lenses, running, status, symbols
from fixwright.lsp.jobs import Jobs
from fixwright.models.factory import ModelSettings, open_provider
from fixwright.models.types import ModelError, Provider
from fixwright.runs.door import Door, limits_of
from fixwright.runs.runner import Runner
from fixwright.workspace.document import Document, UnknownDocument
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.store import SnapshotStore
from fixwright.workspace.text import Encoding
from fixwright_sandbox import SandboxUnavailable

if TYPE_CHECKING:
    from fixwright.lsp.server import Server

log = logging.getLogger(__name__)

_SETTINGS_TIMEOUT = 5.0
"""Seconds that a command waits for the editor to tell its settings."""

Command = Callable[["Workbench", Snapshot, tuple[Any, ...]], Awaitable[object]]
Handler = Callable[["Workbench", Snapshot, Any], Awaitable[object]]

_COMMANDS: dict[str, Command] = {
    names.RUN_FILE: running.run_file,
    names.RUN_SELECTION: running.run_selection,
    names.RUN_TESTS: running.run_tests,
    names.FIX: fixing.fix,
    names.STATUS: status.status,
    names.CLEAR: status.clear,
    names.CANCEL: status.cancel,
}
_HANDLERS: dict[str, Handler] = {
    lsp.TEXT_DOCUMENT_CODE_ACTION: actions.code_actions,
    lsp.TEXT_DOCUMENT_CODE_LENS: lenses.code_lenses,
    lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL: symbols.document_symbols,
    lsp.WORKSPACE_DID_CHANGE_CONFIGURATION: status.configuration_changed,
    lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL: status.progress_cancelled,
}


@dataclass
class Services:
    """What depends on the settings, and is replaced when they change."""

    settings: Settings
    door: Door
    runner: Runner
    ladder: Ladder
    provider: _ProviderCell

    async def close(self) -> None:
        """Give back sandboxes and connections."""
        await asyncio.gather(self.door.close(), self.provider.close())


class _ProviderCell:
    """The model's provider, opened when it is first asked."""

    def __init__(self, settings: ModelSettings) -> None:
        self.settings = settings
        self._provider: Provider | None = None

    async def open(self) -> Provider:
        """Open it once.

        Raises:
            ModelError: it can't be used as it is set up.
        """
        if self._provider is None:
            self._provider = await open_provider(self.settings)
        if self._provider is None:
            raise ModelError("settings", "No model is set up. Set model.provider and its key.")
        return self._provider

    async def close(self) -> None:
        provider, self._provider = self._provider, None
        if provider is not None:
            await provider.close()


@dataclass
class Workbench:
    """One editor's Fixwright."""

    server: Server
    editor: Editor
    store: SnapshotStore
    encoding: Encoding
    jobs: Jobs
    board: Board
    edits: Edits
    buffers: OpenBuffers
    definitions: WorkspaceDefinitions
    services: Services
    proposals: dict[tuple[str, int], Fix] = field(default_factory=dict[tuple[str, int], Fix])
    """Fixes that were verified ahead: (run id, index of the failure) -> fix."""
    _configured: asyncio.Event = field(default_factory=asyncio.Event)
    _background: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    async def handle(self, method: str, snapshot: Snapshot, params: Any) -> object:
        """Answer a request or take a notification."""
        return await _HANDLERS[method](self, snapshot, params)

    async def command(self, name: str, snapshot: Snapshot, arguments: tuple[Any, ...]) -> object:
        """Run a command; the result is a JSON object."""
        await self._settled()
        return await _COMMANDS[name](self, snapshot, arguments)

    async def _settled(self) -> None:
        """Wait for the editor's settings: what runs before they are there runs under others."""
        with contextlib.suppress(TimeoutError):  # an editor that never says `initialized`
            async with asyncio.timeout(_SETTINGS_TIMEOUT):
                await self._configured.wait()

    def document_changed(self, old: Document | None, new: Document | None) -> None:
        """Follow an open document, in order, on the loop; returns at once."""
        changed = new or old
        assert changed is not None
        self.board.document_changed(changed.uri, new)
        if new is None:
            self.buffers.forget(changed.uri)
        else:
            self.buffers.note(new)

    def spawn(self, work: Awaitable[None]) -> None:
        """Let something go on in the background until it ends or the server does."""
        task = asyncio.ensure_future(work)
        self._background.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("a background task failed", exc_info=error)

    async def started(self) -> None:
        """The editor is ready: take its settings, and warm up what a first run would wait for."""
        try:
            await self.reconfigure()
        finally:
            self._configured.set()
        for document in self.store.now.documents.values():
            self.buffers.note(document)
        self.spawn(self._warm_up())

    async def _warm_up(self) -> None:
        """What a first run and a first fix would wait for."""
        try:
            sandbox = await self.services.door.open()
            for folder in self.store.now.folders:
                await sandbox.prepare(str(folder.path))
        except SandboxUnavailable as error:
            log.warning("%s", error)
            self.editor.record(str(error))
        status.announce(self)
        with contextlib.suppress(UnknownDocument):  # a lost document: the first fix will say so
            await self.definitions.of(self.store.now)

    async def reconfigure(self) -> None:
        """Read the settings again, and replace what depends on them if they changed."""
        sent = await self.editor.configuration("fixwright")
        if sent is None:
            sent = _section(self.server.initialization_options)
        folders = [folder.path for folder in self.store.now.folders]
        found = await asyncio.to_thread(_configured, folders, sent)
        for problem in found.problems:
            log.warning("%s", problem)
            self.editor.warn(f"Fixwright: {problem}")
        if found.settings != self.services.settings:
            old, self.services = self.services, _services(found.settings, self.definitions)
            await asyncio.to_thread(start_logging, found.settings.log.level)
            self.spawn(self._retire(old))

    async def _retire(self, old: Services) -> None:
        """Close what the settings have replaced, once nothing uses it any more."""
        try:
            await self.jobs.idle()
        finally:
            await old.close()

    async def close(self) -> None:
        """Cancel everything; leaves no run, process, container or file behind."""
        await self.jobs.close()
        for task in list(self._background):
            task.cancel()
        await asyncio.gather(*self._background, return_exceptions=True)
        await self.services.close()
        await asyncio.gather(self.buffers.close(), self.definitions.close())


async def open_workbench(server: Server) -> Workbench:
    """Build the workbench for an editor that has sent `initialize`."""
    profile = server.profile
    assert profile is not None
    protocol = server.protocol
    editor = Editor(server, profile)
    await asyncio.to_thread(all_languages)  # reads files, which note() must not
    definitions = WorkspaceDefinitions()
    workbench = Workbench(
        server=server,
        editor=editor,
        store=protocol.store,
        encoding=protocol.encoding,
        jobs=Jobs(editor),
        board=Board(editor, protocol.store, protocol.encoding),
        edits=Edits(editor, protocol.store, protocol.encoding),
        buffers=OpenBuffers(),
        definitions=definitions,
        services=_services(Settings(), definitions),
    )
    workbench.jobs.changed = lambda: status.announce(workbench)
    return workbench


def _services(settings: Settings, definitions: WorkspaceDefinitions) -> Services:
    door = Door(settings.sandbox)
    runner = Runner(door.open, limits_of(settings.sandbox))
    model = settings.model
    provider = _ProviderCell(
        ModelSettings(
            provider=model.provider,
            name=model.name,
            base_url=model.base_url,
            max_tokens=model.max_tokens,
            api_key_command=model.api_key_command,
            script=Path(model.script).expanduser() if model.script else None,
        )
    )
    rung = None
    if model.provider != "none" and settings.fix.attempts and fixing.has_model(provider.settings):
        rung = ModelRung(runner, provider.open, settings.fix.attempts, model.budget_usd)
    return Services(settings, door, runner, Ladder(runner, definitions.of, rung), provider)


def _configured(folders: list[Path], sent: object) -> Configuration:
    problems: list[str] = []
    layers = [config.workspace_layer(folder, problems) for folder in folders]
    layers += [
        config.user_layer(problems),
        config.environment_layer(),
        config.editor_layer(sent),
    ]
    found = config.configure(*layers)
    return Configuration(found.settings, (*problems, *found.problems))


def _section(options: object) -> object:
    """Initialization options may be the section itself, or hold it under our name."""
    sent = as_object(options)
    return sent.get("fixwright", sent)
