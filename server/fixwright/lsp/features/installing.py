"""Install what a workspace asks for, after the user has seen it and said yes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from fixwright.lsp import arguments as args
from fixwright.lsp.jobs import Job, JobCancelled
from fixwright.runs.dependencies import Ask, ask_of, lacking
from fixwright.runs.dependency_report import DependencyReport, dependency_report
from fixwright.runs.run import Run
from fixwright.runs.target import RunRefused
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.snapshot import Snapshot
from fixwright_sandbox import SandboxUnavailable
from fixwright_sandbox.dependencies.install import Installed

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

INSTALL = "Install"


async def install_dependencies(
    bench: Workbench, snapshot: Snapshot, arguments: tuple[Any, ...]
) -> DependencyReport:
    """`fixwright.installDependencies`: for the runtime of a document, or of the first folder."""
    uri = args.parse(args.InstallDependencies, arguments).uri
    try:
        ask = await asyncio.to_thread(ask_of, Draft.over(snapshot), uri)
    except (RunRefused, UnknownDocument) as error:
        return dependency_report("refused", str(error), None, None)
    if ask is None or ask.wanted.nothing:
        return dependency_report("nothing", "Nothing is asked for.", ask, None)
    return await _install(bench, ask)


async def offer(bench: Workbench, finished: Run) -> bool:
    """Where a run failed for want of what could be installed: ask, and install it on a yes.

    Returns whether it is installed now, so that the run can be repeated.
    """
    dependencies = bench.services.dependencies
    if dependencies.policy == "never":
        return False
    try:
        ask = await asyncio.to_thread(lacking, finished)
    except (RunRefused, UnknownDocument):
        return False
    if ask is None or not dependencies.first_time(ask):
        return False
    return (await _install(bench, ask))["status"] == "installed"


async def _install(bench: Workbench, ask: Ask) -> DependencyReport:
    dependencies = bench.services.dependencies
    if ask.wanted.conflicts:
        bench.editor.warn(f"Fixwright: {' '.join(ask.remarks)}")
        return dependency_report("refused", ask.wanted.conflicts[0].message, ask, None)

    async def confirm(question: str) -> bool:
        text = " ".join((question, *ask.remarks))
        return await bench.editor.ask(text, (INSTALL, "Not now")) == INSTALL

    if not await dependencies.allowed(ask, confirm):
        never = dependencies.policy == "never"
        reason = 'sandbox.dependencies is "never".' if never else "You did not agree to it."
        return dependency_report("refused", reason, ask, None)
    try:
        installed = await bench.jobs.run(
            f"Install packages for {ask.directory.name}",
            lambda job: _see_through(bench, ask, job),
            ended=lambda done: done.message,
        )
    except JobCancelled:
        return dependency_report("cancelled", "Cancelled; nothing is left of it.", ask, None)
    except SandboxUnavailable as error:
        return dependency_report("failed", str(error), ask, None)
    if not await dependencies.done(ask, installed):
        bench.editor.warn(f"Fixwright: {installed.message}")
        return dependency_report("failed", installed.message, ask, installed)
    return dependency_report("installed", None, ask, installed)


async def _see_through(bench: Workbench, ask: Ask, job: Job) -> Installed:
    installation = await bench.services.dependencies.start(ask)
    execution = installation.execution
    job.key = execution.id
    waiting = asyncio.create_task(installation.wait())
    try:
        async for event in execution.events():
            if event.kind == "start":
                started = {"title": job.title, "uri": None}
                bench.editor.run_event(execution.id, "start", started, event.t)
            elif event.kind in ("stdout", "stderr"):
                text = event.data.decode("utf-8", "replace")
                bench.editor.run_event(execution.id, event.kind, text, event.t)
                job.report(text.strip().rpartition("\n")[2][:120])
        return await waiting
    except asyncio.CancelledError:
        await installation.cancel()
        raise
    finally:
        await asyncio.wait({waiting})
