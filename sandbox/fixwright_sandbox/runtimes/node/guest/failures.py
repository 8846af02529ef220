"""From what the hook wrote down to reports: kind, message, exact places, chain and facts."""

from __future__ import annotations

import os
import re
from typing import Any, cast

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.sources import Sources

from . import facts
from .script import Script
from .stacks import Call, calls_of, printed_in, shown_in

_NAMED = re.compile(
    r"is not (?:defined|a function|a constructor|iterable)|before initialization"
    r"|^Cannot (?:read|set|destructure|access|assign|convert|delete|mix BigInt)"
    r"|^Assignment to constant|^Class (?:constructor|extends)"
    r"|^Private field|^(?:Receiver|Object) must"
)
"""Messages of the engine's own: what is wrong is the word at the place, not the call."""

_OUT_OF_MEMORY = re.compile(r"^FATAL ERROR: .*(?:heap|memory)", re.IGNORECASE | re.MULTILINE)
_NOT_FOUND_IN = re.compile(r"^Cannot find (?:module|package) '([^']+)' imported from (.+?)(?:\n|$)")
_MOST_NOTES = 3


class Told:
    """The files of a run and what its errors look like in them."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._scripts: dict[str, Script] = {}

    @property
    def sources(self) -> Sources:
        """The files."""
        return self._sources

    def script(self, file: str) -> Script:
        """Return the text of a file."""
        found = self._scripts.get(file)
        if found is None:
            found = self._scripts[file] = Script(self._sources.lines(file) or [""])
        return found

    def failures(
        self, records: list[dict[str, Any]], stderr: str, exit_code: int
    ) -> list[dict[str, Any]]:
        """Return the reports of a program that has ended.

        Args:
            records: what the hook wrote down, in order.
            stderr: the end of the program's stderr.
            exit_code: its status; negative for a signal.
        """
        if exit_code == 0:
            return []
        uncaught = [r for r in records if r.get("type") == "uncaught"]
        main = [r for r in uncaught if not r.get("thread") and not r.get("handled")]
        first = records[0].get("pid") if records else None
        own = [r for r in main if r.get("pid") == first] or main
        chosen = own or uncaught[-1:]
        if chosen:
            return [self._uncaught(record, uncaught, stderr) for record in chosen]
        if _OUT_OF_MEMORY.search(stderr):
            message = "the JavaScript heap is out of memory"
            return [report_of("OutOfMemory", message)]
        return self._silent(records, stderr, exit_code)

    def _uncaught(
        self, record: dict[str, Any], others: list[dict[str, Any]], stderr: str
    ) -> dict[str, Any]:
        error = _mapping(record.get("error"))
        report = self.exception(error, stderr=stderr)
        message = error.get("message")
        for other in others:
            if other.get("thread") and _mapping(other.get("error")).get("message") == message:
                report["thread"] = f"worker {other['thread']}"
        return report

    def _silent(
        self, records: list[dict[str, Any]], stderr: str, exit_code: int
    ) -> list[dict[str, Any]]:
        """Tell of a program that called `process.exit`, after printing an error or not."""
        exits = [r for r in records if r.get("type") == "exit"]
        printed = printed_in(stderr)
        calls = _calls(exits[-1].get("frames")) if exits else []
        if printed is not None and any(self._sources.inside(c.file) for c in printed.calls):
            report = self.exception(
                {"kind": printed.kind, "message": printed.message}, calls=list(printed.calls)
            )
            report["notes"].append(f"the program ended itself with status {exit_code}")
            return [report]
        if not calls or exit_code < 0:
            return []  # The host tells the status or the signal.
        report = report_of("ExitStatus", f"exited with status {exit_code}")
        report["frames"] = self.frames(calls)
        said = [line for line in stderr.splitlines() if line.strip()]
        report["notes"] = [clip(line, 1_000) for line in said[-_MOST_NOTES:]]
        return [report]

    def exception(
        self,
        error: dict[str, Any],
        *,
        stderr: str = "",
        calls: list[Call] | None = None,
    ) -> dict[str, Any]:
        """Return the report of an error as the hook describes one."""
        kind = error.get("kind")
        message = _text(error.get("message"))
        stack = _text(error.get("stack"))
        if kind is None:
            report = report_of("Uncaught", message)
            report["place"] = self._shown(stderr, whole=True)
            return report
        report = report_of(_text(kind), message)
        told = _calls(error.get("frames"))
        calls = calls or told or calls_of(stack)
        report["frames"] = self.frames(calls, message)
        inside = [f for f in report["frames"] if _inside(f["path"])]
        if report["kind"] == "SyntaxError":
            report["place"] = self._shown(stack) or (None if inside else self._shown(stderr))
        if report["place"] is None and not inside:
            report["place"] = self._importer(message) or self._shown(stderr)
        place = report["place"] or (inside[-1] if inside else None)
        report["facts"] = facts.facts_of(
            report["kind"],
            message,
            _mapping(error.get("facts")),
            place,
            self._place_script(place),
            self._sources.root,
        )
        report["suggestion"] = report["facts"].pop("suggestion", None)
        self._related(error, report)
        return report

    def _related(self, error: dict[str, Any], report: dict[str, Any]) -> None:
        cause = error.get("cause")
        if isinstance(cause, dict):
            report["cause"] = self.exception(cast("dict[str, Any]", cause))
        for member in cast("list[Any]", error.get("errors") or []):
            if isinstance(member, dict):
                report["exceptions"].append(self.exception(cast("dict[str, Any]", member)))

    def frames(self, calls: list[Call], message: str | None = None) -> list[dict[str, Any]]:
        """Return frames as reports give them, outermost first, Node's own insides left out.

        Args:
            calls: innermost first.
            message: the error's, where it says what the innermost frame's range is; else every
                range is what is called there.
        """
        seen = [
            c for c in calls if c.file and not c.file.startswith(("node:internal", "<anonymous"))
        ]
        found: list[dict[str, Any]] = []
        for number, call in enumerate(seen):
            word = number == 0 and message is not None and _NAMED.search(message) is not None
            found.append(self._frame(call, message or "", word=word))
        found.reverse()
        if found and found[0]["name"] in ("", "Object.<anonymous>", "async"):
            found[0]["name"] = "<module>"
        for frame in found:
            frame["name"] = frame["name"] or "<anonymous>"
        return found

    def _frame(self, call: Call, message: str, *, word: bool) -> dict[str, Any]:
        if not os.path.isabs(call.file):
            place = {
                "line": call.line - 1,
                "column": None,
                "endLine": call.line - 1,
                "endColumn": None,
            }
            return {"path": f"<{call.file.strip('<>')}>", **place, "name": call.name}
        script = self.script(call.file)
        line = call.line - 1
        column = script.column_of(line, call.column - 1)
        span = script.blamed(line, column, message) if word else script.called(line, column)
        return {"path": self._sources.path(call.file), **span.report(), "name": _name(call.name)}

    def _shown(self, text: str, *, whole: bool = False) -> dict[str, Any] | None:
        shown = shown_in(text)
        if shown is None:
            return None
        script = self.script(shown.file)
        line = shown.line - 1
        column = script.column_of(line, shown.column)
        span = script.called(line, column) if whole else script.blamed(line, column)
        if shown.marked > 1:
            end = script.column_of(line, shown.column + shown.marked)
            span = span._replace(end_line=line, end_column=end)
        return {"path": self._sources.path(shown.file), **span.report()}

    def pointed(self, message: str, path: str) -> dict[str, Any] | None:
        """Return the place in a file that a tool names as `(line:column)` or behind its name."""
        name = re.escape(os.path.basename(path))
        match = re.search(rf"\((\d+):(\d+)\)|{name}:(\d+):(\d+)", message)
        if match is None:
            return None
        line = int(match[1] or match[3]) - 1
        column = int(match[2]) if match[2] else int(match[4]) - 1
        script = self.script(path)
        span = script.token(line, script.column_of(line, column))
        return {"path": self._sources.path(path), **span.report()}

    def _importer(self, message: str) -> dict[str, Any] | None:
        """Return where the import stands that Node could not find: it tells the file only."""
        match = _NOT_FOUND_IN.match(message)
        if match is None:
            return None
        wanted, file = match[1], match[2].strip()
        folder = os.path.dirname(file)
        for found in self.script(file).imports():
            specifier = found.specifier
            path = os.path.normpath(os.path.join(folder, specifier))
            if wanted in (specifier, path) or specifier.startswith(f"{wanted}/"):
                return {"path": self._sources.path(file), **found.span.report()}
        return None

    def _place_script(self, place: dict[str, Any] | None) -> Script | None:
        return self.script(place["path"]) if place is not None else None


def report_of(kind: str, message: str) -> dict[str, Any]:
    """Return a report with nothing but kind and message."""
    return {
        "type": "exception",
        "kind": clip(kind, 200),
        "message": clip(message),
        "notes": [],
        "suggestion": None,
        "facts": {},
        "frames": [],
        "place": None,
        "cause": None,
        "context": None,
        "exceptions": [],
    }


def _name(name: str) -> str:
    """Return a function's name without the other one that it was called by."""
    return name.partition(" [as ")[0]


def _inside(path: str) -> bool:
    return not path.startswith(("/", "<")) and "node_modules" not in path.split("/")


def _calls(frames: object) -> list[Call]:
    found: list[Call] = []
    for value in cast("list[Any]", frames) if isinstance(frames, list) else []:
        frame = _mapping(value)
        file, line, column = frame.get("file"), frame.get("line"), frame.get("column")
        if isinstance(file, str) and isinstance(line, int) and isinstance(column, int):
            found.append(Call(file, line, column, _text(frame.get("name"))))
    return found


def _mapping(value: object) -> dict[str, Any]:
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
