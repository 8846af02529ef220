"""Judging an edit by running it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from fixwright.failures.model import Failure
from fixwright.runs.run import Run
from fixwright.runs.runner import Runner
from fixwright.runs.target import Target
from fixwright.workspace.draft import Draft
from fixwright.workspace.hunks import Hunk
from fixwright.workspace.paths import canonical
from fixwright.workspace.position import Range

_LONGEST_REPEATED = 10.0
"""Seconds; a run that takes longer is not run again only to see whether its failure lasts."""
_WHILE = 1.5
"""Seconds within which short runs are repeated more than once."""
_MOST_REPEATS = 2
_HIDDEN = ("__pycache__", ".pytest_cache")


@dataclass(frozen=True)
class Verdict:
    """What runs say about an edit.

    fixed: the failure is gone and no new one came. moved: the failure is gone, another came, which
    is `left`. same: it is still there. worse: the run no longer comes to an end of its own, or
    tests no longer run. unsteady: it passes, but so it does, at times, without the edit. doubtful:
    it passes, and for a reason that has nothing to do with the cause.
    """

    outcome: Literal["fixed", "moved", "same", "worse", "unsteady", "doubtful"]
    run: Run
    reason: str
    left: Failure | None = None


async def verify(runner: Runner, draft: Draft, before: Run, failure: Failure) -> Verdict:
    """Run what failed again, with `draft` laid over it.

    Raises:
        RunRefused: the draft can't be run.
        SandboxUnavailable: the sandbox has gone.
    """
    target = await asyncio.to_thread(retargeted, before.target, draft)
    after = await runner.run(draft, target)
    return await asyncio.to_thread(judge, before, failure, after)


def judge(before: Run, failure: Failure, after: Run) -> Verdict:
    """Compare two runs of the same target, the second with a draft over the first's text. I/O.

    A failure is the same when its signature is and it stands on the same line, followed through
    the draft's changes.
    """
    wanted = _key(before, failure, after.draft)
    known = {_key(before, each, after.draft) for each in before.failures}
    left = [(each, _key(after, each, None)) for each in after.failures]
    if any(key == wanted for _, key in left):
        return Verdict("same", after, f"It still fails: {failure.title}")
    if after.result.status not in ("passed", "failed"):
        return Verdict("worse", after, f"It ends differently now: {after.result.message}")
    new = next((each for each, key in left if key not in known), None)
    if new is not None:
        return Verdict("moved", after, f"That failure is gone, but now: {new.title}", new)
    if after.result.status == "failed" and not after.failures:
        return Verdict("worse", after, f"It ends differently now: {after.result.message}")
    missing = _test_that_counts_no_more(before, failure, after)
    if missing is not None:
        return Verdict("worse", after, missing)
    return Verdict("fixed", after, after.outcome)


def _key(run: Run, failure: Failure, draft: Draft | None) -> tuple[str, int | None]:
    """The failure's signature and its line, in the draft's text where one is given."""
    if failure.range is None:
        return failure.signature, None
    uri = run.uri_of(failure)
    if draft is None or uri is None:
        return failure.signature, failure.range.start.line
    return failure.signature, followed(failure.range, uri, draft).start.line


def _test_that_counts_no_more(before: Run, failure: Failure, after: Run) -> str | None:
    """A test that no longer runs is not a test that passes."""
    if before.target.kind != "tests":
        return None
    old, new = before.test_outcomes, after.test_outcomes
    if "passed" not in new.values():
        return "No test passes: there is nothing to tell that it is right."
    for name, outcome in old.items():
        ran = name in new or _is_of_none(name, outcome, new)
        if not ran:
            return f"The test {name} is no longer run."
        if outcome != "skipped" and new.get(name) == "skipped":
            return f"The test {name} is skipped now."
    wanted = failure.test_id
    if wanted is not None and new.get(wanted, "passed") != "passed":
        return f"The test {wanted} still does not pass."
    return None


def _is_of_none(name: str, outcome: str, new: Mapping[str, str]) -> bool:
    """Whether it stood for tests that could not be collected, and some of them run now.

    A file, a folder or a class holds tests; a failing `setUpClass` of unittest is named for itself.
    """
    if outcome != "error":
        return False
    if "::" not in name and " " in name:
        return True
    holder = name.removesuffix("/__init__.py")
    return any(each.startswith((f"{holder}::", f"{holder}/")) for each in new)


async def confirmed(runner: Runner, verdict: Verdict, before: Run, failure: Failure) -> Verdict:
    """A verdict "fixed", after the text without the edit has been run again, and the edit.

    A failure that comes and goes by chance, by the time or by the order of things makes any edit
    look right. What is short is repeated a few times; a second chance to be found out is no proof,
    but most such failures are found by it.

    Raises:
        RunRefused: it can't be run any more.
        SandboxUnavailable: the sandbox has gone.
    """
    start = time.monotonic()
    unknown = not _fails_alike(before, before, failure)
    if unknown or before.result.duration > _LONGEST_REPEATED:
        return verdict
    for turn in range(_MOST_REPEATS):
        if turn and time.monotonic() - start > _WHILE:
            break
        unedited = await runner.run(before.draft, before.target)
        if not _fails_alike(unedited, before, failure):
            reason = (
                "The failure comes and goes: run again without any edit, it ended with "
                f"{unedited.outcome}. That the edit passes proves little."
            )
            return replace(verdict, outcome="unsteady", reason=reason)
        if turn:
            edited = await runner.run(verdict.run.draft, verdict.run.target)
            again = await asyncio.to_thread(judge, before, failure, edited)
            if again.outcome != "fixed":
                reason = f"It passed once, but not when it was run again: {again.reason}"
                return replace(verdict, outcome="unsteady", reason=reason)
    return verdict


def _fails_alike(run: Run, before: Run, failure: Failure) -> bool:
    """Whether the failure is there again; what it says may vary."""

    def place(owner: Run, each: Failure) -> tuple[object, ...]:
        line = each.range.start.line if each.range is not None else None
        return each.kind, owner.uri_of(each), line, each.test_id

    return any(place(run, each) == place(before, failure) for each in run.failures)


def observed(run: Run) -> tuple[object, ...]:
    """What can be seen of a run that is the same whenever it does the same thing."""
    files = sorted(
        (each.path, each.change, each.data or b"")
        for each in run.result.files
        if not any(part in _HIDDEN for part in each.path.split("/"))
    )
    failures = sorted(each.signature for each in run.failures)
    if run.target.kind == "tests":  # what a test runner prints has times in it
        return tuple(files), tuple(failures), tuple(sorted(run.test_outcomes.items()))
    printed = run.result.stdout
    return tuple(files), tuple(failures), run.result.exit_code, printed.total, printed.data


def retargeted(target: Target, draft: Draft) -> Target:
    """The same target over the draft's text: a selection moves with the edits around it."""
    if target.range is None or target.uri is None:
        return target
    return replace(target, range=followed(target.range, target.uri, draft))


def followed(place: Range, uri: str, draft: Draft) -> Range:
    """A range over a document's text before the draft edited it, in the draft's text.

    It holds what is left of the text that it held, what was written within, and nothing else that
    was there before. What is written at its border stays outside. Where the draft does not edit
    the document, or leaves none, the range stays as it is.
    """
    change = draft.changed.get(canonical(uri))
    if change is None or change.before is None or change.after is None:
        return place
    old, new, hunks = change.before.text, change.after.text, change.hunks()
    start = _start_after(hunks, old.offset(place.start))
    return new.range(start, max(start, _end_after(hunks, old.offset(place.end))))


def _start_after(hunks: Iterable[Hunk], start: int) -> int:
    """Where a range begins; inside a replaced stretch, as far into what replaces it."""
    shift = 0
    for hunk in hunks:
        if hunk.end <= start:
            shift += len(hunk.text) - (hunk.end - hunk.start)
        elif hunk.start < start:
            return min(start, hunk.start + len(hunk.text)) + shift
    return start + shift


def _end_after(hunks: Iterable[Hunk], end: int) -> int:
    """Where a range ends; inside a replaced stretch, behind all that replaces it."""
    shift = 0
    for hunk in hunks:
        if hunk.start >= end:
            break
        if hunk.end > end:
            return hunk.start + len(hunk.text) + shift
        shift += len(hunk.text) - (hunk.end - hunk.start)
    return end + shift
