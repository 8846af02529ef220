"""From Go's tests to reports: ids, places, messages."""

from __future__ import annotations

import os
import re
from typing import Any, NamedTuple

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.guest.spans import Code, Span

from . import panics, project
from .testlog import TestLog, TestRun, Told

_FUNCTION = re.compile(r"^func\s+(?P<name>(?:Test|Example|Fuzz)\w*)\s*\(", re.MULTILINE)
_REPORTING = (
    "Errorf",
    "Error",
    "Fatalf",
    "Fatal",
    "FailNow",
    "Fail",
    "Skipf",
    "Skip",
    "Logf",
    "Log",
)
_TRACE = re.compile(r"^\s*Error Trace:\s*(?P<path>\S+?):(?P<line>\d+)\s*$", re.MULTILINE)
_SECTION = re.compile(r"^\s*(?P<name>Error Trace|Error|Test|Messages):\s*", re.MULTILINE)


class Place(NamedTuple):
    """Where a test function stands: the path relative to the root, the range of its name."""

    path: str
    span: Span


class Package:
    """The tests of one package's folder."""

    def __init__(self, folder: str, sources: Sources) -> None:
        self.folder = folder
        self._sources = sources
        self._codes: dict[str, Code] = {}
        self.places = dict(self._functions())

    def _functions(self) -> list[tuple[str, Place]]:
        found: list[tuple[str, Place]] = []
        for name in project.go_files(self.folder):
            if name.endswith("_test.go"):
                path = self._sources.path(os.path.join(self.folder, name))
                code = self.code(path)
                found.extend(
                    (match["name"], Place(path, code.span(*match.span("name"))))
                    for match in _FUNCTION.finditer(code.bare)
                )
        return found

    def code(self, path: str) -> Code:
        """Return a source by its path relative to the root."""
        code = self._codes.get(path)
        if code is None:
            code = self._codes[path] = Code(self._sources.lines(path))
        return code

    def id(self, name: str) -> str:
        """Return a test's id; without a known file, its package's folder stands for it."""
        place = self.places.get(name.partition("/")[0])
        path = place.path if place else self._sources.path(self.folder)
        return f"{path}::{name}"

    def report(self, test: TestRun, exception: dict[str, Any] | None) -> dict[str, Any]:
        """Return the report of a test that has ended."""
        place = self.places.get(test.name.partition("/")[0])
        return {
            "type": "test",
            "id": self.id(test.name),
            "outcome": test.outcome or "failed",
            "seconds": test.seconds,
            "path": place.path if place else None,
            "line": place.span.line if place else None,
            "exception": exception,
        }

    def failure(self, test: TestRun) -> dict[str, Any] | None:
        """Return what the test itself said was wrong; None where it said nothing."""
        if test.errors:
            first, *more = test.errors
            notes = [_noted(told) for told in more]
            return self._exception(test.name, first, notes)
        return None

    def late_failure(self, test: TestRun, log: TestLog) -> dict[str, Any]:
        """Return the exception of a failed test that had said nothing when it ended."""
        compared = test.output.strip().removesuffix("\nFAIL")
        if test.name.startswith("Example") and compared:
            return _made("ExampleFailed", compared, self._at_test(test.name), [])
        below = [each for each in log.tests if each.startswith(test.name + "/")]
        failed = [each for each in below if log.tests[each].outcome == "failed"]
        if failed:
            message = f"failed in {', '.join(failed)}"
            return _made("SubtestFailed", message, self._at_test(test.name), [])
        return _made("Failed", f"{test.name} failed", self._at_test(test.name), [])

    def _exception(self, name: str, told: Told, notes: list[str]) -> dict[str, Any]:
        message = told.text
        path, line = self._path(told.file), told.line - 1
        trace = _TRACE.search(message)
        if trace:
            path, line = self._path(trace["path"]), int(trace["line"]) - 1
            message, extra = _assertion(message)
            notes = extra + notes
        if path is None:
            return _made("Failed", message, self._at_test(name), notes)
        return _made("Failed", message, [_frame(path, self._call(path, line), name)], notes)

    def _call(self, path: str, line: int) -> Span:
        code = self.code(path)
        for name in _REPORTING:
            calls = code.calls(line, name)
            if len(calls) == 1:
                return calls[0]
        whole = code.line_span(line)
        if "(" in code.lines[line] if 0 <= line < len(code.lines) else False:
            opening = code.bare.find("(", code.offset(line, whole.column))
            end = code.closing(opening) if opening >= 0 else None
            if end is not None and code.span(0, end).end_line > line:
                return code.span(code.offset(line, whole.column), end)
        return whole

    def _at_test(self, name: str) -> list[dict[str, Any]]:
        place = self.places.get(name.partition("/")[0])
        return [_frame(place.path, place.span, name)] if place else []

    def _path(self, file: str) -> str | None:
        if not file:
            return None
        full = file if os.path.isabs(file) else os.path.join(self.folder, os.path.basename(file))
        return self._sources.path(full) if os.path.isfile(full) else None


def death_report(death: panics.Death, sources: Sources) -> dict[str, Any]:
    """Return the exception of a panic in a test, without what surrounds every test."""
    report = panics.report_of(death, sources)
    report.pop("thread", None)
    return report


def tests_in(death: panics.Death) -> list[str]:
    """Return the names of functions in a trace that can be tests', innermost first."""
    found: list[str] = []
    for goroutine in death.goroutines:
        for step in goroutine.steps:
            name = re.search(r"\.(?P<test>(?:Test|Fuzz|Example)\w*)(?:\.func.*)?$", step.name)
            if name:
                found.append(name["test"])
    return found


def _assertion(message: str) -> tuple[str, list[str]]:
    """Return the error, and the rest as notes, of a message in testify's form."""
    sections: dict[str, str] = {}
    heads = list(_SECTION.finditer(message))
    for head, following in zip(heads, [*heads[1:], None], strict=True):
        end = following.start() if following else len(message)
        lines = [line.strip() for line in message[head.end() : end].strip().split("\n")]
        sections[head["name"]] = "\n".join(lines)
    notes = [sections["Messages"]] if sections.get("Messages") else []
    return sections.get("Error", message.strip()), notes


def _noted(told: Told) -> str:
    where = f"{told.file}:{told.line}: " if told.file else ""
    return clip(where + told.text, 2_000)


def _frame(path: str, span: Span, name: str) -> dict[str, Any]:
    return {"path": path, **span.report(), "name": name}


def _made(
    kind: str, message: str, frames: list[dict[str, Any]], notes: list[str]
) -> dict[str, Any]:
    return {
        "type": "exception",
        "kind": kind,
        "message": clip(message),
        "notes": notes,
        "suggestion": None,
        "facts": {},
        "frames": frames,
    }
