"""An editor for tests: real buffers over a real server process, with the habits of real editors.

Everything it shows is kept; `until` waits for any condition over it, woken by each message, so that
no test sleeps.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from lsprotocol import types as lsp
from pygls.protocol import default_converter
from pygls.protocol.json_rpc import (
    JsonRPCNotification,
    JsonRPCRequestMessage,
    JsonRPCResponseMessage,
)
from pytest_lsp import LanguageClient, LanguageClientProtocol

from fixwright.workspace.changes import ContentChange, apply_changes
from fixwright.workspace.paths import path_to_uri, uri_to_path
from fixwright.workspace.text import Encoding, Text

Policy = Literal["honest", "skips", "refuses", "first-only"]
"""What becomes of `workspace/applyEdit`.

honest: all versions are checked, then everything is applied (VS Code). skips: it says `applied` and
does nothing. refuses: it says no. first-only: it checks the first document only (Neovim).
"""
PATIENCE = 30.0
SERVE = (sys.executable, "-m", "fixwright", "serve")


def _converter() -> Any:
    converter = default_converter()
    for envelope in (JsonRPCRequestMessage, JsonRPCResponseMessage, JsonRPCNotification):

        def raw(message: dict[str, Any], kind: Any) -> Any:
            return kind(**{field.name: message.get(field.name) for field in kind.__attrs_attrs__})

        converter.register_structure_hook(envelope, raw)

    def action_or_command(value: dict[str, Any], _: Any) -> Any:
        # lsprotocol takes every object with a `command` for a command.
        is_command = isinstance(value.get("command"), str)
        return converter.structure(value, lsp.Command if is_command else lsp.CodeAction)

    converter.register_structure_hook(lsp.Command | lsp.CodeAction, action_or_command)
    return converter


def path_of(uri: str) -> Path:
    path = uri_to_path(uri)
    assert path is not None
    return path


class _Protocol(LanguageClientProtocol):
    def get_result_type(self, method: str) -> Any:  # pyright: ignore[reportIncompatibleVariableOverride]  # pygls caches its own
        """lsprotocol takes a code action with a command for a bare command."""
        return None if method == lsp.TEXT_DOCUMENT_CODE_ACTION else super().get_result_type(method)

    def structure_message(self, data: dict[str, Any]) -> Any:
        return data  # nested objects stay data

    def handle_message(self, message: Any) -> None:
        super().handle_message(cast("Any", super().structure_message(message)))


@dataclass
class Buffer:
    """An open document."""

    version: int
    text: Text


@dataclass
class Diagnostics:
    """What was last published for a document."""

    version: int | None
    items: Sequence[lsp.Diagnostic]


@dataclass
class Shown:
    """Everything the server said."""

    diagnostics: dict[str, Diagnostics] = field(default_factory=dict[str, Diagnostics])
    messages: list[str] = field(default_factory=list[str])
    questions: list[lsp.ShowMessageRequestParams] = field(
        default_factory=list[lsp.ShowMessageRequestParams]
    )
    progress: list[tuple[Any, Any]] = field(default_factory=list[tuple[Any, Any]])
    events: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    edits: list[lsp.ApplyWorkspaceEditParams] = field(
        default_factory=list[lsp.ApplyWorkspaceEditParams]
    )
    registrations: list[lsp.Registration] = field(default_factory=list[lsp.Registration])
    our_edits: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])


class Editor:
    """A language client with buffers."""

    def __init__(self, *, ours: bool, encoding: Encoding, settings: dict[str, Any]) -> None:
        self.client = LanguageClient(
            protocol_cls=_Protocol,
            converter_factory=_converter,
            configuration={"": {"fixwright": settings}},
        )
        self.ours = ours
        self.encoding = encoding
        self.policy: Policy = "honest"
        self.read_only: set[str] = set()
        """Documents whose edits are refused."""
        self.answer: str | None = None
        """What the user clicks on a question; None: the question is dismissed."""
        self.confirmed: Callable[[str], bool] = lambda _: True
        """Which parts of an edit with annotations the user confirms, by their new text."""
        self.before_edit: Callable[[], None] = lambda: None
        """Called when an edit arrives, before its versions are checked: the user types."""
        self.mute_about_progress = False
        """Whether it never answers when a job wants to show progress."""
        self.buffers: dict[str, Buffer] = {}
        self.announced = lsp.ServerCapabilities()
        """What the server said of itself in `initialize`."""
        self.shown = Shown()
        self._woken = asyncio.Event()
        self._register_what_is_shown()
        self._register_what_is_asked()
        self._register_registration()

    # ---- the user's side ---------------------------------------------------------------

    def open(self, uri: str, text: str, language: str = "python", version: int = 1) -> None:
        self.buffers[uri] = Buffer(version, Text(text))
        self.client.text_document_did_open(
            lsp.DidOpenTextDocumentParams(
                text_document=lsp.TextDocumentItem(
                    uri=uri, language_id=language, version=version, text=text
                )
            )
        )

    def open_file(self, path: Path, language: str = "python") -> str:
        uri = path_to_uri(path)
        self.open(uri, path.read_text(encoding="utf-8"), language)
        return uri

    def type(self, uri: str, place: lsp.Range, text: str) -> None:
        """Replace a range, as a keystroke does."""
        self._change(uri, [(place, text)])

    def insert(self, uri: str, line: int, character: int, text: str) -> None:
        at = lsp.Position(line, character)
        self.type(uri, lsp.Range(start=at, end=at), text)

    def close(self, uri: str) -> None:
        del self.buffers[uri]
        self.client.text_document_did_close(
            lsp.DidCloseTextDocumentParams(text_document=lsp.TextDocumentIdentifier(uri=uri))
        )

    def text(self, uri: str) -> str:
        return self.buffers[uri].text.value

    def _change(self, uri: str, edits: Sequence[tuple[lsp.Range, str]]) -> None:
        """Apply edits given over the present text, last first, and tell the server."""
        buffer = self.buffers[uri]
        ordered = sorted(
            edits, key=lambda edit: (edit[0].start.line, edit[0].start.character), reverse=True
        )
        changes = [
            ContentChange(
                (place.start.line, place.start.character),
                (place.end.line, place.end.character),
                text,
            )
            for place, text in ordered
        ]
        buffer.text = apply_changes(buffer.text, changes, self.encoding)
        buffer.version += 1
        self.client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                text_document=lsp.VersionedTextDocumentIdentifier(uri=uri, version=buffer.version),
                content_changes=[
                    lsp.TextDocumentContentChangePartial(range=place, text=text)
                    for place, text in ordered
                ],
            )
        )

    # ---- commands ----------------------------------------------------------------------

    async def command(self, name: str, argument: object = None, **more: Any) -> dict[str, Any]:
        """Execute a command; the answer is plain JSON."""
        params = lsp.ExecuteCommandParams(
            command=name, arguments=[argument] if argument is not None else []
        )
        request = self.client.protocol.send_request_async(
            lsp.WORKSPACE_EXECUTE_COMMAND, params, **more
        )
        return cast("dict[str, Any]", await asyncio.wait_for(request, PATIENCE))

    async def run(self, uri: str, **more: Any) -> dict[str, Any]:
        return await self.command("fixwright.runFile", {"uri": uri, **more})

    async def fix(self, uri: str, diagnostic: lsp.Diagnostic, **more: Any) -> dict[str, Any]:
        argument = {"uri": uri, "range": diagnostic.range, "diagnostic": diagnostic, **more}
        return await self.command("fixwright.fix", argument)

    async def actions(self, uri: str, place: lsp.Range) -> Sequence[lsp.CodeAction]:
        shown = self.shown.diagnostics.get(uri)
        diagnostics = [
            each
            for each in (shown.items if shown else ())
            if each.range.start.line <= place.end.line and place.start.line <= each.range.end.line
        ]
        params = lsp.CodeActionParams(
            text_document=lsp.TextDocumentIdentifier(uri=uri),
            range=place,
            context=lsp.CodeActionContext(diagnostics=diagnostics),
        )
        request = self.client.protocol.send_request_async(lsp.TEXT_DOCUMENT_CODE_ACTION, params)
        found = cast("list[Any]", await asyncio.wait_for(request, PATIENCE))
        converter = self.client.protocol._converter
        return [converter.structure(each, lsp.CodeAction) for each in found]

    # ---- what is shown -----------------------------------------------------------------

    async def until(self, condition: Callable[[], object], what: str = "") -> None:
        """Wait until something is shown."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not condition():
                    self._woken.clear()
                    await self._woken.wait()
        except TimeoutError:
            raise AssertionError(
                f"never happened: {what or condition}; shown: {self.shown}"
            ) from None

    async def diagnostics(self, uri: str, count: int | None = None) -> Sequence[lsp.Diagnostic]:
        """The document's diagnostics, once there are `count` of them (None: any)."""

        def there() -> bool:
            shown = self.shown.diagnostics.get(uri)
            return shown is not None and (
                len(shown.items) == count if count is not None else bool(shown.items)
            )

        await self.until(there, f"{count} diagnostics of {uri}")
        return self.shown.diagnostics[uri].items

    @property
    def server(self) -> asyncio.subprocess.Process:
        """The server's process."""
        server = self.client._server
        assert server is not None
        return server

    def _wake(self) -> None:
        self._woken.set()

    # ---- what the server asks ----------------------------------------------------------

    def _register_what_is_shown(self) -> None:
        client, shown = self.client, self.shown

        @client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def _(params: lsp.PublishDiagnosticsParams) -> None:
            shown.diagnostics[params.uri] = Diagnostics(params.version, params.diagnostics)
            self._wake()

        @client.feature(lsp.WINDOW_SHOW_MESSAGE)
        def _(params: lsp.ShowMessageParams) -> None:
            shown.messages.append(params.message)
            self._wake()

        @client.feature(lsp.WINDOW_LOG_MESSAGE)
        def _(params: lsp.LogMessageParams) -> None:
            shown.messages.append(params.message)
            self._wake()

        @client.feature(lsp.PROGRESS)
        def _(params: lsp.ProgressParams) -> None:
            shown.progress.append((params.token, params.value))
            self._wake()

        for method in ("fixwright/runEvent", "fixwright/agentEvent", "fixwright/status"):

            @client.feature(method)
            def _(params: dict[str, Any], method: str = method) -> None:
                shown.events.append({"method": method, **params})
                self._wake()

    def _register_registration(self) -> None:
        @self.client.feature(lsp.CLIENT_REGISTER_CAPABILITY)
        def _(params: lsp.RegistrationParams) -> None:
            self.shown.registrations += params.registrations
            self._wake()

        @self.client.feature(lsp.CLIENT_UNREGISTER_CAPABILITY)
        def _(params: lsp.UnregistrationParams) -> None:
            gone = {(each.id, each.method) for each in params.unregisterations}
            shown, before = self.shown, len(self.shown.registrations)
            shown.registrations = [
                each for each in shown.registrations if (each.id, each.method) not in gone
            ]
            assert before - len(shown.registrations) == len(gone), "what was never registered"
            self._wake()

    def _register_what_is_asked(self) -> None:
        client, shown = self.client, self.shown

        @client.feature(lsp.WINDOW_SHOW_MESSAGE_REQUEST)
        def _(params: lsp.ShowMessageRequestParams) -> lsp.MessageActionItem | None:
            shown.questions.append(params)
            self._wake()
            return lsp.MessageActionItem(title=self.answer) if self.answer else None

        @client.feature(lsp.WINDOW_WORK_DONE_PROGRESS_CREATE)
        async def _(_: lsp.WorkDoneProgressCreateParams) -> None:
            if self.mute_about_progress:
                await asyncio.Event().wait()

        @client.feature(lsp.WORKSPACE_CONFIGURATION)
        def _(params: lsp.ConfigurationParams) -> list[Any]:
            settings = client._configuration[""]
            return [settings.get(item.section or "") for item in params.items]

        @client.feature(lsp.WINDOW_SHOW_DOCUMENT)
        def _(params: lsp.ShowDocumentParams) -> lsp.ShowDocumentResult:
            if params.uri not in self.buffers:
                from fixwright.workspace.paths import uri_to_path

                path = uri_to_path(params.uri)
                if path is None or not path.is_file():
                    return lsp.ShowDocumentResult(success=False)
                self.open(params.uri, path.read_bytes().decode("utf-8"))
            return lsp.ShowDocumentResult(success=True)

        @client.feature(lsp.WORKSPACE_APPLY_EDIT)
        def _(params: lsp.ApplyWorkspaceEditParams) -> lsp.ApplyWorkspaceEditResult:
            shown.edits.append(params)
            self.before_edit()
            result = self._apply(params.edit)
            self._wake()
            return result

        @client.feature("fixwright/applyEdit")
        def _(params: dict[str, Any]) -> dict[str, Any]:
            shown.our_edits.append(params)
            self.before_edit()
            result = self._apply_ours(params)
            self._wake()
            return result

    def _apply(self, edit: lsp.WorkspaceEdit) -> lsp.ApplyWorkspaceEditResult:
        if self.policy == "refuses":
            return lsp.ApplyWorkspaceEditResult(applied=False, failure_reason="read-only")
        if self.policy == "skips":
            return lsp.ApplyWorkspaceEditResult(applied=True)
        parts: list[tuple[str, int | None, list[tuple[lsp.Range, str]]]] = []
        for change in edit.document_changes or ():
            if not isinstance(change, lsp.TextDocumentEdit):
                self._file(change)
                continue
            identifier = change.text_document
            edits = [
                (each.range, _new_text(each))
                for each in change.edits
                if not isinstance(each, lsp.AnnotatedTextEdit) or self.confirmed(each.new_text)
            ]
            parts.append((identifier.uri, identifier.version, edits))
        for uri, changes in (edit.changes or {}).items():
            parts.append((uri, None, [(each.range, each.new_text) for each in changes]))
        if any(uri in self.read_only for uri, _, _ in parts):
            return lsp.ApplyWorkspaceEditResult(applied=False, failure_reason="read-only")
        checked = parts[:1] if self.policy == "first-only" else parts
        if any(v is not None and self.buffers[uri].version != v for uri, v, _ in checked):
            return lsp.ApplyWorkspaceEditResult(applied=False, failure_reason="version")
        for uri, _, edits in parts:
            if uri not in self.buffers:
                self.open_file(path_of(uri))
            self._change(uri, edits)
        return lsp.ApplyWorkspaceEditResult(applied=True)

    def _file(self, change: lsp.CreateFile | lsp.RenameFile | lsp.DeleteFile) -> None:
        """Do what editors do to files that are not open."""
        match change:
            case lsp.CreateFile():
                path = path_of(change.uri)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.touch()
            case lsp.RenameFile():
                path_of(change.old_uri).rename(path_of(change.new_uri))
            case lsp.DeleteFile():
                path_of(change.uri).unlink()

    def _apply_ours(self, params: dict[str, Any]) -> dict[str, Any]:
        documents = params["documents"]
        read_only = any(each["uri"] in self.read_only for each in documents)
        if self.policy == "refuses" or read_only:
            return {"applied": False, "reason": "read-only"}
        if self.policy == "skips":
            return {"applied": True}
        for each in documents:
            if self.buffers[each["uri"]].version != each["version"]:
                return {"applied": False, "reason": f"{each['uri']} has changed"}
        for file in params.get("create", ()):
            path_of(file["uri"]).write_text(file["text"], encoding="utf-8")
        for each in documents:
            edits = [(_range(edit["range"]), str(edit["newText"])) for edit in each["edits"]]
            self._change(each["uri"], edits)
        return {"applied": True}


def _new_text(edit: Any) -> str:
    return cast("str", edit.new_text)


def _range(wire: dict[str, Any]) -> lsp.Range:
    return lsp.Range(
        start=lsp.Position(**wire["start"]),
        end=lsp.Position(**wire["end"]),
    )


def capabilities(
    *,
    ours: bool,
    encoding: Encoding,
    reviews: bool = False,
    versions: bool = True,
    watches: bool = False,
    registers: bool = False,
    annotations: bool = False,
) -> lsp.ClientCapabilities:
    return lsp.ClientCapabilities(
        general=lsp.GeneralClientCapabilities(position_encodings=[encoding.value]),
        workspace=lsp.WorkspaceClientCapabilities(
            apply_edit=True,
            configuration=True,
            workspace_folders=True,
            did_change_watched_files=lsp.DidChangeWatchedFilesClientCapabilities(
                dynamic_registration=watches
            ),
            workspace_edit=lsp.WorkspaceEditClientCapabilities(
                document_changes=versions,
                change_annotation_support=lsp.ChangeAnnotationsSupportOptions()
                if annotations
                else None,
                resource_operations=list(lsp.ResourceOperationKind) if versions else None,
            ),
            symbol=lsp.WorkspaceSymbolClientCapabilities(dynamic_registration=registers),
        ),
        window=lsp.WindowClientCapabilities(
            work_done_progress=True,
            show_message=lsp.ShowMessageRequestClientCapabilities(),
            show_document=lsp.ShowDocumentClientCapabilities(support=True),
        ),
        text_document=lsp.TextDocumentClientCapabilities(
            publish_diagnostics=lsp.PublishDiagnosticsClientCapabilities(
                related_information=True, version_support=True
            ),
            definition=lsp.DefinitionClientCapabilities(dynamic_registration=registers),
            references=lsp.ReferenceClientCapabilities(dynamic_registration=registers),
            hover=lsp.HoverClientCapabilities(dynamic_registration=registers),
        ),
        experimental=cast("Any", {"fixwright": 1, "fixwrightReviews": reviews}) if ours else None,
    )


@asynccontextmanager
async def editing(
    folder: Path | Sequence[Path] | None,
    *,
    ours: bool = False,
    reviews: bool = False,
    encoding: Encoding = Encoding.UTF16,
    versions: bool = True,
    watches: bool = False,
    registers: bool = False,
    annotations: bool = False,
    settings: dict[str, Any] | None = None,
    environment: dict[str, str] | None = None,
    command: Sequence[str] = SERVE,
) -> AsyncGenerator[Editor, None]:
    """An editor with the real server behind it, as the user would start it."""
    editor = Editor(
        ours=ours, encoding=encoding, settings={"model": {"provider": "none"}, **(settings or {})}
    )
    cache = tempfile.TemporaryDirectory(prefix="fixwright-index-", ignore_cleanup_errors=True)
    own = {"FIXWRIGHT_INDEX_CACHE": cache.name, "XDG_STATE_HOME": f"{cache.name}/state"}
    env = {**os.environ, **own, **(environment or {})}
    await editor.client.start_io(*command, env=env)
    server = editor.server
    try:
        paths = [folder] if isinstance(folder, Path) else folder or ()
        folders = [lsp.WorkspaceFolder(uri=path_to_uri(path), name="w") for path in paths] or None
        begun = await asyncio.wait_for(
            editor.client.initialize_session(
                lsp.InitializeParams(
                    capabilities=capabilities(
                        ours=ours,
                        reviews=reviews,
                        encoding=encoding,
                        versions=versions,
                        watches=watches,
                        registers=registers,
                        annotations=annotations,
                    ),
                    workspace_folders=folders,
                    process_id=os.getpid(),
                )
            ),
            PATIENCE,
        )
        editor.announced = begun.capabilities
        yield editor
        if server.returncode is None:
            await asyncio.wait_for(editor.client.shutdown_session(), PATIENCE)
            await asyncio.wait_for(server.wait(), PATIENCE)
    finally:
        if server.returncode is None:
            server.kill()
        await asyncio.wait_for(editor.client.stop(), PATIENCE)
        cache.cleanup()
