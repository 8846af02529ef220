"""Run a file, a selection or tests: stream what comes out, publish what failed, report."""

from __future__ import annotations

import asyncio
import codecs
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from pygls.exceptions import JsonRpcInvalidParams

from fixwright.fix.fix import Fix
from fixwright.index.languages import language_for
from fixwright.index.tests import tests_in
from fixwright.lsp import arguments as args
from fixwright.lsp.convert import from_lsp
from fixwright.lsp.features.installing import offer
from fixwright.lsp.jobs import Job, JobCancelled
from fixwright.runs.caution import caution
from fixwright.runs.dependencies import may_lack
from fixwright.runs.report import RunReport, refused_report, run_report
from fixwright.runs.run import Run
from fixwright.runs.runner import ActiveRun, Runner
from fixwright.runs.target import RunRefused, Target
from fixwright.workspace.document import Document, UnknownDocument, UnreadableDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import display_name
from fixwright.workspace.snapshot import Snapshot
from fixwright_sandbox import SandboxUnavailable

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

_NARRATION = 0.2
"""Seconds between two lines of output that are shown as progress."""
_AHEAD = 3
"""Failures of a run for which fixes are verified ahead."""
_LARGEST_AHEAD = 1 << 18
"""Characters; rules parse whole files, and parsing holds up everything else meanwhile."""
_LOGGED = 4000
"""Characters of output that go to the editor's log, where no run events are understood."""

Start = Callable[[Snapshot, Target], Awaitable[ActiveRun]]

RUN_WITHOUT = "Run once without a sandbox"


async def run_file(bench: Workbench, snapshot: Snapshot, arguments: tuple[Any, ...]) -> RunReport:
    """`fixwright.runFile`."""
    wanted = args.parse(args.RunFile, arguments)
    title = display_name(wanted.uri)
    try:
        await document_of(snapshot, wanted.uri)
    except RunRefused as error:
        return refused(bench, title, error)
    target = Target("file", wanted.uri, args=tuple(wanted.args), stdin=wanted.stdin)
    return await run(bench, snapshot, target, title)


async def run_selection(
    bench: Workbench, snapshot: Snapshot, arguments: tuple[Any, ...]
) -> RunReport:
    """`fixwright.runSelection`."""
    wanted = args.parse(args.RunSelection, arguments)
    title = f"selection of {display_name(wanted.uri)}"
    try:
        document = await document_of(snapshot, wanted.uri)
    except RunRefused as error:
        return refused(bench, title, error)
    place = from_lsp(document.text, wanted.range.to_lsp(), bench.encoding)
    return await run(bench, snapshot, Target("selection", wanted.uri, place), title)


async def run_tests(bench: Workbench, snapshot: Snapshot, arguments: tuple[Any, ...]) -> RunReport:
    """`fixwright.runTests`: the test at the range, the file's tests, or the workspace's."""
    wanted = args.parse(args.RunTests, arguments)
    if wanted.uri is None:
        ids = (wanted.test_id,) if wanted.test_id else ()
        return await run(bench, snapshot, Target("tests", None, test_ids=ids), "tests")
    title = f"tests of {display_name(wanted.uri)}"
    try:
        document = await document_of(snapshot, wanted.uri)
    except RunRefused as error:
        return refused(bench, title, error)
    ids = (wanted.test_id,) if wanted.test_id else ()
    if not ids and wanted.range is not None:
        place = from_lsp(document.text, wanted.range.to_lsp(), bench.encoding)
        ids = await asyncio.to_thread(_test_at, snapshot, document, place.start.line)
    return await run(bench, snapshot, Target("tests", wanted.uri, test_ids=ids), title)


async def document_of(snapshot: Snapshot, uri: str) -> Document:
    """The document that an argument names; closed ones are read off the loop.

    Raises:
        JsonRpcInvalidParams: there is none.
        RunRefused: there is one, but it isn't text.
    """
    try:
        return await asyncio.to_thread(snapshot.document, uri)
    except UnreadableDocument as error:
        raise RunRefused(str(error)) from error
    except UnknownDocument as error:
        raise JsonRpcInvalidParams(f"uri: {error}") from error


def _test_at(snapshot: Snapshot, document: Document, line: int) -> tuple[str, ...]:
    """The innermost test around a line, by the test runner's name for it."""
    language = language_for(document.language, document.uri)
    if language is None:
        return ()
    around = [
        test
        for test in tests_in(document.text, language)
        if test.range.start.line <= line <= test.range.end.line
    ]
    inside = snapshot.relative(document.uri) or display_name(document.uri)
    best = min(around, key=lambda test: test.range.end.line - test.range.start.line, default=None)
    return (f"{inside}::{best.id}",) if best else ()


async def run(
    bench: Workbench,
    snapshot: Snapshot,
    target: Target,
    title: str,
    *,
    start: Start | None = None,
) -> RunReport:
    """Run a target as a job, and say everything about it in a report.

    `start` starts it, in place of the runner, and of a question where there is no sandbox.
    """
    try:
        finished = await bench.jobs.run(
            f"Run {title}",
            lambda job: _run_by_hand(bench, snapshot, target, job, start),
            ended=lambda run: run.outcome,
        )
    except JobCancelled:
        return refused_report(title, "The run was cancelled before it began.", status="cancelled")
    except (RunRefused, SandboxUnavailable, UnknownDocument) as error:
        return refused(bench, title, error)
    await bench.board.show(finished, warnings=bench.services.settings.diagnostics.warnings)
    report = await asyncio.to_thread(run_report, finished, bench.encoding)
    bench.editor.run_event(finished.id, "end", report, finished.result.duration)
    _log_output(bench, finished, report)
    if news := await bench.services.dependencies.news(finished):
        bench.editor.warn(f"Fixwright: {news}")
    if finished.failures and bench.services.settings.fix.ahead:
        bench.spawn(_verify_ahead(bench, finished))
    if start is None and may_lack(finished):
        bench.spawn(_repeat_with_packages(bench, finished, title))
    return report


async def _repeat_with_packages(bench: Workbench, finished: Run, title: str) -> None:
    """Offer what the run lacked; once it is installed the run is repeated and reported."""
    if await offer(bench, finished):
        await run(bench, bench.store.now, finished.target, title)


def refused(bench: Workbench, title: str, why: Exception) -> RunReport:
    """The report of what was not run; editors that show no reports are told."""
    if not bench.editor.profile.ours:  # clients of ours show the report themselves
        bench.editor.warn(f"Fixwright did not run {title}: {why}")
    return refused_report(title, str(why))


async def _run_by_hand(
    bench: Workbench, snapshot: Snapshot, target: Target, job: Job, start: Start | None
) -> Run:
    try:
        active = await (start or bench.services.runner.start)(snapshot, target)
    except SandboxUnavailable as error:
        if start is not None:
            raise
        active = await _start_unconfined(bench, snapshot, target, error)
    job.key = active.id
    listening = asyncio.create_task(_stream(bench, active, job))
    try:
        return await active.wait()
    except asyncio.CancelledError:
        if not job.stopped:
            raise
        return await active.cancel()  # the user stopped it: what came out until then is the result
    finally:
        await listening


async def _start_unconfined(
    bench: Workbench, snapshot: Snapshot, target: Target, why: SandboxUnavailable
) -> ActiveRun:
    """Where no sandbox can be had: say so, and ask. Anything but a yes is a no."""
    touched = await asyncio.to_thread(caution, Draft.over(snapshot), target)
    question = (
        f"{why} Run it without a sandbox? It can then read and change everything that your "
        f"account can. {touched}"
    ).rstrip()
    if await bench.editor.ask(question, (RUN_WITHOUT, "Do not run")) != RUN_WITHOUT:
        raise why
    runner = Runner(bench.services.door.open_unconfined, bench.services.runner.limits)
    return await runner.start(snapshot, target)


async def _stream(bench: Workbench, active: ActiveRun, job: Job) -> None:
    """Pass on what the run does, as it does it."""
    decoders = {
        kind: codecs.getincrementaldecoder("utf-8")("replace") for kind in ("stdout", "stderr")
    }
    started = {"title": active.title, "uri": active.target.uri}
    shown = 0.0
    async for event in active.events():
        if event.kind == "start":
            bench.editor.run_event(active.id, "start", started, event.t)
        elif event.report is not None and event.report.get("type") == "result":
            data = event.report.get("data")
            bench.editor.run_event(active.id, "result", data, event.t)
        elif event.kind == "file" and event.file is not None:
            data = {"path": event.file.path, "change": event.file.change, "bytes": event.file.size}
            bench.editor.run_event(active.id, "file", data, event.t)
        elif event.kind in decoders:
            text = decoders[event.kind].decode(event.data)
            if event.dropped:
                text = f"… {event.dropped} bytes left out …\n{text}"
            bench.editor.run_event(active.id, event.kind, text, event.t)
            if time.monotonic() - shown > _NARRATION and (line := _last_line(text)):
                shown = time.monotonic()
                job.report(line)


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return lines[-1][:120] if lines else ""


def _log_output(bench: Workbench, finished: Run, report: RunReport) -> None:
    """Editors that know no run events find the output in the server's log."""
    if bench.editor.profile.ours:
        return
    values = [str(each.get("text/plain", "")) for each in report["results"]]
    output = "\n".join((report["stdout"] + report["stderr"], *values))[-_LOGGED:]
    bench.editor.record(f"{finished.title}: {finished.outcome}\n{output}".rstrip())


async def _verify_ahead(bench: Workbench, finished: Run) -> None:
    """Prove what the rules know for a failure, so that the light bulb can offer it as proven."""
    bench.proposals.clear()
    if finished.target.uri is not None:
        document = await asyncio.to_thread(finished.draft.document, finished.target.uri)
        if len(document.text.value) > _LARGEST_AHEAD:
            return
    for index, failure in enumerate(finished.failures[:_AHEAD]):
        if bench.store.now is not finished.snapshot:
            return  # the text has moved on: what would be proven is no longer there
        try:
            fix: Fix | None = await bench.services.ladder.by_rules(finished, failure)
        except (RunRefused, SandboxUnavailable, UnknownDocument):
            return
        if fix is not None:
            bench.proposals[finished.id, index] = fix
