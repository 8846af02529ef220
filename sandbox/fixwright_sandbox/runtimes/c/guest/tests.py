"""Run the tests of a project in C or C++, which has no test runner of its own.

What counts as tests, first found: those that CMake knows (`add_test`), a `test` or `check` target
of a Makefile, and sources named as tests (`test_list.c`, `list_test.cpp`, all below `tests/`) that
have a `main`: each of these is one test, which passes when it ends with status 0.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.guest.spans import Span

from . import crashes, diagnostics
from .build import Build, observe
from .cmake import CMAKE_FILE, CMakeProject
from .project import SOURCE_ENDINGS

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

NO_TESTS = 5
"""The exit status when there is no test, the same in every runtime."""
_FAILED = 1
_MAKEFILES = ("GNUmakefile", "makefile", "Makefile")
_ADDS_TESTS = re.compile(
    r"^[^#\n]*\b(?:enable_testing|add_test|include\s*\(\s*CTest)\b", re.MULTILINE
)
_TARGET = re.compile(r"^(?P<name>test|check)\s*:(?!=)", re.MULTILINE)
_SKIPPED = {"build", "node_modules", "vendor", "third_party", "CMakeFiles"}
_KINDS_OF_TESTS = (
    "CMake's (add_test), a Makefile's target test or check, "
    "or sources named as tests, such as test_list.c, with a main"
)


def run_tests(targets: list[str], stage: Stage) -> int:
    """Run tests and report each; return the run's exit status.

    Args:
        targets: ids, files or folders; none means all.
        stage: where it runs.
    """
    runner = _Runner(Build(stage, Sources(stage.root)), stage)
    for target in targets or [""]:
        path, _, name = target.partition("::")
        path = os.path.normpath(path) if path else ""
        if os.path.basename(path) == CMAKE_FILE:
            runner.cmake(os.path.dirname(path), name)
        elif os.path.basename(path) in _MAKEFILES:
            runner.make(path, name)
        elif path.endswith(SOURCE_ENDINGS):
            runner.alone(path)
        else:
            runner.folder("" if path == "." else path)
    runner.run()
    if not runner.ran:
        where = ", ".join(targets) or "the workspace"
        message = f"no tests found in {where}: there are none of {_KINDS_OF_TESTS}"
        stage.report(_exception("NoTestsFound", message))
        stage.say(message + "\n")
        return NO_TESTS
    return _FAILED if runner.failed else 0


class _Runner:
    """Builds tests, then runs them, and remembers whether there were any, and any failed.

    What has been built is kept only while nothing of the user's runs beside it, so all is built
    first.
    """

    def __init__(self, made: Build, stage: Stage) -> None:
        self._made = made
        self._stage = stage
        self._built: list[Callable[[], None]] = []
        self.ran = False
        self.failed = False

    def run(self) -> None:
        """Run what was found."""
        for test in self._built:
            test()

    def folder(self, folder: str) -> None:
        """Run the tests of a folder by the first way there is."""
        if self._exists(folder, CMAKE_FILE) and _ADDS_TESTS.search(
            self._made.project.code(os.path.join(folder, CMAKE_FILE)).text
        ):
            if shutil.which("cmake", path=self._stage.environment.get("PATH")):
                self.cmake(folder, "")
                return
            message = "there is no CMake in the sandbox, so the tests of CMake are not run"
            self._stage.report({"type": "note", "message": message})
            self._stage.say(message + "\n")
        makefile = next((name for name in _MAKEFILES if self._exists(folder, name)), None)
        if makefile is not None:
            path = os.path.join(folder, makefile)
            target = _TARGET.search(self._made.project.code(path).text)
            if target is not None:
                self.make(path, target["name"])
                return
        for path in self._sources(folder):
            self.alone(path)

    def alone(self, path: str) -> None:
        """Build one source, which is a test by itself."""
        if not self._made.project.has_main(path):
            return
        self.ran = True
        binary = self._made.program(path)
        if binary is None:
            self.failed = True
            return
        self._built.append(lambda: self._run_alone(path, binary))

    def _run_alone(self, path: str, binary: str) -> None:
        status, report, warnings = observe(binary, [], self._made, self._stage)
        for warning in warnings:
            self._stage.report(warning)
        code = self._made.project.code(path)
        main = re.search(r"\bmain\s*\(", code.bare)
        at = code.span(main.start(), main.start() + 4) if main else Span(0, 0, 0, 0)
        self._report(f"{path}::main", path, at, status, report)

    def make(self, path: str, target: str) -> None:
        """Take a target of a Makefile as one test."""
        self.ran = True
        self._built.append(lambda: self._run_make(path, target or "test"))

    def _run_make(self, path: str, target: str) -> None:
        folder = os.path.join(self._stage.root, os.path.dirname(path))
        ended = self._stage.program(
            ["make", "-f", os.path.basename(path), target],
            cwd=folder,
            env={**self._stage.environment, "LC_ALL": "C.UTF-8"},
        )
        stderr = ended.stderr.decode("utf-8", "replace")
        code = self._made.project.code(path)
        rule = re.search(rf"^{re.escape(target)}\s*:", code.text, re.MULTILINE)
        at = code.span(rule.start(), rule.start() + len(target)) if rule else Span(0, 0, 0, 0)

        def named(name: str) -> str:
            return self._made.sources.path(os.path.join(folder, name))

        found = diagnostics.of_text(stderr, self._made.project.code, named)
        for report in found:
            self._stage.report(report)
        if any(report["severity"] == "error" for report in found):
            self.failed = True
            return
        crash = crashes.crash_of("", stderr) if ended.exit else None
        report = crashes.report_of(crash, self._made.sources) if crash else None
        self._report(f"{path}::{target}", path, at, ended.exit, report)

    def cmake(self, folder: str, name: str) -> None:
        """Take the tests of a project of CMake, or the one of that name."""
        if os.path.isfile(os.path.join(self._stage.root, folder, CMAKE_FILE)):
            self.ran = True
            self._built.append(lambda: self._run_cmake(folder, name))

    def _run_cmake(self, folder: str, name: str) -> None:
        project = CMakeProject(folder, self._made, self._stage)
        tests = project.tests()
        if tests is None:
            self.failed = True
            return
        tests = [test for test in tests if name in ("", test.name)]
        self.ran = bool(tests)
        for test in tests:
            status, report = project.run(test)
            place = project.place(test.name)
            path = os.path.join(folder, CMAKE_FILE)
            if status is None:
                self._stage.report(_test(f"{path}::{test.name}", path, place, "skipped", None))
            else:
                self._report(f"{path}::{test.name}", path, place, status, report)

    def _report(
        self, name: str, path: str, at: Span, status: int, report: dict[str, Any] | None
    ) -> None:
        if status == 0:
            self._stage.report(_test(name, path, at, "passed", None))
            return
        self.failed = True
        if report is None:
            what = f"ended by signal {-status}" if status < 0 else f"exited with status {status}"
            report = _exception("ExitStatus", what)
            report["frames"] = [{"path": path, **at.report(), "name": name.rpartition("::")[2]}]
        self._stage.report(_test(name, path, at, "failed", report))

    def _sources(self, folder: str) -> Iterator[str]:
        base = os.path.join(self._stage.root, folder)
        for current, folders, files in os.walk(base):
            folders[:] = sorted(n for n in folders if n[0] != "." and n not in _SKIPPED)
            for name in sorted(files):
                path = os.path.relpath(os.path.join(current, name), self._stage.root)
                if name.endswith(SOURCE_ENDINGS) and is_test(path):
                    yield path

    def _exists(self, folder: str, name: str) -> bool:
        return os.path.isfile(os.path.join(self._stage.root, folder, name))


def is_test(path: str) -> bool:
    """Tell whether a source is a test by its name or its folder."""
    stem = os.path.splitext(os.path.basename(path))[0].casefold()
    folders: Iterable[str] = os.path.dirname(path).casefold().split(os.sep)
    named = stem.startswith("test") or stem.endswith(("_test", "_tests", "-test", "-tests"))
    return named or any(each in ("test", "tests") for each in folders)


def _test(
    name: str, path: str, at: Span, outcome: str, exception: dict[str, Any] | None
) -> dict[str, Any]:
    return {
        "type": "test",
        "id": name,
        "outcome": outcome,
        "seconds": 0.0,
        "path": path,
        "line": at.line,
        "exception": exception,
    }


def _exception(kind: str, message: str) -> dict[str, Any]:
    return {
        "type": "exception",
        "kind": kind,
        "message": message,
        "notes": [],
        "suggestion": None,
        "facts": {},
        "frames": [],
    }
