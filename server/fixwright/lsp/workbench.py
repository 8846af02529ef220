"""Everything behind the protocol: what features share, and which feature answers what."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp

from fixwright import config
from fixwright.agent.secrecy import redactor_of
from fixwright.agent.sessions.store import SessionStore
from fixwright.config import Configuration, Settings
from fixwright.fix.fix import Fix
from fixwright.fix.indexed import WorkspaceDefinitions
from fixwright.fix.services import Services
from fixwright.index.buffers import OpenBuffers
from fixwright.index.languages import all_languages
from fixwright.json_reading import as_object
from fixwright.log import start_logging
from fixwright.lsp import names
from fixwright.lsp.board import Board
from fixwright.lsp.editor import Editor
from fixwright.lsp.edits import Edits
from fixwright.lsp.features import (
    actions,
    agent,
    calls,
    cells,
    crafts,
    definition,
    fixing,
    folding,
    highlight,
    hover,
    installing,
    lenses,
    references,
    review,
    running,
    safety,
    selection,
    status,
    symbols,
    workspace_symbols,
)
from fixwright.lsp.indexing import Indexing
from fixwright.lsp.jobs import Jobs
from fixwright.lsp.proposals import Proposals
from fixwright.lsp.readiness import Readiness
from fixwright.runs.plan import can_run
from fixwright.workspace.document import Document
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
    names.RUN_CELL: cells.run_cell,
    names.RESTART_SESSION: cells.restart_session,
    names.FIX: fixing.fix,
    names.SAFETY: safety.safety,
    names.INSTALL: installing.install_dependencies,
    names.AGENT: agent.agent,
    names.EXPLAIN: agent.explain,
    names.GENERATE_TESTS: crafts.generate_tests,
    names.OPTIMIZE: crafts.optimize,
    names.ACCEPT: review.accept,
    names.REJECT: review.reject,
    names.UNDO: review.undo,
    names.SESSIONS: agent.sessions,
    names.STATUS: status.status,
    names.CLEAR: status.clear,
    names.CANCEL: status.cancel,
}
_HANDLERS: dict[str, Handler] = {
    lsp.TEXT_DOCUMENT_CODE_ACTION: actions.code_actions,
    lsp.TEXT_DOCUMENT_CODE_LENS: lenses.code_lenses,
    lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL: symbols.document_symbols,
    lsp.TEXT_DOCUMENT_DEFINITION: definition.definition,
    lsp.TEXT_DOCUMENT_REFERENCES: references.references,
    lsp.TEXT_DOCUMENT_HOVER: hover.hover,
    lsp.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT: highlight.highlight,
    lsp.TEXT_DOCUMENT_FOLDING_RANGE: folding.folding_ranges,
    lsp.TEXT_DOCUMENT_SELECTION_RANGE: selection.selection_ranges,
    lsp.TEXT_DOCUMENT_PREPARE_CALL_HIERARCHY: calls.prepare,
    lsp.CALL_HIERARCHY_INCOMING_CALLS: calls.incoming,
    lsp.CALL_HIERARCHY_OUTGOING_CALLS: calls.outgoing,
    lsp.WORKSPACE_SYMBOL: workspace_symbols.workspace_symbols,
    lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES: status.files_changed,
    lsp.WORKSPACE_DID_CHANGE_CONFIGURATION: status.configuration_changed,
    lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL: status.progress_cancelled,
}


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
    indexing: Indexing
    definitions: WorkspaceDefinitions
    services: Services
    proposals: dict[tuple[str, int], Fix] = field(default_factory=dict[tuple[str, int], Fix])
    """Fixes that were verified ahead: (run id, index of the failure) -> fix."""
    reviews: Proposals = field(default_factory=Proposals)
    """What the agent has drafted, and waits for a yes."""
    _journals: SessionStore | None = None
    _configured: asyncio.Event = field(default_factory=asyncio.Event)
    _turns: itertools.count[int] = field(default_factory=itertools.count)
    _newest: int = 0
    """Which reading of the settings is in force."""
    _ready: Readiness = field(init=False)
    _background: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def __post_init__(self) -> None:
        self._ready = Readiness(self.services.door)

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
        self.indexing.document_changed(changed.uri, new)
        if new is None:
            self.buffers.forget(changed.uri)
        else:
            self.buffers.note(new)
            if old is None and self._configured.is_set():
                self.spawn(self._ready.of_document(self.store.now, new))

    def folders_changed(self) -> None:
        """Follow the workspace's folders; returns at once."""
        if self._configured.is_set():
            self.spawn(self.indexing.follow(self.services.settings.index))

    def journals(self) -> SessionStore:
        """The sessions with the agent, opened when they are first asked for."""
        if self._journals is None:
            redactor = redactor_of(self.services.settings)
            self._journals = SessionStore(redact=redactor.redact)
        return self._journals

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
            self.spawn(self.indexing.follow(self.services.settings.index))
        for document in self.store.now.documents.values():
            self.buffers.note(document)
        self.spawn(self._warm_up())

    async def _warm_up(self) -> None:
        """What a first run and a first fix would wait for."""
        try:
            await self._ready.of_workspace(self.store.now)
        except SandboxUnavailable as error:
            log.warning("%s", error)
            self.editor.record(str(error))
        status.announce(self)

    async def reconfigure(self) -> None:
        """Read the settings again, and replace what depends on them if they changed."""
        turn = next(self._turns)
        sent = await self.editor.configuration("fixwright")
        if sent is None:
            sent = _section(self.server.initialization_options)
        folders = [folder.path for folder in self.store.now.folders]
        found = await asyncio.to_thread(_configured, folders, sent)
        if turn < self._newest:  # a later question was answered before
            return
        self._newest = turn
        for problem in found.problems:
            log.warning("%s", problem)
            self.editor.warn(f"Fixwright: {problem}")
        if found.settings != self.services.settings:
            old, self.services = self.services, Services.of(found.settings, self.definitions)
            self._ready = Readiness(self.services.door)
            await asyncio.to_thread(start_logging, found.settings.log.level)
            if self._configured.is_set():
                self.spawn(self.indexing.follow(found.settings.index))
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
        await asyncio.gather(self.buffers.close(), self.indexing.close())
        if self._journals is not None:
            await self._journals.close()


async def open_workbench(server: Server) -> Workbench:
    """Build the workbench for an editor that has sent `initialize`."""
    profile = server.profile
    assert profile is not None
    protocol = server.protocol
    editor = Editor(server, profile)
    await asyncio.to_thread(all_languages)  # reads files, which note() must not
    await asyncio.to_thread(can_run, "python")  # likewise, the runtimes
    indexing = Indexing(editor, protocol.store)
    definitions = WorkspaceDefinitions(indexing.for_rules)
    workbench = Workbench(
        server=server,
        editor=editor,
        store=protocol.store,
        encoding=protocol.encoding,
        jobs=Jobs(editor),
        board=Board(editor, protocol.store, protocol.encoding),
        edits=Edits(editor, protocol.store, protocol.encoding),
        buffers=OpenBuffers(),
        indexing=indexing,
        definitions=definitions,
        services=Services.of(Settings(), definitions),
    )
    workbench.jobs.changed = lambda: status.announce(workbench)
    return workbench


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
