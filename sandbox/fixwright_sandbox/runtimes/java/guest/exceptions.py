"""Turn what our classes tell of exceptions, and what javac tells, into reports."""

from __future__ import annotations

import os
import re
from typing import Any

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.sources import Sources

from .spans import Index

_MACHINERY = re.compile(
    r"^(org\.junit\.|junit\.|org\.hamcrest\.|org\.opentest4j\.|fixwright\.|jdk\.internal\.reflect\.|"
    r"java\.lang\.reflect\.)"
)
_LANG = re.compile(r"\bjava\.lang\.(?=[A-Z])")
"""javac itself leaves it out; its API does not."""


class Reader:
    """Reads the exceptions of one run.

    Args:
        root: the tree.
        index: where expressions stand.
    """

    def __init__(self, root: str, index: Index) -> None:
        self.sources = Sources(root)
        self._index = index

    def exception(self, raw: dict[str, Any]) -> dict[str, Any]:
        """Return the report of an exception as `Reports.java` wrote it."""
        kind, message = str(raw["kind"]), raw.get("message")
        text = clip(message) if isinstance(message, str) else ""
        report = simple(kind, text)
        report["frames"] = self.frames(raw["frames"], kind, text)
        if raw.get("framesLeftOut"):
            report["framesLeftOut"] = raw["framesLeftOut"]
        for key in ("expected", "actual"):
            if isinstance(raw.get(key), str):
                report["facts"][key] = clip(raw[key], 2_000)
        if isinstance(raw.get("cause"), dict):
            report["cause"] = self.exception(raw["cause"])
        report["exceptions"] = [self.exception(other) for other in raw.get("suppressed", ())]
        if isinstance(raw.get("thread"), str):
            report["thread"] = clip(raw["thread"], 200)
        return report

    def frames(
        self, raw: list[dict[str, Any]], kind: str, message: str, callee: str | None = None
    ) -> list[dict[str, Any]]:
        """Return the frames, outermost first, without JUnit's and reflection's around them."""
        found: list[dict[str, Any]] = []
        below: tuple[str, str] | None = (callee, "") if callee else None
        for frame in raw:  # innermost first
            found.append(self._frame(frame, below, kind, message))
            below = (str(frame["method"]), str(frame["class"]))
        own = [n for n, one in enumerate(found) if self._inside(one)]
        first, last = (own[0], own[-1]) if own else (0, len(found) - 1)
        kept = [
            one
            for number, one in enumerate(found)
            if (first <= number <= last)
            or (number < first and not _MACHINERY.match(one["name"]))
            or (number > last and not own)
        ]
        return kept[::-1]

    def _inside(self, frame: dict[str, Any]) -> bool:
        return not frame["path"].startswith("<") and not os.path.isabs(frame["path"])

    def _frame(
        self, raw: dict[str, Any], below: tuple[str, str] | None, kind: str, message: str
    ) -> dict[str, Any]:
        class_name, method = str(raw["class"]), str(raw["method"])
        name = f"{class_name}.{method}"
        path = self._index.source(class_name, raw.get("file"))
        line = int(raw["line"]) - 1
        if path is None or line < 0:
            module = f"{raw['module']}/" if raw.get("module") else ""
            where = f"<{module}{class_name}>"
            return {
                "path": where if path is None else self.sources.path(path),
                "line": max(line, 0),
                "column": None,
                "endLine": max(line, 0),
                "endColumn": None,
                "name": name,
            }
        if below is None:
            span = self._index.thrown(path, line, kind, message)
        else:
            span = self._index.called(path, line, *below)
        place = span.place() if span is not None else self.line(path, line)
        return {"path": self.sources.path(path), **place, "name": name}

    def line(self, path: str, line: int) -> dict[str, Any]:
        """Return the range of a line's code, without what is around it."""
        text = self.sources.line(path, line) or ""
        code = re.sub(r"\s*//[^\"']*$", "", text).rstrip() or text.rstrip()
        start = len(text) - len(text.lstrip())
        return {
            "line": line,
            "column": start,
            "endLine": line,
            "endColumn": max(len(code), start + 1),
        }


def diagnostic(raw: dict[str, Any], sources: Sources) -> dict[str, Any] | None:
    """Return the report of one of javac's diagnostics; None for its notes without a place."""
    warning = "WARNING" in str(raw["severity"])
    severity = "error" if raw["severity"] == "error" else "warning"
    if severity == "warning" and not warning:
        return None
    text = _LANG.sub("", str(raw["message"]))
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    message, notes = (lines[0] if lines else ""), lines[1:]
    symbol = next((n for n in notes if n.startswith("symbol:")), None)
    if symbol is not None:
        # "cannot find symbol" says nothing without it.
        message = f"{message}: {' '.join(symbol.partition(':')[2].split())}"
    report: dict[str, Any] = {
        "type": "diagnostic",
        "severity": severity,
        "kind": str(raw["kind"]),
        "message": clip(message),
        "path": None,
        "line": None,
        "column": None,
        "endLine": None,
        "endColumn": None,
        "notes": [clip(" ".join(note.split()), 1_000) for note in notes],
        "related": [],
        "fixes": [],
    }
    if isinstance(raw.get("path"), str):
        report["path"] = sources.path(raw["path"])
        for key in ("line", "column", "endLine", "endColumn"):
            report[key] = raw[key]
    return report


def rendered(report: dict[str, Any]) -> str:
    """Return a diagnostic as javac prints it, without the source line."""
    where = f"{report['path']}:{report['line'] + 1}: " if report["path"] is not None else ""
    return "\n  ".join([f"{where}{report['severity']}: {report['message']}", *report["notes"]])


def simple(kind: str, message: str, place: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a report without frames."""
    return {
        "type": "exception",
        "kind": kind,
        "message": clip(message),
        "notes": [],
        "suggestion": None,
        "facts": {},
        "frames": [],
        "place": place,
        "cause": None,
        "context": None,
        "exceptions": [],
    }
