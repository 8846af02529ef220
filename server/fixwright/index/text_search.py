"""Searching the text of a workspace: the question, and the matches in one text.

A search looks at one line at a time, as editors and grep do; patterns are Python's. What an editor
shows counts before what is on disk.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:  # workers match without it, and start sooner
    from fixwright.index.workspace_index import WorkspaceIndex

LONGEST_PATTERN = 1000
CLIPPED = 240
"""Code points of a line that are shown around a match."""

_BEFORE = 80
_LINE_END = re.compile(r"\r\n|\r")
_PLAIN = re.compile(r"\w", re.ASCII)
_TIMES = re.compile(r"[0-9]*,?[0-9]*\}")
_CLASSES = frozenset("dDwWsSbBAZ")


class BadPattern(Exception):
    """A pattern that nothing can be searched with; the message says why."""


@dataclass(frozen=True, slots=True)
class TextQuery:
    """What to search for.

    Attributes:
        pattern: the text itself, or a regular expression.
        is_regex: whether it is one.
        ignore_case: whether letters of either case are the same.
        whole_words: whether a match must not go on as a word.
        files: globs for paths below a root (`src/*.py`, where `*` also means folders) or for names
            alone (`*.py`); empty for all files.
    """

    pattern: str
    is_regex: bool = False
    ignore_case: bool = False
    whole_words: bool = False
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TextHit:
    """A match.

    Attributes:
        line, column, end_column: zero-based, in code points of the whole line.
        text: the line, or `CLIPPED` code points of it around the match.
        text_start: the column at which `text` starts.
    """

    path: str
    line: int
    column: int
    end_column: int
    text: str
    text_start: int


@dataclass(frozen=True, slots=True)
class SearchEnd:
    """How a search ended.

    Attributes:
        is_complete: whether all matches were found: fewer than the limit.
        slow: files that were given up because the pattern took too long in them.
    """

    is_complete: bool
    slow: tuple[str, ...]


async def search(
    index: WorkspaceIndex, query: TextQuery, limit: int = 1000
) -> AsyncGenerator[tuple[TextHit, ...] | SearchEnd, None]:
    """The matches in a workspace in parts, open documents first; the end comes last.

    To cancel it, close the generator.

    Args:
        index: the workspace's.
        query: what to search for.
        limit: of matches.

    Raises:
        BadPattern: nothing can be searched with the pattern.
        IndexUnavailable: the index has ended.
    """
    compiled(query)
    async with aclosing(index.frames_of("search", query=asdict(query), limit=limit)) as answers:
        async for header in answers:
            if "part" in header:
                rows = cast("list[tuple[str, int, int, int, str, int]]", header["part"])
                yield tuple(TextHit(*row) for row in rows)
            else:
                end = cast("dict[str, object]", header["end"])
                slow = tuple(cast("list[str]", end["slow"]))
                yield SearchEnd(cast("bool", end["complete"]), slow)


def query_from(row: dict[str, object]) -> TextQuery:
    """The query that came as JSON."""
    return TextQuery(
        cast("str", row["pattern"]),
        cast("bool", row["is_regex"]),
        cast("bool", row["ignore_case"]),
        cast("bool", row["whole_words"]),
        tuple(cast("list[str]", row["files"])),
    )


def compiled(query: TextQuery) -> re.Pattern[str]:
    """The pattern of a query.

    Raises:
        BadPattern: there is none.
    """
    if not query.pattern:
        raise BadPattern("There is nothing to search for: the pattern is empty.")
    if len(query.pattern) > LONGEST_PATTERN:
        raise BadPattern(f"The pattern is longer than {LONGEST_PATTERN} characters.")
    if not query.is_regex and ("\n" in query.pattern or "\r" in query.pattern):
        raise BadPattern("The pattern has several lines, and a search looks at one at a time.")
    text = query.pattern if query.is_regex else re.escape(query.pattern)
    try:
        re.compile(text)  # by itself: what is put around it must not mend it
        if query.whole_words:
            text = rf"(?<!\w)(?:{text})(?!\w)"
        return re.compile(text, re.IGNORECASE if query.ignore_case else 0)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(f"{query.pattern!r} is not a regular expression: {error}.") from error


def matches(
    text: str, pattern: re.Pattern[str], literal: str, limit: int
) -> Iterator[tuple[int, int, int, str, int]]:
    """The matches in a text, as `TextHit`s without the path; none is empty.

    Args:
        text: with any line ends.
        pattern: what is searched for.
        literal: what every line with a match holds, of this case; "" where that is not known.
        limit: of matches.
    """
    if literal and literal not in text:
        return
    lines = _LINE_END.sub("\n", text).split("\n") if "\r" in text else text.split("\n")
    found = 0
    for number, line in enumerate(lines):
        if literal and literal not in line:
            continue
        for match in pattern.finditer(line):
            if match.end() == match.start():
                continue
            if found == limit:
                return
            found += 1
            first = 0 if len(line) <= CLIPPED else max(0, match.start() - _BEFORE)
            yield number, match.start(), match.end(), line[first : first + CLIPPED], first


def literal_in(query: TextQuery) -> str:
    """What every match holds, apart from case: ASCII without line ends; "" where that is unknown.

    Of a regular expression this is the longest run of plain characters outside of groups.
    """
    if not query.is_regex:
        plain = query.pattern.isascii() and query.pattern.isprintable()
        return query.pattern if plain else ""
    return max(_runs(query.pattern), key=len, default="")


def _runs(pattern: str) -> list[str]:
    """Runs of letters that a match can't do without; none where the pattern is not simple."""
    if "(?" in pattern or "|" in pattern:
        return []
    runs, depth, at = [""], 0, 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "\\":
            if pattern[at].isalnum() and pattern[at] not in _CLASSES:
                return []
            at += 1
            runs.append("")
        elif char == "[":
            at = _class_end(pattern, at)
            runs.append("")
        elif char in "*?{":
            runs[-1] = runs[-1][:-1]  # what is repeated may be missing
            if char == "{":
                times = _TIMES.match(pattern, at)
                if times is None:
                    return []
                at = times.end()
            runs.append("")
        elif depth == 0 and _PLAIN.match(char):
            runs[-1] += char
        else:
            depth += {"(": 1, ")": -1}.get(char, 0)
            runs.append("")
    return runs


def _class_end(pattern: str, at: int) -> int:
    """Behind the `]` of a class whose `[` ends before `at`."""
    at += pattern[at : at + 1] == "^"
    at += pattern[at : at + 1] == "]"
    while at < len(pattern) and pattern[at] != "]":
        at += 2 if pattern[at] == "\\" else 1
    return at + 1


def wants(globs: Sequence[str], path: str) -> bool:
    """Whether a path below a root fits one of the globs; all do where there are none."""
    from fnmatch import fnmatchcase

    name = path.rpartition("/")[2]
    return not globs or any(
        fnmatchcase(path, each) or ("/" not in each and fnmatchcase(name, each)) for each in globs
    )
