"""`run`: a command in the sandbox, over the draft."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import Field

from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.shown import shown_run
from fixwright.agent.tools.spec import Outcome, Refused
from fixwright.agent.tools.typed import TypedTool
from fixwright.runs.report import run_report
from fixwright.runs.target import RunRefused, Target
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.text import Encoding
from fixwright_sandbox import SandboxUnavailable

if TYPE_CHECKING:
    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Effect

LONGEST = 600


class RunArguments(Arguments):
    """What `run` takes."""

    command: str = Field(min_length=1, description="A line for sh.")
    cwd: str = Field(default=".", description="The folder to run in.")
    runtime: str | None = Field(
        default=None,
        description="Whose tools are needed: python, node, go, rust, java, c or bash."
        " Default: the project's.",
    )
    timeout_s: int = Field(default=120, ge=1, le=LONGEST)


class RunTool(TypedTool[RunArguments]):
    """Runs a command over the workspace with the draft's changes in it."""

    name = "run"
    description = (
        "Run a shell command in the sandbox, on a copy of the workspace with your edits in it."
        " There is no network. What it writes is thrown away after it. The result has an id that"
        " finish can cite."
    )
    effect: Effect = "run"

    def __init__(self) -> None:
        super().__init__(RunArguments)

    def command(self, given: RunArguments) -> str:
        """Its command line."""
        return given.command

    def sentence(self, given: RunArguments) -> str:
        """As a person is asked."""
        return f"run `{given.command}` in the sandbox"

    async def work(self, given: RunArguments, desk: Desk) -> Outcome:
        """Run it."""
        folder, inside = desk.names.folder(given.cwd)
        target = Target(
            "command", folder.uri, command=given.command, cwd=inside, runtime=given.runtime
        )
        return await executed(desk, target, float(given.timeout_s))


async def executed(desk: Desk, target: Target, seconds: float) -> Outcome:
    """Run a target over the draft, and keep the run as evidence.

    Raises:
        Refused: it was not run; the message says why.
    """
    limits = replace(desk.runner.limits, wall_seconds=min(seconds, LONGEST))
    try:
        active = await desk.runner.within(limits).start(desk.draft, target)
    except (RunRefused, SandboxUnavailable, UnknownDocument) as error:
        raise Refused(f"It was not run: {error}") from error
    watching = asyncio.ensure_future(desk.watch(active))
    try:
        run = await active.wait()
        await watching
    finally:
        watching.cancel()
    evidence = desk.add(run)
    report = dict(run_report(run, Encoding.UTF16))
    failed = not run.passed
    return Outcome(shown_run(evidence), error=failed, evidence=evidence.id, report=report)
