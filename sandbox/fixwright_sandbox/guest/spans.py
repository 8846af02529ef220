"""Exact places in the text of languages written with braces, where a tool names only a point.

Nothing is parsed: comments and the insides of literals are blanked out, and brackets are matched
in what is left. Lines and columns are zero-based, columns in code points.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

_HIDDEN = re.compile(
    r"//[^\n]*|/\*.*?(?:\*/|\Z)"
    r'|R"(?P<mark>[^\s()\\]{0,16})\(.*?\)(?P=mark)"'
    r"|\"(?:\\.|[^\"\\\n])*\"?|'(?:\\.|[^'\\\n])*'|`[^`]*`?",
    re.DOTALL,
)
_TOKEN = re.compile(
    r"[^\W\d]\w*|\.?\d(?:[eEpP][+-]|[\w.'])*"
    r"|<<=|>>=|&\^=|\.\.\.|->\*|<=>|&&|\|\||<-|->|\+\+|--|[-+*/%&|^!=<>:]=|<<|>>|&\^|::"
    r"|\S"
)
_CLOSED_BY = {"(": ")", "[": "]", "{": "}"}
_INSIDE = "\x01"
"""Stands for each character inside a literal."""


class Span(NamedTuple):
    """A range of a text: where it begins, and where it has ended."""

    line: int
    column: int
    end_line: int
    end_column: int

    def report(self) -> dict[str, int]:
        """The fields that a report's place has."""
        return {
            "line": self.line,
            "column": self.column,
            "endLine": self.end_line,
            "endColumn": self.end_column,
        }


class Code:
    """The text of one source file."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines = lines or [""]
        self.text = "\n".join(lines)
        self.bare = _HIDDEN.sub(_blank, self.text)
        """The text without comments and without what literals hold, each at its place."""
        self._starts = [0]
        for line in lines[:-1]:
            self._starts.append(self._starts[-1] + len(line) + 1)

    def offset(self, line: int, column: int) -> int:
        """Return where a line and column are in the text, moved into it where they are not."""
        line = min(max(line, 0), len(self._starts) - 1)
        return self._starts[line] + min(max(column, 0), len(self.lines[line]))

    def span(self, start: int, end: int) -> Span:
        """Return the place of a part of the text."""
        line, end_line = (bisect_right(self._starts, at) - 1 for at in (start, end))
        return Span(line, start - self._starts[line], end_line, end - self._starts[end_line])

    def column(self, line: int, units: int) -> int:
        """Return the column of a number of UTF-8 bytes into a line."""
        if not 0 <= line < len(self.lines):
            return 0
        data = self.lines[line].encode("utf-8", "surrogatepass")[: max(units, 0)]
        return len(data.decode("utf-8", "ignore"))

    def line_span(self, line: int) -> Span:
        """Return a line's code, without the space and the comments around it."""
        if not 0 <= line < len(self.lines):
            return Span(max(line, 0), 0, max(line, 0), 0)
        start = self._starts[line]
        text = self.bare[start : start + len(self.lines[line])]
        if not text.strip():
            text = self.lines[line]
        return Span(line, len(text) - len(text.lstrip()), line, len(text.rstrip()))

    def token(self, line: int, column: int) -> Span:
        """Return the token that begins at, or reaches over, a place; never an empty one.

        After the last token of a line it is that token.
        """
        if not 0 <= line < len(self.lines):
            return self.line_span(line)
        start, at = self._starts[line], self.offset(line, column)
        stop = start + len(self.lines[line])
        for hidden in _HIDDEN.finditer(self.text, start, stop):
            if hidden.start() <= at < hidden.end() and hidden[0][0] != "/":
                return self.span(*hidden.span())
        last = None
        for match in _TOKEN.finditer(self.bare, start, stop):
            last = match
            if match.end() > at:
                break
        return self.span(*last.span()) if last is not None else self.line_span(line)

    def closing(self, opening: int) -> int | None:
        """Return the offset behind the bracket that closes the one at `opening`."""
        waiting: list[str] = []
        for at in range(opening, len(self.bare)):
            character = self.bare[at]
            if character in _CLOSED_BY:
                waiting.append(_CLOSED_BY[character])
            elif waiting and character == waiting[-1]:
                waiting.pop()
                if not waiting:
                    return at + 1
        return None

    def matching(self, offset: int, wanted: str) -> int | None:
        """Return where text that reads like `wanted`, spaces apart, ends; None if it differs."""
        at = offset
        for character in wanted:
            if character.isspace():
                continue
            while at < len(self.text) and self.text[at].isspace():
                at += 1
            if at >= len(self.text) or self.text[at] != character:
                return None
            at += 1
        return at if at > offset else None

    def calls(self, line: int, name: str) -> list[Span]:
        """Return the calls of `name` that begin on a line, from their first word on."""
        start = self.offset(line, 0)
        stop = start + len(self.lines[line]) if 0 <= line < len(self.lines) else start
        pattern = re.compile(
            rf"(?:[^\W\d]\w*(?:\(\))?(?:\.|->|::))*(?<!\w){re.escape(name)}(?:<[^()<>]*>|\[[^()\[\]]*\])?\s*\("
        )
        found: list[Span] = []
        for match in pattern.finditer(self.bare, start, stop):
            end = self.closing(match.end() - 1)
            if end is not None:
                found.append(self.span(match.start(), end))
        return found


def _blank(match: re.Match[str]) -> str:
    text = match[0]
    if text.startswith("/"):
        return re.sub(r"[^\n]", " ", text)
    inner = re.sub(r"[^\n]", _INSIDE, text[1:-1])
    return text[0] + inner + text[-1] if len(text) > 1 else text
