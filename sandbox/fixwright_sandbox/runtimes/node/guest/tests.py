"""Run tests with Node's own runner, or with the one that the project has installed."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, cast

from fixwright_sandbox.guest.bounds import clip

from . import typecheck
from .driver import Program, read_records
from .failures import report_of
from .found_tests import Target, framework_of, targets_of
from .stacks import printed_in
from .transform import ENDINGS, Prepared

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Ended

NO_TESTS = 5
"""The exit status when there is no test, as for Python."""

_STARTED = {
    "vitest": (
        "vitest.mjs",
        ["run", "--reporter=default", "--reporter=json", "--includeTaskLocation"],
    ),
    "jest": (
        "bin/jest.js",
        ["--json", "--testLocationInResults", "--runInBand", "--coverage=false"],
    ),
}
_OUTCOMES = {"passed": "passed", "failed": "failed"}


def run_tests(named: list[str], framework: str, program: Program) -> int:
    """Run tests and report each.

    Args:
        named: ids, files or folders; none means every test of the tree.
        framework: `node`, `vitest`, `jest`, `mocha`, `tsc` for types only, else what is there.
        program: what starts programs.

    Returns:
        The exit status: 0, 1, or 5 where there is no test.
    """
    root = program.project.root
    targets = targets_of(named, root)
    if framework == "tsc":
        return _check_types(program, targets)
    run = _Run(program)
    for target in targets:
        if not os.path.isfile(target.file):
            run.missing(target)
    groups: dict[tuple[str, str], list[Target]] = {}
    for target in targets:
        if os.path.isfile(target.file):
            name = framework_of(target.file, framework, program.project)
            home = program.project.installed(os.path.dirname(target.file), name) or ""
            groups.setdefault((name, home), []).append(target)
    for (name, home), group in groups.items():
        if name in _STARTED:
            run.with_results(name, home, group)
        else:
            run.one_by_one(name, home, group)
    if not run.reported and not run.status:
        where = ", ".join(named) or "the workspace"
        program.stage.report(report_of("NoTestsFound", f"no tests found in {where}"))
        program.stage.say(f"no tests found in {where}\n")
        return NO_TESTS
    return run.status


def _check_types(program: Program, targets: list[Target]) -> int:
    files = [t.file for t in targets] or [os.path.join(program.project.root, "index.ts")]
    found = typecheck.check(program, files[0])
    for report in found:
        program.stage.report(report)
    return 1 if found else 0


class _Run:
    """Collects how the tests of several files ended."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._stage = program.stage
        self._root = program.project.root
        self.status = 0
        self.reported = 0
        self._started = 0

    def missing(self, target: Target) -> None:
        """Report a file that is not there."""
        path = os.path.relpath(target.file, self._root)
        self._fail(path, report_of("NoTestsFound", f"there is no file {path}"))

    def one_by_one(self, name: str, home: str, group: list[Target]) -> None:
        """Run each file in a process of its own, in which the reporter sees the errors."""
        for target in group:
            typed = target.file.endswith(ENDINGS)
            prepared = self._program.prepare([target.file]) if typed else Prepared()
            if prepared is None:
                self.status = 1
                return
            broken = prepared.broken.get(target.file)
            if broken:
                for report in broken:
                    self._stage.report(report)
                self._stage.say(prepared.rendered[target.file])
                self.status, self.reported = 1, self.reported + 1
                continue
            self._one(name, home, target, prepared)

    def _one(self, name: str, home: str, target: Target, prepared: Prepared) -> None:
        config = self._program.configuration(prepared, target.file, shows=False)
        self._started += 1
        config["records"] += f"-{self._started}"
        hook = self._program.hook(config)
        path = os.path.relpath(target.file, self._root)
        environment = self._program.environment()
        if name == "mocha":
            argv = [*hook, os.path.join(home, "bin", "mocha.js")]
            argv += ["--reporter", self._stage.data("mocha_reporter.cjs"), path]
            if target.names:
                argv += ["--fgrep", " ".join(target.names)]
        else:
            drain = os.path.join(self._stage.scratch, "drain")
            argv = [*hook, "--test-reporter=spec", "--test-reporter-destination=stdout"]
            argv += [f"--test-reporter={self._stage.data('reporter.cjs')}"]
            argv += [f"--test-reporter-destination={drain}"]
            if target.names:
                argv.append(f"--test-name-pattern=(?:^|\\s){_escaped(target.names[-1])}$")
            argv.append(path)
        ended = self._stage.program([self._program.tools.node, *argv], env=environment)
        self._judge(target, read_records(config["records"]), ended)

    def _judge(self, target: Target, records: list[dict[str, Any]], ended: Ended) -> None:
        path = os.path.relpath(target.file, self._root)
        tests = [r for r in records if r.get("type") == "test"]
        failed = False
        reported = 0
        for record in tests:
            names = tuple(str(name) for name in record.get("names") or ())
            if names[: len(target.names)] != target.names:
                continue
            told = self._test(path, names, record)
            if told is not None:
                failed = failed or told["outcome"] == "failed"
                reported += 1
                self._stage.report(told)
        if ended.exit and not failed:
            stderr = ended.stderr.decode("utf-8", "replace")
            others = [r for r in records if r.get("type") != "test"]
            found = self._program.told.failures(others, stderr, ended.exit)
            for report in found:
                self._stage.report(report)
            reported += len(found)
        elif not reported:
            where = "::".join((path, *target.names))
            message = f"there is no test in {where}"
            self._fail(where, report_of("NoTestsFound", message))
            self._stage.say(f"{message}\n")
        self.reported += reported
        if ended.exit:
            self.status = 1

    def _test(
        self, path: str, names: tuple[str, ...], record: dict[str, Any]
    ) -> dict[str, Any] | None:
        """Return the report of a test; None for a suite that only sums up its tests."""
        failure = record.get("failure")
        if record.get("suite") or failure == "subtestsFailed":
            of_itself = record.get("outcome") == "failed" and failure not in (
                None,
                "subtestsFailed",
            )
            if not of_itself:
                return None
        exception = None
        error = record.get("error")
        if isinstance(error, dict) and record.get("outcome") == "failed":
            exception = self._program.told.exception(cast("dict[str, Any]", error))
        line = record.get("line")
        file = record.get("file")
        place = self._program.sources.path(file) if isinstance(file, str) else path
        return {
            "type": "test",
            "id": "::".join((path, *names)),
            "outcome": record.get("outcome"),
            "seconds": record.get("seconds") or 0.0,
            "path": place,
            "line": line - 1 if isinstance(line, int) else self._line_of(path, names[-1]),
            "exception": exception,
        }

    def with_results(self, name: str, home: str, group: list[Target]) -> None:
        """Run files together with a runner that writes its results as JSON."""
        results = os.path.join(self._stage.scratch, f"{name}.json")
        start, options = _STARTED[name]
        argv = [self._program.tools.node, os.path.join(home, start), *options]
        argv += [f"--outputFile{'.json' if name == 'vitest' else ''}={results}"]
        if name == "jest":
            argv += [
                "--cacheDirectory",
                os.path.join(self._stage.scratch, "jest"),
                "--runTestsByPath",
            ]
        argv += [target.file for target in group]
        names = [target.names for target in group if target.names]
        if names:
            argv += ["--testNamePattern", "|".join(f"^{_escaped(' '.join(n))}( |$)" for n in names)]
        folder = os.path.dirname(os.path.dirname(home))
        environment = {**self._program.environment(), "CI": "1"}
        ended = self._stage.program(argv, cwd=folder, env=environment)
        found = self._results(results, group)
        for report in found:
            self._stage.report(report)
        self.reported += len(found)
        if ended.exit:
            self.status = 1
            if not found:
                stderr = ended.stderr.decode("utf-8", "replace")
                for report in self._program.told.failures([], stderr, ended.exit):
                    self._stage.report(report)

    def _results(self, path: str, group: list[Target]) -> list[dict[str, Any]]:
        try:
            with open(path, encoding="utf-8") as file:
                results = json.load(file)
        except (OSError, ValueError):
            return []
        names = {target.file: target.names for target in group}
        found: list[dict[str, Any]] = []
        for suite in cast("list[dict[str, Any]]", results.get("testResults") or []):
            file = os.path.realpath(str(suite.get("name")))
            inside = self._program.sources.path(file)
            tests = cast("list[dict[str, Any]]", suite.get("assertionResults") or [])
            for test in tests:
                told = self._result(inside, test)
                if told is not None and _below(told["id"], inside, names.get(file, ())):
                    found.append(told)
            if suite.get("status") == "failed" and not any(
                t.get("status") == "failed" for t in tests
            ):
                message = str(suite.get("message") or "")
                found.append(self._suite_failed(inside, message))
        return found

    def _result(self, path: str, test: dict[str, Any]) -> dict[str, Any] | None:
        outcome = _OUTCOMES.get(str(test.get("status")), "skipped")
        names = [str(n) for n in (*(test.get("ancestorTitles") or ()), test.get("title"))]
        location = cast("dict[str, int] | None", test.get("location"))
        line = location["line"] - 1 if location else None
        messages = cast("list[object]", test.get("failureMessages") or [])
        exception = self._printed(str(messages[0])) if outcome == "failed" and messages else None
        return {
            "type": "test",
            "id": "::".join((path, *names)),
            "outcome": outcome,
            "seconds": (test.get("duration") or 0) / 1000,
            "path": path,
            "line": self._line_of(path, names[-1]) if line is None else line,
            "exception": exception,
        }

    def _suite_failed(self, path: str, message: str) -> dict[str, Any]:
        exception = self._printed(message)
        if exception["place"] is None and not exception["frames"]:
            exception["place"] = self._program.told.pointed(message, path)
        return {
            "type": "test",
            "id": path,
            "outcome": "error",
            "seconds": 0.0,
            "path": path,
            "line": None,
            "exception": exception,
        }

    def _printed(self, text: str) -> dict[str, Any]:
        text = re.sub(r"\x1b\[[\d;]*m", "", text)
        printed = printed_in(text)
        if printed is None:
            head = re.match(
                r"^\s*(?:● .*\n\s*)?(?:([A-Z]\w*(?:Error|Exception)): )?(.*)", text, re.DOTALL
            )
            assert head is not None  # every text matches
            return report_of(head[1] or "Error", clip(head[2].strip()))
        error = {"kind": printed.kind, "message": printed.message}
        return self._program.told.exception(error, calls=list(printed.calls))

    def _line_of(self, path: str, name: str) -> int | None:
        """Return the line where a test's name stands, if it stands on one only."""
        lines = self._program.sources.lines(path)
        quoted = [n for n, line in enumerate(lines) if any(f"{q}{name}{q}" in line for q in "'\"`")]
        return quoted[0] if len(quoted) == 1 else None

    def _fail(self, id_: str, exception: dict[str, Any]) -> None:
        self.status, self.reported = 1, self.reported + 1
        path = id_.partition("::")[0]
        self._stage.report(
            {
                "type": "test",
                "id": id_,
                "outcome": "error",
                "seconds": 0.0,
                "path": path if os.path.isfile(os.path.join(self._root, path)) else None,
                "line": None,
                "exception": exception,
            }
        )


def _below(id_: str, path: str, names: tuple[str, ...]) -> bool:
    wanted = "::".join((path, *names))
    return id_ == wanted or id_.startswith(f"{wanted}::")


def _escaped(name: str) -> str:
    return re.sub(r"[.*+?^${}()|[\]\\/]", r"\\\g<0>", name)
