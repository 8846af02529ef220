"""Starts runs, and makes of what comes out a `Run`."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from fixwright.failures.model import Failure
from fixwright.failures.parse import failures_of, test_counts
from fixwright.runs.absent import explained
from fixwright.runs.plan import Plan, plan
from fixwright.runs.run import Run
from fixwright.runs.supplies import Supply
from fixwright.runs.target import Target
from fixwright.workspace.draft import Draft
from fixwright.workspace.snapshot import Snapshot
from fixwright_sandbox import Event, Execution, Limits, Result, Sandbox, Tree

OpenSandbox = Callable[[], Awaitable[Sandbox]]
LayerFor = Callable[[Sandbox, Path | None, str, Tree], Awaitable[Supply]]
"""Finds the installed packages of a workspace's folder for a runtime and a tree."""


@dataclass(frozen=True)
class ActiveRun:
    """A run under way."""

    id: str
    target: Target
    draft: Draft
    plan: Plan
    execution: Execution
    stale: Failure | None = None

    @property
    def title(self) -> str:
        """What runs, in a few words."""
        return self.plan.title

    def events(self) -> AsyncIterator[Event]:
        """What comes out, as it comes; ends with the run."""
        return self.execution.events()

    async def wait(self) -> Run:
        """The finished run. Cancelling this wait kills the run."""
        try:
            return await self._finished(await self.execution.wait())
        except asyncio.CancelledError:
            await self.execution.cancel()
            raise

    async def cancel(self) -> Run:
        """Kill the run; it is quiet when this returns."""
        return await self._finished(await self.execution.cancel())

    async def _finished(self, result: Result) -> Run:
        """Reports can be many: they are read off the loop."""
        return await asyncio.to_thread(self._run, result)

    def _run(self, result: Result) -> Run:
        job = self.plan.request.job
        path = getattr(job, "path", None)
        failures = failures_of(result, path if isinstance(path, str) else None)
        return Run(
            id=self.id,
            target=self.target,
            title=self.title,
            draft=self.draft,
            root=self.plan.root,
            result=result,
            failures=explained(failures, self.plan.root, self.plan.request.tree),
            tests=test_counts(result),
            runtime=self.plan.request.runtime,
            stale=self.stale,
        )


class Runner:
    """Runs targets of snapshots and drafts in a sandbox that is opened on first use."""

    def __init__(
        self, open_sandbox: OpenSandbox, limits: Limits, layer_for: LayerFor | None = None
    ) -> None:
        self._open = open_sandbox
        self._layer_for = layer_for
        self.limits = limits

    async def start(self, what: Draft | Snapshot, target: Target) -> ActiveRun:
        """Plan off the loop, then start.

        Raises:
            RunRefused: there is nothing to run, or no way to.
            SandboxUnavailable: no sandbox can be had; the message says what to install.
            UnknownDocument: there is no such document.
        """
        draft = what if isinstance(what, Draft) else Draft.over(what)
        sandbox, planned = await asyncio.gather(
            self._open(), asyncio.to_thread(plan, draft, target, self.limits)
        )
        workspace = str(planned.root.directory or "untitled")
        supply = Supply()
        if self._layer_for is not None:
            request = planned.request
            supply = await self._layer_for(
                sandbox, planned.root.directory, request.runtime, request.tree
            )
            planned = replace(planned, request=replace(request, layer=supply.layer))
        execution = sandbox.start(workspace, planned.request)
        return ActiveRun(uuid.uuid4().hex[:12], target, draft, planned, execution, supply.stale)

    async def run(self, what: Draft | Snapshot, target: Target) -> Run:
        """Start and wait."""
        active = await self.start(what, target)
        return await active.wait()

    def within(self, limits: Limits) -> Runner:
        """The same runner under tighter limits."""
        return Runner(self._open, replace(limits), self._layer_for)
