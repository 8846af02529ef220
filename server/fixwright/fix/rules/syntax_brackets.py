"""Brackets that are not closed, not opened, or of the wrong kind; and missing commas."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING

from fixwright.fix.rules.syntax_site import Repair, Site

if TYPE_CHECKING:
    from collections.abc import Iterator

_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_NEVER_CLOSED = re.compile(r"'([(\[{])' was never closed")
_UNMATCHED = re.compile(r"unmatched '([)\]}])'")
_MISMATCH = re.compile(
    r"closing parenthesis '(.)' does not match opening parenthesis '(.)'(?: on line (\d+))?"
)
_END_OF_VALUE = re.compile(r"""[\w)\]}"']$""")
_START_OF_VALUE = re.compile(r"""^[\w(\[{"']""")
_TOKEN = re.compile(r"""\w+|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|\S""")
_MOST_LINES = 24
_OPERATOR = re.compile(r"\s(?:[=!<>]=|[<>%+*/-]|//|\*\*|and|or|in|is|if|not)\s")
_FOLLOWING = re.compile(r"\s*(?:and|or|in|is|if|else|for|not|as|import|from|async|await|lambda)\b")


def bracket_repairs(site: Site) -> Iterator[Repair]:
    """By what the compiler says of brackets and commas."""
    if match := _NEVER_CLOSED.search(site.message):
        yield from _close(site, _CLOSERS[match[1]])
    if match := _UNMATCHED.search(site.message):
        yield from _remove(site, match[1])
    if match := _MISMATCH.search(site.message):
        right = _CLOSERS.get(match[2], match[1])
        title = f"Change '{match[1]}' to '{right}'"
        edit = site.replace(site.row, site.column, site.column + 1, right)
        yield Repair("mismatched-bracket", title, (edit,))
        before = site.insert(site.row, site.column, right)
        if match[3]:
            yield from _close_in_line(site, int(match[3]) - 1, right)
        yield Repair("missing-bracket", f"Add the missing '{right}'", (before,))
    if "':' expected after dictionary key" in site.message:
        yield from _dictionary_colon(site)
    if "forgot a comma" in site.message or site.message == "invalid syntax":
        yield from _commas(site)
        yield from _dictionary_colon(site)
        yield from _unbalanced(site)


def _unbalanced(site: Site) -> Iterator[Repair]:
    """The compiler does not always say that a bracket on the line is open."""
    line = site.line[: site.code_end(site.row)]
    for opener, closer in _CLOSERS.items():
        if line.count(opener) > line.count(closer):
            yield from _close(site, closer)


def _close(site: Site, closer: str) -> Iterator[Repair]:
    """At the ends of the lines from the opening one on; before a header's colon first."""
    last = min(site.text.line_count, site.row + _MOST_LINES)
    for row in range(site.row, last):
        if not site.is_blank(row):
            yield from _close_in_line(site, row, closer)


def _close_in_line(site: Site, row: int, closer: str) -> Iterator[Repair]:
    title = f"Add the missing '{closer}'"
    for stop in dict.fromkeys(_ends(site.text.line(row)[: site.code_end(row)])):
        yield Repair("missing-bracket", title, (site.insert(row, stop, closer),))


def _ends(line: str) -> Iterator[int]:
    """Where in a line a bracket may be closed: before trailing punctuation, and at the end."""
    end = len(line)
    if line.endswith(":"):
        yield end - 1
        yield from (match.start() for match in re.finditer(r"\s->\s", line))
    if line.endswith(","):
        yield end - 1
    yield end
    yield from (match.start() for match in re.finditer(r"[)\]}]+:?$", line))
    # In the middle: `len(x > 3`, `print((a + b, c)`.
    yield from (match.start() for match in re.finditer(_OPERATOR, line))
    yield from (match.end() for match in re.finditer(r"[)\]}\"'](?=[,.\[])", line))
    yield from (match.start() for match in re.finditer(r",\s", line))


def _remove(site: Site, closer: str) -> Iterator[Repair]:
    column = site.line.find(closer, max(site.column - 1, 0))
    if column >= 0:
        edit = site.replace(site.row, column, column + 1, "")
        yield Repair("surplus-bracket", f"Remove the surplus '{closer}'", (edit,))
    opener = next(key for key, value in _CLOSERS.items() if value == closer)
    for match in re.finditer(r"\w+(?=\s|\"|')", site.line[: max(column, 0)]):
        edit = site.insert(site.row, match.end(), opener)
        yield Repair("missing-bracket", f"Add the missing '{opener}'", (edit,))


def _dictionary_colon(site: Site) -> Iterator[Repair]:
    for row in (site.row, site.row - 1):
        if row < 0:
            continue
        for before, after, column in _neighbours(site, row):
            if _END_OF_VALUE.search(before) and _START_OF_VALUE.search(after):
                edit = site.insert(row, column, ":")
                yield Repair("missing-colon", "Add the missing ':' after the key", (edit,))


def _commas(site: Site) -> Iterator[Repair]:
    """Between two values that follow each other, from the error's place outwards."""
    title = "Add the missing ','"
    rows = range(max(site.row - 1, 0), min(site.place.end.line + 2, site.text.line_count))
    nearest = sorted(rows, key=lambda row: (row != site.row, row))
    for row in nearest:
        for before, after, column in _neighbours(site, row):
            values = _END_OF_VALUE.search(before) and _START_OF_VALUE.search(after)
            words = _FOLLOWING.match(after) or _FOLLOWING.fullmatch(before)
            if values and not words:
                yield Repair("missing-comma", title, (site.insert(row, column, ","),))
        end = site.code_end(row)
        if _END_OF_VALUE.search(site.text.line(row)[:end]):
            yield Repair("missing-comma", title, (site.insert(row, end, ","),))


def _neighbours(site: Site, row: int) -> Iterator[tuple[str, str, int]]:
    """Two tokens beside each other on a line, and the column behind the first."""
    tokens = list(_TOKEN.finditer(site.text.line(row)[: site.code_end(row)]))
    for one, other in pairwise(tokens):
        yield one[0], other[0], one.end()
