"""Measuring two versions of some code by the same program, in turns, in the same environment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from fixwright.agent.crafts.figures import LEAST_GAIN, Comparison
from fixwright.agent.tools.spec import Refused
from fixwright.fix.verify import observed
from fixwright.runs.target import Target
from fixwright.workspace.draft_change import DraftError
from fixwright.workspace.paths import path_to_uri

if TYPE_CHECKING:
    from fixwright.agent.crafts.subject import Subject
    from fixwright.agent.crafts.trials import Trials
    from fixwright.runs.run import Run
    from fixwright.workspace.draft import Draft

PAIRS = 9
SHORTEST = 0.1
"""Seconds that the program takes before the edit, at least: what is shorter is mostly noise."""
LONGEST = 10.0
LEAST_COMPUTING = 0.05
"""Seconds of processor time before the edit; a program with less of it has waited."""
_NAME = "fixwright_benchmark"
_BESIDE = frozenset(("c", "cpp", "go", "java"))
"""Where a program has to lie beside the code to use it."""
WHERE = {
    "go": "a test file of the code's package with one `func TestFixwrightBenchmark(t *testing.T)`",
    "java": "a class FixwrightBenchmark with a main, in the code's package",
    "rust": "a program in examples/, which uses the crate by its name",
    "c": "a program with a main, in the folder of the code; include the code's file",
    "cpp": "a program with a main, in the folder of the code; include the code's file",
}
"""What a benchmark is, where it is no script in the folder's root."""


@dataclass(frozen=True)
class Measured:
    """What the pairs came to; `computing` is processor time, None where it is not measured."""

    wall: Comparison
    computing: Comparison | None
    before: Run
    after: Run

    @property
    def sentence(self) -> str:
        """The figures."""
        if self.computing is None:
            return self.wall.sentence
        return f"{self.wall.sentence}; processor time {self.computing.sentence}"


@dataclass(frozen=True)
class Benchmark:
    """A program over the code, as a file that only these runs have."""

    uri: str
    code: str
    target: Target

    def over(self, draft: Draft) -> Draft:
        """The draft with the program in it.

        Raises:
            Refused: its name is taken.
        """
        try:
            return draft.create(self.uri, self.code)
        except DraftError as error:
            raise Refused(f"The benchmark can't be put there: {error}") from error


def benchmark_for(draft: Draft, subject: Subject, code: str) -> Benchmark:
    """The program for some code in the code's language.

    Raises:
        Refused: the code lies in no folder.
    """
    folder, path = draft.folder_of(subject.uri), draft.base.relative(subject.uri)
    if folder is None or path is None:
        raise Refused("The code lies in no open folder, so no benchmark can be put beside it.")
    name, pure = subject.language.name, PurePosixPath(path)
    inside = PurePosixPath(f"{_NAME}{pure.suffix}")
    if name in _BESIDE:
        inside = pure.parent / inside
    match name:
        case "go":
            inside = pure.parent / f"{_NAME}_test.go"
        case "java":
            inside = pure.parent / "FixwrightBenchmark.java"
        case "rust":
            inside = PurePosixPath("examples", f"{_NAME}.rs")
        case _:
            pass
    uri = path_to_uri(folder.path / inside)
    target = Target("file", uri)
    if name == "go":
        target = Target("tests", uri, test_ids=(f"{inside}::TestFixwrightBenchmark",))
    return Benchmark(uri, code, target)


async def measured(trials: Trials, before: Draft, after: Draft, benchmark: Benchmark) -> Measured:
    """Run the program over both, in turns; the first run of each only warms up.

    Raises:
        Refused: it does not run, does not do the same over both, or takes too little or too much
            time; the sentence is for the model.
    """
    old, new = benchmark.over(before), benchmark.over(after)
    first = await trials.run(old, benchmark.target)
    _check(first, "before the edit")
    if first.result.duration > LONGEST:
        raise Refused(f"The benchmark takes more than {LONGEST:.0f} s. Do less in it.")
    second = await trials.run(new, benchmark.target)
    _check(second, "with the edit")
    pairs: list[tuple[Run, Run]] = []
    for number in range(PAIRS):
        turn = [await trials.run(each, benchmark.target) for each in _turn(old, new, number)]
        one, other = turn if number % 2 == 0 else turn[::-1]
        _check_same(one, other, first)
        pairs.append((one, other))
    wall = Comparison(
        tuple(one.result.duration for one, _ in pairs),
        tuple(other.result.duration for _, other in pairs),
    )
    if min(wall.before) < SHORTEST:
        raise Refused(
            f"The benchmark takes {min(wall.before) * 1000:.0f} ms before the edit, and has to take"
            f" {SHORTEST * 1000:.0f} ms at least to say anything. Repeat the calls more often."
        )
    return Measured(wall, _computing(pairs), *pairs[-1])


def no_gain(figures: Measured) -> str | None:
    """Why the figures show no gain; None where they do."""
    if not figures.wall.is_gain:
        return (
            f"The benchmark shows no gain of more than {LEAST_GAIN:.0%}: {figures.sentence}."
            " Measure what is slow, or find something better."
        )
    computing = figures.computing
    if computing is None:
        return None
    if min(computing.before) < LEAST_COMPUTING or not computing.is_gain:
        return (
            f"It only waits less, and computes as much as before: {figures.sentence}. An"
            " optimisation has to save work."
        )
    return None


def _turn(old: Draft, new: Draft, number: int) -> tuple[Draft, Draft]:
    """Who goes first changes, so that what drifts touches both alike."""
    return (old, new) if number % 2 == 0 else (new, old)


def _computing(pairs: list[tuple[Run, Run]]) -> Comparison | None:
    before = [_processor(one) for one, _ in pairs]
    after = [_processor(other) for _, other in pairs]
    known = [each for each in (*before, *after) if each is not None]
    if len(known) < 2 * len(pairs):
        return None
    return Comparison(tuple(known[: len(pairs)]), tuple(known[len(pairs) :]))


def _processor(run: Run) -> float | None:
    user, system = run.result.cpu_user, run.result.cpu_system
    return None if user is None or system is None else user + system


def _check(run: Run, when: str) -> None:
    if not run.passed:
        said = run.result.stderr.data.decode("utf-8", "replace").strip()[-1500:]
        raise Refused(f"The benchmark fails {when}: {run.outcome}\n{said}")


def _check_same(one: Run, other: Run, first: Run) -> None:
    _check(one, "before the edit")
    _check(other, "with the edit")
    if observed(one) != observed(first):
        raise Refused("The benchmark prints something else each time. Print results only.")
    if observed(one) != observed(other):
        raise Refused("The benchmark gives another result with the edit: it changes what is done.")
