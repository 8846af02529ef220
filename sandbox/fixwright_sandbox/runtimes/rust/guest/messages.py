"""Turn the compiler's JSON messages into `diagnostic` reports."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, cast

from fixwright_sandbox.guest.bounds import clip

from .places import Places

_MOST_RELATED = 16
_SYNTAX = re.compile(
    r"^(expected |unexpected |unclosed |mismatched closing|this file contains an unclosed|"
    r"unknown (start of token|prefix)|unterminated |unmatched|missing |invalid |"
    r"`[^`]*` (is|are) not |leading |comparison operators|cannot find attribute|keyword )"
)
_SUMMARY = re.compile(r"^(aborting due to|\d+ warnings? emitted|For more information about)")
_LEVELS = {"error": "error", "error: internal compiler error": "error", "warning": "warning"}


def diagnostic(message: dict[str, Any], places: Places) -> dict[str, Any] | None:
    """Return the report of one message of `--error-format=json`; None for what says nothing new.

    Spans inside a macro of a library are reported where the macro is used in the tree.
    """
    severity = _LEVELS.get(str(message.get("level")))
    text = str(message.get("message", ""))
    if severity is None or _SUMMARY.match(text):
        return None
    primary: dict[str, Any] | None = None
    related: list[dict[str, Any]] = []
    for span in message.get("spans", ()):
        place = _place(span, places)
        if span.get("is_primary") and primary is None:
            primary = {**place, "label": span.get("label")}
        elif span.get("label"):
            related.append({**place, "message": clip(str(span["label"]), 1_000)})
    notes, fixes = _children(message, places, related)
    if primary is not None and primary["label"]:
        notes.insert(0, clip(str(primary["label"]), 1_000))
    report = {
        "type": "diagnostic",
        "severity": severity,
        "kind": _kind(message, text, has_place=primary is not None),
        "message": clip(text),
        "path": None,
        "line": None,
        "column": None,
        "endLine": None,
        "endColumn": None,
        "notes": notes,
        "related": related[:_MOST_RELATED],
        "fixes": fixes,
    }
    if primary is not None:
        del primary["label"]
        report.update(primary)
    return report


def read_lines(
    data: bytes, take: Callable[[dict[str, Any]], None], rest: Callable[[str], None]
) -> None:
    """Give each line that is a JSON object to `take`, every other one to `rest`."""
    for line in data.decode("utf-8", "replace").splitlines():
        value: Any = None
        if line.startswith("{"):
            try:
                value = json.loads(line)
            except ValueError:
                value = None
        if isinstance(value, dict):
            take(cast("dict[str, Any]", value))
        elif line.strip():
            rest(line)


def _kind(message: dict[str, Any], text: str, *, has_place: bool) -> str:
    code: dict[str, Any] | None = message.get("code")
    if code is not None and code.get("code"):
        return str(code["code"])
    return "SyntaxError" if has_place and _SYNTAX.match(text) else "CompileError"


def _place(span: dict[str, Any], places: Places) -> dict[str, Any]:
    while not places.inside(str(span.get("file_name"))):
        expansion: dict[str, Any] | None = span.get("expansion")
        if expansion is None:
            break
        span = expansion["span"]
    name = str(span["file_name"])
    line, column = int(span["line_start"]) - 1, int(span["column_start"]) - 1
    end_line, end_column = int(span["line_end"]) - 1, int(span["column_end"]) - 1
    place = {
        "path": places.path(name),
        "line": line,
        "column": column,
        "endLine": end_line,
        "endColumn": end_column,
    }
    if (end_line, end_column) <= (line, column):
        place.update(_token_before(name, line, column, places))
    return place


def _token_before(name: str, line: int, column: int, places: Places) -> dict[str, Any]:
    """Return the range of the token at a point, or before it where nothing follows in its line."""
    source = places.source(name)
    if not source.tokens:
        return {"endLine": line, "endColumn": column + 1}
    offset = source.offset(line, column)
    index = source.at(offset)
    if index >= len(source.tokens) or source.tokens[index].start != offset:
        index = max(0, index - 1)
    token = source.tokens[index]
    start, end = source.place(token.start), source.place(token.end)
    return {"line": start[0], "column": start[1], "endLine": end[0], "endColumn": end[1]}


def _children(
    message: dict[str, Any], places: Places, related: list[dict[str, Any]]
) -> tuple[list[str], list[dict[str, Any]]]:
    notes: list[str] = []
    fixes: list[dict[str, Any]] = []
    for child in message.get("children", ()):
        text = str(child.get("message", ""))
        spans: list[dict[str, Any]] = list(child.get("spans", ()))
        edits = [span for span in spans if isinstance(span.get("suggested_replacement"), str)]
        if edits:
            fixes += _fixes(text, edits, places)
            notes.append(clip(f"help: {text}", 1_000))
        else:
            level = str(child.get("level", "note"))
            notes.append(clip(f"{level}: {text}", 1_000))
            related += [
                {**_place(span, places), "message": clip(str(span.get("label") or text), 1_000)}
                for span in spans
                if places.inside(str(span.get("file_name")))
            ]
    return notes, fixes


def _fixes(text: str, spans: list[dict[str, Any]], places: Places) -> list[dict[str, Any]]:
    """Return the suggestions that may be applied as they are.

    Several replacements for the same place are alternatives: each makes a fix of its own.
    """
    sure = [span for span in spans if span.get("suggestion_applicability") == "MachineApplicable"]
    likely = [span for span in spans if span.get("suggestion_applicability") == "MaybeIncorrect"]
    chosen = sure or likely
    if not chosen or not all(places.inside(str(span["file_name"])) for span in chosen):
        return []
    groups: list[list[dict[str, Any]]] = [[]]
    for span in chosen:
        taken = {(edit["byte_start"], edit["byte_end"]) for edit in groups[-1]}
        if (span["byte_start"], span["byte_end"]) in taken:
            groups.append([])
        groups[-1].append(span)
    return [
        {
            "message": clip(text, 1_000),
            "sure": bool(sure),
            "edits": [
                {
                    "path": places.path(str(span["file_name"])),
                    "line": int(span["line_start"]) - 1,
                    "column": int(span["column_start"]) - 1,
                    "endLine": int(span["line_end"]) - 1,
                    "endColumn": int(span["column_end"]) - 1,
                    "text": str(span["suggested_replacement"]),
                }
                for span in group
            ],
        }
        for group in groups
    ]
