"""`propose_optimisation`: an edit that leaves the tests passing and is measurably faster."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field

from fixwright.agent.crafts.benchmark import Measured, benchmark_for, measured, no_gain
from fixwright.agent.crafts.kills import kills_of
from fixwright.agent.crafts.propose_tests import ATTEMPTS, mutants_here
from fixwright.agent.crafts.related import related_tests
from fixwright.agent.crafts.straight import not_straight
from fixwright.agent.crafts.trials import Hopeless
from fixwright.agent.edits.apply import apply_edits
from fixwright.agent.edits.model import Refusal, TextEdit
from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.shown import shown_run
from fixwright.agent.tools.spec import Outcome, Refused
from fixwright.agent.tools.typed import TypedTool
from fixwright.runs.target import Target
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft_change import DraftError

if TYPE_CHECKING:
    from fixwright.agent.crafts.propose_tests import ProposeTests
    from fixwright.agent.crafts.subject import Subject
    from fixwright.agent.crafts.trials import Trials
    from fixwright.agent.desk import Desk, Evidence
    from fixwright.agent.tools.spec import Effect
    from fixwright.runs.run import Run
    from fixwright.workspace.draft import Draft


class OneEdit(Arguments):
    """Text that becomes another."""

    path: str
    old: str = Field(description="Text that stands there once.")
    new: str = Field(description="What stands there instead.")


class OptimisationArguments(Arguments):
    """What `propose_optimisation` takes."""

    title: str = Field(description="What is made faster and how, in under ten words.")
    edits: list[OneEdit] = Field(min_length=1, max_length=50)
    benchmark: str = Field(
        min_length=1,
        description="A program in the code's language that calls the code with a typical load, long"
        " enough for half a second, and prints the result. No conditions, no clocks, no files.",
    )


@dataclass(frozen=True)
class Baseline:
    """The tests that guard the code.

    Attributes:
        run: over the code as it is.
        passed: their ids.
        checked: what shows that they notice faults, as a sentence.
    """

    run: Run
    passed: frozenset[str]
    checked: str


@dataclass(frozen=True)
class Faster:
    """An edit that holds.

    Attributes:
        title: what it does.
        tests: the run of the tests with it.
        bench: a run of the benchmark with it.
        figures: before and after.
        baseline: the tests.
    """

    title: str
    tests: Evidence
    bench: Evidence
    figures: Measured
    baseline: Baseline


class ProposeOptimisation(TypedTool[OptimisationArguments]):
    """Judges an edit by tests, then by a benchmark."""

    name = "propose_optimisation"
    description = (
        "Propose edits that make the code faster, and a benchmark that shows it. The code's tests"
        " are run with the edits, then the benchmark without and with them, in turns. If the code"
        " has no tests that notice faults, call propose_tests first."
    )
    effect: Effect = "run"

    def __init__(self, subject: Subject, tests: ProposeTests) -> None:
        super().__init__(OptimisationArguments)
        self._subject = subject
        self._tests = tests
        self._tried = 0
        self._known: tuple[Draft, Baseline] | None = None
        self.trials: Trials | None = None
        self.faster: Faster | None = None
        self.failed = ""

    def paths(self, given: OptimisationArguments, desk: Desk) -> tuple[str, ...]:
        """The files that are changed."""
        return tuple(desk.names.of(desk.names.uri(each.path)) for each in given.edits)

    def sentence(self, given: OptimisationArguments) -> str:
        """As a person is asked."""
        return f"try “{given.title}”: run the tests and a benchmark in the sandbox"

    async def work(self, given: OptimisationArguments, desk: Desk) -> Outcome:
        """Run tests and benchmark, and take the edits if they hold."""
        try:
            baseline = await self._baseline(desk)
            self._tried += 1
            return await self._judged(given, desk, baseline)
        except Refused as refusal:
            if self._tried < ATTEMPTS and not isinstance(refusal, Hopeless):
                raise
            self.failed = f"No optimisation that holds in {self._tried} attempts. {refusal}"
            return Outcome(str(refusal), error=True, data={"summary": self.failed}, ends=True)

    async def _judged(
        self, given: OptimisationArguments, desk: Desk, baseline: Baseline
    ) -> Outcome:
        trials = self._trials
        said = await asyncio.to_thread(not_straight, given.benchmark, self._subject.language)
        if said is not None:
            raise Refused(said)
        draft = desk.draft
        changed = await asyncio.to_thread(_edited, desk, given, self._guarded(baseline))
        tests = await trials.keep(await trials.run(changed, baseline.run.target))
        _check(tests, baseline)
        benchmark = benchmark_for(draft, self._subject, given.benchmark)
        figures = await measured(trials, draft, changed, benchmark)
        said = no_gain(figures)
        if said is not None:
            raise Refused(said)
        bench = await trials.keep(figures.after)
        self.faster = Faster(given.title, tests, bench, figures, baseline)
        desk.draft = changed
        told = f"[{tests.id}] The tests pass. [{bench.id}] {figures.sentence}."
        return Outcome(told, draft=changed, data={"summary": told}, ends=True)

    @property
    def _trials(self) -> Trials:
        assert self.trials is not None, "the tool is used within a session"
        return self.trials

    def _guarded(self, baseline: Baseline) -> frozenset[str]:
        """The files of the tests: an edit of them would prove itself."""
        files = (test.partition("::")[0] for test in baseline.passed)
        return frozenset((*files, *baseline.run.target.test_ids))

    async def _baseline(self, desk: Desk) -> Baseline:
        """The tests that there are, once they have shown that they notice something.

        Raises:
            Refused: there are none; the sentence says what to do.
            Hopeless: they fail.
        """
        if self._known is not None and self._known[0] is desk.draft:
            return self._known[1]
        shown = self._tests.shown
        readable = desk.readable
        found = await asyncio.to_thread(related_tests, desk.draft, self._subject, readable)
        files = tuple(dict.fromkeys((*found.files, *(shown.files if shown else ()))))
        if not files:
            raise Refused(
                "There are no tests of this code, so nothing would show that it still does the"
                " same. Call propose_tests first."
            )
        run = await self._trials.run(desk.draft, Target("tests", self._uri(desk), test_ids=files))
        passed = frozenset(test for test, how in run.test_outcomes.items() if how == "passed")
        if not run.passed or not passed:
            raise Hopeless(
                f"The tests of this code do not pass as it is: {run.outcome}. Repair that first."
            )
        checked = await self._noticing(desk.draft, run, passed)
        baseline = Baseline(run, passed, checked)
        self._known = desk.draft, baseline
        return baseline

    def _uri(self, desk: Desk) -> str | None:
        """A document of the tree that the tests run in."""
        return self._subject.uri if desk.draft.folder_of(self._subject.uri) else None

    async def _noticing(self, draft: Draft, run: Run, passed: frozenset[str]) -> str:
        mutants = await asyncio.to_thread(mutants_here, draft, self._subject)
        if not mutants:
            return "no mutant of the code could be made, so what they notice was not checked"
        uri = self._subject.uri
        kills = await kills_of(self._trials, draft, uri, mutants, run, passed, one=True)
        if not kills.killed:
            raise Refused(
                "The tests that there are notice no fault in this code, so they would not notice"
                " what an edit breaks. Call propose_tests first."
            )
        return f"they notice a mutant ({kills.killed[0].title})"


def _edited(desk: Desk, given: OptimisationArguments, guarded: frozenset[str]) -> Draft:
    """The draft with all edits."""
    by_path: dict[str, list[TextEdit]] = {}
    for each in given.edits:
        by_path.setdefault(each.path, []).append(TextEdit(each.old, each.new))
    draft = desk.draft
    for path, edits in by_path.items():
        uri = desk.names.uri(path)
        if desk.names.of(uri) in guarded or path in guarded:
            raise Refused(f"{path} holds the tests. They stay as they are.")
        try:
            text = draft.document(uri).text
            done = apply_edits(text, edits, read=desk.texts_read(uri))
            if isinstance(done, Refusal):
                raise Refused(f"{path}: {done.message}")
            draft = draft.edit_all(uri, done.changes)
        except (UnknownDocument, DraftError) as error:
            raise Refused(str(error)) from error
    if draft.same_result(desk.draft):
        raise Refused("The edits change nothing.")
    return draft


def _check(evidence: Evidence, baseline: Baseline) -> None:
    run = evidence.run
    lost = [test for test in baseline.passed if run.test_outcomes.get(test) != "passed"]
    if lost or not run.passed:
        raise Refused(f"With the edits the tests do not pass any more.\n{shown_run(evidence)}")
