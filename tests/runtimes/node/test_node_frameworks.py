"""Tests of projects that have a test runner of their own installed."""

from __future__ import annotations

import functools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fixwright.failures import failures_of, test_outcomes
from fixwright_sandbox import jobs
from fixwright_sandbox.events import Captured, Result
from fixwright_sandbox.runtimes.node.guest import driver
from support.node_stage import TOOLS, NodeStage, environment, node, run_job

CALC = """\
export function add(a, b) {
  return a + b + 1;
}
export function fail() {
  throw new RangeError('failing');
}
"""
TESTS = """\
{imports}
import {{ add, fail }} from './calc.mjs';

describe('calc', () => {{
  it('adds', () => {{
    {equal};
  }});
  it('fails', () => {{
    fail();
  }});
  it('passes', () => {{}});
  it.skip('is skipped', () => {{}});
}});
"""
RUNNERS = {
    "vitest": ("import { describe, expect, it } from 'vitest';", "expect(add(1, 2)).toBe(3)"),
    "mocha": ("import assert from 'node:assert';", "assert.strictEqual(add(1, 2), 3)"),
    "jest": ("import { describe, expect, it } from '@jest/globals';", "expect(add(1, 2)).toBe(3)"),
}


def _result(status: int, reports: list[dict[str, Any]]) -> Result:
    return Result(
        status="failed" if status else "passed",
        message="",
        exit_code=status,
        signal=None,
        started_at=0.0,
        duration=0.0,
        stdout=Captured(),
        stderr=Captured(),
        reports=tuple(reports),
        files=(),
        peak_memory=None,
        backend="none",
        image=None,
    )


VITEST_NEEDS = 22


@functools.cache
def _major() -> int:
    """The major version of the Node that runs the tests."""
    program = node() or "node"
    told = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    return int(told.stdout.lstrip("v").partition(".")[0])


class Tree:
    """A project with a runner installed."""

    def __init__(self, folder: Path, runner: str) -> None:
        self.folder = folder
        self.runner = runner
        for name in ("tree", "scratch", "cache"):
            (folder / name).mkdir()
        self.root = folder / "tree"
        (self.root / "node_modules").symlink_to(TOOLS / runner / "node_modules")
        package = {"type": "module" if runner != "jest" else "commonjs"}
        (self.root / "package.json").write_text(json.dumps(package))

    def run(self, *targets: str) -> tuple[Result, NodeStage]:
        root, scratch, cache = (str(self.folder / name) for name in ("tree", "scratch", "cache"))
        stage = NodeStage(root, scratch, cache, environment(self.folder))
        status = run_job(driver.main, jobs.to_wire(jobs.RunTests(targets)), stage)
        return _result(status, stage.reports), stage


@pytest.fixture(params=RUNNERS)
def tree(request: pytest.FixtureRequest, tmp_path: Path) -> Tree:
    runner: str = request.param
    if node() is None or not (TOOLS / runner / "node_modules").exists():
        pytest.skip(f"needs Node and {runner}")
    if runner == "vitest" and _major() < VITEST_NEEDS:
        pytest.skip(f"Vitest 5 needs Node {VITEST_NEEDS}, this is {_major()}")
    made = Tree(tmp_path, runner)
    imports, equal = RUNNERS[runner]
    calc, tests = CALC, TESTS.format(imports=imports, equal=equal)
    if runner == "jest":  # which runs modules of Node's kind only on request
        calc = calc.replace(
            "export function", "exports.add = add; exports.fail = fail; function", 1
        )
        calc = calc.replace("export function", "function")
        tests = tests.replace("import {", "const {").replace(
            "} from '@jest/globals'", "} = require('@jest/globals')"
        )
        tests = tests.replace("} from './calc.mjs'", "} = require('./calc.cjs')")
    (made.root / ("calc.cjs" if runner == "jest" else "calc.mjs")).write_text(calc)
    (made.root / "calc.test.js").write_text(tests)
    return made


@pytest.mark.slow
def test_each_test_with_its_place(tree: Tree) -> None:
    result, stage = tree.run()
    assert test_outcomes(result) == {
        "calc.test.js::calc::adds": "failed",
        "calc.test.js::calc::fails": "failed",
        "calc.test.js::calc::passes": "passed",
        "calc.test.js::calc::is skipped": "skipped",
    }, (stage.stdout, stage.stderr)
    adds, fails = failures_of(result, None)
    assert adds.path == "calc.test.js"
    assert adds.range is not None
    assert adds.range.start.line == 5, adds
    assert (fails.kind, fails.message) == ("RangeError", "failing")
    assert fails.path in ("calc.mjs", "calc.cjs")
    assert fails.range is not None
    assert (fails.range.start.line, fails.range.start.column, fails.range.end.column) == (4, 8, 33)
    assert [frame.name for frame in fails.frames if frame.inside][-1].endswith("fail")


@pytest.mark.slow
def test_one_test_of_a_file(tree: Tree) -> None:
    result, stage = tree.run("calc.test.js::calc::passes")
    passed = {k: v for k, v in test_outcomes(result).items() if v != "skipped"}
    assert passed == {"calc.test.js::calc::passes": "passed"}, (stage.stdout, stage.stderr)
    assert result.exit_code == 0


@pytest.mark.slow
def test_a_file_that_can_not_be_read(tree: Tree) -> None:
    imports = "const { it } = require('@jest/globals');" if tree.runner == "jest" else ""
    (tree.root / "calc.test.js").write_text(f"{imports}\nconst x = * 2;\nit('is', () => {{}});\n")
    result, stage = tree.run("calc.test.js")
    failures = failures_of(result, None)
    assert result.exit_code == 1
    assert [failure.path for failure in failures] == ["calc.test.js"], (stage.stdout, stage.stderr)
    assert failures[0].range is not None, failures
    assert failures[0].range.start.line == 1, failures
