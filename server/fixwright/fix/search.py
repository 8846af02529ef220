"""Rules, and rules upon rules: candidates are run until one passes that has no equal rival."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace

from fixwright.failures.model import Failure
from fixwright.fix.problem import Candidate, Problem, problem_of
from fixwright.fix.verify import Verdict, confirmed, observed, verify
from fixwright.runs.run import Run
from fixwright.runs.runner import Runner
from fixwright.workspace.draft import Draft
from fixwright.workspace.snapshot import Snapshot

MAX_RUNS = 16
"""Candidates of rules that are run for one fix."""
MAX_DEPTH = 4
"""Rules applied on top of each other: a file with several mistakes needs one for each."""

Narrate = Callable[[str], None]
FindCandidates = Callable[[Snapshot, Problem], Awaitable[tuple[Candidate, ...]]]


@dataclass(frozen=True)
class Attempt:
    """A candidate that was run, perhaps upon others.

    `distance` and `caveat` are those of its candidates together; see `Candidate`.
    """

    draft: Draft
    titles: tuple[str, ...]
    verdict: Verdict
    distance: float = 0.0
    caveat: str | None = None

    @property
    def title(self) -> str:
        """What it does, as a quick fix's title."""
        return "; ".join(self.titles)

    @property
    def passes(self) -> bool:
        """Whether its run did."""
        return self.verdict.outcome == "fixed"


@dataclass(frozen=True)
class Found:
    """What came of the search.

    Attributes:
        tried: how many candidates were run.
        best: the one that passes, else the one that got furthest; None where none got anywhere.
        doubt: why `best` proves nothing, as a sentence; None where it is proven.
        lacking: why rules may have known too little, as a sentence.
    """

    tried: int
    best: Attempt | None
    doubt: str | None
    lacking: str | None = None

    @property
    def is_proven(self) -> bool:
        """Whether the best is a verified fix."""
        return self.best is not None and self.doubt is None


@dataclass(order=True)
class _Step:
    """A place in the search: an attempt, and the problem that is left after it."""

    depth: int
    order: int
    attempt: Attempt = field(compare=False)
    problem: Problem = field(compare=False)


class Search:
    """One search for one failure of `before`, a run of `snapshot`."""

    def __init__(self, runner: Runner, find: FindCandidates, before: Run, failure: Failure) -> None:
        self._runner = runner
        self._find = find
        self._before = before
        self._failure = failure
        self._numbers = itertools.count()
        self._attempts: list[Attempt] = []

    async def search(self, snapshot: Snapshot, problem: Problem, narrate: Narrate) -> Found:
        """Run candidates, and those for what is left after them, the nearest first.

        When one passes, those that are no more far-fetched are run, too: where another passes and
        does something else, nobody can tell from a run which was meant.
        """
        start = Attempt(Draft.over(snapshot), (), Verdict("same", self._before, ""))
        frontier = [_Step(0, next(self._numbers), start, problem)]
        while frontier and len(self._attempts) < MAX_RUNS:
            step = heapq.heappop(frontier)
            if self._is_decided(step.depth):
                break
            base = _with(snapshot, step.attempt.draft)
            for candidate in await self._find(base, step.problem):
                if len(self._attempts) == MAX_RUNS:
                    break
                if self._is_beyond(step, candidate):
                    continue
                narrate(f"trying: {candidate.title}")
                attempt = await self._run(step, candidate)
                left = attempt.verdict.left
                rest = problem_of(attempt.verdict.run, left) if left is not None else None
                if rest is not None and step.depth + 1 < MAX_DEPTH:
                    number = next(self._numbers)
                    heapq.heappush(frontier, _Step(step.depth + 1, number, attempt, rest))
        return await self._found(narrate)

    def _passing(self) -> Iterator[Attempt]:
        return (attempt for attempt in self._attempts if attempt.passes)

    @property
    def _winner(self) -> Attempt | None:
        """Of those that pass and take nothing on trust, the least far-fetched."""
        trusted = (attempt for attempt in self._passing() if attempt.caveat is None)
        return min(trusted, key=lambda attempt: attempt.distance, default=None)

    def _rival_of(self, winner: Attempt) -> Attempt | None:
        """One that is as near, passes, and does something else."""
        done = observed(winner.verdict.run)
        for attempt in self._passing():
            near = attempt.caveat is None and attempt.distance <= winner.distance
            if near and observed(attempt.verdict.run) != done:
                return attempt
        return None

    def _is_decided(self, depth: int) -> bool:
        """Whether something passes that is simpler than what would come at this depth."""
        return any(len(attempt.titles) <= depth for attempt in self._passing())

    def _is_beyond(self, step: _Step, candidate: Candidate) -> bool:
        """Whether a candidate is no rival of the one that passes."""
        winner = self._winner
        if winner is None:
            return False
        further = step.attempt.distance + candidate.distance > winner.distance
        return further or bool(step.attempt.caveat or candidate.caveat)

    async def _run(self, step: _Step, candidate: Candidate) -> Attempt:
        draft = await asyncio.to_thread(_composed, step.attempt.draft, candidate.draft)
        attempt = Attempt(
            draft,
            (*step.attempt.titles, candidate.title),
            await verify(self._runner, draft, self._before, self._failure),
            step.attempt.distance + candidate.distance,
            step.attempt.caveat or candidate.caveat,
        )
        self._attempts.append(attempt)
        return attempt

    async def _found(self, narrate: Narrate) -> Found:
        tried, winner = len(self._attempts), self._winner
        rival = self._rival_of(winner) if winner is not None else None
        if rival is not None:
            doubt = f"Another edit passes as well, and does something else: {rival.title}."
            return Found(tried, winner, doubt)
        if winner is not None:
            narrate("running it again without the edit")
            verdict = await confirmed(self._runner, winner.verdict, self._before, self._failure)
            doubt = None if verdict.outcome == "fixed" else verdict.reason
            return Found(tried, replace(winner, verdict=verdict), doubt)
        for attempt in self._passing():
            return Found(tried, attempt, attempt.caveat)
        moved = [attempt for attempt in self._attempts if attempt.verdict.outcome == "moved"]
        return (
            Found(tried, moved[-1], moved[-1].verdict.reason) if moved else Found(tried, None, None)
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
