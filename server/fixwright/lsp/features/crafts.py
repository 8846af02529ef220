"""Generated tests and optimisations as commands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from fixwright.agent.crafts import work
from fixwright.agent.report import AgentReport, no_agent_report
from fixwright.lsp import arguments as args
from fixwright.lsp.convert import from_lsp
from fixwright.lsp.features.agent import in_session, told
from fixwright.lsp.features.running import document_of
from fixwright.runs.target import RunRefused
from fixwright.workspace.paths import display_name

if TYPE_CHECKING:
    from fixwright.agent.session import AgentSession, Turn
    from fixwright.lsp.workbench import Workbench
    from fixwright.workspace.document import Document
    from fixwright.workspace.position import Range
    from fixwright.workspace.snapshot import Snapshot

    Craft = Callable[[AgentSession, Document, Range], Awaitable[Turn]]


async def generate_tests(
    bench: Workbench, snapshot: Snapshot, arguments: tuple[Any, ...]
) -> AgentReport:
    """`fixwright.generateTests`."""
    return await _craft(bench, snapshot, arguments, "Tests for", work.generate_tests)


async def optimize(bench: Workbench, snapshot: Snapshot, arguments: tuple[Any, ...]) -> AgentReport:
    """`fixwright.optimize`."""
    return await _craft(bench, snapshot, arguments, "Optimise", work.optimise)


async def _craft(
    bench: Workbench, snapshot: Snapshot, arguments: tuple[Any, ...], title: str, craft: Craft
) -> AgentReport:
    wanted = args.parse(args.Craft, arguments)
    try:
        document = await document_of(snapshot, wanted.uri)
    except RunRefused as error:
        return told(bench, no_agent_report("refused", str(error)))
    place = from_lsp(document.text, wanted.range.to_lsp(), bench.encoding)

    def turn(session: AgentSession) -> Awaitable[Turn]:
        return craft(session, document, place)

    name = f"{title} {display_name(document.uri)}"
    return await in_session(bench, name, "propose", None, turn, apply=wanted.apply)
