# pyright: reportIncompatibleVariableOverride=false
# pygls types `protocol` for any server, this one for ours.
"""The language server: what it announces, when it starts what, how it ends.

Only the protocol is here at start. Everything that runs, fixes or indexes is imported in a thread
once the editor has its answer to `initialize`, and lives in a `Workbench`.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, BinaryIO

from lsprotocol import types as lsp
from pygls.capabilities import ServerCapabilitiesBuilder
from pygls.lsp.server import LanguageServer

from fixwright import __version__
from fixwright.lsp import names
from fixwright.lsp.dynamic import METHODS
from fixwright.lsp.framing import UnreadableStream, read_frame
from fixwright.lsp.profile import ClientProfile, negotiated
from fixwright.lsp.protocol import FixwrightProtocol, dispatched_snapshot, tolerant_converter
from fixwright.lsp.transport import OutQueue, Wire
from fixwright.workspace.document import Document
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

log = logging.getLogger(__name__)


class Server(LanguageServer):
    """Fixwright behind one editor, on one event loop."""

    protocol: FixwrightProtocol

    def __init__(self) -> None:
        super().__init__(  # pyright: ignore[reportUnknownMemberType]  # pygls: untyped *args
            "fixwright",
            __version__,
            protocol_cls=FixwrightProtocol,
            converter_factory=tolerant_converter,
            max_workers=1,  # pygls's pool is for its reader; nothing else may sit in it
        )
        self.profile: ClientProfile | None = None
        self.initialization_options: object = None
        self._workbench: asyncio.Task[Workbench] | None = None
        self._releasing: asyncio.Task[None] | None = None
        _announce(self)

    def thread(self) -> Callable[..., Any]:
        """Refused: such a handler would sit in the pool that reads the editor's messages."""
        message = "handlers are coroutines; blocking work goes to a thread of its own"
        raise TypeError(message)

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log it; sending a message about a failure to send is how a server hangs."""
        log.error("%s: %s", getattr(source, "__name__", source), error, exc_info=error)

    # ---- life cycle --------------------------------------------------------------------

    def begin(self, params: lsp.InitializeParams) -> None:
        """Take what `initialize` says; the answer is sent before anything else is loaded."""
        self.profile = ClientProfile.of(params)
        self.initialization_options = params.initialization_options
        encoding = ServerCapabilitiesBuilder.choose_position_encoding(params.capabilities)
        self.protocol.encoding = negotiated(encoding)
        folders = [Folder.at(uri, name) for uri, name in _folders_in(params)]
        known = [folder for folder in folders if folder is not None]
        self.protocol.store.update(lambda now: now.with_folders(known))

    async def workbench(self) -> Workbench:
        """Everything behind the protocol, loaded off the loop on first use."""
        if self._workbench is None:
            self._workbench = asyncio.create_task(self._load(), name="load workbench")
        return await asyncio.shield(self._workbench)

    async def _load(self) -> Workbench:
        module = await asyncio.to_thread(_import_workbench)
        await asyncio.to_thread(self.protocol.prime)
        return await module.open_workbench(self)

    @property
    def loaded(self) -> Workbench | None:
        """The workbench, if it is there already."""
        task = self._workbench
        if task is None or not task.done() or task.cancelled() or task.exception():
            return None
        return task.result()

    def document_changed(self, old: Document | None, new: Document | None) -> None:
        """Called by the protocol, in order, for each change of an open document."""
        workbench = self.loaded
        if workbench is not None:
            workbench.document_changed(old, new)

    def folders_changed(self) -> None:
        """Called by the protocol when folders were added or removed."""
        workbench = self.loaded
        if workbench is not None:
            workbench.folders_changed()

    async def release(self) -> None:
        """Cancel jobs and give back sandboxes, processes and files.

        However often it is called, it happens once; every caller waits until it is done, and no
        caller's end stops it.
        """
        if self._releasing is None:
            self._releasing = asyncio.create_task(self._release(), name="release")
        await asyncio.shield(self._releasing)

    async def _release(self) -> None:
        task, self._workbench = self._workbench, None
        if task is None:
            return
        try:
            workbench = await task
        except (Exception, asyncio.CancelledError):  # noqa: BLE001  # it never came up: nothing to give back
            return
        await workbench.close()

    async def serve(self, wire: Wire) -> int:
        """Serve one editor until it says `exit` or closes the stream.

        Returns:
            The process's exit status: 0 after `shutdown`, else 1, as the protocol asks.
        """
        queue = OutQueue(wire.writer)
        self.protocol.set_writer(queue)
        self._stop_on_signals()
        reading = asyncio.create_task(self._read(wire.reader))
        leaving = asyncio.create_task(self.protocol.exit_requested.wait())
        await asyncio.wait({reading, leaving}, return_when=asyncio.FIRST_COMPLETED)
        await self.release()
        await self.protocol.answered()
        await asyncio.to_thread(queue.close)
        return 0 if self.protocol.shut_down else 1

    async def _read(self, source: BinaryIO) -> None:
        """Take messages until there are no more, in a thread of its own since reading blocks."""
        loop, leaving = asyncio.get_running_loop(), self.protocol.exit_requested
        while not leaving.is_set():
            try:
                body = await loop.run_in_executor(self.thread_pool, read_frame, source)
            except UnreadableStream as error:
                log.error("the editor's messages can't be read any more: %s", error)
                return
            if body is None:
                return
            if not leaving.is_set():
                self.protocol.take(body)

    def _stop_on_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.add_signal_handler(number, self.protocol.exit_requested.set)

    def watch_parent(self) -> None:
        """End when the editor's process is gone, even if its end of the pipe lives on."""
        if self.process_id is None or not hasattr(os, "pidfd_open"):
            return
        try:
            descriptor = os.pidfd_open(self.process_id)
        except OSError:  # another namespace, or gone already: then the stream ends by itself
            return
        loop = asyncio.get_running_loop()

        def gone() -> None:
            loop.remove_reader(descriptor)
            os.close(descriptor)
            self.protocol.exit_requested.set()

        loop.add_reader(descriptor, gone)


def _import_workbench() -> ModuleType:
    """Start the log, then load all that a workbench needs: a second of imports, in a thread."""
    importlib.import_module("fixwright.log").start_logging()
    workbench = importlib.import_module("fixwright.lsp.workbench")
    gc.freeze()  # what was imported stays: the collector need not look through it
    return workbench


def _folders_in(params: lsp.InitializeParams) -> list[tuple[str, str]]:
    if params.workspace_folders:
        return [(folder.uri, folder.name) for folder in params.workspace_folders]
    root = params.root_uri or (path_to_uri(Path(params.root_path)) if params.root_path else None)
    return [(root, "")] if root else []


# ---- what is announced ------------------------------------------------------------------

_SETTLED = 5.0
"""Seconds that a request about a document may wait for the workbench to be loaded."""


def _announce(server: Server) -> None:
    """Register every request with pygls, which derives the capabilities from it.

    Those of the index come when it is known whether the editor takes them later.
    """
    offered: set[str] = set()

    def offer(methods: frozenset[str]) -> None:
        for method in sorted(methods - offered):
            offered.add(method)
            server.feature(method)(_handler(server, method))

    def begin(params: lsp.InitializeParams) -> None:
        server.begin(params)
        assert server.profile is not None
        # What is announced now can't be taken back: `Registrations` announces the rest.
        offer(frozenset(METHODS.values()) - server.profile.dynamic)

    async def ready(_: lsp.InitializedParams) -> None:
        offer(frozenset(METHODS.values()))
        server.watch_parent()
        workbench = await server.workbench()
        await workbench.started()

    server.feature(lsp.INITIALIZE)(begin)
    server.feature(lsp.INITIALIZED)(ready)
    for method, options in _METHODS:
        server.feature(method, options)(_handler(server, method))
    for name in names.COMMANDS:
        server.protocol.commands[name] = _command(server, name)
        server.command(name)(server.protocol.commands[name])  # only to be announced


_ACTION_KINDS = [
    lsp.CodeActionKind.QuickFix,
    lsp.CodeActionKind.Source,
    lsp.CodeActionKind.Refactor,
]
_METHODS: tuple[tuple[str, Any], ...] = (
    (lsp.TEXT_DOCUMENT_CODE_ACTION, lsp.CodeActionOptions(code_action_kinds=_ACTION_KINDS)),
    (lsp.TEXT_DOCUMENT_CODE_LENS, lsp.CodeLensOptions()),
    (lsp.TEXT_DOCUMENT_DOCUMENT_SYMBOL, None),
    (lsp.CALL_HIERARCHY_INCOMING_CALLS, None),
    (lsp.CALL_HIERARCHY_OUTGOING_CALLS, None),
    (lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES, None),
    (lsp.WORKSPACE_DID_CHANGE_CONFIGURATION, None),
    (lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL, None),
)


def _handler(server: Server, method: str) -> Callable[[Any], Awaitable[Any]]:
    async def handle(params: Any) -> Any:
        snapshot = dispatched_snapshot()
        workbench = await server.workbench()
        return await workbench.handle(method, snapshot, params)

    return handle


def _command(server: Server, name: str) -> Callable[[tuple[Any, ...]], Awaitable[object]]:
    async def run(arguments: tuple[Any, ...]) -> object:
        snapshot: Snapshot = dispatched_snapshot()
        workbench = await server.workbench()
        return await workbench.command(name, snapshot, arguments)

    return run
