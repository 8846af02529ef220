"""Run unittest's tests and report each as soon as it has ended."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import os
import sys
import time
import unittest
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any, cast

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.sources import Sources

from .exceptions import Report, describe_exception, simple_report
from .main_module import package_of

NO_TESTS = 5


def run_unittest(targets: list[str], sources: Sources, report: Report) -> int:
    """Run the tests that targets name.

    Returns:
        0 when all passed, 1 when not, 5 when there is no test.
    """
    loading = _Loading(sources, report)
    suite = unittest.TestSuite()
    for target in targets:
        suite.addTests(loading.tests_of(target))

    def result(stream: Any, descriptions: bool, verbosity: int) -> _Result:
        return _Result(stream, descriptions, verbosity, sources=sources, report=report)

    runner = unittest.TextTestRunner(stream=sys.stderr, resultclass=result)  # type: ignore[arg-type] # any callable will do
    ended = runner.run(suite)
    if not ended.wasSuccessful() or loading.failed:
        return 1
    return 0 if ended.testsRun or ended.skipped else NO_TESTS


class _Loading:
    """Finds the tests that a target names; reports what keeps it from that."""

    def __init__(self, sources: Sources, report: Report) -> None:
        self._sources = sources
        self._report = report
        self.failed = False

    def tests_of(self, target: str) -> Iterator[unittest.TestSuite | unittest.TestCase]:
        """Return the tests of a file, `path::Class::test` or a dotted name."""
        path, *names = target.split("::")
        try:
            if os.path.isfile(path):
                yield _named(_import_file(path), names, target)
            else:
                yield _dotted(target)
        except _NoSuchTestError as error:
            self.failed = True
            self._say(target, "error", simple_report("NoTestsFound", str(error)))
            sys.stderr.write(f"ERROR: {error}\n")
        except unittest.SkipTest as skip:
            self._say(target, "skipped", None)
            sys.stderr.write(f"skipped {target}: {skip}\n")
        except BaseException as error:  # noqa: BLE001 - a test file may raise anything
            self.failed = True
            self._say(target, "error", describe_exception(error, self._sources))
            sys.stderr.write(f"ERROR: {target}: {type(error).__name__}: {error}\n")

    def _say(self, target: str, outcome: str, exception: dict[str, Any] | None) -> None:
        path = target.partition("::")[0]
        inside = path if os.path.isfile(path) else None
        self._report(
            _test_report(target, outcome, seconds=0.0, path=inside, line=None, exception=exception)
        )


def _import_file(path: str) -> ModuleType:
    """Import a test file by its name, from its package or its folder."""
    stem = os.path.basename(path).rpartition(".")[0]
    package = package_of(path)
    if package is not None:
        return importlib.import_module(f"{package}.{stem}")
    folder = os.path.dirname(os.path.abspath(path))
    if folder not in sys.path:
        sys.path.insert(0, folder)
    module = importlib.import_module(stem)
    if os.path.realpath(str(module.__file__)) != os.path.realpath(path):
        # Two test files of one name, in folders that are no packages.
        spec = importlib.util.spec_from_file_location(stem, os.path.abspath(path))
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


def _dotted(target: str) -> unittest.TestSuite | unittest.TestCase:
    """Return the tests of `package.module.Class.test` or of a part of that."""
    parts = target.split(".")
    for length in range(len(parts), 0, -1):
        name = ".".join(parts[:length])
        try:
            module = importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{name}.".startswith(f"{error.name}."):
                raise  # the module is there, one that it imports is not
        else:
            return _named(module, parts[length:], target)
    raise _NoSuchTestError(f"{target} is neither a file nor a module with tests")


def _named(
    module: ModuleType, names: list[str], target: str
) -> unittest.TestSuite | unittest.TestCase:
    if not names:
        return unittest.defaultTestLoader.loadTestsFromModule(module)
    found: object = module
    for name in names:
        if not hasattr(found, name):
            raise _NoSuchTestError(f"there is no test {target}: {name!r} is not defined")
        found = getattr(found, name)
    return unittest.defaultTestLoader.loadTestsFromName(".".join(names), module)


class _NoSuchTestError(Exception):
    """A target names nothing."""


class _Result(unittest.TextTestResult):
    """unittest's own result, which prints, and reports besides."""

    def __init__(
        self,
        stream: Any,
        descriptions: bool,
        verbosity: int,
        *,
        sources: Sources,
        report: Report,
    ) -> None:
        super().__init__(stream, descriptions, verbosity)
        self._sources = sources
        self._report = report
        self._began = time.perf_counter()
        self._failed_subtest = False

    def startTest(self, test: Any) -> None:  # noqa: N802 - unittest's name
        self._began = time.perf_counter()
        self._failed_subtest = False
        super().startTest(test)

    def addSuccess(self, test: Any) -> None:  # noqa: N802 - unittest's name
        super().addSuccess(test)
        if not self._failed_subtest:
            self._say(test, "passed")

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802 - unittest's name
        super().addFailure(test, err)
        self._say(test, "failed", err[1])

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802 - unittest's name
        super().addError(test, err)
        self._say(test, "failed" if isinstance(test, unittest.TestCase) else "error", err[1])

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802 - unittest's name
        super().addSkip(test, reason)
        self._say(test, "skipped")

    def addExpectedFailure(self, test: Any, err: Any) -> None:  # noqa: N802 - unittest's name
        super().addExpectedFailure(test, err)
        self._say(test, "skipped")

    def addUnexpectedSuccess(self, test: Any) -> None:  # noqa: N802 - unittest's name
        super().addUnexpectedSuccess(test)
        message = "the test passed, and @expectedFailure says that it fails"
        path, line = _place_of(test, self._sources)
        said = simple_report("UnexpectedSuccess", message)
        if path is not None and line is not None:
            said["place"] = _name_place(path, line, self._sources)
        self._send(test, "failed", said)

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802 - unittest's name
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._failed_subtest = True
            self._say(subtest, "failed", err[1])

    def _say(self, test: Any, outcome: str, error: BaseException | None = None) -> None:
        described = None if error is None else describe_exception(error, self._sources)
        self._send(test, outcome, described)

    def _send(self, test: Any, outcome: str, exception: dict[str, Any] | None) -> None:
        seconds = time.perf_counter() - self._began
        path, line = _place_of(test, self._sources)
        name = _id_of(test, path)
        self._report(
            _test_report(name, outcome, seconds=seconds, path=path, line=line, exception=exception)
        )


def _test_report(
    name: str,
    outcome: str,
    *,
    seconds: float,
    path: str | None,
    line: int | None,
    exception: dict[str, Any] | None,
) -> dict[str, Any]:
    return {
        "type": "test",
        "id": clip(name, 1_000),
        "outcome": outcome,
        "seconds": seconds,
        "path": path,
        "line": line,
        "exception": exception,
    }


def _case(test: Any) -> Any:
    return getattr(test, "test_case", test)  # a subtest's


def _id_of(test: Any, path: str | None) -> str:
    """Return a test's id in the form that both frameworks share: `path::Class::test`."""
    case = _case(test)
    if not isinstance(case, unittest.TestCase) or path is None:
        return str(test.id())
    name = f"{path}::{type(case).__qualname__.replace('.', '::')}::{case.id().rpartition('.')[2]}"
    described = str(test.id())[len(case.id()) :].strip() if test is not case else ""
    return f"{name} {described}" if described else name


def _place_of(test: Any, sources: Sources) -> tuple[str | None, int | None]:
    case = _case(test)
    name = str(case.id()).rpartition(".")[2]
    method: Any = getattr(cast("Any", type(case)), name, None)
    if not callable(method):
        return None, None
    method = inspect.unwrap(method)
    if not isinstance(method, FunctionType):
        return None, None
    code = method.__code__
    return sources.path(code.co_filename), code.co_firstlineno - 1


def _name_place(path: str, line: int, sources: Sources) -> dict[str, Any]:
    """Return the range of a function's name; `line` is where its decorators begin."""
    for number in range(line, line + 20):
        text = sources.line(path, number) or ""
        head, word, rest = text.partition("def ")
        if word and not head.strip(" async"):
            column = len(head) + len(word)
            end = column + len(rest.partition("(")[0])
            return {
                "path": path,
                "line": number,
                "column": column,
                "endLine": number,
                "endColumn": end,
            }
    return {"path": path, "line": line, "column": 0, "endLine": line, "endColumn": 0}
