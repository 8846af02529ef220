"""From what `go build -json` says to diagnostics with exact ranges.

The compiler names a point and, with `-errorurl`, the code of the error; the range is read from
the source: the token there, or the whole expression where the message quotes it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from fixwright_sandbox.guest.bounds import clip
from fixwright_sandbox.guest.spans import Code, Span

_PLACED = re.compile(
    r"^(?:vet: )?(?P<path>[^\s:][^:\n]*):(?P<line>\d+)(?::(?P<column>\d+))?: (?P<text>.*)$"
)
_CODE = re.compile(r" \[go\.dev/e/(?P<code>\w+)\]$")
_QUOTED = (
    re.compile(
        r"^cannot (?:use|convert|assign to|range over|infer|call|index|take address of) "
        r"(?P<what>.+?) \("
    ),
    re.compile(
        r"^invalid (?:operation|argument|composite literal type|recursive type)?:? ?"
        r"(?:operator \S+ not defined on |cannot \w+ (?:non-\w+ |pointer )?)?(?P<what>.+?) \("
    ),
    re.compile(r"^(?P<what>.+?) \((?:no value|value of type|constant|untyped|variable)[^)]*\) "),
    re.compile(r"^impossible type (?:assertion|switch case): (?P<what>.+?)(?:$|\n| cannot)"),
    re.compile(r"^(?P<what>\S+) redeclared"),
    re.compile(r"^undefined: (?P<what>\S+)$"),
)
_MISSING = re.compile(
    r"(?:no required module provides package|cannot find module providing package"
    r"|missing go\.sum entry for module providing package|cannot find package) \"?"
    r"(?P<name>[^\s:;\"]+)"
)
_UNFETCHED = "module lookup disabled by GOPROXY"
_CYCLE = re.compile(r"^\timports (?P<package>\S+)(?: from (?P<file>[^\s:]+))?(?P<end>: .*)?$")
HOW_DEPENDENCIES_COME = (
    "the sandbox has no network: modules come from the project's vendor folder "
    "(`go mod vendor`) or from the dependencies installed for this workspace"
)
_CALLED = re.compile(r"[\w.]+\(")

LoadCode = Callable[[str], Code]
"""Reads a source by its path relative to the root."""


class Message(NamedTuple):
    """What the compiler said at one place, one-based, `column` in bytes; 0 where it named none."""

    path: str
    line: int
    column: int
    text: str
    code: str
    more: tuple[str, ...]


def output_of(stdout: bytes, stderr: bytes) -> str:
    """Return the text in the build events on stdout, and what stands beside them on stderr."""
    said: list[str] = []
    for line in stdout.decode("utf-8", "replace").splitlines():
        try:
            event: Any = json.loads(line)
            said.append(str(event.get("Output", "")))
        except (ValueError, AttributeError):
            said.append(line + "\n")
    return "".join(said) + stderr.decode("utf-8", "replace")


def messages_of(text: str, folder: str, root: str) -> tuple[list[Message], list[str]]:
    """Split a build's output into messages with a place, and the lines that have none.

    Args:
        text: the output.
        folder: where the build ran; its paths are relative to it.
        root: the tree; paths inside it become relative to it.
    """
    found: list[Message] = []
    loose: list[str] = []
    for line in text.splitlines():
        placed = _PLACED.match(line)
        if placed:
            path = _relative(placed["path"], folder, root)
            code = _CODE.search(placed["text"])
            told = placed["text"][: code.start()] if code else placed["text"]
            column = int(placed["column"] or 0)
            found.append(
                Message(path, int(placed["line"]), column, told, code["code"] if code else "", ())
            )
        elif line.startswith("\t") and found and not loose:
            found[-1] = found[-1]._replace(more=(*found[-1].more, line.strip()))
        elif line.strip() and not line.startswith("# "):
            loose.append(line)
    return found, loose


def diagnostics(
    text: str, folder: str, root: str, load: LoadCode, folder_of: Callable[[str], str | None]
) -> list[dict[str, Any]]:
    """Return a diagnostic for each error of a build's output.

    Args:
        text: the output, see `output_of`.
        folder: where the build ran.
        root: the tree.
        load: reads sources.
        folder_of: the folder of a package of the tree by its import path, relative to the root.
    """
    found, loose = messages_of(text, folder, root)
    reports: list[dict[str, Any]] = []
    seen: set[tuple[object, ...]] = set()
    for message in found:
        key = message[:4]
        if key not in seen and message.text != "too many errors":
            seen.add(key)
            reports.append(_diagnostic(message, load, folder, root))
    if loose:
        cycle = _cycle(loose, load, folder_of)
        if cycle is not None:
            reports.append(cycle)
        elif not reports:
            reports.append(_general(loose, load))
    return reports


def _diagnostic(message: Message, load: LoadCode, folder: str, root: str) -> dict[str, Any]:
    code = load(message.path)
    span = span_of(message, code)
    text = message.text
    notes: list[str] = []
    related: list[dict[str, Any]] = []
    for line in message.more:
        placed = _PLACED.match(line)
        if placed:
            path = _relative(placed["path"], folder, root)
            there = load(path)
            at = int(placed["line"]) - 1
            point = there.token(at, there.column(at, int(placed["column"] or 1) - 1))
            related.append({"path": path, **point.report(), "message": placed["text"]})
        elif not line.startswith("go get"):
            text += "\n" + line
    if _MISSING.search(text) or _UNFETCHED in text:
        notes.append(HOW_DEPENDENCIES_COME)
    return _report(_kind(message), text, message.path, span, notes, related)


def _report(
    kind: str,
    message: str,
    path: str,
    span: Span,
    notes: list[str],
    related: Iterable[dict[str, Any]] = (),
) -> dict[str, Any]:
    return {
        "type": "diagnostic",
        "severity": "error",
        "kind": kind,
        "message": clip(message),
        "path": path,
        **span.report(),
        "notes": notes,
        "related": list(related),
    }


def _kind(message: Message) -> str:
    text = message.text
    if message.code:
        return message.code
    if text.startswith("syntax error"):
        return "SyntaxError"
    if _MISSING.search(text) or _UNFETCHED in text or " is not in std" in text:
        return "MissingPackage"
    if text.startswith("relocation target") or "undefined reference" in text:
        return "LinkError"
    return "CompileError"


def span_of(message: Message, code: Code) -> Span:
    """Return the range that a message is about."""
    line = message.line - 1
    if not message.column:
        return code.line_span(line)
    column = code.column(line, message.column - 1)
    start = code.offset(line, column)
    if "unexpected newline" in message.text or "newline in string" in message.text:
        return _last_before(code, line, column)
    if message.code == "WrongAssignCount":
        called = _CALLED.match(code.bare, start)
        end = code.closing(called.end() - 1) if called else None
        if end is not None:
            return code.span(start, end)
    for pattern in _QUOTED:
        quoted = pattern.match(message.text)
        end = code.matching(start, quoted["what"]) if quoted else None
        if end is not None:
            return code.span(start, end)
    return code.token(line, column)


def _last_before(code: Code, line: int, column: int) -> Span:
    """Return the token after which the line ended too early."""
    ahead = code.lines[line][:column] if 0 <= line < len(code.lines) else ""
    return code.token(line, max(len(ahead.rstrip()) - 1, 0))


def _cycle(
    lines: list[str], load: LoadCode, folder_of: Callable[[str], str | None]
) -> dict[str, Any] | None:
    """Return the diagnostic of an import cycle, at the import that closes it."""
    steps = [step for step in map(_CYCLE.match, lines) if step]
    if not steps or "import cycle" not in lines[-1]:
        return None
    packages = [lines[0].removeprefix("package ").strip(), *(step["package"] for step in steps)]
    closing = packages[-1]
    first = packages.index(closing)
    folder = folder_of(packages[-2])
    message = "import cycle not allowed: " + " → ".join(packages[first:])
    if folder is None or not steps[-1]["file"]:
        return _report("ImportCycle", message, "", Span(0, 0, 0, 0), [])
    path = os.path.normpath(os.path.join(folder, steps[-1]["file"])).replace(os.sep, "/")
    code = load(path)
    at = code.text.find(f'"{closing}"')
    span = code.span(at, at + len(closing) + 2) if at >= 0 else code.line_span(0)
    return _report("ImportCycle", message, path, span, [])


def _general(lines: list[str], load: LoadCode) -> dict[str, Any]:
    """Return the diagnostic of a build that failed without naming a place in a source."""
    text = "\n".join(lines).strip()
    missing = _MISSING.search(text)
    path, span = "", Span(0, 0, 0, 0)
    if "go.mod" in text:
        code = load("go.mod")
        wanted = re.search(
            r"^go\s+\S+" if "requires go" in text else r"^module\b.*", code.text, re.MULTILINE
        )
        if wanted:
            path, span = "go.mod", code.span(*wanted.span())
    notes = [HOW_DEPENDENCIES_COME] if missing else []
    kind = "MissingPackage" if missing else "BuildFailed"
    return _report(kind, text.removeprefix("go: "), path, span, notes)


def _relative(path: str, folder: str, root: str) -> str:
    full = os.path.normpath(os.path.join(folder, path))
    if full.startswith(root.rstrip(os.sep) + os.sep):
        return os.path.relpath(full, root).replace(os.sep, "/")
    return full
