"""What the server asks of the editor: one typed method for each, and a fallback where it can't."""

from __future__ import annotations

import asyncio
import json
import logging
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from fixwright.json_reading import as_object
from fixwright.lsp import names
from fixwright.lsp.profile import ClientProfile

if TYPE_CHECKING:
    from fixwright.lsp.server import Server

log = logging.getLogger(__name__)

_PROGRESS_TIMEOUT = 2.0
"""Seconds that an editor has to agree to a progress token."""


class Editor:
    """The client at the other end."""

    def __init__(self, server: Server, profile: ClientProfile) -> None:
        self._server = server
        self.profile = profile

    # ---- words to the user -------------------------------------------------------------

    def info(self, message: str) -> None:
        """Show a message."""
        self._show(message, lsp.MessageType.Info)

    def warn(self, message: str) -> None:
        """Show a warning."""
        self._show(message, lsp.MessageType.Warning)

    def _show(self, message: str, kind: lsp.MessageType) -> None:
        self._server.window_show_message(lsp.ShowMessageParams(type=kind, message=message))

    def record(self, message: str) -> None:
        """Write to the editor's log of this server."""
        self._server.window_log_message(
            lsp.LogMessageParams(type=lsp.MessageType.Info, message=message)
        )

    async def ask(self, question: str, choices: Sequence[str]) -> str | None:
        """Ask; None when the user gave no answer, or the editor can't ask."""
        if not self.profile.message_actions:
            return None
        items = [lsp.MessageActionItem(title=choice) for choice in choices]
        try:
            answer = await self._server.window_show_message_request_async(
                lsp.ShowMessageRequestParams(
                    type=lsp.MessageType.Warning, message=question, actions=items
                )
            )
        except JsonRpcException as error:
            log.warning("the editor can't ask a question: %s", error)
            return None
        return answer.title if answer is not None else None

    # ---- messages of ours --------------------------------------------------------------

    def notify(self, method: str, params: object) -> None:
        """Send one of our own notifications, to clients that know them."""
        if self.profile.ours:
            self._server.protocol.notify(method, params)

    def run_event(self, run_id: str, kind: str, data: object, seconds: float) -> None:
        """Tell what a run does."""
        event = {"runId": run_id, "type": kind, "data": data, "t": round(seconds, 6)}
        self.notify(names.RUN_EVENT, event)

    def agent_event(self, event: dict[str, object]) -> None:
        """Tell what the agent does."""
        self.notify(names.AGENT_EVENT, event)

    async def apply_ours(self, params: dict[str, Any]) -> tuple[bool, str | None]:
        """Ask a client of ours to change all documents at once, or none: (applied, reason)."""
        result = await self._server.protocol.send_request_async(names.APPLY_EDIT, params)
        answer = as_object(result)
        reason = answer.get("reason")
        return answer.get("applied") is True, reason if isinstance(reason, str) else None

    async def apply(self, edit: lsp.WorkspaceEdit, label: str) -> tuple[bool, str | None]:
        """Ask any client to apply an edit: (applied, reason). Called by `lsp.edits` alone."""
        result = await self._server.workspace_apply_edit_async(
            lsp.ApplyWorkspaceEditParams(edit=edit, label=label)
        )
        return result.applied, result.failure_reason

    async def show_document(self, uri: str) -> bool:
        """Open a document in the editor without taking the focus."""
        if not self.profile.show_document:
            return False
        result = await self._server.window_show_document_async(
            lsp.ShowDocumentParams(uri=uri, take_focus=False)
        )
        return result.success

    async def configuration(self, section: str) -> object:
        """The editor's settings of a section; None when it has none or can't say."""
        if not self.profile.configuration:
            return None
        items = [lsp.ConfigurationItem(section=section)]
        answer = await self._server.workspace_configuration_async(
            lsp.ConfigurationParams(items=items)
        )
        return answer[0] if answer else None

    def publish(self, uri: str, version: int | None, diagnostics: list[lsp.Diagnostic]) -> None:
        """Set the diagnostics of a document."""
        self._server.text_document_publish_diagnostics(
            lsp.PublishDiagnosticsParams(uri=uri, version=version, diagnostics=diagnostics)
        )

    async def refresh_lenses(self) -> None:
        """Ask the editor to fetch code lenses again."""
        if self.profile.lens_refresh:
            await self._server.workspace_code_lens_refresh_async(None)

    async def watch_files(self) -> None:
        """Ask the editor to tell what happens to the files of the workspace.

        Raises:
            JsonRpcException: it does not.
        """
        everything = lsp.FileSystemWatcher(glob_pattern="**/*")
        options = lsp.DidChangeWatchedFilesRegistrationOptions(watchers=[everything])
        registration = lsp.Registration(
            id=lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES,
            method=lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES,
            register_options=options,
        )
        await self.register([registration])

    async def register(self, registrations: Sequence[lsp.Registration]) -> None:
        """Announce what was not announced in `initialize`.

        Raises:
            JsonRpcException: the editor refuses.
        """
        await self._server.client_register_capability_async(
            lsp.RegistrationParams(registrations=registrations)
        )

    async def unregister(self, registrations: Sequence[lsp.Unregistration]) -> None:
        """Take back what was registered.

        Raises:
            JsonRpcException: the editor refuses.
        """
        await self._server.client_unregister_capability_async(
            # The protocol's own spelling.
            lsp.UnregistrationParams(unregisterations=registrations)
        )

    def partial(self, token: str | int, part: Sequence[object]) -> None:
        """Send a part of a request's result."""
        self._server.progress(lsp.ProgressParams(token=token, value=list(part)))

    def partial_json(self, token: str | int, part: str) -> None:
        """As `partial`, for what is JSON already."""
        self._server.protocol.notify_json(
            lsp.PROGRESS, f'{{"token":{json.dumps(token)},"value":{part}}}'
        )

    # ---- progress ----------------------------------------------------------------------

    async def begin_progress(
        self, title: str, token: str | int | None, *, cancellable: bool = True
    ) -> Progress:
        """Show that something goes on, under the client's token or one of ours."""
        if token is None and self.profile.progress:
            token = await self._created_token()
        progress = Progress(self._server, token)
        progress.send(lsp.WorkDoneProgressBegin(title=title, cancellable=cancellable))
        return progress

    async def _created_token(self) -> str | None:
        """A token that the editor agreed to; no job waits for an editor that does not answer."""
        token = uuid.uuid4().hex
        create = lsp.WorkDoneProgressCreateParams(token=token)
        try:
            async with asyncio.timeout(_PROGRESS_TIMEOUT):
                await self._server.window_work_done_progress_create_async(create)
        except (JsonRpcException, TimeoutError) as error:
            log.info("the editor shows no progress: %s", error or "it did not answer")
            return None
        return token


class Progress:
    """One entry in the editor's list of what goes on; silent when the editor shows none."""

    def __init__(self, server: Server, token: str | int | None) -> None:
        self._server = server
        self.token = token

    def send(
        self,
        value: lsp.WorkDoneProgressBegin | lsp.WorkDoneProgressReport | lsp.WorkDoneProgressEnd,
    ) -> None:
        """Send one step."""
        if self.token is not None:
            self._server.progress(lsp.ProgressParams(token=self.token, value=value))

    def report(self, message: str, percentage: int | None = None) -> None:
        """Say what is being done now, and how much of it is done."""
        self.send(lsp.WorkDoneProgressReport(message=message, percentage=percentage))

    def end(self, message: str) -> None:
        """Say how it ended."""
        self.send(lsp.WorkDoneProgressEnd(message=message))
