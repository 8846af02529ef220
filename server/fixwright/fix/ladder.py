"""The ladder: rules, rules upon rules, then a model. A candidate counts when it was run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from fixwright.failures.model import Failure
from fixwright.fix.definitions import Definitions
from fixwright.fix.fix import Fix
from fixwright.fix.model import ModelRung
from fixwright.fix.problem import Candidate, Problem, RuleContext, problem_of
from fixwright.fix.rules import candidates
from fixwright.fix.search import Found, Narrate, Search
from fixwright.fix.verify import followed, verify
from fixwright.runs.run import Run
from fixwright.runs.runner import Runner
from fixwright.runs.target import Target
from fixwright.workspace.draft import Draft
from fixwright.workspace.position import Range
from fixwright.workspace.snapshot import Snapshot

_NOT_REACHED = "A run does not reach this place, so the edit could not be proven."

FindDefinitions = Callable[[Snapshot, str], Definitions]
"""Called on the event loop: the definitions of a snapshot, those near a document first."""


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
        found = await asyncio.to_thread(_located, problem, before)
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
        alike = [each for each in before.failures if each.signature == wanted.signature]
        failure = await asyncio.to_thread(_nearest, alike, wanted, fix.before, before)
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
        found = await self._search(snapshot, problem, before, narrate)
        if found.is_proven or _is_unsteady(found):
            return _fix_of(found, problem, before)
        if self.model is None:
            return _fix_of(found, problem, before, asked_model=False)
        answer = await self.model.fix(snapshot, problem, before, narrate)
        tried = found.tried + answer.attempts
        if answer.status == "verified" or found.best is None:
            return replace(answer, attempts=tried)
        spent = {"usage": answer.usage, "cost_usd": answer.cost_usd}
        return replace(_fix_of(found, problem, before), attempts=tried, **spent)

    async def by_rules(self, run: Run, failure: Failure) -> Fix | None:
        """The verified fix that rules find for a failure of a finished run, if any."""
        problem = problem_of(run, failure)
        if problem is None:
            return None
        found = await self._search(run.snapshot, problem, run, lambda _: None)
        return replace(_fix_of(found, problem, run), failure=failure) if found.is_proven else None

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

    async def _without_evidence(self, snapshot: Snapshot, problem: Problem, before: Run) -> Fix:
        """Nothing fails in a run at that place: what a rule says can be offered, not verified."""
        if problem.failure is not None:
            reason = f"It does not fail any more: {before.outcome}."
            return Fix("none", problem.message, reason, None, Draft.over(snapshot), before, None, 0)
        tried = 0
        doubts: list[str] = []
        for candidate in await self._candidates(snapshot, problem, doubts):
            tried += 1
            verdict = await verify(self.runner, candidate.draft, before, _nothing(problem))
            harmless = verdict.run.passed or verdict.run.outcome == before.outcome
            if harmless:
                return Fix(
                    "unverified", candidate.title, _NOT_REACHED, "rule", candidate.draft, before,
                    verdict.run, tried,
                )  # fmt: skip
        if self.model is not None:
            fix = await self.model.fix(snapshot, problem, before, lambda _: None)
            if fix.status == "verified":  # it passes, but so it did before
                fix = replace(fix, status="unverified", reason=_NOT_REACHED)
            return replace(fix, attempts=tried + fix.attempts)
        reason = "No rule knows a fix for this, and no model is set up (model.provider)."
        reason = " ".join([reason, *doubts[:1]])
        return Fix("none", problem.message, reason, None, Draft.over(snapshot), before, None, tried)

    # ---- rules -------------------------------------------------------------------------

    async def _search(
        self, snapshot: Snapshot, problem: Problem, before: Run, narrate: Narrate
    ) -> Found:
        failure = problem.failure or _nothing(problem)
        doubts: list[str] = []

        async def find(snapshot: Snapshot, problem: Problem) -> tuple[Candidate, ...]:
            return await self._candidates(snapshot, problem, doubts)

        found = await Search(self.runner, find, before, failure).search(snapshot, problem, narrate)
        return replace(found, lacking=doubts[0] if doubts else None)

    async def _candidates(
        self, snapshot: Snapshot, problem: Problem, doubts: list[str]
    ) -> tuple[Candidate, ...]:
        """What rules propose; `doubts` are told why that may be too little."""
        definitions = self.definitions(snapshot, problem.uri)

        def look() -> tuple[Candidate, ...]:
            document = snapshot.document(problem.uri)
            return candidates(RuleContext(snapshot, problem, document, definitions))

        found = await asyncio.to_thread(look)
        if definitions.doubt is not None:
            doubts.append(definitions.doubt)
        return found


def _located(problem: Problem, before: Run) -> Problem | None:
    """The problem with the failure of the present run that it is about. I/O.

    Where the very failure is gone it is what its test fails with now, or what fails first; None
    where its test does not fail.
    """
    wanted = problem.failure
    if wanted is None:
        alike = [each for each in before.failures if _at_same_line(before, each, problem)]
        failure = alike[0] if alike else None
    else:
        name = wanted.test_id
        alike = [each for each in before.failures if each.signature == wanted.signature]
        if not alike and name is not None:
            alike = [each for each in before.failures if each.test_id == name]
        if not alike and (name is None or before.test_outcomes.get(name) is None):
            alike = list(before.failures[:1])
        failure = _nearest(alike, wanted, problem.run, before)
    if failure is None:
        return None
    return problem_of(before, failure) or replace(problem, failure=failure, run=before)


def _nearest(
    alike: Sequence[Failure], wanted: Failure, old: Run | None, new: Run
) -> Failure | None:
    """Of failures of the run `new`, the one nearest to where that of the run `old` is now. I/O."""
    uri = old.uri_of(wanted) if old is not None else None
    if len(alike) <= 1 or wanted.range is None or old is None or uri is None:
        return alike[0] if alike else None
    line = _moved(wanted.range, uri, old.snapshot, new.snapshot).start.line

    def distance(failure: Failure) -> tuple[bool, int]:
        if failure.range is None or new.uri_of(failure) != uri:
            return True, 0
        return False, abs(failure.range.start.line - line)

    return min(alike, key=distance)


def _moved(place: Range, uri: str, old: Snapshot, new: Snapshot) -> Range:
    """A place in a document of older text, where the same text is now. I/O."""
    text = new.document(uri).text.value
    if old.document(uri).text.value == text:
        return place
    return followed(place, uri, Draft.over(old).write(uri, text))


def _moved_target(run: Run, snapshot: Snapshot) -> Target:
    """A selection of older text, where the same code is now."""
    target = run.target
    if target.uri is None or target.range is None:
        return target
    return replace(target, range=_moved(target.range, target.uri, run.snapshot, snapshot))


def _at_same_line(run: Run, failure: Failure, problem: Problem) -> bool:
    return (
        failure.range is not None
        and run.uri_of(failure) == problem.uri
        and failure.range.start.line <= problem.range.end.line
        and problem.range.start.line <= failure.range.end.line
    )


def _nothing(problem: Problem) -> Failure:
    """Stands for a problem that no run has shown."""
    return Failure(kind=problem.code or "problem", message=problem.message, path=None, range=None)


def _is_unsteady(found: Found) -> bool:
    """Whether the failure comes and goes, so that nobody's edit can be proven."""
    return found.best is not None and found.best.verdict.outcome == "unsteady"


def _fix_of(found: Found, problem: Problem, before: Run, *, asked_model: bool = True) -> Fix:
    """What rules found, with its evidence."""
    best = found.best
    if best is not None:
        return Fix(
            "verified" if found.is_proven else "unverified", best.title, found.doubt,
            "rule" if len(best.titles) == 1 else "search", best.draft, before, best.verdict.run,
            found.tried,
        )  # fmt: skip
    hint = "" if asked_model else " No model is set up (model.provider) that could be asked."
    reason = (
        f"{_edits(found.tried)} run, and none made it pass.{hint}"
        if found.tried
        else f"No rule knows a fix for this.{hint}"
    )
    if found.lacking is not None:
        reason = f"{reason} {found.lacking}"
    title = problem.failure.title if problem.failure else problem.message
    return Fix("none", title, reason, None, Draft.over(before.snapshot), before, None, found.tried)


def _edits(number: int) -> str:
    return "One edit was" if number == 1 else f"{number} edits were"
