"""The tools that are lent to other agents: the agent's own where they fit, and three more."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.outline import OutlineTool
from fixwright.agent.tools.registry import Registry, Tool
from fixwright.agent.tools.run import LONGEST, RunTool, executed
from fixwright.agent.tools.search import SearchArguments, SearchTool
from fixwright.agent.tools.spec import Outcome, Refused
from fixwright.agent.tools.testing import TestTool
from fixwright.agent.tools.typed import TypedTool
from fixwright.fix.failing import failing_run, first_problem
from fixwright.models.types import ModelError
from fixwright.runs.target import RunRefused, Target
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft_change import DraftError
from fixwright.workspace.position import Position, Range
from fixwright_sandbox import SandboxUnavailable
from fixwright_sandbox.runtimes import UnknownRuntimeError, runtime, runtimes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.agent.desk import Desk
    from fixwright.agent.tools.spec import Action, Effect
    from fixwright.fix.fix import Fix
    from fixwright.fix.ladder import Ladder

_SNIPPET = "fixwright_snippet"


def lent_tools(ladder: Ladder) -> Registry:
    """All of them; `ladder` is climbed by `fix`."""
    return Registry(
        (
            RunCodeTool(),
            Lent(
                RunTool(),
                "Run a shell command in a sandbox, on a copy of the workspace. There is no"
                " network, and what it writes is thrown away.",
            ),
            Lent(
                TestTool(),
                "Run the workspace's tests in a sandbox, on a copy. Failures come with their"
                " places.",
            ),
            Lent(SearchTool(), "Search the workspace's text. Results are path:line: text."),
            SymbolsTool(),
            Lent(
                OutlineTool(),
                "The map of the code: the definitions that matter most for a focus, as signatures.",
            ),
            FixTool(ladder),
        )
    )


@dataclass(frozen=True)
class Lent:
    """A tool of the agent's, described for those who have no draft."""

    tool: Tool
    description: str

    @property
    def name(self) -> str:
        """See `registry.Tool`, as for the rest."""
        return self.tool.name

    @property
    def schema(self) -> Mapping[str, object]:
        """Of its arguments."""
        return self.tool.schema

    @property
    def effect(self) -> Effect:
        """What it does."""
        return self.tool.effect

    def action(self, arguments: Mapping[str, object] | None, desk: Desk) -> Action:
        """What a call would do."""
        return self.tool.action(arguments, desk)

    async def call(self, arguments: Mapping[str, object] | None, desk: Desk) -> Outcome:
        """Do it."""
        return await self.tool.call(arguments, desk)


class RunCodeArguments(Arguments):
    """What `run_code` takes."""

    code: str = Field(min_length=1, max_length=1_000_000)
    language: str = Field(default="python", description=f"One of: {', '.join(runtimes())}.")
    stdin: str = ""
    timeout_s: int = Field(default=60, ge=1, le=LONGEST)


class RunCodeTool(TypedTool[RunCodeArguments]):
    """Runs a program that is in no file."""

    name = "run_code"
    description = (
        "Run a program in a sandbox, as if it were a file at the root of the workspace: it can"
        " import what is there. There is no network, and what it writes is thrown away."
    )
    effect: Effect = "run"

    def __init__(self) -> None:
        super().__init__(RunCodeArguments)

    def sentence(self, given: RunCodeArguments) -> str:
        """As a person is asked."""
        return f"run a program in {given.language} in the sandbox"

    async def work(self, given: RunCodeArguments, desk: Desk) -> Outcome:
        """Run it over a draft in which it is a file."""
        try:
            ending = next(iter(runtime(given.language).extensions))
            uri = desk.names.uri(f"{_SNIPPET}{ending}")
            desk.draft = await asyncio.to_thread(desk.draft.create, uri, given.code)
        except (UnknownRuntimeError, DraftError) as error:
            raise Refused(str(error)) from error
        return await executed(desk, Target("file", uri, stdin=given.stdin), float(given.timeout_s))


class SymbolsArguments(Arguments):
    """What `symbols` takes."""

    name: str = Field(min_length=1, max_length=200, description="A definition's name, or letters.")
    max_results: int = Field(default=50, ge=1, le=500)


class SymbolsTool(TypedTool[SymbolsArguments]):
    """Finds definitions."""

    name = "symbols"
    description = (
        "Find definitions in whose names these letters stand in order, best first."
        " `Class.method` finds what belongs to something of that name."
    )
    effect: Effect = "read"

    def __init__(self) -> None:
        super().__init__(SymbolsArguments)
        self._search = SearchTool()

    def sentence(self, given: SymbolsArguments) -> str:
        """As a person is asked."""
        return f"look for the definition {given.name!r}"

    async def work(self, given: SymbolsArguments, desk: Desk) -> Outcome:
        """Find them."""
        wanted = SearchArguments(pattern=given.name, kind="symbol", max_results=given.max_results)
        return await self._search.work(wanted, desk)


class FixArguments(Arguments):
    """What `fix` takes."""

    path: str = Field(description="The file that fails when it, or the tests in it, are run.")
    line: int | None = Field(default=None, ge=1, description="Only what fails there; from 1.")


class FixTool(TypedTool[FixArguments]):
    """Finds a fix, and writes nothing."""

    name = "fix"
    description = (
        "Run a file, or the tests in it, and look for an edit that removes the failure. Each"
        " candidate is run before it counts. Gives a unified diff that says whether it is verified;"
        " nothing is written: apply the diff yourself."
    )
    effect: Effect = "run"

    def __init__(self, ladder: Ladder) -> None:
        super().__init__(FixArguments)
        self._ladder = ladder

    def paths(self, given: FixArguments, desk: Desk) -> tuple[str, ...]:
        """The file."""
        return (desk.names.of(desk.names.uri(given.path)),)

    def sentence(self, given: FixArguments) -> str:
        """As a person is asked."""
        return f"look for a fix for {given.path}"

    async def work(self, given: FixArguments, desk: Desk) -> Outcome:
        """Find it."""
        uri, snapshot = desk.names.uri(given.path), desk.draft.base
        lines = None
        if given.line is not None:
            lines = Range(Position(given.line - 1, 0), Position(given.line, 0))
        try:
            before = await failing_run(self._ladder.runner, snapshot, uri)
            problem = first_problem(before, uri, lines)
            if problem is None:
                where = "" if lines is None or before.passed else " on that line"
                return Outcome(f"There is nothing{where} that an edit could fix: {before.outcome}")
            found = await self._ladder.fix(snapshot, problem, lambda _: None)
        except (RunRefused, SandboxUnavailable, UnknownDocument, ModelError) as error:
            raise Refused(f"No fix was looked for: {error}") from error
        return Outcome(await asyncio.to_thread(_told, found), error=found.status != "verified")


def _told(fix: Fix) -> str:
    parts = [f"{fix.status}: {fix.title}", fix.evidence, fix.reason or "", fix.draft.diff()]
    return "\n".join(filter(None, parts))
