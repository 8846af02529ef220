"""What fails in a file, for those who name a file and not a failure."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from fixwright.fix.problem import Problem, problem_of
from fixwright.index.languages import language_for
from fixwright.index.tests import tests_in
from fixwright.runs.target import Target

if TYPE_CHECKING:
    from fixwright.runs.run import Run
    from fixwright.runs.runner import Runner
    from fixwright.workspace.position import Range
    from fixwright.workspace.snapshot import Snapshot


async def failing_run(runner: Runner, snapshot: Snapshot, uri: str) -> Run:
    """A run of a file; where that passes, of the tests in it.

    Raises:
        RunRefused: it can't be run.
        SandboxUnavailable: no sandbox can be had.
        UnknownDocument: there is no such file.
    """
    run = await runner.run(snapshot, Target("file", uri))
    if run.passed and await asyncio.to_thread(_has_tests, snapshot, uri):
        return await runner.run(snapshot, Target("tests", uri))
    return run


def first_problem(run: Run, uri: str, lines: Range | None) -> Problem | None:
    """The first failure of a run that has a place: any, or one on some lines of a document."""
    for failure in run.failures:
        known = problem_of(run, failure)
        if known is None:
            continue
        if lines is None or (
            known.uri == uri and lines.start.line <= known.range.start.line < lines.end.line
        ):
            return known
    return None


def _has_tests(snapshot: Snapshot, uri: str) -> bool:
    document = snapshot.document(uri)
    language = language_for(document.language, uri)
    return language is not None and bool(tests_in(document.text, language))
