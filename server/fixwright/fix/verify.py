"""Judging an edit by running it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Literal

from fixwright.failures.model import Failure
from fixwright.runs.run import Run
from fixwright.runs.runner import Runner
from fixwright.runs.target import Target
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import canonical
from fixwright.workspace.position import Range


@dataclass(frozen=True)
class Verdict:
    """What a run says about an edit.

    fixed: the failure is gone and no new one came. moved: the failure is gone, another came, which
    is `left`. same: it is still there. worse: the run no longer comes to an end of its own.
    """

    outcome: Literal["fixed", "moved", "same", "worse"]
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
    if after.result.status not in ("passed", "failed"):
        return Verdict("worse", after, f"It ends differently now: {after.result.message}")
    wanted = _key(before, failure, after.draft)
    known = {_key(before, each, after.draft) for each in before.failures}
    left = [(each, _key(after, each, None)) for each in after.failures]
    if any(key == wanted for _, key in left):
        return Verdict("same", after, f"It still fails: {failure.title}")
    new = next((each for each, key in left if key not in known), None)
    if new is not None:
        return Verdict("moved", after, f"That failure is gone, but now: {new.title}", new)
    if after.result.status == "failed" and not after.failures:
        return Verdict("worse", after, f"It ends differently now: {after.result.message}")
    if _fewer_tests(before, after):
        return Verdict("worse", after, "Fewer tests ran than before.")
    return Verdict("fixed", after, after.outcome)


def _key(run: Run, failure: Failure, draft: Draft | None) -> tuple[str, int | None]:
    """The failure's signature and its line, in the draft's text where one is given."""
    if failure.range is None:
        return failure.signature, None
    uri = run.uri_of(failure)
    if draft is None or uri is None or canonical(uri) not in draft.changed:
        return failure.signature, failure.range.start.line
    return failure.signature, followed(failure.range, uri, draft).start.line


def _fewer_tests(before: Run, after: Run) -> bool:
    """A test that no longer runs is not a test that passes."""
    if before.tests is None:
        return False
    if after.tests is None:
        return True
    old, new = before.tests, after.tests
    return new.passed + new.failed < old.passed + old.failed or new.skipped > old.skipped


def retargeted(target: Target, draft: Draft) -> Target:
    """The same target over the draft's text: a selection moves with the edits around it. I/O."""
    if target.range is None or target.uri is None or canonical(target.uri) not in draft.changed:
        return target
    return replace(target, range=followed(target.range, target.uri, draft))


def followed(place: Range, uri: str, draft: Draft) -> Range:
    """A range over the base's text of a document, in the draft's text; edits inside it widen it."""
    base = draft.base.document(uri).text
    start, end = base.offset(place.start), base.offset(place.end)
    new_start, new_end = start, end
    for change in draft.changes(uri):
        low, high = base.offset(change.range.start), base.offset(change.range.end)
        grown = len(change.text) - (high - low)
        if high <= start:
            new_start += grown
            new_end += grown
        elif low < end:
            new_end += grown
    text = draft.document(uri).text
    return Range(text.position(new_start), text.position(max(new_start, new_end)))
