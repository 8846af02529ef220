"""Run Go's tests: a binary for each package, kept while nothing that goes into it changes."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from fixwright_sandbox.guest.sources import Sources

from . import panics, project
from .driver import report_build
from .test_reports import Package, death_report, tests_in
from .testlog import TestLog, TestRun
from .toolchain import Toolchain

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

NO_TESTS = 5
"""The exit status when there is no test, the same in every runtime."""
_FAILED = 1
_ALL = "*"


class Chosen(NamedTuple):
    """What to run of a package: names of tests as Go has them; none means all."""

    folder: str
    names: tuple[str, ...]


def run_tests(targets: list[str], toolchain: Toolchain, stage: Stage) -> int:
    """Build and run tests and report each; return the run's exit status.

    Args:
        targets: ids (`calc_test.go::TestAdd/two`), test names, files or folders; none means all.
        toolchain: builds.
        stage: where it runs.
    """
    sources = Sources(stage.root)
    chosen = _chosen(targets, stage.root, sources)
    # What is built is kept only while nothing of the user's runs beside it: build all first.
    built = [(each, _binary(each.folder, toolchain, stage)) for each in chosen]
    worst = _FAILED if any(binary is None for _, binary in built) else 0
    ran = worst != 0
    for each, binary in built:
        if binary is None:
            continue
        if len(chosen) > 1:
            stage.say(f"# {sources.path(each.folder)}\n")
        status, tests = _Execution(each, stage).run(binary)
        ran = ran or tests > 0 or status != 0
        worst = max(worst, abs(status))
    if not ran:
        where = ", ".join(targets) or "the workspace"
        stage.report(_failure("NoTestsFound", f"no tests found in {where}"))
        stage.say(f"no tests found in {where}\n")
        return NO_TESTS
    return _FAILED if worst else 0


class _Execution:
    """One run of one test binary."""

    def __init__(self, chosen: Chosen, stage: Stage) -> None:
        self._chosen = chosen
        self._stage = stage
        self._sources = Sources(stage.root)
        self._package = Package(chosen.folder, self._sources)
        self._log = TestLog()
        self._silent: list[TestRun] = []

    def run(self, binary: str) -> tuple[int, int]:
        """Run it; return its status and how many tests ran."""
        pattern = _pattern(self._chosen.names)
        argv = [binary, "-test.v=test2json", "-test.paniconexit0", "-test.timeout=0"]
        argv += [f"-test.run={pattern}"] if pattern else []
        ended = self._stage.stream(argv, self._take, cwd=self._chosen.folder)
        stderr = ended.stderr.decode("utf-8", "replace")
        death = panics.death_of(stderr) if ended.exit else None
        self._finish(death, ended.exit)
        return ended.exit, len(self._log.tests)

    def _take(self, line: bytes) -> None:
        text, test = self._log.add(line.decode("utf-8", "replace").rstrip("\r\n"))
        if text:
            os.write(1, text.encode("utf-8", "replace") + b"\n")
        if test is None:
            return
        exception = self._package.failure(test) if test.outcome == "failed" else None
        if test.outcome == "failed" and exception is None:
            self._silent.append(test)  # what follows, its subtests or a panic may tell
        else:
            self._stage.report(self._package.report(test, exception))

    def _finish(self, death: panics.Death | None, status: int) -> None:
        exception = death_report(death, self._sources) if death else None
        guilty = self._guilty(death) if death else None
        for test in self._silent:
            own = exception if test is guilty else self._package.late_failure(test, self._log)
            self._stage.report(self._package.report(test, own))
        unfinished = self._log.running() if status else []
        for test in unfinished:
            if test is guilty:
                own = exception
            elif exception is not None:
                continue  # it was not its fault, and nobody knows how it would have ended
            else:
                message = f"the test binary ended with status {status} while {test.name} ran"
                own = _failure("ExitStatus", message)
            self._stage.report(self._package.report(test, own))
        if exception is not None and guilty is None:
            self._stage.report(exception)
        elif status and not self._log.tests and exception is None:
            self._stage.report(
                _failure("ExitStatus", f"the test binary ended with status {status}")
            )

    def _guilty(self, death: panics.Death) -> TestRun | None:
        """Return the test that a panic ended: the deepest that is named in it or was running."""
        candidates = [*self._silent, *self._log.running()]
        named = tests_in(death)
        for name in named:
            fitting = [each for each in candidates if each.name.partition("/")[0] == name]
            if fitting:
                return max(fitting, key=lambda each: each.name.count("/"))
        return max(candidates, key=lambda each: each.name.count("/"), default=None)


def _binary(folder: str, toolchain: Toolchain, stage: Stage) -> str | None:
    """Return the test binary of a package, built where needed; reports why there is none."""
    module = project.module_of(folder, stage.root)
    key = toolchain.key(module, [folder], tests=True)
    if toolchain.has(key):
        return toolchain.binary(key)
    names = [name for name in project.go_files(folder) if name.endswith("_test.go")]
    package = next(
        (
            found
            for name in names
            if not (found := project.package_of(os.path.join(folder, name))).endswith("_test")
        ),
        "",
    )
    overlay: dict[str, str] = {}
    if package:
        overlay.update(toolchain.guard(folder, package, tests=True))
    if module is None:
        # Tests of a package need a module; one of its own does, for a package without.
        overlay[os.path.join(folder, "go.mod")] = f"module {package or 'tested'}\n\ngo 1.21\n"
    argv = ["test", "-c", "-o", toolchain.binary(key), "."]
    worked, said = toolchain.build(argv, folder, module, overlay)
    if not worked or not os.path.isfile(toolchain.binary(key)):
        report_build(said, folder, module, stage)
        return None
    return toolchain.binary(key)


def _chosen(targets: list[str], root: str, sources: Sources) -> list[Chosen]:
    """Return what to run, package by package."""
    names: dict[str, list[str]] = {}
    for target in targets or ["."]:
        path, _, name = target.partition("::")
        full = os.path.join(root, path)
        if name:
            folder = full if os.path.isdir(full) else os.path.dirname(full)
            names.setdefault(os.path.normpath(folder), []).append(name.replace("::", "/"))
        elif os.path.isdir(full):
            for folder in project.test_folders(full):
                names.setdefault(os.path.normpath(folder), []).append(_ALL)
        elif path.endswith("_test.go"):
            folder = os.path.normpath(os.path.dirname(full))
            package = Package(folder, sources)
            here = [test for test, place in package.places.items() if place.path == path]
            names.setdefault(folder, []).extend(here or [_ALL])
        elif path.endswith(".go"):
            names.setdefault(os.path.normpath(os.path.dirname(full)), []).append(_ALL)
        else:
            for folder in project.test_folders(root):
                if path.partition("/")[0] in Package(folder, sources).places:
                    names.setdefault(os.path.normpath(folder), []).append(path)
    return [
        Chosen(folder, () if _ALL in wanted else tuple(dict.fromkeys(wanted)))
        for folder, wanted in names.items()
        if any(name.endswith("_test.go") for name in project.go_files(folder))
    ]


def _pattern(names: Iterable[str]) -> str:
    """Return the expression for `-test.run` that picks tests by their names, subtests too.

    Go splits it at slashes, so each level gets its own alternatives.
    """
    paths = [name.split("/") for name in names]
    if not paths:
        return ""
    depth = max(map(len, paths)) if len({len(path) for path in paths}) == 1 else 1
    levels = [sorted({path[level] for path in paths}) for level in range(depth)]
    return "/".join(
        "^(" + "|".join(re.escape(_as_shown(name)) for name in level) + ")$" for level in levels
    )


def _as_shown(name: str) -> str:
    return name.replace(" ", "_")


def _failure(kind: str, message: str) -> dict[str, Any]:
    return {
        "type": "exception",
        "kind": kind,
        "message": message,
        "notes": [],
        "suggestion": None,
        "facts": {},
        "frames": [],
    }
