"""Generated tests: offered when they pass and notice a fault, and only then."""

from __future__ import annotations

from pathlib import Path

import pytest

from fixwright.agent.tools.spec import Refused
from support.crafts import suite, workshop

CODE = "def clamp(x, low):\n    return low if x < low else x\n"
GOOD = """\
from clamping import clamp


def test_inside():
    assert clamp(2, 1) == 2


def test_borders():
    assert (clamp(0, 1), clamp(1, 1)) == (1, 1)
"""
EMPTY = "from clamping import clamp\n\n\ndef test_runs():\n    clamp(2, 1)\n"
WRONG = "from clamping import clamp\n\n\ndef test_wrong():\n    assert clamp(2, 1) == 5\n"
READS = """\
from pathlib import Path


def test_source():
    assert Path("clamping.py").read_text() == TEXT
"""
EXISTING = "from clamping import clamp\n\n\ndef test_old():\n    assert clamp\n"


pytestmark = pytest.mark.slow

FILES = {"clamping.py": CODE}


async def test_tests_that_pass_and_notice_faults_are_drafted_with_the_figures(
    tmp_path: Path,
) -> None:
    async with workshop(tmp_path, FILES, [suite(GOOD)]) as shop:
        turn = await shop.generate(name="clamping.py")
        ended = turn.ended
        assert ended.status == "done", (ended, shop.results())
        assert "2 new tests pass" in ended.text
        assert "1 of 2 mutants killed, survived: line 2: < becomes <=" in ended.text
        assert [each["standing"] for each in ended.claims] == ["shown", "shown"]
        passed, killed = (
            shop.session.desk.evidence[str(each["evidence"])].run for each in ended.claims
        )
        assert passed.passed
        assert "failed" in killed.test_outcomes.values()
        assert shop.drafted("test_code.py") == GOOD
        assert shop.drafted("clamping.py") == CODE, "no mutant stays"
        kept = [each.data["evidence"] for each in shop.session.journal.events if each.type == "run"]
        assert kept == ["run-1", "run-2"]
        asked = shop.it.model.asked(0)
        assert "def clamp" in asked
        assert "The project has no tests" in asked


async def test_tests_that_always_pass_are_refused_and_the_survivors_shown(tmp_path: Path) -> None:
    answers = [suite(EMPTY), suite(GOOD)]
    async with workshop(tmp_path, FILES, answers) as shop:
        turn = await shop.generate(name="clamping.py")
        refused, _ = shop.results()
        assert "would not notice a fault" in refused
        assert "line 2: < becomes <=" in refused
        assert turn.ended.status == "done"
        assert shop.drafted("test_code.py") == GOOD


async def test_after_three_attempts_there_is_nothing_to_offer(tmp_path: Path) -> None:
    answers = [suite(WRONG), suite(EMPTY), suite("x = 1\n")]
    async with workshop(tmp_path, FILES, answers) as shop:
        turn = await shop.generate(name="clamping.py")
        assert turn.ended.status == "refused"
        assert "No tests that hold in 3 attempts" in str(turn.ended.reason)
        assert turn.ended.claims == ()
        assert shop.session.draft.is_empty
        first, second, third = shop.results()
        assert "do not pass over the code as it is" in first
        assert "AssertionError" in first
        assert "would not notice" in second
        assert third


async def test_tests_of_how_the_code_is_written_are_refused(tmp_path: Path) -> None:
    reads = READS.replace("TEXT", repr(CODE))
    answers = [suite(reads), {"text": "Then no."}]
    async with workshop(tmp_path, FILES, answers) as shop:
        turn = await shop.generate(name="clamping.py")
        [refused] = shop.results()
        assert "they test how it is written" in refused
        assert turn.ended.status == "refused"
        assert "Then no." in str(turn.ended.reason)


async def test_a_test_file_that_exists_is_extended(tmp_path: Path) -> None:
    files = {**FILES, "test_code.py": EXISTING}
    more = GOOD.replace("from clamping import clamp\n\n\n", "")
    async with workshop(tmp_path, files, [suite(more)]) as shop:
        turn = await shop.generate(name="clamping.py")
        assert turn.ended.status == "done", shop.results()
        assert "2 new tests pass" in turn.ended.text, "the old one is not counted"
        assert shop.drafted("test_code.py") == f"{EXISTING}\n\n{more}"
        assert "Tests that name it: test_code.py" in shop.it.model.asked(0)


async def test_a_test_that_takes_an_old_ones_name_is_refused(tmp_path: Path) -> None:
    files = {**FILES, "test_code.py": EXISTING}
    again = "def test_old():\n    assert clamp(0, 1) == 1\n"
    async with workshop(tmp_path, files, [suite(again), {"text": "No."}]) as shop:
        turn = await shop.generate(name="clamping.py")
        assert "No new test has run" in shop.results()[0]
        assert turn.ended.status == "refused"


async def test_tests_stay_out_of_the_code_and_of_hidden_files(tmp_path: Path) -> None:
    answers = [suite(GOOD, "clamping.py"), suite(GOOD, ".github/test_x.py"), {"text": "No."}]
    async with workshop(tmp_path, FILES, answers) as shop:
        turn = await shop.generate(name="clamping.py")
        code, hidden = shop.results()
        assert "holds the code itself" in code
        assert "is no file for tests" in hidden
        assert turn.ended.status == "refused"


async def test_code_of_which_there_is_no_mutant_is_refused_before_a_model_is_asked(
    tmp_path: Path,
) -> None:
    async with workshop(tmp_path, {"a.py": "def f(x):\n    pass\n"}, []) as shop:
        with pytest.raises(Refused, match="No mutant can be made"):
            await shop.generate(name="a.py")
        assert not shop.it.model.server.requests


async def test_where_no_tests_can_be_run_it_says_so(tmp_path: Path) -> None:
    async with workshop(tmp_path, {"a.sh": "f() {\n  echo $((1 + 1))\n}\n"}, []) as shop:
        with pytest.raises(Refused, match="no test runner"):
            await shop.generate(name="a.sh")


async def test_tests_in_javascript_are_judged_likewise(tmp_path: Path) -> None:
    code = "exports.least = (x, low) => {\n  return x < low ? low : x;\n};\n"
    good = (
        "const test = require('node:test');\nconst assert = require('node:assert');\n"
        "const { least } = require('./least.js');\n\n"
        "test('takes the lower border', () => {\n  assert.equal(least(0, 1), 1);\n});\n"
    )
    blind = good.replace("assert.equal(least(0, 1), 1)", "least(0, 1)")
    answers = [suite(blind, "least.test.js"), suite(good, "least.test.js")]
    async with workshop(tmp_path, {"least.js": code}, answers) as shop:
        turn = await shop.generate(name="least.js")
        refused, _ = shop.results()
        assert "would not notice a fault" in refused, refused
        assert turn.ended.status == "done", shop.results()
        assert "1 new tests pass; 1 of 2 mutants killed" in turn.ended.text
