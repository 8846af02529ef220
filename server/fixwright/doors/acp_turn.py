"""One turn of an ACP session, and the delivery of what it has drafted; needs the extra `acp`."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import acp
from acp.schema import (
    AllowedOutcome,
    ClientCapabilities,
    PermissionOption,
    PermissionOptionKind,
    StopReason,
    ToolCallUpdate,
)

from fixwright.agent.context.switch import mode_text
from fixwright.agent.delivery import record_applied, write_to_disk
from fixwright.agent.naming import Names
from fixwright.agent.opening import Door, session_at
from fixwright.agent.tools.spec import Refused
from fixwright.doors.acp_files import ClientFiles, NotWritten
from fixwright.doors.acp_updates import Updates
from fixwright.fix.services import has_model
from fixwright.models.types import ModelError
from fixwright.workspace.disk import DiskConflict
from fixwright.workspace.paths import uri_to_path
from fixwright.workspace.rebase import DraftConflict

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixwright.agent.context.prompt import Mode
    from fixwright.agent.loop import Ended
    from fixwright.agent.policy.permissions import Answer, Question
    from fixwright.agent.session import AgentSession
    from fixwright.agent.sessions.store import SessionStore
    from fixwright.headless import Headless
    from fixwright.workspace.draft import Draft
    from fixwright.workspace.snapshot import Snapshot

MODES: dict[str, Mode] = {"ask": "ask", "plan": "plan", "edit": "propose"}
_STOPS: dict[str, StopReason] = {
    "done": "end_turn", "refused": "refusal", "limit": "max_turn_requests",
}  # fmt: skip
_KINDS: dict[Answer, PermissionOptionKind] = {
    "once": "allow_once", "session": "allow_always", "always": "allow_always", "no": "reject_once",
}  # fmt: skip
_APPLY = "apply-the-draft"


class TurnFailed(Exception):
    """A turn that did not come to its end; the message says why."""


@dataclass
class AcpTurn:
    """One turn: the client is asked, shown and handed everything."""

    client: acp.Client
    capabilities: ClientCapabilities
    workspace: Headless
    store: SessionStore
    session: str
    mode: str
    _now: Snapshot = field(init=False)
    _updates: Updates = field(init=False)

    def __post_init__(self) -> None:
        self._now = self.workspace.snapshot

    async def run(self, text: str, context: str, files: Sequence[str]) -> StopReason:
        """Do it.

        Raises:
            TurnFailed: the model can't be used.
            SessionError: the session can't be opened or written.
        """
        if not has_model(self.workspace.services.model.settings):
            raise TurnFailed("The agent needs a model. Set model.provider and its key.")
        mode = MODES[self.mode]
        self._updates = Updates(self.client, self.session, self._absolute)
        try:
            if self._has_files:
                self._now = await self._files.shown(self._now, list(files))
            door = Door(
                now=lambda: self._now,
                index=await self.workspace.index(),
                permit=self._permit,
                observe=self._updates,
            )
            opening = session_at(door, self.workspace.services, self.store, mode, self.session)
            async with opening as opened:
                switched = mode_text(opened.journal.events, mode)
                around = "\n".join(filter(None, (context, switched)))
                ended = (await opened.turn(text, around)).ended
                self._tell(ended)
                if not opened.draft.is_empty and ended.status == "done":
                    await self._deliver(opened)
        except ModelError as error:
            raise TurnFailed(str(error)) from error
        finally:
            await self._updates.close()
        if ended.status == "error":
            raise TurnFailed(ended.reason or "The turn failed.")
        return _STOPS.get(ended.status, "end_turn")

    @property
    def _has_files(self) -> bool:
        known = self.capabilities.fs
        return bool(known and known.read_text_file and known.write_text_file)

    @property
    def _files(self) -> ClientFiles:
        return ClientFiles(self.client, self.session)

    def _absolute(self, name: str) -> str | None:
        try:
            path = uri_to_path(Names(self._now).uri(name))
        except Refused:
            return None
        return None if path is None else str(path)

    def _tell(self, ended: Ended) -> None:
        """What a turn says at its end beyond the words that were shown as they came."""
        lines = [f"- {each.get('standing')}: {each.get('text')}" for each in ended.claims]
        if ended.claims:
            lines = [ended.text, "", *lines]
        if ended.reason and ended.status != "error":
            lines.append(ended.reason)
        if lines:
            self._updates.say("\n".join(["", *lines, ""]))

    async def _permit(self, question: Question) -> Answer:
        options = [
            PermissionOption(option_id=answer, name=shown, kind=_KINDS[answer])
            for answer, shown in question.answers
        ]
        call = ToolCallUpdate(
            tool_call_id=question.call,
            title=question.action.sentence,
            content=[acp.tool_content(acp.text_block(question.text))],
        )
        chosen = await self._chosen(call, options)
        answers: dict[str, Answer] = {answer: answer for answer, _ in question.answers}
        return answers.get(chosen or "", "no")

    async def _chosen(self, call: ToolCallUpdate, options: list[PermissionOption]) -> str | None:
        await self._updates.sent()
        answer = await self.client.request_permission(
            session_id=self.session, tool_call=call, options=options
        )
        outcome = answer.outcome
        return outcome.option_id if isinstance(outcome, AllowedOutcome) else None

    async def _deliver(self, opened: AgentSession) -> None:
        """Ask, and hand the draft over as it fits what the client shows now."""
        try:
            draft = await self._rebased(opened.draft)
            if draft.is_empty:
                return
            self._updates.put(
                acp.start_tool_call(_APPLY, "Apply the changes", kind="edit", status="pending",
                                    content=_diffs(draft))
            )  # fmt: skip
            options = [
                PermissionOption(option_id="apply", name="Apply", kind="allow_once"),
                PermissionOption(option_id="leave", name="Leave it", kind="reject_once"),
            ]
            call = ToolCallUpdate(tool_call_id=_APPLY, title="Apply the changes", kind="edit",
                                  content=[*_diffs(draft)])  # fmt: skip
            if await self._chosen(call, options) != "apply":
                self._ended("failed", "Nothing was written. The changes wait in the session.")
                return
            await self._written(opened, await self._rebased(draft))
        except (NotWritten, DiskConflict, DraftConflict) as error:
            self._ended("failed", f"Not applied: {error} The changes wait in the session.")
        else:
            self._ended("completed", "Applied.")

    async def _rebased(self, draft: Draft) -> Draft:
        """The draft over what the client shows now. Raises `DraftConflict`."""
        if not self._has_files:
            return draft
        uris = [each.uri for each in draft.changed.values() if each.before is not None]
        return await asyncio.to_thread(draft.rebase, await self._files.shown(self._now, uris))

    async def _written(self, opened: AgentSession, draft: Draft) -> None:
        """Once begun it comes to its end, cancelled or not: half of it must not stay."""
        label = "Fixwright's agent"
        if not self._has_files:
            await write_to_disk(draft, opened.journal, label)
            return

        async def both() -> None:
            await record_applied(opened.journal, label, await self._files.write(draft))

        work = asyncio.ensure_future(both())
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            await asyncio.wait([work])
            raise

    def _ended(self, status: acp.schema.ToolCallStatus, text: str) -> None:
        content = [acp.tool_content(acp.text_block(text))]
        self._updates.put(acp.update_tool_call(_APPLY, status=status, content=content))
        if status == "failed":
            self._updates.say(text)


def _diffs(draft: Draft) -> list[acp.schema.FileEditToolCallContent]:
    return [
        acp.tool_diff_content(
            str(uri_to_path(each.uri)),
            "" if each.after is None else each.after.text.value,
            None if each.before is None else each.before.text.value,
        )
        for _, each in sorted(draft.changed.items())
    ]
