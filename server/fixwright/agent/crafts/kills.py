"""Whether tests notice faults: each mutant is run, and what becomes of the tests is looked at."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from fixwright.agent.crafts.mutants import Mutant
    from fixwright.agent.crafts.subject import Subject
    from fixwright.agent.crafts.trials import Trials
    from fixwright.runs.run import Run
    from fixwright.runs.target import Target
    from fixwright.workspace.draft import Draft

MOST_SECONDS = 120.0
"""For all mutants of one set of tests; those that are left then are not run."""
_SHORTEST = 5.0
_SLOWER = 10
"""A mutant that takes so many times what the code takes has been noticed: it does not end."""
_LIMITS = frozenset(("timeout", "memory", "processes", "output", "disk"))


@dataclass
class Kills:
    """What the mutants came to.

    Attributes:
        made: how many there are.
        killed: those at which a test failed that passes without them.
        survived: those that no test noticed.
        unbuilt: those at which no test ran: they do not compile, and say nothing.
        shown: the run of the first that was killed.
    """

    made: int
    killed: list[Mutant] = field(default_factory=list["Mutant"])
    survived: list[Mutant] = field(default_factory=list["Mutant"])
    unbuilt: list[Mutant] = field(default_factory=list["Mutant"])
    shown: Run | None = None

    @property
    def ran(self) -> int:
        """How many were run and could have been noticed."""
        return len(self.killed) + len(self.survived)

    @property
    def sentence(self) -> str:
        """The figures."""
        parts = [f"{len(self.killed)} of {self.ran} mutants killed"]
        if self.unbuilt:
            parts.append(f"{len(self.unbuilt)} more did not build")
        left = self.made - self.ran - len(self.unbuilt)
        if left > 0:
            parts.append(f"{left} more were not run, for want of time")
        if self.survived:
            parts.append(f"survived: {'; '.join(each.title for each in self.survived)}")
        return ", ".join(parts)


async def kills_of(
    trials: Trials,
    draft: Draft,
    uri: str,
    mutants: Sequence[Mutant],
    before: Run,
    tests: Collection[str],
    *,
    one: bool = False,
) -> Kills:
    """Run tests over each mutant.

    Args:
        trials: runs them.
        draft: the text that the mutants were made for, with the tests.
        uri: the document with the code.
        mutants: the faults.
        before: the run without a fault; what it ran is run.
        tests: the ids of those tests that count; they passed.
        one: whether the first that is killed is enough.

    Raises:
        Refused: nothing can be run any more.
    """
    found = Kills(len(mutants))
    seconds = max(_SHORTEST, before.result.duration * _SLOWER)
    start = time.monotonic()
    for mutant in mutants:
        if time.monotonic() - start > MOST_SECONDS or (one and found.killed):
            break
        run = await trials.run(mutant.over(draft, uri), before.target, seconds)
        match noticed(run, tests):
            case "killed":
                found.killed.append(mutant)
                found.shown = found.shown or run
            case "survived":
                found.survived.append(mutant)
            case "unbuilt":
                found.unbuilt.append(mutant)
    return found


def noticed(run: Run, tests: Collection[str]) -> Literal["killed", "survived", "unbuilt"]:
    """What a mutant's run says, by those tests that passed without it."""
    outcomes = run.test_outcomes
    if any(outcomes.get(test) in ("failed", "error") for test in tests):
        return "killed"
    if run.result.status in _LIMITS or run.result.signal is not None:
        return "killed"
    return "survived" if any(test in outcomes for test in tests) else "unbuilt"


async def looks_at_text(
    trials: Trials, draft: Draft, subject: Subject, target: Target, tests: Collection[str]
) -> bool:
    """Whether tests fail at a change that changes nothing: then they test how the code is written.

    A blank is put behind the code's first line, and a blank line at the end of the file.
    """
    text = draft.document(subject.uri).text
    line = subject.place(draft).start.line
    end = text.position(len(text.value))
    changed = draft.edit(subject.uri, Range(end, end), "\n")
    if not text.line(line).endswith("\\"):
        column = len(text.line(line))
        place = Position(line, column)
        changed = changed.edit(subject.uri, Range(place, place), " ")
    return noticed(await trials.run(changed, target), tests) != "survived"
