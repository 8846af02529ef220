"""Tests run in the guest: what pytest and unittest know of each is reported."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import pytest

from fixwright.failures import Failure, TestCounts
from fixwright.workspace.position import Range
from fixwright_sandbox.jobs import RunTests
from guest.harness import VERSIONS, Outcome, interpreter, marked, run_python, write_tree

# pytest takes half a second to start: the files share runs where they can.


def _run(
    root: Path,
    files: dict[str, str],
    targets: Sequence[str] = (),
    framework: Literal["auto", "pytest", "unittest"] = "auto",
    python: str | None = None,
    env: Mapping[str, str] | None = None,
) -> Outcome:
    write_tree(root, files)
    job = RunTests(tuple(targets), framework)
    return run_python(root, job, python=python or sys.executable, env=env)


def _by_id(outcome: Outcome) -> dict[str, Failure]:
    return {failure.test_id or "": failure for failure in outcome.failures}


PYTEST = marked("""
import pytest, unittest

def add(a, b):
    return a - b

def test_passes():
    pass

def test_message():
    «assert add(1, 2) == 3, "numbers"»

@pytest.mark.parametrize("n", [1, 2])
def test_parameters(n):
    assert n == 1

def test_no_fixture(nofixture):
    pass

@pytest.fixture
def broken():
    raise ValueError("set-up")

def test_setup(broken):
    pass

@pytest.fixture
def untidy():
    yield
    1 / 0

def test_teardown(untidy):
    pass

@pytest.mark.skip
def test_skipped():
    pass

@pytest.mark.xfail
def test_expected():
    assert 0

@pytest.mark.xfail(strict=True)
def test_unexpected():
    pass

def test_did_not_raise():
    with pytest.raises(ValueError):
        pass

def test_fail():
    pytest.fail("told to")

def check(x):
    __tracebackhide__ = True
    assert x

def test_hidden_helper():
    check(0)

def helper(x):
    return x["b"]

def test_deep():
    helper({"a": 1})

class TestUnit(unittest.TestCase):
    def test_equal(self):
        self.assertEqual(1, 2)

    def test_sub(self):
        for i in range(3):
            with self.subTest(i=i):
                self.assertNotEqual(i, 1)

def documented():
    '''
    >>> documented()
    2
    '''
    return 1

def documented_raises():
    '''
    >>> documented_raises()
    '''
    raise OSError("no")
""")


def test_pytest_reports_every_kind_of_failure(tmp_path: Path) -> None:
    outcome = _run(tmp_path, {"test_a.py": PYTEST.text}, ["--doctest-modules", "test_a.py"])
    assert outcome.status == 1
    failures = _by_id(outcome)
    assert list(failures) == [
        "test_a.py::test_a.documented",
        "test_a.py::test_a.documented_raises",
        "test_a.py::test_message",
        "test_a.py::test_parameters[2]",
        "test_a.py::test_no_fixture",
        "test_a.py::test_setup",
        "test_a.py::test_teardown",
        "test_a.py::test_unexpected",
        "test_a.py::test_did_not_raise",
        "test_a.py::test_fail",
        "test_a.py::test_hidden_helper",
        "test_a.py::test_deep",
        "test_a.py::TestUnit::test_equal",
        "test_a.py::TestUnit::test_sub (i=1)",
    ]
    assert outcome.tests == TestCounts(passed=2, failed=14, skipped=2)
    assert {failure.path for failure in outcome.failures} == {"test_a.py"}

    def told(name: str) -> tuple[str, str]:
        failure = failures[f"test_a.py::{name}"]
        return failure.kind, failure.message

    def code(name: str) -> str:
        where = failures[f"test_a.py::{name}"].range
        assert where is not None
        return PYTEST.text.split("\n")[where.start.line][where.start.column : where.end.column]

    message = failures["test_a.py::test_message"]
    assert message.kind == "AssertionError"
    assert message.message.splitlines() == [
        "numbers",
        "assert -1 == 3",
        " +  where -1 = add(1, 2)",
    ]
    assert message.range == PYTEST.range
    assert [frame.name for frame in message.frames] == ["test_message"]

    assert told("test_parameters[2]") == ("AssertionError", "assert 2 == 1")
    assert told("test_no_fixture") == ("FixtureLookupError", "fixture 'nofixture' not found")
    assert code("test_no_fixture") == "nofixture"
    candidates = failures["test_a.py::test_no_fixture"].facts["candidates"]
    assert isinstance(candidates, list)
    assert {"broken", "untidy", "tmp_path"} <= set(candidates)
    assert told("test_setup") == ("ValueError", "set-up")
    assert code("test_setup") == 'raise ValueError("set-up")'
    assert told("test_teardown") == ("ZeroDivisionError", "division by zero")
    assert code("test_teardown") == "1 / 0"
    assert told("test_unexpected") == ("Failed", "[XPASS(strict)]")
    assert told("test_did_not_raise") == ("Failed", "DID NOT RAISE ValueError")
    assert told("test_fail") == ("Failed", "told to")
    assert code("test_fail") == 'pytest.fail("told to")'
    assert code("test_hidden_helper") == "check(0)"
    assert told("test_deep") == ("KeyError", "'b'")
    assert code("test_deep") == 'x["b"]'
    assert failures["test_a.py::test_deep"].facts["candidates"] == ["'a'"]
    assert told("TestUnit::test_equal") == ("AssertionError", "1 != 2")
    assert code("TestUnit::test_equal") == "self.assertEqual(1, 2)"
    assert told("test_a.documented") == ("DocTestFailure", "expected 2, got 1")
    assert code("test_a.documented") == "documented()"
    assert told("test_a.documented_raises") == ("OSError", "no")


def test_what_pytest_cannot_collect(tmp_path: Path) -> None:
    files = {
        "test_syntax.py": "def test_x(:\n",
        "test_import.py": "import nothere\n",
        "test_skip.py": "import pytest\npytest.skip('no', allow_module_level=True)\n",
        "sub/conftest.py": "from json import laods\n",
        "sub/test_x.py": "def test_y(): pass\n",
    }
    outcome = _run(tmp_path, files)
    assert outcome.status == 2
    failures = {failure.path: failure for failure in outcome.failures}
    assert set(failures) == {"test_syntax.py", "test_import.py", "sub/conftest.py"}
    assert failures["test_syntax.py"].kind == "SyntaxError"
    assert failures["test_syntax.py"].range == Range.of(0, 11, 0, 12)
    assert failures["test_import.py"].title == "ModuleNotFoundError: No module named 'nothere'"
    assert failures["sub/conftest.py"].range == Range.of(0, 0, 0, 22)


@pytest.mark.parametrize(
    ("target", "status", "title", "path"),
    [
        ("--nope", 4, "UsageError: unrecognized arguments: --nope", None),
        ("gone.py", 4, "UsageError: file or directory not found: gone.py", None),
        ("test_none.py", 5, "NoTestsFound: no tests found in test_none.py", None),
        ("sub", 4, "ZeroDivisionError: division by zero", "sub/conftest.py"),
    ],
)
def test_what_pytest_refuses(
    target: str, status: int, title: str, path: str | None, tmp_path: Path
) -> None:
    files = {"test_none.py": "x = 1\n", "sub/conftest.py": "1 / 0\n"}
    outcome = _run(tmp_path, files, [target], "pytest")
    assert outcome.status == status
    assert (outcome.failure.title, outcome.failure.path) == (title, path)
    assert outcome.tests is None


def test_options_of_the_workspace_that_name_a_missing_plugin(tmp_path: Path) -> None:
    files = {"pytest.ini": "[pytest]\naddopts = --cov=x\n", "test_a.py": "def test_a(): pass\n"}
    outcome = _run(tmp_path, files)
    assert outcome.status == 4
    assert outcome.failure.title.startswith("UsageError: unrecognized arguments: --cov=x")


def test_nothing_is_left_in_the_tree_by_pytest_itself(tmp_path: Path) -> None:
    outcome = _run(tmp_path, {"test_a.py": "def test_a(): pass\n"})
    assert outcome.status == 0
    assert outcome.tests == TestCounts(passed=1, failed=0, skipped=0)
    assert not (tmp_path / ".pytest_cache").exists()


UNITTEST = {
    "calc.py": "def add(a, b):\n    return a - b\n",
    "tests/__init__.py": "",
    "tests/test_calc.py": """\
import unittest
import calc

class TestAdd(unittest.TestCase):
    def test_add(self):
        self.assertEqual(calc.add(1, 2), 3)

    def test_error(self):
        calc.ad(1, 2)

    def test_passes(self):
        pass

    @unittest.skip("later")
    def test_skipped(self):
        pass

    @unittest.expectedFailure
    def test_expected(self):
        self.fail()

    @unittest.expectedFailure
    def test_unexpected(self):
        pass

    def test_sub(self):
        for i in range(3):
            with self.subTest("even", i=i):
                self.assertEqual(i % 2, 0)

class TestSetUp(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        raise RuntimeError("no class")

    def test_never(self):
        pass
""",
    "other/test_broken.py": "import unittest\nfrom calc import substract\n",
    "other/test_plain.py": "def test_for_pytest():\n    assert 0\n",
    ".venv/test_hidden.py": "1 / 0\n",
}


def test_unittest_reports_every_kind_of_failure(tmp_path: Path) -> None:
    outcome = _run(tmp_path, UNITTEST, framework="unittest")
    assert outcome.status == 1
    failures = _by_id(outcome)
    case = "tests/test_calc.py::TestAdd"
    assert set(failures) == {
        "other/test_broken.py",
        f"{case}::test_add",
        f"{case}::test_error",
        f"{case}::test_unexpected",
        f"{case}::test_sub [even] (i=1)",
        "setUpClass (tests.test_calc.TestSetUp)",
    }
    assert outcome.tests == TestCounts(passed=1, failed=6, skipped=2)
    add = failures[f"{case}::test_add"]
    assert (add.title, add.path) == ("AssertionError: -1 != 3", "tests/test_calc.py")
    assert add.range == Range.of(5, 8, 5, 43)
    error = failures[f"{case}::test_error"]
    assert (error.suggestion, error.range) == ("add", Range.of(8, 8, 8, 15))
    assert failures[f"{case}::test_unexpected"].range == Range.of(22, 8, 22, 23)
    class_setup = failures["setUpClass (tests.test_calc.TestSetUp)"]
    assert (class_setup.title, class_setup.path) == (
        "RuntimeError: no class",
        "tests/test_calc.py",
    )
    broken = failures["other/test_broken.py"]
    assert (broken.kind, broken.path, broken.range) == (
        "ImportError",
        "other/test_broken.py",
        Range.of(1, 0, 1, 26),
    )


@pytest.mark.parametrize(
    ("target", "status", "ids"),
    [
        ("tests/test_calc.py::TestAdd::test_add", 1, {"tests/test_calc.py::TestAdd::test_add"}),
        ("tests.test_calc.TestAdd.test_error", 1, {"tests/test_calc.py::TestAdd::test_error"}),
        ("tests/test_calc.py::TestAdd::test_passes", 0, set[str]()),
        ("tests/test_calc.py::TestAdd::nope", 1, {"tests/test_calc.py::TestAdd::nope"}),
        ("tests.nope", 1, {"tests.nope"}),
        ("gone.py", 1, {"gone.py"}),
        ("calc.py", 5, {""}),
    ],
)
def test_unittest_targets(target: str, status: int, ids: set[str], tmp_path: Path) -> None:
    outcome = _run(tmp_path, UNITTEST, [target], "unittest")
    assert outcome.status == status, outcome.stderr
    assert {failure.test_id or "" for failure in outcome.failures} == ids
    assert all(failure.message for failure in outcome.failures)


def test_a_target_that_is_not_there_is_named(tmp_path: Path) -> None:
    outcome = _run(tmp_path, UNITTEST, ["tests/test_calc.py::TestAdd::nope"], "unittest")
    assert outcome.failure.title == (
        "NoTestsFound: there is no test tests/test_calc.py::TestAdd::nope: 'nope' is not defined"
    )


@pytest.mark.parametrize(
    "version",
    [pytest.param(v, marks=[] if v == "3.12" else [pytest.mark.slow]) for v in VERSIONS],
)
def test_auto_without_pytest_runs_unittest_and_says_so(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    if python is None:
        pytest.skip(f"there is no Python {version}")
    outcome = _run(tmp_path, UNITTEST, python=python)
    if any(report["type"] == "note" for report in outcome.reports):
        assert "pytest, which is not installed" in outcome.reports[0]["message"]
        assert outcome.tests == TestCounts(passed=1, failed=6, skipped=2)
        asked = _run(tmp_path, {}, [], "pytest", python=python)
        assert asked.status == 4
        assert "pytest is not installed in the sandbox" in asked.failure.message


@pytest.mark.slow
def test_workers_of_xdist_do_not_hide_the_exceptions(tmp_path: Path) -> None:
    files = {
        "pytest.ini": "[pytest]\naddopts = -n 2\n",
        "test_a.py": "def test_a(): assert [1] == [2]\n",
    }
    outcome = _run(tmp_path, files, env={"PYTEST_PLUGINS": "xdist.plugin"})
    assert outcome.failure.range == Range.of(0, 14, 0, 31), outcome.stderr
    assert outcome.failure.kind == "AssertionError"


@pytest.mark.slow
def test_tests_may_start_processes(tmp_path: Path) -> None:
    source = """\
import multiprocessing, unittest
class TestSpawn(unittest.TestCase):
    def test_spawn(self):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            self.assertEqual(pool.map(abs, [-1]), [1])
"""
    outcome = _run(tmp_path, {"test_spawn.py": source}, framework="unittest")
    assert (outcome.status, outcome.failures) == (0, ()), outcome.stderr


def test_reports_come_as_the_tests_end(tmp_path: Path) -> None:
    source = "import os\ndef test_a(): pass\ndef test_b(): os._exit(9)\n"
    outcome = _run(tmp_path, {"test_a.py": source})
    assert outcome.status == 9
    assert [report["id"] for report in outcome.reports] == ["test_a.py::test_a"]
