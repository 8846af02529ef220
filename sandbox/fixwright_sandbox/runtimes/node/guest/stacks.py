"""Stack traces as V8 writes them, and the lines with which Node shows where a program stopped."""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit


class Call(NamedTuple):
    """A frame: one-based line and column in UTF-16 units, as V8 counts them."""

    file: str
    line: int
    column: int
    name: str


class Shown(NamedTuple):
    """The place that Node shows above an error: zero-based column, and how many units it marks."""

    file: str
    line: int
    column: int
    marked: int


class Printed(NamedTuple):
    """An error as it was printed."""

    kind: str
    message: str
    calls: tuple[Call, ...]  # innermost first


_LONGEST_MESSAGE = 20
"""Lines of an error's message, at most, between its name and its trace."""

_FRAME = re.compile(
    r"^ {4,}at (?:(?P<name>[^\n]*?) \()?"
    r"(?P<file>(?:file://|node:|/|<)[^\n]*?):(?P<line>\d+):(?P<column>\d+)\)?$"
)
_SHOWN = re.compile(
    r"^(?P<file>(?:file://)?/[^\n]*?):(?P<line>\d+)\n(?P<code>[^\n]*)\n"
    r"(?P<lead>[ \t]*)(?P<marks>\^+)[ \t]*$",
    re.MULTILINE,
)
_HEAD = re.compile(
    r"^(?:Uncaught )?(?P<kind>(?:[A-Z][\w$.]*)?(?:Error|Exception|Rejection|Failure))"
    r"(?: \[(?P<code>\w+)\])?"
    r"(?:: (?P<message>.*))?$"
)


def calls_of(stack: str) -> list[Call]:
    """Return the frames of a trace, innermost first; lines that are none are passed over."""
    found: list[Call] = []
    for line in stack.splitlines():
        match = _FRAME.match(line)
        if match is None:
            continue
        file = match["file"]
        found.append(
            Call(plain(file), int(match["line"]), int(match["column"]), match["name"] or "")
        )
    return found


def plain(file: str) -> str:
    """Return the path of a `file:` address; anything else as it is."""
    return unquote(urlsplit(file).path) if file.startswith("file:") else file


def shown_in(text: str) -> Shown | None:
    """Return the last place that a text shows the way Node does."""
    found = list(_SHOWN.finditer(text))
    if not found:
        return None
    last = found[-1]
    return Shown(plain(last["file"]), int(last["line"]), len(last["lead"]), len(last["marks"]))


def printed_in(stderr: str) -> Printed | None:
    """Return the last error whose trace a text holds: what a program printed before it ended."""
    lines = stderr.splitlines()
    ends = [n for n, line in enumerate(lines) if _FRAME.match(line)]
    if not ends:
        return None
    first = last = ends[-1]
    while first - 1 in ends:
        first -= 1
    head = first - 1
    while head >= 0 and first - head < _LONGEST_MESSAGE and not _HEAD.match(lines[head]):
        head -= 1
    match = _HEAD.match(lines[head]) if head >= 0 else None
    if match is None:
        return None
    message = "\n".join([match["message"] or "", *lines[head + 1 : first]]).rstrip()
    return Printed(match["kind"], message, tuple(calls_of("\n".join(lines[first : last + 1]))))
