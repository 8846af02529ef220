"""Turn what libtest says of tests, as JSON, into reports."""

from __future__ import annotations

import json
import os
import re
import signal
import sys
from typing import TYPE_CHECKING, Any, cast

from fixwright_sandbox.guest.bounds import clip

from . import panics
from .modules import Crate, Test
from .places import Places

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

LIBTEST = ("--format", "json", "-Z", "unstable-options", "--report-time")
"""What makes libtest write events; `RUSTC_BOOTSTRAP=1` makes a stable one take it."""
_DOC_NAME = re.compile(r"^(?P<path>.+?) - (?P<name>.*?) ?\(line (?P<line>\d+)\)")
_DOC_ERROR = re.compile(
    r"^error(?:\[(?P<code>E\d+)\])?: (?P<text>[^\n]+)\n +--> [^\n]+?:(?P<line>\d+):(?P<column>\d+)"
    r"\n +\|\n *(?P=line) \| (?P<code_line>[^\n]*)",
    re.MULTILINE,
)
_COMMENT = re.compile(r"\s*(?://[/!]|\*) ?")
_RETURNED = re.compile(r"^Error: (?P<text>.+?)\n?\Z", re.MULTILINE | re.DOTALL)


class Report:
    """Turns libtest's events into `test` reports, and prints a line for each.

    Attributes:
        count: how many tests were reported.
        failed: whether one of them failed.
        silent: whether no event came at all: the program has a harness of its own.
    """

    def __init__(
        self, stage: Stage, crate: Crate, places: Places, *, only: tuple[str, ...] = ()
    ) -> None:
        self._stage = stage
        self._only = only
        self._crate = crate
        self._places = places
        self._running: dict[str, None] = {}
        self.count = 0
        self.failed = False
        self.silent = True

    def event(self, line: bytes) -> None:
        """Take one line of the test program's stdout; what is no event is the program's own."""
        try:
            value: Any = json.loads(line) if line.startswith(b"{") else None
        except ValueError:
            value = None
        if isinstance(value, dict) and "event" in value:
            self.silent = False
            self._take(cast("dict[str, Any]", value))
        else:
            _print(line.decode("utf-8", "replace").rstrip("\n"))

    def _take(self, value: dict[str, Any]) -> None:
        name = str(value.get("name"))
        if value.get("type") != "test" or (self._only and name not in self._only):
            return
        if value["event"] == "started":
            self._running[name] = None
        elif value["event"] != "timeout":
            self._running.pop(name, None)
            self._ended(name, value)

    def interrupted(self) -> list[str]:
        """Return, and forget, the tests that were running when their process ended."""
        names = list(self._running)
        self._running.clear()
        return names

    def unfinished(self, names: list[str], ended: str, stderr: str) -> None:
        """Report tests whose process ended before they did."""
        found = panics.failures(stderr, -signal.SIGABRT, self._places, self._crate.root)
        for name in names:
            exception = next((r for r in found if r.get("thread") == name), None)
            exception = exception or panics.simple("abort", f"the test process ended {ended}")
            self._send(name, "error", None, exception)

    def whole(self, ended: str, exit_code: int, stderr: str) -> None:
        """Report a program that has no tests of its own but is one (`harness = false`)."""
        name = os.path.basename(self._crate.root).removesuffix(".rs")
        exception = None
        if exit_code:
            found = panics.failures(stderr, exit_code, self._places, self._crate.root)
            exception = found[-1] if found else panics.simple("exit", f"the test ended {ended}")
        self._send(name, "failed" if exit_code else "passed", None, exception)

    def _ended(self, name: str, value: dict[str, Any]) -> None:
        outcome = {"ok": "passed", "ignored": "skipped"}.get(value["event"], "failed")
        exception = None
        output = str(value.get("stdout", ""))
        if outcome == "failed":
            exception = self._exception(name, output, str(value.get("message", "")))
            if output:
                self._stage.say(f"---- {name} ----\n{output}")
        self._send(name, outcome, value.get("exec_time"), exception)

    def _send(
        self, name: str, outcome: str, seconds: Any, exception: dict[str, Any] | None
    ) -> None:
        self.count += 1
        self.failed = self.failed or outcome in ("failed", "error")
        place = _doc_place(name, self._crate)
        identity, path, line = place or self._known(name)
        _print(f"test {name} ... {_WORDS[outcome]}")
        self._stage.report(
            {
                "type": "test",
                "id": identity,
                "outcome": outcome,
                "seconds": seconds,
                "path": path,
                "line": line,
                "exception": exception,
            }
        )

    def _known(self, name: str) -> tuple[str, str, int | None]:
        test: Test | None = self._crate.tests.get(name)
        if test is None:
            return self._crate.id_of(name), self._crate.root, None
        return test.id, test.path, test.line

    def _exception(self, name: str, output: str, message: str) -> dict[str, Any]:
        found = panics.read_panics(output, self._places)
        own = [panic for panic in found if panic.thread in (name, "main")] or found
        example = _DOC_NAME.match(name)
        wrong = _DOC_ERROR.search(output)
        if example is not None and example["path"] not in self._crate.tests:
            return self._example(example, own[0].report if own else None, wrong)
        if own:
            return _without_wrapper(own[0].report)
        returned = _RETURNED.search(output)
        if returned is not None:
            return panics.simple("Error", f"the test returned an error: {returned['text']}")
        return panics.simple("panic", message or clip(output) or "the test failed")

    def _example(
        self, example: re.Match[str], panic: dict[str, Any] | None, wrong: re.Match[str] | None
    ) -> dict[str, Any]:
        """Return the report of an example of the documentation.

        Lines are those of the program that rustdoc made of the example: a panic's place is the
        whole example, and the compiler's is where the line that it shows stands.
        """
        path = _doc_path(example["path"], self._crate)
        lines = self._places.sources.lines(path)
        if wrong is not None:
            begin = int(example["line"])
            shown = wrong["code_line"].rstrip()
            same = (n for n in range(begin, len(lines)) if lines[n].rstrip().endswith(shown))
            place = _in_comment(lines, next(same, begin), int(wrong["column"]) - 1)
            return panics.simple(
                wrong["code"] or "CompileError", wrong["text"], {"path": path, **place}
            )
        place = {"path": path, **_block(lines, int(example["line"]))}
        report = panic or panics.simple("panic", "the example failed")
        return {**report, "frames": [], "place": place}


_WORDS = {"passed": "ok", "skipped": "ignored", "failed": "FAILED", "error": "FAILED"}


def _without_wrapper(report: dict[str, Any]) -> dict[str, Any]:
    """Leave out the closure that `#[test]` makes around a test."""
    frames = report["frames"]
    if len(frames) > 1 and frames[0]["name"] == frames[1]["name"] + "::{{closure}}":
        return {**report, "frames": frames[1:]}
    return report


def _in_comment(lines: list[str], line: int, column: int) -> dict[str, Any]:
    """Return the range of a word of an example; columns do not count the comment's sign."""
    text = lines[line] if line < len(lines) else ""
    sign = _COMMENT.match(text)
    column += sign.end() if sign else 0
    word = re.match(r"\w+|.", text[column:])
    end = column + (len(word[0]) if word else 1)
    return {"line": line, "column": column, "endLine": line, "endColumn": end}


def _block(lines: list[str], first: int) -> dict[str, Any]:
    """Return the range of an example's code, which begins at line `first`."""
    last = first
    while last + 1 < len(lines) and "```" not in lines[last + 1]:
        last += 1
    text = lines[first] if first < len(lines) else ""
    sign = _COMMENT.match(text)
    end = len(lines[last]) if last < len(lines) else 1
    return {
        "line": first,
        "column": sign.end() if sign else 0,
        "endLine": last,
        "endColumn": end,
    }


def _doc_place(name: str, crate: Crate) -> tuple[str, str, int] | None:
    match = _DOC_NAME.match(name)
    if match is None or match["path"] in crate.tests:
        return None
    path = _doc_path(match["path"], crate)
    label = f"{match['name']} (line {match['line']})".lstrip()
    return f"{path}::{label}", path, int(match["line"]) - 1


def _doc_path(told: str, crate: Crate) -> str:
    """Return the file that rustdoc names relative to its package."""
    for path in crate.files:
        if path == told or path.endswith("/" + told):
            return path
    return told


def _print(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
