"""Run tests with pytest where there is one, else with unittest."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from types import ModuleType

from fixwright_sandbox.guest.sources import Sources

from . import main_module
from .exceptions import Report, simple_report

NO_TESTS = 5
"""The exit status when there is no test, as pytest has it."""

_USAGE = 4
_SKIPPED_FOLDERS = {"__pycache__", "build", "dist", "node_modules", "site-packages", "venv"}
_TEST_FILE = re.compile(r"(test.*|.*_test)\.py$")
_PYTEST_STYLE = re.compile(rb"^(?:async )?def test|^\s*(?:import|from) pytest\b", re.MULTILINE)


def run_tests(targets: list[str], framework: str, sources: Sources, report: Report) -> int:
    """Run tests and report each.

    Args:
        targets: paths, `path::Class::test` or dotted names; none means every test of the tree.
        framework: `pytest`, `unittest`, or `auto` for what is there.
        sources: the files of the run.
        report: takes a report for each test as soon as it has ended.

    Returns:
        The exit status: pytest's.
    """
    sys.modules["__main__"] = ModuleType("__main__")
    main_module.make_importable(sources.root)
    has_pytest = _has_pytest()
    sys.argv = ["unittest" if framework == "unittest" or not has_pytest else "pytest", *targets]
    if framework == "pytest" and not has_pytest:
        message = "pytest is not installed in the sandbox; install it there or use unittest"
        report(simple_report("ModuleNotFoundError", message))
        sys.stderr.write(f"{message}\n")
        return _USAGE
    if framework == "unittest" or not has_pytest:
        return _run_unittest(targets, sources, report, has_pytest=has_pytest)
    return _run_pytest(targets, sources, report)


def _has_pytest() -> bool:
    try:
        return importlib.util.find_spec("pytest") is not None
    except (ImportError, ValueError):
        return False


def _run_pytest(targets: list[str], sources: Sources, report: Report) -> int:
    import pytest  # here: the sandbox may have none

    from .pytest_plugin import Reporter

    plugin = Reporter(sources, report)
    status = int(pytest.main(["-p", "no:cacheprovider", *targets], plugins=[plugin]))
    if status == NO_TESTS:
        _report_no_tests(targets, report)
    return status


def _run_unittest(targets: list[str], sources: Sources, report: Report, *, has_pytest: bool) -> int:
    from .unittest_run import run_unittest  # here: slow to import

    files = list(_test_files(targets, sources.root))
    if not has_pytest and any(_is_pytest_style(file) for file in files):
        message = "there are tests for pytest, which is not installed in the sandbox: unittest ran"
        report({"type": "note", "message": message})
        sys.stderr.write(f"{message}\n")
    status = run_unittest(_expanded(targets, files), sources, report)
    if status == NO_TESTS:
        _report_no_tests(targets, report)
    return status


def _expanded(targets: list[str], files: list[str]) -> list[str]:
    """Return the targets with their folders replaced by the test files in them."""
    named = [target for target in targets if not os.path.isdir(target)]
    return named + [file for file in files if file not in {t.partition("::")[0] for t in named}]


def _report_no_tests(targets: list[str], report: Report) -> None:
    where = ", ".join(targets) or "the workspace"
    report(simple_report("NoTestsFound", f"no tests found in {where}"))


def _test_files(targets: list[str], root: str) -> Iterator[str]:
    """Return the test files that targets name, relative to the root, in order of their names."""
    for target in targets or ["."]:
        path = target.partition("::")[0]
        if os.path.isdir(path):
            yield from _files_below(path, root)
        elif os.path.isfile(path):
            yield path


def _files_below(folder: str, root: str) -> Iterator[str]:
    for current, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in _SKIPPED_FOLDERS
            and not os.path.exists(os.path.join(current, name, "pyvenv.cfg"))
        )
        for name in sorted(files):
            if _TEST_FILE.match(name):
                yield os.path.relpath(os.path.join(current, name), root)


def _is_pytest_style(path: str) -> bool:
    try:
        with open(path, "rb") as file:
            return _PYTEST_STYLE.search(file.read(1 << 20)) is not None
    except OSError:
        return False
