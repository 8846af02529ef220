"""Build a project of CMake, and run the tests that it knows one by one."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from fixwright_sandbox.guest.spans import Span

from . import diagnostics
from .build import Build, observe

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

CMAKE_FILE = "CMakeLists.txt"
_ERROR = re.compile(
    r"^CMake Error at (?P<path>[^\n:]+):(?P<line>\d+) \((?P<command>\w+)\):\n"
    r"(?P<text>(?:  .*\n|\n)+)",
    re.MULTILINE,
)


class Test(NamedTuple):
    """A test as CMake knows it."""

    name: str
    command: tuple[str, ...]
    folder: str | None
    environment: dict[str, str]
    skip_status: int | None
    shall_fail: bool


class CMakeProject:
    """A project of CMake, built anew for each run."""

    def __init__(self, folder: str, made: Build, stage: Stage) -> None:
        self._folder = folder
        self._made = made
        self._stage = stage
        source = os.path.join(stage.root, folder)
        self._source = source
        # What CMake runs is the project's, so nothing of it is kept for a later run.
        self._built = os.path.join(stage.scratch, "cmake")

    def tests(self) -> list[Test] | None:
        """Build and return the tests; None where that failed, and it is reported."""
        os.makedirs(self._built, exist_ok=True)
        own = ("-g", "-fno-omit-frame-pointer", "-Wall", "-fdiagnostics-format=json")
        flags = " ".join((*own, *self._made.compiler.sanitizers))
        environment = {
            **self._stage.environment,
            "LC_ALL": "C.UTF-8",
            "CFLAGS": flags,
            "CXXFLAGS": flags,
        }
        steps = (
            ["cmake", "-S", self._source, "-B", self._built, "-DCMAKE_BUILD_TYPE=Debug"],
            ["cmake", "--build", self._built, "--parallel", str(os.cpu_count() or 1)],
        )
        for argv in steps:
            finished = self._stage.tool(argv, cwd=self._source, env=environment, runs_code=True)
            text = (finished.stdout + b"\n" + finished.stderr).decode("utf-8", "replace")
            worked = finished.exit == 0
            self._tell(text, worked=worked)
            if not worked:
                return None
        listed = self._stage.tool(
            ["ctest", "--test-dir", self._built, "--show-only=json-v1"],
            env=environment,
            runs_code=True,
        )
        return _tests(listed.stdout) if listed.exit == 0 else []

    def run(self, test: Test) -> tuple[int | None, dict[str, Any] | None]:
        """Run a test; return its status, None where it was skipped, and the report of its end."""
        self._stage.say(f"# {test.name}\n")
        status, report, warnings = observe(
            test.command[0],
            list(test.command[1:]),
            self._made,
            self._stage,
            cwd=test.folder or self._built,
            env=test.environment,
        )
        for warning in warnings:
            self._stage.report(warning)
        if test.skip_status is not None and status == test.skip_status:
            return None, None
        if test.shall_fail:
            return (0 if status else 1), None
        return status, report

    def place(self, name: str) -> Span:
        """Return where a test is added; the beginning of the file where that is not found."""
        code = self._made.project.code(os.path.join(self._folder, CMAKE_FILE))
        found = re.search(rf"add_test\s*\(\s*(?:NAME\s+)?(?P<name>{re.escape(name)})\b", code.text)
        return code.span(*found.span("name")) if found else Span(0, 0, 0, 0)

    def _tell(self, text: str, *, worked: bool) -> None:
        load, name = self._made.project.code, self._made.sources.path
        reports = diagnostics.of_compiler(text, load, name)
        reports += diagnostics.of_linker(text, load, name)
        told: set[str] = set()
        for match in _ERROR.finditer(text):
            if match["line"] in told:
                continue  # what follows from the first
            told.add(match["line"])
            path = name(os.path.join(self._source, match["path"]))
            span = load(path).line_span(int(match["line"]) - 1)
            message = " ".join(match["text"].split())
            reports.append(diagnostics.simple("CMakeError", message, path, span))
        if not worked:
            self._stage.say(text)
            if not any(report["severity"] == "error" for report in reports):
                path = os.path.join(self._folder, CMAKE_FILE)
                last = text.strip()[-2_000:]
                reports.append(
                    diagnostics.simple("BuildFailed", last, path, load(path).line_span(0))
                )
        for report in reports:
            self._stage.report(report)


def _tests(listed: bytes) -> list[Test]:
    found: list[Test] = []
    tests: list[dict[str, Any]] = json.loads(listed).get("tests", [])
    for test in tests:
        properties: list[dict[str, Any]] = test.get("properties", [])
        values = {str(each["name"]): each.get("value") for each in properties}
        settings: list[str] = values.get("ENVIRONMENT") or []
        environment: dict[str, str] = {}
        for setting in settings:
            name, _, value = setting.partition("=")
            environment[name] = value
        skip = values.get("SKIP_RETURN_CODE")
        if test.get("command"):
            found.append(
                Test(
                    test["name"],
                    tuple(test["command"]),
                    values.get("WORKING_DIRECTORY"),
                    environment,
                    int(skip) if skip is not None else None,
                    bool(values.get("WILL_FAIL")),
                )
            )
    return found
