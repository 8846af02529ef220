"""From a place in the code to a turn that has shown something, or says why it has not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from fixwright.agent.crafts.benchmark import WHERE
from fixwright.agent.crafts.place import has_tests
from fixwright.agent.crafts.propose_optimisation import ProposeOptimisation
from fixwright.agent.crafts.propose_tests import NO_MUTANT, ProposeTests, mutants_here
from fixwright.agent.crafts.related import Related, related_tests
from fixwright.agent.crafts.subject import subject_of
from fixwright.agent.crafts.trials import Trials
from fixwright.agent.session import Turn
from fixwright.agent.tools.all import own_tools
from fixwright.agent.tools.registry import Registry
from fixwright.agent.tools.spec import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.agent.crafts.subject import Subject
    from fixwright.agent.loop import Ended
    from fixwright.agent.session import AgentSession
    from fixwright.agent.tools.registry import Tool
    from fixwright.workspace.document import Document
    from fixwright.workspace.position import Range

_LOOKING = ("read", "search", "outline")
_TESTS = """\
Write tests of the code below. Look at what it uses, and at the project's tests, where you need to.
Then call propose_tests. Test what the code does now, borders and errors included, in as few tests
as that takes; they must fail when the code is wrong."""
_FASTER = """\
Make the code below faster, without changing what it does. Look at what it uses and who uses it,
where you need to. Then call propose_optimisation with the edits and a benchmark. Take the change
with the greatest gain, and no more. The benchmark is {benchmark}."""
_SCRIPT = "a script in the folder's root"


async def generate_tests(session: AgentSession, document: Document, place: Range) -> Turn:
    """Tests of a selection, or of the function at a place: they are in the session's draft then.

    Raises:
        Refused: there is nothing to test; the sentence is for the user, and no model was asked.
        CancelledError: the turn was cancelled.
    """
    subject = await _subject(document, place)
    if not await asyncio.to_thread(mutants_here, session.draft, subject):
        raise Refused(NO_MUTANT)
    tool = ProposeTests(subject)
    tool.trials = _with_tools(session, tool)
    turn = await session.turn(await _prompt(session, subject, _TESTS))
    if tool.shown is None or session.draft.is_empty:
        return _refused(turn, tool.failed, "no tests")
    shown = tool.shown
    return _done(
        session,
        turn,
        f"{shown.tests} new tests pass; {shown.kills.sentence}.",
        [
            (f"{shown.tests} new tests pass.", shown.passed.id),
            (f"They fail on {len(shown.kills.killed)} mutants of the code.", shown.killed.id),
        ],
        shown.passed.id,
    )


async def optimise(session: AgentSession, document: Document, place: Range) -> Turn:
    """A faster version of a selection, or of the function at a place. Raises likewise."""
    subject = await _subject(document, place)
    tests = ProposeTests(subject, ends=False)
    tool = ProposeOptimisation(subject, tests)
    tests.trials = tool.trials = _with_tools(session, tests, tool)
    where = WHERE.get(subject.language.name, _SCRIPT)
    turn = await session.turn(await _prompt(session, subject, _FASTER.format(benchmark=where)))
    found = tool.faster
    if found is None or session.draft.is_empty:
        return _refused(turn, tool.failed or tests.failed, "no optimisation")
    said = [f"{found.title}: {found.figures.sentence}."]
    if tests.shown is not None:
        said.append(f"There were no tests of it; {tests.shown.tests} were generated first.")
    said.append(f"The {len(found.baseline.passed)} tests of it pass; {found.baseline.checked}.")
    return _done(
        session,
        turn,
        " ".join(said),
        [
            (f"The {len(found.baseline.passed)} tests of the code pass.", found.tests.id),
            (f"It is faster: {found.figures.wall.sentence}.", found.bench.id),
        ],
        found.tests.id,
    )


async def _subject(document: Document, place: Range) -> Subject:
    if not has_tests(document.language):
        raise Refused(
            f"There is no test runner for {document.language}, so nothing could be shown."
        )
    return await asyncio.to_thread(subject_of, document, place)


def _with_tools(session: AgentSession, *tools: Tool) -> Trials:
    """Give the model these tools and those that look."""
    looking = own_tools().only(_LOOKING).values()
    session.tools = Registry((*looking, *tools))
    return Trials(session.desk, session.journal)


async def _prompt(session: AgentSession, subject: Subject, task: str) -> str:
    draft = session.draft
    found = await asyncio.to_thread(related_tests, draft, subject, session.desk.readable)
    name = session.desk.names.of(subject.uri)
    first, last = subject.range.start.line + 1, subject.range.end.line + 1
    return f"{task}\n\n{name}, lines {first} to {last}:\n{subject.code}\n\n{_tests_there(found)}"


def _tests_there(found: Related) -> str:
    if found.files:
        return f"Tests that name it: {', '.join(found.files)}."
    if found.example is not None:
        return f"No tests name it. The project's tests look like those in {found.example}."
    return "The project has no tests. Take the language's usual test framework and file names."


def _refused(turn: Turn, why: str, nothing: str) -> Turn:
    """A turn that has shown nothing offers nothing."""
    ended = turn.ended
    if ended.status != "done" and not why:
        return turn
    said = f" It said: {ended.text}" if ended.text else ""
    reason = why or f"The model proposed {nothing}.{said}"
    return replace(turn, ended=replace(ended, status="refused", reason=reason, claims=()))


def _done(
    session: AgentSession, turn: Turn, text: str, claims: list[tuple[str, str]], rests_on: str
) -> Turn:
    """With the claims, each as good as the run of the tests is for the text as it is now."""
    fresh = session.desk.is_fresh(session.desk.evidence[rests_on])
    standing = "shown" if fresh else "stale"
    told: tuple[Mapping[str, object], ...] = tuple(
        {"text": claim, "evidence": evidence, "standing": standing} for claim, evidence in claims
    )
    ended: Ended = replace(turn.ended, status="done", reason=None, text=text, claims=told)
    return replace(turn, ended=ended)
