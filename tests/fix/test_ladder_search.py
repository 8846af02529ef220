"""The ladder over a real sandbox: several mistakes, several failures, text that moves on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from fixwright.fix.fix import Fix
from fixwright.fix.indexed import WorkspaceDefinitions
from fixwright.fix.ladder import Ladder
from fixwright.fix.problem import problem_of
from fixwright.fix.search import MAX_RUNS
from fixwright.index.workspace_index import WorkspaceIndex
from fixwright.runs.run import Run
from fixwright.runs.runner import Runner
from fixwright.runs.target import Target, TargetKind
from fixwright.workspace.position import Range
from fixwright.workspace.rebase import DraftConflict
from fixwright.workspace.snapshot import Snapshot
from fixwright_sandbox import Limits, Sandbox
from support.made_runs import URI
from support.sandboxes import open_or_skip

pytestmark = pytest.mark.asyncio(loop_scope="module")
ONE = "def double(number):\n    return 2 * numbr\n\n\nprint(double(2))\n"
TWO = "import math\n\nradius = 2\nprint(math.sqt(radius))\nprint(radus)\n"
THREE = f"{TWO}print(radius.bit_lenght())\n"
TESTS = """\
def helper(value):
    return value


def test_first():
    assert helper(1) == 2


def test_second():
    value = 1
    assert valeu == 1


def test_third():
    number = 3
    assert nubmer == 3


def test_sound():
    assert helper(1) == 1
"""


@dataclass
class Bench:
    """A ladder without a model, and how many runs it took."""

    sandbox: Sandbox
    definitions: WorkspaceDefinitions
    opened: int = 0

    @property
    def runner(self) -> Runner:
        async def open_it() -> Sandbox:
            self.opened += 1
            return self.sandbox

        return Runner(open_it, Limits(wall_seconds=20))

    @property
    def ladder(self) -> Ladder:
        return Ladder(self.runner, self.definitions.of)

    async def run(self, text: str, kind: TargetKind = "file", place: Range | None = None) -> Run:
        return await self.runner.run(typed(text), Target(kind, URI, place))

    async def fix(self, run: Run, number: int = 0) -> Fix:
        """Fix the failure of that number."""
        self.opened = 0
        problem = problem_of(run, run.failures[number])
        assert problem is not None
        return await self.ladder.fix(run.snapshot, problem, lambda _: None)


def typed(text: str, version: int = 1) -> Snapshot:
    return Snapshot().opened(URI, "python", version, text)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Bench]:
    cache = tmp_path_factory.mktemp("cache")
    index = await WorkspaceIndex.start([], cache=cache, workers=1)

    async def started() -> WorkspaceIndex:
        return index

    try:
        async with await open_or_skip("unconfined") as sandbox:
            yield Bench(sandbox, WorkspaceDefinitions(started, answer=60))
    finally:
        await index.close()


async def test_one_mistake_is_a_rules(bench: Bench) -> None:
    run = await bench.run(ONE)
    fix = await bench.fix(run)
    assert (fix.status, fix.rung, fix.reason) == ("verified", "rule", None)
    assert fix.draft.text(URI) == ONE.replace("numbr", "number")
    assert fix.before is run
    assert fix.failure is run.failures[0]
    assert fix.after is not None
    assert fix.after.draft.same_result(fix.draft)
    assert fix.after.passed


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (TWO, TWO.replace("sqt", "sqrt").replace("radus", "radius")),
        (
            THREE,
            THREE.replace("sqt", "sqrt").replace("radus", "radius").replace("lenght", "length"),
        ),
    ],
    ids=["two", "three"],
)
async def test_several_mistakes_are_searched(bench: Bench, text: str, wanted: str) -> None:
    fix = await bench.fix(await bench.run(text))
    assert (fix.status, fix.rung) == ("verified", "search")
    assert fix.draft.text(URI) == wanted
    assert fix.title.count("; ") == text.count("print") - 1
    assert text.count("print") <= fix.attempts <= MAX_RUNS
    repeats = bench.opened - fix.attempts  # of the proven edit, and of the text without it
    assert 1 <= repeats <= 3


async def test_too_many_mistakes_end_within_bounds(bench: Bench) -> None:
    known = "value_a = value_b = value_c = 1\n"  # any of them may be meant, at each line
    text = known + "".join(f"print(value_{letter})\n" for letter in "uvwxyz")
    fix = await bench.fix(await bench.run(text))
    assert fix.status == "unverified"
    assert bench.opened == fix.attempts == MAX_RUNS
    assert fix.reason is not None
    assert fix.reason.startswith("That failure is gone, but now: NameError: name 'value_")


async def test_what_no_rule_knows(bench: Bench) -> None:
    run = await bench.run("assert 1 == 2, 'no'\n")
    fix = await bench.fix(run)
    assert (fix.status, fix.attempts, fix.draft.is_empty) == ("none", 0, True)
    assert fix.title == "AssertionError: no"
    assert fix.failure is run.failures[0]
    assert fix.reason == (
        "No rule knows a fix for this. No model is set up (model.provider) that could be asked."
    )


@pytest.mark.slow
@pytest.mark.parametrize(("number", "line"), [(1, "assert value == 1"), (2, "assert number == 3")])
async def test_the_failure_that_was_asked_for_is_fixed(
    bench: Bench, number: int, line: str
) -> None:
    run = await bench.run(TESTS, "tests")
    assert [each.test_id for each in run.failures] == [
        f"a.py::test_{name}" for name in ("first", "second", "third")
    ]
    fix = await bench.fix(run, number)
    assert fix.status == "verified"
    assert fix.failure is run.failures[number]
    assert line in fix.draft.text(URI)
    assert fix.after is not None
    assert [each.test_id for each in fix.after.failures] == [
        each.test_id for each in run.failures if each is not fix.failure
    ]


@pytest.mark.slow
async def test_a_fix_that_is_none_names_the_failure_that_was_asked_for(bench: Bench) -> None:
    text = TESTS.replace("assert helper(1) == 2", "undefined_thing_of_old()")
    text = text.replace("nubmer == 3", "number == 4")
    run = await bench.run(text, "tests")
    fix = await bench.fix(run, 2)
    assert fix.status == "none"
    assert fix.failure is run.failures[2]
    assert fix.title == run.failures[2].title
    assert fix.title.startswith("AssertionError")


@pytest.mark.slow
async def test_a_test_that_fails_no_more_is_not_mistaken_for_another(bench: Bench) -> None:
    run = await bench.run(TESTS, "tests")
    problem = problem_of(run, run.failures[1])
    assert problem is not None
    mended = typed(TESTS.replace("valeu", "value"), 2)
    fix = await bench.ladder.fix(mended, problem, lambda _: None)
    assert (fix.status, fix.draft.is_empty) == ("none", True)
    assert fix.reason is not None
    assert fix.reason.startswith("It does not fail any more: ")


async def test_of_two_alike_the_one_at_the_place_is_meant(bench: Bench) -> None:
    text = (
        "import threading\n\n\ndef work(early):\n    value = 1\n    if early:\n"
        "        print(valeu)\n    print(valeu)\n\n\n"
        "for early in (True, False):\n    thread = threading.Thread(target=work, args=(early,))\n"
        "    thread.name = 'worker'\n    thread.start()\n    thread.join()\n"
    )
    run = await bench.run(text)
    one, other = run.failures
    assert one.signature == other.signature
    fix = await bench.fix(run, 1)
    assert fix.failure is other


# ---- again -----------------------------------------------------------------------------


async def test_typing_above_is_kept_and_the_fix_proven_anew(bench: Bench) -> None:
    fix = await bench.fix(await bench.run(ONE))
    again = await bench.ladder.again(fix, typed(f"# typed\n{ONE}", 2))
    assert again.status == "verified"
    assert again.draft.text(URI) == f"# typed\n{ONE}".replace("numbr", "number")
    assert again.failure is not None
    assert again.failure.range is not None
    assert again.failure.range.start.line == 2
    assert again.failure in again.before.failures
    assert again.after is not None
    assert again.after.draft is again.draft


async def test_a_fix_for_what_is_gone_is_none_that_is_verified(bench: Bench) -> None:
    fix = await bench.fix(await bench.run(ONE))
    again = await bench.ladder.again(fix, typed(ONE.replace("print(double(2))", "print(2)"), 2))
    assert again.status == "unverified"
    assert again.reason is not None
    assert again.reason.startswith(
        "The text was edited meanwhile, and that failure is gone: passed"
    )


async def test_a_new_mistake_takes_the_proof_away(bench: Bench) -> None:
    fix = await bench.fix(await bench.run(ONE))
    again = await bench.ladder.again(fix, typed(f"{ONE}1 / 0\n", 2))
    assert (again.status, again.reason) == (
        "unverified", "That failure is gone, but now: ZeroDivisionError: division by zero",
    )  # fmt: skip


async def test_an_edit_of_the_same_place_is_a_conflict(bench: Bench) -> None:
    fix = await bench.fix(await bench.run(ONE))
    with pytest.raises(DraftConflict):
        await bench.ladder.again(fix, typed(ONE.replace("numbr", "other"), 2))


async def test_a_selection_is_run_again_where_it_went(bench: Bench) -> None:
    text = f"1 / 0\n{ONE}"
    run = await bench.run(text, "selection", Range.of(5, 0, 5, 16))
    fix = await bench.fix(run)
    assert fix.status == "verified"
    again = await bench.ladder.again(fix, typed(f"# typed\n\n{text}", 2))
    assert again.status == "verified"
    assert again.before.target.range == Range.of(7, 0, 7, 16)
