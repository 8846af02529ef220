"""From what gcc, g++ and the linker say to diagnostics with exact ranges."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, cast

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.spans import Code, Span

_LINK = re.compile(
    r"^(?:\S*\bld(?:\.\w+)?: )?(?P<where>.*?): (?P<text>(?:undefined reference to|multiple "
    r"definition of|warning:) .*)$"
)
_PLACE = re.compile(r"^(?P<path>[^\n]*?):(?P<line>\d+)$")
_FIRST = re.compile(r"; (?P<where>.*): first defined here$")
_NAMED = re.compile(r"[`'\u2018](?P<name>[^`'\u2019]+)['\u2019]")
_PLAIN = re.compile(
    r"^(?P<path>[^\s:][^:\n]*):(?P<line>\d+):(?:(?P<column>\d+):)? "
    r"(?P<kind>fatal error|error|warning): (?P<text>.*?)(?: \[(?P<option>-W[^\]]+)\])?$"
)
_SYNTAX = re.compile(r"^(expected |missing terminating|stray |unterminated|expected$)")
_BEFORE = re.compile(r"^expected .*[;,)\]].* before ")
_MOST = 200

LoadCode = Callable[[str], Code]
NamePath = Callable[[str], str]
"""How a report names a file: relative to the root inside it, else absolute."""


class Output(NamedTuple):
    """A compiler's stderr taken apart: its JSON messages, and the lines beside them."""

    messages: list[dict[str, Any]]
    lines: list[str]


def output_of(stderr: str) -> Output:
    """Split what gcc said into its JSON messages and everything else."""
    messages: list[dict[str, Any]] = []
    lines: list[str] = []
    decoder = json.JSONDecoder()
    position = 0
    while position < len(stderr):
        if stderr.startswith("[", position):
            # One line by gcc 12, many by gcc 14.
            with contextlib.suppress(ValueError):
                found, position = decoder.raw_decode(stderr, position)
                messages.extend(cast("list[dict[str, Any]]", found))
                continue
        line, _, _ = stderr[position:].partition("\n")
        position += len(line) + 1
        if line.strip():
            lines.append(line)
    return Output(messages, lines)


def of_compiler(stderr: str, load: LoadCode, name: NamePath) -> list[dict[str, Any]]:
    """Return a diagnostic for each message of a compiler."""
    reports: list[dict[str, Any]] = []
    for message in output_of(stderr).messages[:_MOST]:
        if message.get("kind") in ("error", "fatal error", "warning", "sorry"):
            reports.append(_diagnostic(message, load, name))
        elif message.get("kind") == "note" and reports:
            _add_note(reports[-1], message, load, name)
    return reports


def of_text(text: str, load: LoadCode, name: NamePath) -> list[dict[str, Any]]:
    """Return a diagnostic for each message in a build's output for people."""
    reports: list[dict[str, Any]] = []
    for line in text.splitlines():
        match = _PLAIN.match(line)
        if match:
            path = name(match["path"])
            code = load(path)
            at = int(match["line"]) - 1
            column = code.column(at, int(match["column"] or 1) - 1)
            span = code.token(at, column) if match["column"] else code.line_span(at)
            kind, severity = match["kind"], "warning" if match["kind"] == "warning" else "error"
            reports.append(
                _report(
                    severity, _kind(match["option"], kind, match["text"]), match["text"], path, span
                )
            )
    return reports[:_MOST] + of_linker(text, load, name)


def of_linker(text: str, load: LoadCode, name: NamePath) -> list[dict[str, Any]]:
    """Return a diagnostic for each thing that the linker could not bring together."""
    reports: list[dict[str, Any]] = []
    seen: set[str] = set()
    for line in text.splitlines():
        report = _of_linker_line(line, load, name)
        if report is not None and report["message"] not in seen:
            seen.add(report["message"])
            reports.append(report)
    return reports[:_MOST]


def simple(kind: str, message: str, path: str, span: Span) -> dict[str, Any]:
    """Return the diagnostic of an error that has only a place and a message."""
    return _report("error", kind, message, path, span)


def undefined_names(text: str) -> list[str]:
    """Return the names that the linker found no definition of."""
    found = re.findall(r"undefined reference to [`'\u2018]([^\n]+?)['\u2019]$", text, re.MULTILINE)
    return list(dict.fromkeys(found))


def _of_linker_line(line: str, load: LoadCode, name: NamePath) -> dict[str, Any] | None:
    library = re.search(r"cannot find (?P<what>-l\S+?)(?::|$)", line)
    if library:
        message = f"cannot find the library {library['what']}"
        return _report("error", "MissingLibrary", message, "", Span(0, 0, 0, 0))
    found = _LINK.match(line)
    if not found or found["text"].startswith("warning:"):
        return None
    text = found["text"]
    named = _NAMED.search(text)
    symbol = named["name"] if named else ""
    first = _FIRST.search(text)
    message = text[: first.start()] if first else text
    message = re.sub(r"[`']([^`']+)'", "\u2018\\1\u2019", message)
    kind = "UndefinedReference" if text.startswith("undefined") else "MultipleDefinition"
    path, span = _linked_place(found["where"], symbol, load, name)
    report = _report("error", kind, message, path, span)
    if first:
        there, at = _linked_place(first["where"], symbol, load, name)
        if there:
            related = {"path": there, **at.report(), "message": "first defined here"}
            report["related"] = [related]
    return report


def _linked_place(where: str, symbol: str, load: LoadCode, name: NamePath) -> tuple[str, Span]:
    """Return the place in a line of the linker's, such as `main.o:/tree/main.c:3`."""
    placed = _PLACE.match(where)
    if not placed:
        return "", Span(0, 0, 0, 0)
    path = name(placed["path"].rpartition(".o:")[2])
    code = load(path)
    line = int(placed["line"]) - 1
    plain = symbol.partition("(")[0].rpartition("::")[2]
    if plain and 0 <= line < len(code.lines):
        start = code.offset(line, 0)
        pattern = re.compile(rf"(?<!\w){re.escape(plain)}(?!\w)")
        match = pattern.search(code.bare, start, start + len(code.lines[line]))
        if match:
            return path, code.span(*match.span())
    return path, code.line_span(line)


def _diagnostic(message: dict[str, Any], load: LoadCode, name: NamePath) -> dict[str, Any]:
    text = str(message.get("message", ""))
    severity = "warning" if message.get("kind") == "warning" else "error"
    path, span = _place(message, load, name)
    kind = _kind(message.get("option"), str(message.get("kind")), text)
    if kind == "SyntaxError" and _BEFORE.match(text):
        span = _behind_which(span, load(path))
    report = _report(severity, kind, text, path, span)
    report["fixes"] = list(_fixes(message, path, text, load, name))
    for child in cast("list[dict[str, Any]]", message.get("children") or []):
        _add_note(report, child, load, name)
    return report


def _add_note(report: dict[str, Any], note: dict[str, Any], load: LoadCode, name: NamePath) -> None:
    said = str(note.get("message", ""))
    if note.get("locations"):
        there, at = _place(note, load, name)
        report["related"].append({"path": there, **at.report(), "message": said})
    elif said:
        report["notes"].append(clip(said, 1_000))
    report["fixes"].extend(_fixes(note, report["path"], said, load, name))


def _kind(option: object, kind: str, text: str) -> str:
    if option:
        return str(option)
    if kind == "fatal error" and text.endswith("No such file or directory"):
        return "MissingHeader"
    return "SyntaxError" if _SYNTAX.match(text) else "CompileError"


def _report(severity: str, kind: str, message: str, path: str, span: Span) -> dict[str, Any]:
    return {
        "type": "diagnostic",
        "severity": severity,
        "kind": kind,
        "message": clip(message),
        "path": path,
        **span.report(),
        "notes": [],
        "related": [],
        "fixes": [],
    }


def _place(message: dict[str, Any], load: LoadCode, name: NamePath) -> tuple[str, Span]:
    """Return the first place of a message, a point made into the token there."""
    locations = cast("list[dict[str, Any]]", message.get("locations") or [])
    if not locations or "caret" not in locations[0]:
        return "", Span(0, 0, 0, 0)
    caret = locations[0]["caret"]
    path = name(str(caret["file"]))
    code = load(path)
    line, column = _point(caret, code)
    start = locations[0].get("start", caret)
    finish = locations[0].get("finish")
    if finish is not None and start["file"] == finish["file"] == caret["file"]:
        first, last = _point(start, code), _point(finish, code)
        end = code.token(*last) if last != first else None
        if first <= last:
            # `finish` is the last character, and for a message of one token that token's.
            end_column = last[1] + 1
            if end is not None and (end.line, end.column) == last:
                end_column = max(end_column, end.end_column)
            return path, Span(first[0], first[1], last[0], end_column)
    if "start" in locations[0] and _point(start, code)[0] == line:
        first = _point(start, code)
        return path, Span(first[0], first[1], line, max(column + 1, first[1] + 1))
    if _missing_here(message, caret) and column > 0:
        return path, code.token(line, column - 1)
    return path, code.token(line, column)


def _behind_which(span: Span, code: Code) -> Span:
    """Return the last token above, where what is missing before the first of a line belongs."""
    first = code.line_span(span.line)
    above = span.line - 1
    if span.column > first.column:
        return span
    while above >= 0 and code.line_span(above).column >= code.line_span(above).end_column:
        above -= 1
    return code.token(above, len(code.lines[above])) if above >= 0 else span


def _missing_here(message: dict[str, Any], caret: dict[str, Any]) -> bool:
    """Tell whether what is missing belongs where the message points: behind the token before."""
    fixits = cast("list[dict[str, Any]]", message.get("fixits") or [])
    return any(fix["start"] == fix["next"] == caret for fix in fixits)


def _point(point: dict[str, Any], code: Code) -> tuple[int, int]:
    line = int(point["line"]) - 1
    return line, code.column(line, int(point.get("byte-column", point["column"])) - 1)


def _fixes(
    message: dict[str, Any], path: str, text: str, load: LoadCode, name: NamePath
) -> Iterator[dict[str, Any]]:
    """Return what the compiler would change, where it is sure and it is in that file alone."""
    fixits = cast("list[dict[str, Any]]", message.get("fixits") or [])
    if not fixits or any(name(str(fix["start"]["file"])) != path for fix in fixits):
        return
    code = load(path)
    edits: list[dict[str, Any]] = []
    for fix in fixits:
        line, column = _point(fix["start"], code)
        end_line, end_column = _point(fix["next"], code)
        span = Span(line, column, end_line, end_column)
        edits.append({**span.report(), "text": str(fix["string"])})
    yield {"message": clip(text, 500), "edits": edits}
