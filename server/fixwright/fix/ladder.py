"""The ladder: rules, rules upon rules, then a model. A candidate counts when it was run."""

from __future__ import annotations

import asyncio
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace

from fixwright.failures.model import Failure
from fixwright.fix.fix import Fix
from fixwright.fix.model import ModelRung
from fixwright.fix.problem import Candidate, Problem, RuleContext
from fixwright.fix.rules import candidates
from fixwright.fix.verify import Verdict, retargeted, verify
from fixwright.index.definitions import Definitions
from fixwright.runs.run import Run
from fixwright.runs.runner import Runner
from fixwright.runs.target import Target
from fixwright.workspace.draft import Draft
from fixwright.workspace.snapshot import Snapshot

log = logging.getLogger(__name__)

MAX_RUNS = 16
"""Candidates of rules that are run for one fix."""
MAX_DEPTH = 4
"""Rules applied on top of each other: a file with several mistakes needs one for each."""

Narrate = Callable[[str], None]
FindDefinitions = Callable[[Snapshot], Awaitable[Definitions]]


@dataclass(order=True)
class _Step:
    """A place in the search: a draft, and the problem that is left in it."""

    depth: int
    order: int
    draft: Draft = field(compare=False)
    problem: Problem = field(compare=False)
    titles: tuple[str, ...] = field(compare=False)


@dataclass(frozen=True)
class _Attempt:
    """A candidate that was run."""

    draft: Draft
    titles: tuple[str, ...]
    verdict: Verdict

    @property
    def title(self) -> str:
        return "; ".join(self.titles)


@dataclass
class Ladder:
    """Finds verified fixes. `model` is None where no model is to be asked."""

    runner: Runner
    definitions: FindDefinitions
    model: ModelRung | None = None

    async def fix(self, snapshot: Snapshot, problem: Problem, narrate: Narrate) -> Fix:
        """The first verified fix, else the best unverified one, else why there is none.

        Raises:
            RunRefused: what fails can't be run.
            SandboxUnavailable: no sandbox can be had.
            ModelError: the model that was to be asked gave no usable answer.
        """
        narrate("running it")
        before = await self._before(snapshot, problem)
        found = self._located(problem, before)
        if found is None:
            return await self._without_evidence(snapshot, problem, before)
        fix = await self._climb(snapshot, found, before, narrate)
        return replace(fix, failure=found.failure)

    async def again(self, fix: Fix, snapshot: Snapshot) -> Fix:
        """A verified fix over newer text, proven anew for it: what failed is run, then the edit.

        Raises:
            DraftConflict: the user changed what the fix changes.
        """
        draft = await asyncio.to_thread(fix.draft.rebase, snapshot)
        wanted = fix.failure
        if fix.status != "verified" or wanted is None:
            return replace(fix, draft=draft)
        target = await asyncio.to_thread(_moved_target, fix.before, snapshot)
        before = await self.runner.run(snapshot, target)
        failure = next((e for e in before.failures if e.signature == wanted.signature), None)
        if failure is None:
            reason = f"The text was edited meanwhile, and that failure is gone: {before.outcome}."
            return replace(fix, status="unverified", reason=reason, draft=draft, before=before)
        verdict = await verify(self.runner, draft, before, failure)
        again = replace(fix, draft=draft, before=before, after=verdict.run, failure=failure)
        if verdict.outcome == "fixed":
            return again
        return replace(again, status="unverified", reason=verdict.reason)

    async def _climb(
        self, snapshot: Snapshot, problem: Problem, before: Run, narrate: Narrate
    ) -> Fix:
        """Rung by rung, until one gives a verified fix."""
        attempts = await self._by_rules(snapshot, problem, before, narrate)
        if attempts and attempts[-1].verdict.outcome == "fixed":
            return _verified(attempts[-1], before, len(attempts))
        tried = len(attempts)
        if self.model is not None:
            answer = await self.model.fix(snapshot, problem, before, narrate)
            tried += answer.attempts
            if answer.status == "verified":
                return replace(answer, attempts=tried)
            if not attempts:
                return answer
        return _best(attempts, before, tried, asked_model=self.model is not None)

    async def by_rules(self, run: Run, failure: Failure) -> Fix | None:
        """The verified fix that rules find for a failure of a finished run, if any."""
        problem = problem_of(run, failure)
        if problem is None:
            return None
        attempts = await self._by_rules(run.snapshot, problem, run, lambda _: None)
        if attempts and attempts[-1].verdict.outcome == "fixed":
            return replace(_verified(attempts[-1], run, len(attempts)), failure=failure)
        return None

    # ---- before ------------------------------------------------------------------------

    async def _before(self, snapshot: Snapshot, problem: Problem) -> Run:
        """A failing run of the text as it is now: the known one if nothing changed since."""
        run = problem.run
        if run is not None and run.snapshot is snapshot and run.draft.is_empty:
            return run
        target = run.target if run is not None else Target("file", problem.uri)
        if run is not None:
            target = await asyncio.to_thread(_moved_target, run, snapshot)
        return await self.runner.run(snapshot, target)

    def _located(self, problem: Problem, before: Run) -> Problem | None:
        """The problem with the failure of the present run that it is about."""
        wanted = problem.failure
        for failure in before.failures:
            same = wanted is not None and failure.signature == wanted.signature
            there = wanted is None and _at_same_line(before, failure, problem)
            if same or there:
                return problem_of(before, failure) or replace(problem, failure=failure, run=before)
        if wanted is not None and before.failures:
            return problem_of(before, before.failures[0])
        return None

    async def _without_evidence(self, snapshot: Snapshot, problem: Problem, before: Run) -> Fix:
        """Nothing fails in a run at that place: what a rule says can be offered, not verified."""
        if problem.failure is not None:
            reason = f"It does not fail any more: {before.outcome}."
            return Fix("none", problem.message, reason, None, Draft.over(snapshot), before, None, 0)
        for candidate in await self._candidates(snapshot, problem):
            verdict = await verify(self.runner, candidate.draft, before, _nothing(problem))
            harmless = verdict.run.passed or verdict.run.outcome == before.outcome
            if harmless:
                reason = "A run does not reach this place, so the edit could not be proven."
                return Fix(
                    "unverified", candidate.title, reason, "rule", candidate.draft, before,
                    verdict.run, 1,
                )  # fmt: skip
        if self.model is not None:
            return await self.model.fix(snapshot, problem, before, lambda _: None)
        reason = "No rule knows a fix for this, and no model is set up (model.provider)."
        return Fix("none", problem.message, reason, None, Draft.over(snapshot), before, None, 0)

    # ---- rules -------------------------------------------------------------------------

    async def _by_rules(
        self, snapshot: Snapshot, problem: Problem, before: Run, narrate: Narrate
    ) -> list[_Attempt]:
        """Run candidates, and those for what is left after them; the last is the fix, if any is."""
        attempts: list[_Attempt] = []
        numbers = itertools.count()
        frontier = [_Step(0, next(numbers), Draft.over(snapshot), problem, ())]
        while frontier and len(attempts) < MAX_RUNS:
            step = heapq.heappop(frontier)
            assert step.problem.failure is not None
            for candidate in await self._candidates(_with(snapshot, step.draft), step.problem):
                if len(attempts) >= MAX_RUNS:
                    break
                narrate(f"trying: {candidate.title}")
                draft = await asyncio.to_thread(_composed, step.draft, candidate.draft)
                titles = (*step.titles, candidate.title)
                verdict = await verify(
                    self.runner, draft, before, problem.failure or _nothing(problem)
                )
                attempts.append(_Attempt(draft, titles, verdict))
                if verdict.outcome == "fixed":
                    return attempts
                rest = _what_is_left(verdict)
                if rest is not None and step.depth + 1 < MAX_DEPTH:
                    heapq.heappush(
                        frontier, _Step(step.depth + 1, next(numbers), draft, rest, titles)
                    )
        return attempts

    async def _candidates(self, snapshot: Snapshot, problem: Problem) -> tuple[Candidate, ...]:
        definitions = await self.definitions(snapshot)

        def look() -> tuple[Candidate, ...]:
            document = snapshot.document(problem.uri)
            return candidates(RuleContext(snapshot, problem, document, definitions))

        return await asyncio.to_thread(look)


def problem_of(run: Run, failure: Failure) -> Problem | None:
    """A failure of a run as a problem of the document that it points into."""
    uri = run.uri_of(failure)
    if uri is None or failure.range is None:
        return None
    return Problem(
        uri=uri, range=failure.range, message=failure.message, code=failure.kind,
        source="fixwright", failure=failure, run=run,
    )  # fmt: skip


def _what_is_left(verdict: Verdict) -> Problem | None:
    """After a candidate that moved on to another failure: that failure."""
    return problem_of(verdict.run, verdict.left) if verdict.left is not None else None


def _moved_target(run: Run, snapshot: Snapshot) -> Target:
    """A selection of older text, where the same code is now."""
    target = run.target
    if target.uri is None or target.range is None:
        return target
    old = run.snapshot.document(target.uri).text
    new = snapshot.document(target.uri).text
    if old.value == new.value:
        return target
    return retargeted(target, Draft.over(run.snapshot).write(target.uri, new.value))


def _at_same_line(run: Run, failure: Failure, problem: Problem) -> bool:
    return (
        failure.range is not None
        and run.uri_of(failure) == problem.uri
        and failure.range.start.line <= problem.range.end.line
        and problem.range.start.line <= failure.range.end.line
    )


def _with(snapshot: Snapshot, draft: Draft) -> Snapshot:
    """The workspace as it would be with the draft applied."""
    for change in draft.changed.values():
        if change.after is not None:
            after = change.after
            snapshot = snapshot.open(replace(after, version=after.version or 0))
    return snapshot


def _composed(first: Draft, second: Draft) -> Draft:
    """Both drafts over the base of the first."""
    for change in second.changed.values():
        first = first.write(change.uri, second.text(change.uri))
    return first


def _nothing(problem: Problem) -> Failure:
    """Stands for a problem that no run has shown."""
    return Failure(kind=problem.code or "problem", message=problem.message, path=None, range=None)


def _verified(attempt: _Attempt, before: Run, attempts: int) -> Fix:
    rung = "rule" if len(attempt.titles) == 1 else "search"
    return Fix(
        "verified", attempt.title, None, rung, attempt.draft, before, attempt.verdict.run, attempts
    )


def _best(attempts: list[_Attempt], before: Run, tried: int, *, asked_model: bool) -> Fix:
    """Nothing was verified: the edit that got furthest, or none."""
    moved = [attempt for attempt in attempts if attempt.verdict.outcome == "moved"]
    if moved:
        best = moved[-1]
        return Fix(
            "unverified", best.title, best.verdict.reason, "rule", best.draft, before,
            best.verdict.run, tried,
        )  # fmt: skip
    hint = "" if asked_model else " No model is set up (model.provider) that could be asked."
    reason = (
        f"{tried} edits were run, and none made it pass.{hint}"
        if tried
        else f"No rule knows a fix for this.{hint}"
    )
    title = before.failures[0].title if before.failures else before.outcome
    return Fix("none", title, reason, None, Draft.over(before.snapshot), before, None, tried)
