"""Sessions of documents: each has an interpreter in which its cells are run."""

from __future__ import annotations

import asyncio
import uuid

from fixwright.runs.plan import plan
from fixwright.runs.runner import ActiveRun, LayerFor, OpenSandbox
from fixwright.runs.supplies import Supply
from fixwright.runs.target import RunRefused, Target
from fixwright.workspace.draft import Draft
from fixwright.workspace.snapshot import Snapshot
from fixwright_sandbox import Limits, Session, SessionRefused


class Sessions:
    """The sessions of an editor's documents, made when their first cell is run."""

    def __init__(
        self, open_sandbox: OpenSandbox, limits: Limits, layer_for: LayerFor | None = None
    ) -> None:
        self._open = open_sandbox
        self._layer_for = layer_for
        self._limits = limits
        self._sessions: dict[str, Session] = {}

    async def start(self, snapshot: Snapshot, target: Target) -> ActiveRun:
        """Run a cell after those of its document that run already.

        A session that has lost its state is restarted; the run that lost it has said so.

        Raises:
            RunRefused: there is nothing to run, or no interpreter of the language can be kept.
            SandboxUnavailable: no sandbox can be had; the message says what to install.
            UnknownDocument: there is no such document.
        """
        assert target.uri is not None
        assert target.range is not None
        draft = Draft.over(snapshot)
        sandbox, planned = await asyncio.gather(
            self._open(), asyncio.to_thread(plan, draft, target, self._limits)
        )
        supply = Supply()
        if self._layer_for is not None:
            request = planned.request
            supply = await self._layer_for(
                sandbox, planned.root.directory, request.runtime, request.tree
            )
        session = self._sessions.get(target.uri)
        if session is not None and session.state == "lost":
            await session.restart()
        try:
            if session is None or session.state == "closed":
                workspace = str(planned.root.directory or "untitled")
                session = sandbox.session(workspace, planned.request.runtime, limits=self._limits)
                self._sessions[target.uri] = session
            document = draft.document(target.uri)
            execution = session.run(
                document.text.slice(target.range),
                path=planned.root.path_of(target.uri),
                line=target.range.start.line,
                tree=planned.request.tree,
                layer=supply.layer,
            )
        except SessionRefused as error:
            raise RunRefused(str(error)) from error
        return ActiveRun(uuid.uuid4().hex[:12], target, draft, planned, execution, supply.stale)

    async def restart(self, uri: str) -> bool:
        """Forget what a document's cells have made; false where there was nothing to forget."""
        session = self._sessions.pop(uri, None)
        if session is None:
            return False
        lived = session.state == "alive"
        await session.close()
        return lived

    @property
    def live(self) -> tuple[str, ...]:
        """The documents whose interpreter lives."""
        return tuple(uri for uri, each in self._sessions.items() if each.state == "alive")
