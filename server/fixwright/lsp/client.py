"""A small headless editor: buffers over the real server process. `fixwright demo` drives it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from lsprotocol import types as lsp
from pygls.lsp.client import LanguageClient

from fixwright import __version__
from fixwright.json_reading import as_object
from fixwright.lsp.protocol import tolerant_converter
from fixwright.workspace.changes import ContentChange, apply_changes
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.text import Encoding, Text

_PATIENCE = 120.0


class HeadlessEditor:
    """One document in one buffer, changed only by what the server asks for."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._client = LanguageClient(
            "fixwright-demo", __version__, converter_factory=tolerant_converter
        )
        self._say = say
        self._published = asyncio.Event()
        self.diagnostics: Sequence[lsp.Diagnostic] = ()
        self.version = 0
        self.text = Text()
        client = self._client
        client.feature(lsp.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(self._on_diagnostics())
        client.feature(lsp.WORKSPACE_APPLY_EDIT)(self._on_edit())
        client.feature(lsp.WINDOW_WORK_DONE_PROGRESS_CREATE)(_nothing())
        client.feature(lsp.WINDOW_SHOW_MESSAGE)(_nothing())
        client.feature(lsp.WINDOW_LOG_MESSAGE)(_nothing())
        client.feature(lsp.PROGRESS)(self._on_progress())

    async def start(self, folder: Path) -> None:
        """Start the server as any editor does."""
        start = cast("Any", self._client.start_io)  # pyright: ignore[reportUnknownMemberType]  # untyped *args
        await start(sys.executable, "-m", "fixwright", "serve")
        capabilities = lsp.ClientCapabilities(
            window=lsp.WindowClientCapabilities(work_done_progress=True),
            workspace=lsp.WorkspaceClientCapabilities(
                apply_edit=True,
                workspace_edit=lsp.WorkspaceEditClientCapabilities(document_changes=True),
            ),
        )
        folders = [lsp.WorkspaceFolder(uri=path_to_uri(folder), name=folder.name)]
        params = lsp.InitializeParams(capabilities=capabilities, workspace_folders=folders)
        await asyncio.wait_for(self._client.initialize_async(params), _PATIENCE)
        self._client.initialized(lsp.InitializedParams())

    def open(self, uri: str, text: str) -> None:
        """Open the document."""
        self.version, self.text = 1, Text(text)
        item = lsp.TextDocumentItem(uri=uri, language_id="python", version=1, text=text)
        self._client.text_document_did_open(lsp.DidOpenTextDocumentParams(text_document=item))

    async def command(self, name: str, argument: object) -> dict[str, object]:
        """Execute one of the server's commands."""
        params = lsp.ExecuteCommandParams(command=name, arguments=[cast("Any", argument)])
        answer = await asyncio.wait_for(
            self._client.workspace_execute_command_async(params), _PATIENCE
        )
        return as_object(answer)

    async def stop(self) -> None:
        """Shut the server down in order."""
        await asyncio.wait_for(self._client.shutdown_async(None), _PATIENCE)
        self._client.exit(None)
        await asyncio.wait_for(self._client.stop(), _PATIENCE)

    def _on_diagnostics(self) -> Callable[[lsp.PublishDiagnosticsParams], None]:
        def take(params: lsp.PublishDiagnosticsParams) -> None:
            self.diagnostics = params.diagnostics

        return take

    def _on_progress(self) -> Callable[[lsp.ProgressParams], None]:
        def show(params: lsp.ProgressParams) -> None:
            value = as_object(params.value)
            message = value.get("message")
            if isinstance(message, str) and value.get("kind") == "report":
                self._say(message)  # how it ended is in the command's own answer

        return show

    def _on_edit(self) -> Callable[[lsp.ApplyWorkspaceEditParams], lsp.ApplyWorkspaceEditResult]:
        def apply(params: lsp.ApplyWorkspaceEditParams) -> lsp.ApplyWorkspaceEditResult:
            for change in params.edit.document_changes or ():
                if not isinstance(change, lsp.TextDocumentEdit):
                    return lsp.ApplyWorkspaceEditResult(applied=False)
                if change.text_document.version != self.version:
                    return lsp.ApplyWorkspaceEditResult(applied=False, failure_reason="stale")
                self._change(change)
            return lsp.ApplyWorkspaceEditResult(applied=True)

        return apply

    def _change(self, change: lsp.TextDocumentEdit) -> None:
        self.version += 1
        parts = [
            (edit.range, edit.new_text)
            for edit in reversed(change.edits)
            if not isinstance(edit, lsp.SnippetTextEdit)
        ]
        changes = [
            ContentChange(
                (place.start.line, place.start.character),
                (place.end.line, place.end.character),
                text,
            )
            for place, text in parts
        ]
        self.text = apply_changes(self.text, changes, Encoding.UTF16)
        self._client.text_document_did_change(
            lsp.DidChangeTextDocumentParams(
                text_document=lsp.VersionedTextDocumentIdentifier(
                    uri=change.text_document.uri, version=self.version
                ),
                content_changes=[
                    lsp.TextDocumentContentChangePartial(range=place, text=text)
                    for place, text in parts
                ],
            )
        )


def _nothing() -> Callable[[Any], None]:
    def ignore(_: Any) -> None:
        return None

    return ignore


@asynccontextmanager
async def headless_editor(
    folder: Path, say: Callable[[str], None]
) -> AsyncGenerator[HeadlessEditor, None]:
    """An editor with the real server behind it; `say` is told how work goes on."""
    editor = HeadlessEditor(say)
    await editor.start(folder)
    try:
        yield editor
    finally:
        await editor.stop()
