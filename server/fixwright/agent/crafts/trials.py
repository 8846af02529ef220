"""Runs that show something, made one after the other; some are kept as evidence."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fixwright.agent.tools.spec import Refused
from fixwright.runs.report import run_report
from fixwright.runs.target import RunRefused, Target
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.text import Encoding
from fixwright_sandbox import SandboxUnavailable

if TYPE_CHECKING:
    from fixwright.agent.desk import Desk, Evidence
    from fixwright.agent.records import Journal
    from fixwright.runs.run import Run
    from fixwright.workspace.draft import Draft

_NOT_RUN = frozenset(("engine", "image", "error", "cancelled"))


class Hopeless(Refused):
    """What no other proposal can change: the turn ends with it."""


@dataclass(frozen=True)
class Trials:
    """Runs drafts, and writes down which of the runs count."""

    desk: Desk
    journal: Journal

    async def run(self, draft: Draft, target: Target, seconds: float | None = None) -> Run:
        """One run; `seconds` tighten the limit of its time.

        Raises:
            Refused: it was not run; the sentence says why.
        Hopeless: nor will anything else be.
        """
        limits = self.desk.runner.limits
        if seconds is not None:
            limits = replace(limits, wall_seconds=min(seconds, limits.wall_seconds))
        try:
            run = await self.desk.runner.within(limits).run(draft, target)
        except (RunRefused, SandboxUnavailable, UnknownDocument) as error:
            raise Refused(f"It was not run: {error}") from error
        if run.result.status in _NOT_RUN:
            raise Hopeless(f"It was not run: {run.result.message}")
        return run

    async def keep(self, run: Run) -> Evidence:
        """Make a run evidence."""
        evidence = self.desk.add(run)
        report = dict(run_report(run, Encoding.UTF16))
        await self.journal.append("run", {"evidence": evidence.id, "report": report})
        return evidence
