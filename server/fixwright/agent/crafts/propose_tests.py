"""`propose_tests`: tests that pass now and fail when the code has a fault, or none."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pydantic import Field

from fixwright.agent.crafts.kills import Kills, kills_of, looks_at_text
from fixwright.agent.crafts.mutants import mutants_of
from fixwright.agent.crafts.trials import Hopeless
from fixwright.agent.tools.arguments import Arguments
from fixwright.agent.tools.shown import shown_run
from fixwright.agent.tools.spec import Outcome, Refused
from fixwright.agent.tools.typed import TypedTool
from fixwright.index.languages import language_for
from fixwright.runs.target import Target
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft_change import DraftError
from fixwright.workspace.position import Range

if TYPE_CHECKING:
    from fixwright.agent.crafts.mutants import Mutant
    from fixwright.agent.crafts.subject import Subject
    from fixwright.agent.crafts.trials import Trials
    from fixwright.agent.desk import Desk, Evidence
    from fixwright.agent.tools.spec import Effect
    from fixwright.runs.run import Run
    from fixwright.workspace.draft import Draft

ATTEMPTS = 3
NO_MUTANT = (
    "No mutant can be made of this code: there is nothing in it that a small change makes wrong."
    " That tests of it notice anything could not be shown, so none are offered."
)


class TestsArguments(Arguments):
    """What `propose_tests` takes."""

    path: str = Field(description="The test file. One that exists gets the text at its end.")
    text: str = Field(
        min_length=1,
        description="A whole test file; for one that exists only what comes at its end.",
    )
    title: str = Field(description="What is tested, in under ten words.")


@dataclass(frozen=True)
class Shown:
    """Tests that are worth something.

    Attributes:
        tests: how many are new.
        files: what has to be run for them, as a run names it.
        kills: what they noticed.
        passed: the run in which they pass.
        killed: the run of a mutant in which they do not.
    """

    tests: int
    files: tuple[str, ...]
    kills: Kills
    passed: Evidence
    killed: Evidence


class ProposeTests(TypedTool[TestsArguments]):
    """Judges tests by running them, over the code and over mutants of it."""

    name = "propose_tests"
    description = (
        "Propose tests of the code. They are run over the code, where they must pass, and over"
        " mutants of it, of which at least one must make them fail. You are told what came out."
    )
    effect: Effect = "run"

    def __init__(self, subject: Subject, *, ends: bool = True) -> None:
        """For one piece of code.

        Args:
            subject: the code.
            ends: whether tests that hold end the turn.
        """
        super().__init__(TestsArguments)
        self._subject = subject
        self._ends = ends
        self._tried = 0
        self.trials: Trials | None = None
        self.shown: Shown | None = None
        self.failed = ""

    def paths(self, given: TestsArguments, desk: Desk) -> tuple[str, ...]:
        """The test file."""
        return (desk.names.of(desk.names.uri(given.path)),)

    def sentence(self, given: TestsArguments) -> str:
        """As a person is asked."""
        return f"write tests into {given.path}, and run them over the code and mutants of it"

    async def work(self, given: TestsArguments, desk: Desk) -> Outcome:
        """Run them, and take them if they hold."""
        self._tried += 1
        try:
            return await self._judged(given, desk)
        except Refused as refusal:
            if self._tried < ATTEMPTS and not isinstance(refusal, Hopeless):
                raise
            self.failed = f"No tests that hold in {self._tried} attempts. {refusal}"
            return Outcome(str(refusal), error=True, data={"summary": self.failed}, ends=True)

    async def _judged(self, given: TestsArguments, desk: Desk) -> Outcome:
        trials = self.trials
        assert trials is not None, "the tool is used within a session"
        mutants = await asyncio.to_thread(mutants_here, desk.draft, self._subject)
        if not mutants:
            raise Hopeless(NO_MUTANT)
        uri = desk.names.uri(given.path)
        draft = await asyncio.to_thread(_with_tests, desk.draft, uri, given, self._subject)
        before = await _before(trials, desk.draft, uri)
        run = await trials.run(draft, Target("tests", uri))
        passed = await trials.keep(run)
        new = _new_tests(passed, before)
        again = await trials.run(draft, run.target)
        if not again.passed:
            raise Refused(f"They passed once, but not when they were run again: {again.outcome}")
        if await looks_at_text(trials, draft, self._subject, run.target, new):
            raise Refused(
                "They fail when a blank is added to the code: they test how it is written. Test"
                " what it does."
            )
        kills = await kills_of(trials, draft, self._subject.uri, mutants, run, new)
        if kills.shown is None:
            raise Refused(_unnoticed(kills))
        killed = await trials.keep(kills.shown)
        self.shown = Shown(len(new), _files(run, uri), kills, passed, killed)
        desk.draft = draft
        told = f"[{passed.id}] The {len(new)} new tests pass; {kills.sentence}."
        data = {"summary": told} if self._ends else {}
        return Outcome(told, draft=draft, data=data, ends=self._ends)


def mutants_here(draft: Draft, subject: Subject) -> tuple[Mutant, ...]:
    """The mutants of the code as it stands in a draft. Parses, reads a closed document.

    Raises:
        Hopeless: the code is not there any more.
    """
    place = subject.place(draft)
    return mutants_of(draft.document(subject.uri).text, subject.language, place)


def _with_tests(draft: Draft, uri: str, given: TestsArguments, subject: Subject) -> Draft:
    """The draft with the tests; a file that exists keeps all that it has."""
    language = language_for(None, given.path)
    if language is None or any(part.startswith(".") for part in PurePosixPath(given.path).parts):
        raise Refused(f"{given.path} is no file for tests. Name one like the project's others.")
    if uri == subject.uri and subject.language.name != "rust":
        raise Refused(f"{given.path} holds the code itself. Put the tests into another file.")
    try:
        text = draft.document(uri).text
    except UnknownDocument:
        try:
            return draft.create(uri, given.text)
        except DraftError as error:
            raise Refused(str(error)) from error
    if given.text.strip() in text.value:
        raise Refused(f"{given.path} has this text already. Give only what is new.")
    end = text.position(len(text.value))
    gap = "\n" if text.value.endswith("\n") or not text.value else "\n\n"
    added = given.text.strip("\n")
    try:
        return draft.edit(uri, Range(end, end), f"{gap}\n{added}\n")
    except DraftError as error:
        raise Refused(str(error)) from error


async def _before(trials: Trials, draft: Draft, uri: str) -> Run | None:
    """The tests that a file has already; None where there is no such file."""
    try:
        await asyncio.to_thread(draft.document, uri)
    except UnknownDocument:
        return None
    run = await trials.run(draft, Target("tests", uri))
    if run.test_outcomes and not run.passed:
        raise Refused(
            f"Tests in this file fail without yours: {run.outcome}. Take another file for yours."
        )
    return run


def _new_tests(evidence: Evidence, before: Run | None) -> frozenset[str]:
    run = evidence.run
    if not run.passed:
        raise Refused(f"They do not pass over the code as it is.\n{shown_run(evidence)}")
    old = frozenset[str]() if before is None else frozenset(before.test_outcomes)
    new = frozenset(
        test for test, how in run.test_outcomes.items() if how == "passed" and test not in old
    )
    if not new:
        raise Refused(f"No new test has run and passed.\n{shown_run(evidence)}")
    lost = sorted(old - run.test_outcomes.keys())
    if lost:
        raise Refused(f"With your text the test {lost[0]} is not run any more. Name yours apart.")
    return new


def _files(run: Run, uri: str) -> tuple[str, ...]:
    path = run.root.path_of(uri)
    return () if path is None else (path,)


def _unnoticed(kills: Kills) -> str:
    if not kills.ran:
        return f"No mutant could be judged: {kills.sentence}."
    return (
        "They pass over every mutant, so they would not notice a fault:"
        f" {kills.sentence}. Write tests that check results which these change."
    )
