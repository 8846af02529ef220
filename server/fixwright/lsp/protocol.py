# pyright: reportIncompatibleMethodOverride=false, reportIncompatibleVariableOverride=false
# pygls's handlers are generators that call user handlers; ours are functions and coroutines, which
# it dispatches as well. Its classes are typed for any server, this one for ours.
"""JSON-RPC for a server that edits people's code: what pygls leaves unsafe, made safe.

pygls is the transport and the types. This module replaces, in one place and for one pinned
version, what must not happen to a tool that changes code: requests without an answer, commands
that run on after they were cancelled, messages decoded from nested data, a second mirror of the
documents, writes that block the loop, a shutdown that never ends.
"""

from __future__ import annotations

import asyncio
import contextvars
import enum
import json
import logging
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException, JsonRpcInvalidParams
from pygls.protocol import LanguageServerProtocol, default_converter, lsp_method
from pygls.protocol.json_rpc import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
)

from fixwright.json_reading import as_object
from fixwright.workspace.changes import ContentChange
from fixwright.workspace.paths import canonical
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright.workspace.store import SnapshotStore
from fixwright.workspace.text import Encoding

if TYPE_CHECKING:
    from cattrs import Converter

    from fixwright.lsp.server import Server

log = logging.getLogger(__name__)


_LAST_WORDS = 1.0
"""Seconds for the last answers, where the editor did not wait for them."""


@dataclass(frozen=True)
class Encoded:
    """A result that is JSON already: encoding ten thousand symbols would hold up the loop."""

    json: bytes


Command = Callable[[tuple[Any, ...]], Awaitable[object]]

_snapshot: contextvars.ContextVar[Snapshot] = contextvars.ContextVar("snapshot")


def dispatched_snapshot() -> Snapshot:
    """The workspace as it was when the message now being handled arrived."""
    return _snapshot.get()


def tolerant_converter() -> Converter:
    """Lsprotocol's converter, which keeps what is newer than it instead of failing."""
    converter = default_converter()
    for kind in vars(lsp).values():
        if isinstance(kind, type) and issubclass(kind, enum.Enum):
            converter.register_structure_hook(kind, _enum_or_raw)
    for envelope in (JsonRPCRequestMessage, JsonRPCResponseMessage, JsonRPCNotification):
        converter.register_structure_hook(envelope, _raw_envelope)
    return converter


def _enum_or_raw(value: Any, kind: type[enum.Enum]) -> Any:
    try:
        return kind(value)
    except ValueError:
        return value


def _raw_envelope(message: dict[str, Any], kind: type[Any]) -> Any:
    """An unknown message keeps its payload as plain JSON."""
    names = [field.name for field in kind.__attrs_attrs__]
    return kind(**{name: message.get(name) for name in names})


class FixwrightProtocol(LanguageServerProtocol):
    """One answer for every request; documents kept as snapshots; commands that can be cancelled."""

    _server: Server

    def __init__(self, server: Server, converter: Converter) -> None:
        self.store = SnapshotStore()
        self.encoding = Encoding.UTF16
        self.commands: dict[str, Command] = {}
        self.exit_requested = asyncio.Event()
        self._initialized = False
        super().__init__(server, converter)

    @property
    def shut_down(self) -> bool:
        """Whether the editor has asked for shutdown."""
        return self._shutdown

    def prime(self) -> None:
        """Encode one of each large result: the converter compiles its code on first use.

        That takes tens of milliseconds, for which the first light bulb would hold up the loop.
        """
        origin = lsp.Position(0, 0)
        place = lsp.Range(origin, origin)
        command = lsp.Command("", "")
        related = lsp.DiagnosticRelatedInformation(lsp.Location("", place), "")
        problem = lsp.Diagnostic(place, "", related_information=[related])
        action = lsp.CodeAction("", diagnostics=[problem], command=command)
        for message in (
            lsp.CodeActionResponse(id=0, result=[action]),
            lsp.CodeLensResponse(id=0, result=[lsp.CodeLens(place, command)]),
            lsp.PublishDiagnosticsNotification(lsp.PublishDiagnosticsParams("", [problem])),
        ):
            json.dumps(message, default=self._serialize_message)

    # ---- messages in -------------------------------------------------------------------

    def structure_message(self, data: dict[str, Any]) -> dict[str, Any]:
        """Keep nested objects as data: pygls calls this for every JSON object in a message."""
        return data

    def take(self, body: bytes) -> None:
        """Handle one message as it came; what can't be used is logged, and the next one taken."""
        try:
            self.handle_message(json.loads(body))
        except Exception:
            log.exception("a message could not be handled")

    def handle_message(self, message: Any) -> None:
        """Decode one message, and dispatch it with the snapshot of this moment."""
        raw = cast("dict[str, Any]", message)
        if not isinstance(message, dict) or raw.get("jsonrpc") != self.VERSION:
            log.warning("ignored a message that is not JSON-RPC 2.0")
            return
        if not isinstance(raw.get("id"), (str, int, type(None))):
            # No answer could be matched to it, and a future can't be kept under it.
            log.warning("ignored a message whose id is neither a string nor a number")
            return
        if not self._admit(raw):
            return
        try:
            structured = super().structure_message(raw)
        except JsonRpcException as error:
            self._refuse_malformed(raw, error)
            return
        self._initialized = self._initialized or raw.get("method") == lsp.INITIALIZE
        token = _snapshot.set(self.store.now)
        try:
            super().handle_message(cast("Any", structured))
        finally:
            _snapshot.reset(token)

    def _admit(self, raw: dict[str, Any]) -> bool:
        """Whether the message may be handled now; a request that may not is answered."""
        method = raw.get("method")
        if method is None:
            return self._awaited(raw.get("id"))
        if method == lsp.EXIT:
            return True
        if self._shutdown:
            wrong = lsp.ErrorCodes.InvalidRequest, "the server is shutting down"
        elif not self._initialized and method != lsp.INITIALIZE:
            wrong = lsp.ErrorCodes.ServerNotInitialized, "send initialize first"
        elif self._initialized and method == lsp.INITIALIZE:
            wrong = lsp.ErrorCodes.InvalidRequest, "initialize was sent twice"
        elif raw.get("id") is not None and self._is_notification(method):
            wrong = lsp.ErrorCodes.InvalidRequest, f"{method} is no request: it has no id"
        elif method == lsp.CANCEL_REQUEST:
            # One that crosses its answer is everyday life, and no news for the log.
            return self._runs(as_object(raw.get("params")).get("id"))
        else:
            return True
        self._fail(raw, *wrong)
        return False

    def _is_notification(self, method: object) -> bool:
        kind = self.get_message_type(method) if isinstance(method, str) else None
        return kind is not None and "id" not in {each.name for each in kind.__attrs_attrs__}

    def _runs(self, message_id: object) -> bool:
        """Whether a request with this id is being worked on."""
        return isinstance(message_id, (str, int)) and message_id in self._request_futures

    def _awaited(self, message_id: Any) -> bool:
        """Whether somebody still waits for this response."""
        future = self._request_futures.get(message_id)
        if not isinstance(future, Future):  # none, or the task of a request of the editor's own
            return False
        if future.done():
            self._request_futures.pop(message_id, None)
            return False
        return True

    def _fail(self, raw: dict[str, Any], code: int, text: str) -> None:
        if (message_id := raw.get("id")) is not None:
            error = lsp.ResponseError(code=int(code), message=text)
            self._send_response(message_id, error=error)

    def _refuse_malformed(self, raw: dict[str, Any], error: JsonRpcException) -> None:
        method, cause = raw.get("method"), error.__cause__ or error
        if method is None:
            future = self._request_futures.pop(raw["id"], None)
            if future is not None:
                future.set_exception(error)
            return
        detail = _first_reason(cause)
        self._fail(
            raw, lsp.ErrorCodes.InvalidParams, f"{method}: the parameters are wrong: {detail}"
        )
        if method in (lsp.TEXT_DOCUMENT_DID_OPEN, lsp.TEXT_DOCUMENT_DID_CHANGE):
            # The text can no longer be known: better no document than a wrong one.
            uri = _uri_in(raw.get("params"))
            if uri is not None:
                self._update(uri, lambda now: now.unreadable_change(uri, detail))

    # ---- messages out ------------------------------------------------------------------

    def _send_data(self, data: Any) -> None:
        writer = self.writer
        if writer is None:
            return
        try:
            body = json.dumps(data, default=self._serialize_message).encode()
        except (TypeError, ValueError, AttributeError) as error:
            if getattr(data, "result", None) is None:
                raise
            log.exception("could not encode the result of a request")
            failure = lsp.ResponseError(
                code=int(lsp.ErrorCodes.InternalError), message=f"the result can't be sent: {error}"
            )
            self._send_response(data.id, error=failure)
            return
        header = b"Content-Length: %d\r\n\r\n" % len(body) if self._include_headers else b""
        writer.write(header + body)

    def send_request(
        self,
        method: str,
        params: Any | None = None,
        callback: Callable[[Any], None] | None = None,
        msg_id: str | int | None = None,
    ) -> Future[Any]:
        """Send a request; cancelling its future tells the editor so."""
        future = super().send_request(method, params, callback, msg_id)
        ids = [key for key, value in self._request_futures.items() if value is future]

        def forget(done: Future[Any]) -> None:
            if done.cancelled() and ids:
                self._request_futures.pop(ids[0], None)
                self._result_types.pop(ids[0], None)
                self.notify(lsp.CANCEL_REQUEST, lsp.CancelParams(id=ids[0]))

        future.add_done_callback(forget)
        return future

    def _send_handler_result(self, future: Future[Any], *, msg_id: str | int) -> None:
        """Answer a request: an error is one sentence for the user, the traceback is for the log."""
        self._request_futures.pop(msg_id, None)
        if future.cancelled():
            code, text = lsp.LSPErrorCodes.RequestCancelled, "the request was cancelled"
        elif (error := future.exception()) is None:
            self._send_result(msg_id, future.result())
            return
        elif isinstance(error, JsonRpcException):
            self._send_response(msg_id, error=error.to_response_error())
            return
        else:
            log.error("a request failed", exc_info=error)
            code, text = lsp.ErrorCodes.InternalError, f"{type(error).__name__}: {error}"
        self._send_response(msg_id, error=lsp.ResponseError(code=int(code), message=text))

    def notify_json(self, method: str, params: str) -> None:
        """Send a notification whose parameters are JSON already."""
        if self.writer is not None:
            head = f'{{"jsonrpc":"2.0","method":{json.dumps(method)},"params":'
            body = f"{head}{params}}}".encode()
            self.writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def _send_result(self, msg_id: str | int, result: object) -> None:
        if not isinstance(result, Encoded):
            self._send_response(msg_id, result=result)
            return
        if self.writer is not None:
            body = b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (
                json.dumps(msg_id).encode(),
                result.json,
            )
            self.writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    # ---- documents ---------------------------------------------------------------------

    @lsp_method(lsp.TEXT_DOCUMENT_DID_OPEN)
    def lsp_text_document__did_open(self, params: lsp.DidOpenTextDocumentParams) -> None:
        """Put the document into the snapshot."""
        item = params.text_document
        language = getattr(item.language_id, "value", item.language_id)
        self._update(item.uri, lambda now: now.opened(item.uri, language, item.version, item.text))

    @lsp_method(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def lsp_text_document__did_change(self, params: lsp.DidChangeTextDocumentParams) -> None:
        """Apply the changes; one that can't be followed makes the document lost, not wrong."""
        uri, version = params.text_document.uri, params.text_document.version
        changes = [_content_change(change) for change in params.content_changes]
        self._update(uri, lambda now: now.changed(uri, version, changes, self.encoding))

    @lsp_method(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def lsp_text_document__did_close(self, params: lsp.DidCloseTextDocumentParams) -> None:
        """Let the disk speak for the document again."""
        uri = params.text_document.uri
        self._update(uri, lambda now: now.close(uri))

    def _update(self, uri: str, change: Callable[[Snapshot], Snapshot]) -> None:
        key = canonical(uri)
        old = self.store.now.documents.get(key)
        now = self.store.update(change)
        if (lost := now.lost.get(key)) is not None:
            log.error("%s", lost.sentence())
        new = now.documents.get(key)
        if old is not new:
            self._server.document_changed(old, new)

    @lsp_method(lsp.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def lsp_workspace__did_change_workspace_folders(
        self, params: lsp.DidChangeWorkspaceFoldersParams
    ) -> None:
        """Add and remove folders."""
        removed = {folder.uri for folder in params.event.removed}
        added = [Folder.at(folder.uri, folder.name) for folder in params.event.added]
        kept = [folder for folder in self.store.now.folders if folder.uri not in removed]
        folders = kept + [folder for folder in added if folder is not None]
        self.store.update(lambda now: now.with_folders(folders))
        self._server.folders_changed()

    # ---- life cycle --------------------------------------------------------------------

    @lsp_method(lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL)
    async def lsp_work_done_progress_cancel(self, params: lsp.WorkDoneProgressCancelParams) -> None:
        """Pass it on: jobs know their tokens, and pygls's own list of them is always empty."""
        await cast("Any", self.fm).features[lsp.WINDOW_WORK_DONE_PROGRESS_CANCEL](params)

    @lsp_method(lsp.WORKSPACE_EXECUTE_COMMAND)
    async def lsp_workspace__execute_command(self, params: lsp.ExecuteCommandParams) -> object:
        """Run a command as a task of its own, so that $/cancelRequest reaches it."""
        command = self.commands.get(params.command)
        if command is None:
            known = ", ".join(sorted(self.commands))
            message = f"unknown command {params.command!r}; Fixwright's commands are: {known}"
            raise JsonRpcInvalidParams(message)
        return await command(tuple(params.arguments or ()))

    @lsp_method(lsp.SHUTDOWN)
    async def lsp_shutdown(self, *_: object) -> None:
        """Cancel what runs, release what it held, and answer."""
        self._shutdown = True
        for message_id, future in list(self._request_futures.items()):
            if message_id != self.msg_id and not future.done():
                future.cancel()
        await self._server.release()

    async def answered(self) -> None:
        """Wait until what `shutdown` has ended is answered, and `shutdown` itself."""
        tasks = [each for each in self._request_futures.values() if isinstance(each, asyncio.Task)]
        if self._shutdown and tasks:
            await asyncio.wait(tasks, timeout=_LAST_WORDS)

    @lsp_method(lsp.EXIT)
    def lsp_exit(self, *_: object) -> None:
        """Let the main task end the process."""
        self.exit_requested.set()


def _content_change(change: lsp.TextDocumentContentChangeEvent) -> ContentChange:
    if isinstance(change, lsp.TextDocumentContentChangePartial):
        start, end = change.range.start, change.range.end
        return ContentChange((start.line, start.character), (end.line, end.character), change.text)
    return ContentChange(None, None, change.text)


def _uri_in(params: object) -> str | None:
    uri = as_object(as_object(params).get("textDocument")).get("uri")
    return uri if isinstance(uri, str) else None


def _first_reason(error: BaseException) -> str:
    """The innermost message of a decoding error: cattrs nests one group per level."""
    while isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        error = group.exceptions[0]
    return f"{type(error).__name__}: {error}"


__all__ = ["Command", "Encoded", "FixwrightProtocol", "dispatched_snapshot", "tolerant_converter"]
