"""The results that Jest and Vitest write as JSON, in one form."""

from __future__ import annotations

import json
import os
import re
from typing import TYPE_CHECKING, Any, cast

from fixwright_sandbox.guest.bounds import clip

from .failures import report_of
from .stacks import calls_of

if TYPE_CHECKING:
    from .driver import Program
    from .found_tests import Target

_OUTCOMES = {"passed": "passed", "failed": "failed"}
_ANSI = re.compile(r"\x1b\[[\d;]*m")
_TRACE = re.compile(r"^ +at [^\n]*:\d+:\d+\)?$", re.MULTILINE)
_HEAD = re.compile(r"^\s*(?:● [^\n]*\n\s*)?(?:([A-Z][\w$]*): )?(.*)", re.DOTALL)


def read_results(path: str, targets: list[Target], program: Program) -> list[dict[str, Any]]:
    """Return a report of each test in a file of results; none where there is no such file.

    Args:
        path: the file.
        targets: what was asked for; tests beside it are left out.
        program: knows the files.
    """
    try:
        with open(path, encoding="utf-8") as file:
            results = json.load(file)
    except (OSError, ValueError):
        return []
    names = {os.path.realpath(target.file): target.names for target in targets}
    found: list[dict[str, Any]] = []
    for suite in cast("list[dict[str, Any]]", results.get("testResults") or []):
        file = os.path.realpath(str(suite.get("name")))
        inside = program.sources.path(file)
        tests = cast("list[dict[str, Any]]", suite.get("assertionResults") or [])
        for test in tests:
            told = _test(inside, test, program)
            if _below(told["id"], inside, names.get(file, ())):
                found.append(told)
        if suite.get("status") == "failed" and all(t.get("status") != "failed" for t in tests):
            found.append(_suite(inside, str(suite.get("message") or ""), program))
    return found


def line_of(lines: list[str], name: str) -> int | None:
    """Return the line where a test's name stands in quotes, if it does on one only."""
    quoted = [n for n, line in enumerate(lines) if any(f"{q}{name}{q}" in line for q in "'\"`")]
    return quoted[0] if len(quoted) == 1 else None


def _test(path: str, test: dict[str, Any], program: Program) -> dict[str, Any]:
    outcome = _OUTCOMES.get(str(test.get("status")), "skipped")
    names = [str(n) for n in (*(test.get("ancestorTitles") or ()), test.get("title"))]
    location = cast("dict[str, int] | None", test.get("location"))
    messages = cast("list[object]", test.get("failureMessages") or [])
    exception = _printed(str(messages[0]), program) if outcome == "failed" and messages else None
    line = location["line"] - 1 if location else None
    return {
        "type": "test",
        "id": "::".join((path, *names)),
        "outcome": outcome,
        "seconds": (test.get("duration") or 0) / 1000,
        "path": path,
        "line": line_of(program.sources.lines(path), names[-1]) if line is None else line,
        "exception": exception,
    }


def _suite(path: str, message: str, program: Program) -> dict[str, Any]:
    """Return the report of a file that could not be loaded."""
    exception = program.unreadable(os.path.join(program.project.root, path))
    if exception is None:
        exception = _printed(message, program)
        if not any(not frame["path"].startswith(("/", "<")) for frame in exception["frames"]):
            exception["place"] = program.told.pointed(message, path)
    return {
        "type": "test",
        "id": path,
        "outcome": "error",
        "seconds": 0.0,
        "path": path,
        "line": None,
        "exception": exception,
    }


def _printed(text: str, program: Program) -> dict[str, Any]:
    """Return the report of an error from what is printed of it: its head first, its trace last."""
    text = _ANSI.sub("", text)
    trace = _TRACE.search(text)
    head = _HEAD.match(text[: trace.start()] if trace else text)
    assert head is not None  # every text matches
    kind, message = head[1] or "Error", clip(head[2].strip())
    calls = calls_of(text)
    if not calls:
        return report_of(kind, message)
    return program.told.exception({"kind": kind, "message": message}, calls=calls)


def _below(id_: str, path: str, names: tuple[str, ...]) -> bool:
    wanted = "::".join((path, *names))
    return id_ == wanted or id_.startswith(f"{wanted}::")
