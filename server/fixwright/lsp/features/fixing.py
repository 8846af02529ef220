"""Fix this error: find a verified edit, hand it to the editor, say what was seen."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from fixwright.fix.fix import Fix
from fixwright.fix.problem import Problem, problem_of
from fixwright.fix.report import FixReport, fix_report, no_fix_report
from fixwright.lsp import arguments as args
from fixwright.lsp.convert import from_lsp
from fixwright.lsp.features.running import document_of
from fixwright.lsp.jobs import Job, JobCancelled, to_its_end
from fixwright.models.types import ModelError
from fixwright.runs.run import Run
from fixwright.runs.target import RunRefused
from fixwright.workspace.document import Document, UnknownDocument
from fixwright.workspace.draft_change import DraftError
from fixwright.workspace.paths import display_name
from fixwright.workspace.rebase import DraftConflict
from fixwright.workspace.snapshot import Snapshot
from fixwright_sandbox import SandboxUnavailable

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

_REBASES = 3
_SHOWING = 10.0
"""Seconds that the diagnostics after a fix have, where it was cancelled when it was done."""
APPLY_ANYWAY = "Apply it anyway"


async def fix(bench: Workbench, snapshot: Snapshot, arguments: tuple[Any, ...]) -> FixReport:
    """`fixwright.fix`."""
    wanted = args.parse(args.FixProblem, arguments)
    try:
        document = await document_of(snapshot, wanted.uri)
        problem = _problem(bench, document, wanted)
        return await bench.jobs.run(
            f"Fix {display_name(wanted.uri)}",
            lambda job: _fix(bench, snapshot, problem, job, apply=wanted.apply),
            ended=_summary,
        )
    except JobCancelled:
        return no_fix_report("cancelled", "Stopped. Nothing was changed.")
    except DraftConflict as error:
        return no_fix_report("stale", str(error))
    except (RunRefused, SandboxUnavailable, UnknownDocument, DraftError) as error:
        return _told(bench, no_fix_report("refused", str(error)))
    except ModelError as error:
        return _told(bench, no_fix_report("error", str(error)))


def _problem(bench: Workbench, document: Document, wanted: args.FixProblem) -> Problem:
    """What is to be fixed: a failure that we published, or what another server says."""
    given = wanted.diagnostic
    ours = given.ours if given is not None else None
    place = from_lsp(document.text, (given or wanted).range.to_lsp(), bench.encoding)
    entries = bench.board.entries_of(document.uri)
    if ours is not None:
        entries = tuple(e for e in entries if (e.run.id, e.index) == (ours.run_id, ours.failure))
    elif given is not None:
        entries = ()
    else:
        entries = bench.board.entries_at(document.uri, place)
    if entries:
        entry = entries[0]
        known = problem_of(entry.run, entry.failure)
        if known is not None:
            return replace(known, range=entry.range)
        return Problem(
            document.uri, entry.range, entry.failure.message, entry.failure.kind, "fixwright",
            entry.failure, entry.run,
        )  # fmt: skip
    message = given.message if given is not None else "the error in this file"
    code = str(given.code) if given is not None and given.code is not None else ""
    source = given.source or "" if given is not None else ""
    return Problem(document.uri, place, message, code, source, None, None)


async def _fix(
    bench: Workbench, snapshot: Snapshot, problem: Problem, job: Job, *, apply: bool
) -> FixReport:
    found = _proven_ahead(bench, snapshot, problem)
    if found is None:
        found = await bench.services.ladder.fix(snapshot, problem, job.report)
    found = await _brought_up(bench, found)
    report = await asyncio.to_thread(fix_report, found, bench.encoding)
    if found.draft.is_empty or not apply or not await _agreed(bench, found):
        return report
    applied = await bench.edits.apply(found.draft, found.title)
    report["applied"] = applied.done
    report["reason"] = applied.reason or report["reason"]
    if applied.done and found.after is not None:
        await to_its_end(_show(bench, found.after), _SHOWING)
    elif applied.status == "unseen":
        bench.spawn(_show_when_seen(bench, found))
    elif not applied.done:
        report["status"] = "stale" if applied.status != "refused" else "refused"
    return report


async def _show_when_seen(bench: Workbench, found: Fix) -> None:
    """Some editors tell of their own changes only when they are idle: the diagnostics follow."""
    if found.after is not None and await bench.edits.seen(found.draft):
        await _show(bench, found.after)


async def _show(bench: Workbench, run: Run) -> None:
    await bench.board.show(run, warnings=bench.services.settings.diagnostics.warnings)


def _proven_ahead(bench: Workbench, snapshot: Snapshot, problem: Problem) -> Fix | None:
    """A fix that was verified when the failure was published, if no text changed since."""
    run = problem.run
    if run is None or run.snapshot is not snapshot:
        return None
    for index, failure in enumerate(run.failures):
        if failure is problem.failure:
            return bench.proposals.get((run.id, index))
    return None


async def _brought_up(bench: Workbench, found: Fix) -> Fix:
    """The fix over what the user has typed meanwhile, proven again for that text.

    Raises:
        DraftConflict: the user changed what the fix changes.
    """
    for _ in range(_REBASES):
        if found.draft.is_empty or _same_texts(found, bench.store.now):
            return found
        found = await bench.services.ladder.again(found, bench.store.now)
    if _same_texts(found, bench.store.now):
        return found
    return replace(found, status="unverified", reason="The text kept changing while it was proven.")


def _same_texts(found: Fix, now: Snapshot) -> bool:
    """Whether every open document is still the one that was run."""
    return found.draft.base is now or dict(found.draft.base.documents) == dict(now.documents)


async def _agreed(bench: Workbench, found: Fix) -> bool:
    """A verified edit is applied; an unverified one only after a yes."""
    if found.status == "verified":
        return True
    question = f"{found.title}: not verified. {found.reason or ''}"
    return await bench.editor.ask(question, (APPLY_ANYWAY, "Leave it")) == APPLY_ANYWAY


def _summary(report: FixReport) -> str:
    words = report["title"] if report["status"] in ("verified", "unverified") else ""
    return ": ".join(part for part in (report["status"], words) if part)


def _told(bench: Workbench, report: FixReport) -> FixReport:
    if not bench.editor.profile.ours:  # clients of ours show the report themselves
        bench.editor.warn(f"Fixwright: {report['reason']}")
    return report
