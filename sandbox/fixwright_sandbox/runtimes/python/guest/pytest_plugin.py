"""A pytest plugin that reports each test from pytest's own objects as soon as it has ended."""

from __future__ import annotations

import ast
from collections.abc import Generator
from typing import Any, cast

import pytest

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.sources import Sources

from .exceptions import Report, describe_exception, simple_report
from .frames import Span

_SAID = "fixwright_exception"  # the attribute of a report of pytest's that carries ours


class Reporter:
    """The plugin: pytest gets one of it for each run."""

    def __init__(self, sources: Sources, report: Report) -> None:
        self._sources = sources
        self._report = report
        self._not_collected: set[str] = set()
        self._failed_subtests: set[str] = set()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Generator[None, Any, None]:
        """Describe what a test raised, while the exception is there."""
        outcome = yield
        made = outcome.get_result()
        made.fixwright_place = self._place_of(item)
        if made.failed and call.excinfo is not None:
            setattr(made, _SAID, self._exception(call.excinfo.value, made, item))

    @pytest.hookimpl
    def pytest_runtest_logreport(self, report: Any) -> None:
        """Report a test when it is known how it went: a failed phase, or its own."""
        if report.outcome not in ("passed", "failed", "skipped"):
            return  # a plugin's, such as "rerun": the outcome is still to come
        if report.when != "call" and report.outcome == "passed":
            return
        outcome = report.outcome
        if outcome == "failed" and report.when != "call":
            outcome = "error"
        exception = getattr(report, _SAID, None)
        name = str(report.nodeid)
        subtest = getattr(report, "context", None)  # only the report of a subtest has one
        if subtest is not None:
            if outcome != "failed":
                return
            self._failed_subtests.add(name)
            name += _described(subtest)
        elif name in self._failed_subtests and exception is None and report.when == "call":
            return  # it is its subtests that failed
        if exception is None and outcome in ("failed", "error"):
            exception = self._from_text(report)
        path, line = getattr(report, "fixwright_place", (None, None))
        self._send(
            name,
            outcome,
            seconds=float(report.duration),
            path=path,
            line=line,
            exception=exception,
        )

    @pytest.hookimpl(hookwrapper=True)
    def pytest_make_collect_report(self, collector: Any) -> Generator[None, Any, None]:
        """Report what keeps a file from being collected, or says to skip it."""
        outcome = yield
        made = outcome.get_result()
        if made.outcome == "passed" or made.nodeid in self._not_collected:
            return  # a file may be collected twice: for its tests, and for its doctests
        self._not_collected.add(made.nodeid)
        call = getattr(made, "call", None)
        exception = None
        if made.outcome == "failed":
            if call is not None and call.excinfo is not None:
                exception = self._exception(call.excinfo.value, made, None)
            else:
                exception = self._from_text(made)
        path = self._sources.path(str(getattr(collector, "path", None) or collector.fspath))
        ended = "error" if made.outcome == "failed" else "skipped"
        self._send(
            made.nodeid or path, ended, seconds=0.0, path=path, line=None, exception=exception
        )

    @pytest.hookimpl(hookwrapper=True)
    def pytest_cmdline_parse(self) -> Generator[None, Any, None]:
        """Report options that pytest refuses and a conftest.py that it cannot load."""
        outcome = yield
        self._note_refusal(outcome)
        if outcome.excinfo is None:
            _stay_in_this_process(outcome.get_result())

    @pytest.hookimpl(hookwrapper=True)
    def pytest_cmdline_main(self) -> Generator[None, Any, None]:
        """Report targets that pytest does not find."""
        outcome = yield
        self._note_refusal(outcome)

    @pytest.hookimpl
    def pytest_internalerror(self, excinfo: Any) -> None:
        """Report an error of pytest's own, or of one of its plugins."""
        self._report(self._raised(_loading(excinfo.value)))

    def _note_refusal(self, outcome: Any) -> None:
        excinfo = outcome.excinfo
        if excinfo is None or not isinstance(excinfo[1], Exception):
            return
        error = _loading(excinfo[1])
        if isinstance(error, pytest.UsageError):
            said = "\n".join(map(str, error.args)).partition("error: ")
            self._report(simple_report("UsageError", said[2] or said[0]))
        else:
            self._report(self._raised(error))

    def _send(
        self,
        node: str,
        outcome: str,
        *,
        seconds: float,
        path: str | None,
        line: int | None,
        exception: dict[str, Any] | None,
    ) -> None:
        self._report(
            {
                "type": "test",
                "id": clip(node, 1_000),
                "outcome": outcome,
                "seconds": seconds,
                "path": path,
                "line": line,
                "exception": exception,
            }
        )

    def _place_of(self, item: Any) -> tuple[str, int | None]:
        path = self._sources.path(str(getattr(item, "path", None) or item.fspath))
        line = item.location[1]
        return path, line if isinstance(line, int) else None

    def _exception(self, error: BaseException, made: Any, item: Any) -> dict[str, Any]:
        error = _loading(error)
        if type(error).__name__ == "FixtureLookupError" and item is not None:
            return self._missing_fixture(error, made, item)
        if type(error).__name__ == "MultipleDoctestFailures":
            error = cast("BaseException", cast("Any", error).failures[0])
        if hasattr(error, "example") and hasattr(error, "test"):
            return self._doctest(error)
        said = self._raised(error)
        if said["kind"] == "_pytest.outcomes.Failed":
            said["kind"] = "Failed"
        return said

    def _missing_fixture(self, error: Any, made: Any, item: Any) -> dict[str, Any]:
        name = str(error.argname)
        said = simple_report("FixtureLookupError", f"fixture {name!r} not found")
        longrepr = made.longrepr
        said["facts"] = {"name": name, "candidates": _fixtures(str(longrepr))}
        filename = str(getattr(longrepr, "filename", "")) or str(item.path)
        first = int(getattr(longrepr, "firstlineno", item.location[1] or 0))
        said["place"] = self._argument(filename, first, name)
        return said

    def _argument(self, filename: str, first: int, name: str) -> dict[str, Any]:
        """Return where a function, whose definition begins at line `first`, names an argument."""
        source = "\n".join(self._sources.lines(filename))
        span = Span(first, 0, first, len(self._sources.line(filename, first) or ""))
        nearest = None
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.arg) and node.arg == name:
                distance = abs(node.lineno - 1 - first)
                if nearest is None or distance < nearest:
                    nearest = distance
                    text = self._sources.line(filename, node.lineno - 1) or ""
                    column = len(text.encode()[: node.col_offset].decode())
                    span = Span(node.lineno - 1, column, node.lineno - 1, column + len(name))
        return span.report(self._sources.path(filename))

    def _doctest(self, error: Any) -> dict[str, Any]:
        raised = getattr(error, "exc_info", None)
        if raised is not None:
            said = self._raised(raised[1])
        else:
            got, want = str(error.got).rstrip("\n"), str(error.example.want).rstrip("\n")
            said = simple_report("DocTestFailure", f"expected {want or 'nothing'}, got {got}")
        filename = str(error.test.filename)
        first = int(error.test.lineno or 0) + int(error.example.lineno)
        text = self._sources.line(filename, first) or ""
        column = len(text) - len(text.lstrip(" >"))
        path = self._sources.path(filename)
        said["place"] = Span(first, column, first, max(len(text), column)).report(path)
        return said

    def _raised(self, error: BaseException) -> dict[str, Any]:
        said = describe_exception(error, self._sources)
        said["frames"] = self._without_pytest(said["frames"])
        return said

    def _without_pytest(self, frames: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Drop the frames by which pytest came to call the test, or to load its file."""
        for number, frame in enumerate(frames):
            if self._sources.inside(str(frame["path"])):
                return frames[number:]
        return []

    def _from_text(self, made: Any) -> dict[str, Any]:
        """Return a report made from pytest's text: of a plugin that has no exception to show."""
        crash = getattr(made.longrepr, "reprcrash", None)
        if crash is None:
            return simple_report("Failed", str(made.longrepr).strip())
        path = self._sources.path(str(crash.path))
        said = simple_report("Failed", str(crash.message))
        line = int(crash.lineno) - 1
        said["place"] = Span(line, None, line, None).report(path)
        return said


def _stay_in_this_process(config: Any) -> None:
    """Turn pytest-xdist off: its workers keep the exceptions, and send text."""
    if hasattr(config.option, "numprocesses"):
        config.option.numprocesses = None
        config.option.dist = "no"
        config.option.tx = []


def _loading(error: BaseException) -> BaseException:
    """Return why a file could not be loaded: pytest wraps that into errors of its own."""
    while type(error).__name__ in ("CollectError", "ConftestImportFailure"):
        cause: Any = error.__cause__ or getattr(error, "cause", None)
        if cause is None:
            raised = getattr(error, "excinfo", None)  # pytest before 8
            cause = cast("Any", raised)[1] if isinstance(raised, tuple) else None
        if not isinstance(cause, BaseException):
            break
        error = cause
    return error


def _described(subtest: Any) -> str:
    message = getattr(subtest, "msg", None)
    arguments = cast("dict[str, object]", getattr(subtest, "kwargs", None) or {})
    said = f" [{message}]" if message else ""
    values = ", ".join(f"{key}={value}" for key, value in arguments.items())
    return clip(f"{said} ({values})" if values else said, 300)


def _fixtures(longrepr: str) -> list[str]:
    _, _, listed = longrepr.partition("available fixtures: ")
    return [name.strip() for name in listed.partition("\n")[0].split(",") if name.strip()][:500]
