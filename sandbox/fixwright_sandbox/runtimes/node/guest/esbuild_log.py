"""esbuild's messages, as it writes them for people."""

from __future__ import annotations

import re
from typing import Any

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.sources import Sources

from .script import Script

_MESSAGE = re.compile(r"^(?:✘|X|▲) \[(?P<level>ERROR|WARNING)\] (?P<text>.*)$")
_PLACE = re.compile(r"^ {4}(?P<path>[^\n]+?):(?P<line>\d+):(?P<column>\d+):$")
_MARK = re.compile(r"^ +[│╵|] *(?P<mark>\^|~+)\s*$")
_COUNT = re.compile(r"^\d+ (?:errors?|warnings?)")


def diagnostics(log: str, sources: Sources) -> list[dict[str, Any]]:
    """Return a report of each error: those of the syntax have no code of their own.

    Args:
        log: what esbuild wrote to stderr, without colours.
        sources: the files that it read, named relative to the root.
    """
    found: list[dict[str, Any]] = []
    current: dict[str, Any] | None = None
    placed = False
    for line in log.splitlines():
        message = _MESSAGE.match(line)
        place = _PLACE.match(line)
        mark = _MARK.match(line)
        if message is not None:
            current = _report(message["text"]) if message["level"] == "ERROR" else None
            placed = False
            if current is not None:
                found.append(current)
        elif current is None or _COUNT.match(line):
            continue
        elif place is not None and not placed:
            placed = True
            _set_place(current, place, sources)
        elif mark is not None and len(mark["mark"]) > 1 and not current["related"]:
            current["endColumn"] = current["column"] + len(mark["mark"])
        elif place is not None and current["notes"]:
            related = {"message": current["notes"].pop()}
            _set_place(related, place, sources)
            current["related"].append(related)
        elif re.match(r"^ {2}\S", line):
            current["notes"].append(clip(line.strip(), 1_000))
    return found


def _report(text: str) -> dict[str, Any]:
    return {
        "type": "diagnostic",
        "severity": "error",
        "kind": "SyntaxError",
        "message": clip(text),
        "path": None,
        "line": None,
        "column": None,
        "endLine": None,
        "endColumn": None,
        "notes": [],
        "related": [],
        "fixes": [],
    }


def _set_place(report: dict[str, Any], place: re.Match[str], sources: Sources) -> None:
    path = place["path"]
    script = Script(sources.lines(path) or [""])
    line = int(place["line"]) - 1
    span = script.token(line, script.column(line, int(place["column"])))
    report.update({"path": sources.path(path), **span.report()})
