"""Lends tools over a folder: each call over the disk as it is, by the user's rules."""

from __future__ import annotations

import asyncio
import uuid
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fixwright.agent.desk import Desk
from fixwright.agent.guard import Guard
from fixwright.agent.naming import Names
from fixwright.agent.policy.hooks import Hooks, users_hooks
from fixwright.agent.policy.permissions import Permissions
from fixwright.agent.policy.places import places_of
from fixwright.agent.policy.policy import policy_of
from fixwright.agent.secrecy import session_redactor
from fixwright.agent.tools.shown import clipped
from fixwright.agent.tools.spec import Outcome, Refused
from fixwright.doors.lent_tools import lent_tools
from fixwright.index.workspace_index import IndexUnavailable
from fixwright.log import keep_out_of_logs
from fixwright.workspace.draft import Draft

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.agent.policy.places import Place
    from fixwright.agent.tools.registry import Registry
    from fixwright.headless import Headless
    from fixwright.index.workspace_index import WorkspaceIndex
    from fixwright.secrets import Redactor

LONGEST = 60_000
"""Characters of one answer."""
_INDEX_SECONDS = 20.0


@dataclass(frozen=True)
class Lender:
    """The tools, and what stands before each call: what would be asked is denied."""

    tools: Registry
    workspace: Headless
    guard: Guard
    redactor: Redactor

    @classmethod
    async def of(cls, workspace: Headless, *, ask_model: bool = False) -> Lender:
        """For a folder; `ask_model` says whether `fix` may ask the model of the settings."""
        settings = workspace.services.settings
        agent = settings.agent
        folders = [folder.path for folder in workspace.snapshot.folders]
        redactor = await session_redactor(settings, folders)
        keep_out_of_logs(redactor)
        ladder = workspace.ladder if ask_model else replace(workspace.ladder, model=None)

        def place(name: str) -> Place:
            return places_of(Names(workspace.snapshot))(name)

        allowed = Permissions(policy_of(agent, "headless"), place=place)
        guard = Guard(allowed, Hooks(users_hooks(agent.hooks)))
        return cls(lent_tools(ladder), workspace, guard, redactor)

    async def call(self, name: str, arguments: Mapping[str, object]) -> Outcome:
        """What came of a call; one that is refused says why. Cancelling it kills its run."""
        tool = self.tools.get(name)
        if tool is None:
            return Outcome(f"There is no tool {name}. There are: {', '.join(self.tools)}.", True)
        desk = await self._desk(looks=tool.effect == "read")
        call = uuid.uuid4().hex
        try:
            action = tool.action(arguments, desk)
            passage = await self.guard.before(action, call)
            if passage.refusal is not None:
                raise Refused(passage.refusal)
            outcome = await tool.call(arguments, desk)
            remarks = (*passage.remarks, *await self.guard.after(action, call, outcome))
        except Refused as refusal:
            outcome, remarks = Outcome(str(refusal), error=True), ()
        text = "\n".join((outcome.text, *remarks))
        return replace(outcome, text=clipped(self.redactor.redact(text), LONGEST))

    async def _desk(self, *, looks: bool) -> Desk:
        workspace = self.workspace
        policy = self.guard.permissions.policy
        return Desk(
            now=lambda: workspace.snapshot,
            draft=Draft.over(workspace.snapshot),
            runner=workspace.runner,
            index=await self._index() if looks else None,
            readable=policy.may_read,
        )

    async def _index(self) -> WorkspaceIndex | None:
        """The index when it has read everything, or as far as it has come."""
        index = await self.workspace.index()
        if index is not None:
            try:
                async with asyncio.timeout(_INDEX_SECONDS):
                    await index.wait_fresh()
            except (TimeoutError, IndexUnavailable):
                pass  # the tool says what it can't do
        return index
