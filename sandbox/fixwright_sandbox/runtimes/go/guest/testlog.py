"""Read what a Go test binary prints with `-test.v=test2json`.

Lines of the test framework begin with a mark (SYN), messages of `t.Error` and `t.Fatal` stand
between two others (SO, SI in caret notation ^O, ^N); everything else is the tests' own output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

_MARK = "\x16"
_ERROR, _END = "\x0f", "\x0e"
_STARTED = re.compile(r"^=== (?P<what>RUN|NAME|CONT|PAUSE|ATTR) +(?P<name>.*)$")
_ENDED = re.compile(r"^ *--- (?P<how>PASS|FAIL|SKIP): (?P<name>.*?) \((?P<seconds>[\d.]+)s\)$")
_TOLD = re.compile(r"^ *(?P<file>[^\s:]+\.go):(?P<line>\d+): ?(?P<text>.*)$", re.DOTALL)
_CONTINUED = "        "
_OUTCOMES = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}
_MOST_OUTPUT = 16_000


class Told(NamedTuple):
    """A message of a test: the file's name without its folder, a one-based line."""

    file: str
    line: int
    text: str


@dataclass
class TestRun:
    """One test as it goes."""

    __test__ = False  # pytest: not a test class

    name: str
    outcome: str | None = None
    seconds: float = 0.0
    errors: list[Told] = field(default_factory=list[Told])
    logs: list[Told] = field(default_factory=list[Told])
    output: str = ""


class TestLog:
    """Takes the lines of a test binary, one at a time."""

    __test__ = False  # pytest: not a test class

    def __init__(self) -> None:
        self.tests: dict[str, TestRun] = {}
        self._current: TestRun | None = None
        self._error: list[str] | None = None
        self._last: Told | None = None

    def add(self, line: str) -> tuple[str, TestRun | None]:
        """Take a line; return it as people read it, and the test that has ended with it."""
        before, mark, told = line.partition(_MARK)
        if not mark:
            self._take(line)
            return _plain(line), None
        if before:
            self._take(before)
        ended = _ENDED.match(told)
        if ended:
            test = self._test(ended["name"])
            test.outcome = _OUTCOMES[ended["how"]]
            test.seconds = float(ended["seconds"])
            self._last = None
            return _plain(before) + told, test
        started = _STARTED.match(told)
        if started:
            if started["what"] in ("RUN", "NAME", "CONT"):
                name = started["name"]
                self._current = self._test(name) if name else None
                self._last = None
            shown = told if started["what"] == "RUN" else ""
            return _plain(before) + shown, None
        return _plain(before) + told, None

    def running(self) -> list[TestRun]:
        """Return the tests that have begun and not ended, in the order of their beginning."""
        return [test for test in self.tests.values() if test.outcome is None]

    def _test(self, name: str) -> TestRun:
        return self.tests.setdefault(name, TestRun(name))

    def _take(self, line: str) -> None:
        test = self._current
        if test is None:
            return
        if _ERROR in line and self._error is None:
            self._error = []
            line = line.replace(_ERROR, "", 1)
        if self._error is None:
            self._take_log(test, line)
            return
        text, end, _ = line.partition(_END)
        self._error.append(text)
        if end:
            told = _told("\n".join(self._error))
            test.errors.append(told)
            self._error = None

    def _take_log(self, test: TestRun, line: str) -> None:
        placed = _TOLD.match(line) if line.startswith("    ") else None
        if placed:
            test.logs.append(Told(placed["file"], int(placed["line"]), placed["text"]))
        if len(test.output) < _MOST_OUTPUT:
            test.output += line + "\n"


def _told(text: str) -> Told:
    placed = _TOLD.match(text)
    if not placed:
        return Told("", 0, text.strip())
    lines = placed["text"].split("\n")
    return Told(
        placed["file"],
        int(placed["line"]),
        "\n".join([lines[0], *(line.removeprefix(_CONTINUED) for line in lines[1:])]),
    )


def _plain(line: str) -> str:
    return line.replace(_ERROR, "").replace(_END, "")
