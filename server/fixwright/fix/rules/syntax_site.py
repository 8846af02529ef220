"""A Python text that does not parse: where, why, and the vocabulary of its repairs."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from fixwright.workspace.text import Text

_INDENT = re.compile(r"[ \t\f]*")


@dataclass(frozen=True)
class Repair:
    """Replacements that may make a text parse."""

    rule: str
    title: str
    edits: tuple[tuple[Range, str], ...]
    caveat: str | None = None


@dataclass(frozen=True)
class Site:
    """Where a text stops being Python, by the compiler's own word."""

    text: Text
    message: str
    place: Range

    @property
    def row(self) -> int:
        """The line of the error."""
        return self.place.start.line

    @property
    def column(self) -> int:
        """Its column."""
        return self.place.start.column

    @property
    def line(self) -> str:
        """The text of that line."""
        return self.text.line(self.row)

    def indent(self, row: int) -> str:
        """The white space that a line begins with."""
        match = _INDENT.match(self.text.line(row))
        return match[0] if match else ""

    def is_blank(self, row: int) -> bool:
        """Whether a line holds nothing but white space or a comment."""
        return not self.text.line(row).strip() or self.text.line(row).lstrip().startswith("#")

    def code_above(self, row: int) -> int | None:
        """The nearest line above with code in it."""
        return next((each for each in range(row - 1, -1, -1) if not self.is_blank(each)), None)

    def insert(self, row: int, column: int, text: str) -> tuple[Range, str]:
        """An insertion."""
        return Range.at(row, column), text

    def replace(self, row: int, start: int, end: int, text: str) -> tuple[Range, str]:
        """A replacement in one line."""
        return Range(Position(row, start), Position(row, end)), text

    def code_end(self, row: int) -> int:
        """The column behind a line's last character of code: before a comment and white space."""
        line = self.text.line(row)
        quote = ""
        index = 0
        while index < len(line):
            char = line[index]
            if char == "\\":
                index += 1
            elif quote:
                quote = "" if char == quote else quote
            elif char in {"'", '"'}:
                quote = char
            elif char == "#":
                return len(line[:index].rstrip())
            index += 1
        return len(line.rstrip())


def site_of(text: Text) -> Site | None:
    """Where a text fails to compile with this interpreter; None where it compiles."""
    error = error_of(text.value)
    if error is None:
        return None
    row = min(max((error.lineno or 1) - 1, 0), text.line_count - 1)
    column = min(max((error.offset or 1) - 1, 0), len(text.line(row)))
    end_row = min(max((error.end_lineno or row + 1) - 1, row), text.line_count - 1)
    end_column = min(max((error.end_offset or 0) - 1, 0), len(text.line(end_row)))
    start = Position(row, column)
    return Site(text, error.msg, Range(start, max(start, Position(end_row, end_column))))


def error_of(source: str) -> SyntaxError | None:
    """The error with which a source does not compile; None where it does, or cannot be told."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(source, "<text>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError, OverflowError):
        return None
    return None
