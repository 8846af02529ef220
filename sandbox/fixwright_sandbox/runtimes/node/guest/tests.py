"""Run tests with Node's own runner, or with the one that the project has installed."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, cast

from . import typecheck
from .driver import Program, read_records
from .failures import report_of
from .found_tests import Target, framework_of, targets_of
from .results import line_of, read_results
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
        """Run each file in a process of its own, in which the reporter sees the errors.

        All is transformed before the first of them runs: from then on the cache is watched.
        """
        typed = [target.file for target in group if target.file.endswith(ENDINGS)]
        prepared = self._program.prepare(typed) if typed else Prepared()
        if prepared is None:
            self.status = self.reported = 1
            return
        for target in group:
            for report in prepared.broken.get(target.file, ()):
                self._stage.report(report)
            if target.file in prepared.broken:
                self._stage.say(prepared.rendered[target.file])
                self.status, self.reported = 1, self.reported + 1
        for target in group:
            if target.file not in prepared.broken:
                self._one(name, home, target, prepared)

    def _one(self, name: str, home: str, target: Target, prepared: Prepared) -> None:
        config = self._program.configuration(prepared, target.file, shows=False)
        self._started += 1
        config["records"] += f"-{self._started}"
        hook = self._program.hook(config)
        path = os.path.relpath(target.file, self._root)
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
        ended = self._stage.program([self._program.tools.node, *argv])
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
            unread = None if tests else self._program.unreadable(target.file)
            for report in found if unread is None else [unread]:
                self._stage.report(report)
            reported += max(len(found), 1)
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
        sums_up = record.get("suite") or failure == "subtestsFailed"
        if sums_up and (record["outcome"] != "failed" or failure in (None, "subtestsFailed")):
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
            "line": line - 1
            if isinstance(line, int)
            else line_of(self._program.sources.lines(path), names[-1]),
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
            asked = ("(?: > | )".join(map(_escaped, each)) for each in names)
            argv += ["--testNamePattern", "|".join(f"^{one}( |$)" for one in asked)]
        folder = os.path.dirname(os.path.dirname(home))
        ended = self._stage.program(argv, cwd=folder, env={"CI": "1"})
        found = read_results(results, group, self._program)
        for report in found:
            self._stage.report(report)
        self.reported += len(found)
        if ended.exit:
            self.status = 1
            if not found:
                stderr = ended.stderr.decode("utf-8", "replace")
                for report in self._program.told.failures([], stderr, ended.exit):
                    self._stage.report(report)

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


def _escaped(name: str) -> str:
    return re.sub(r"[.*+?^${}()|[\]\\/]", r"\\\g<0>", name)
