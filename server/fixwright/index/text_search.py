"""Searching the text of a workspace: the question, and the matches in one text.

A search looks at one line at a time, as editors and grep do; patterns are Python's. What an editor
shows counts before what is on disk.
"""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from dataclasses import asdict, dataclass
from itertools import islice
from typing import TYPE_CHECKING, cast

from fixwright.index.line_patterns import class_end, within_lines

if TYPE_CHECKING:  # workers match without it, and start sooner
    from fixwright.index.workspace_index import WorkspaceIndex

LONGEST_PATTERN = 1000
CLIPPED = 240
"""Code points of a line that are shown around a match."""

_BEFORE = 80
_RARE = 4
"""Lines for one with the literal, from which on looking at those alone is less work."""

_LINE_END = re.compile(r"\r\n|\r")
_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_PLAIN = re.compile(r"[\w !\"#%&',/:;<=>@`~-]", re.ASCII)
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
        return _compiled(text, query)
    except (re.error, OverflowError, RecursionError) as error:
        raise BadPattern(f"{query.pattern!r} is not a regular expression: {error}.") from error


def compiled_whole(query: TextQuery) -> re.Pattern[str] | None:
    r"""A pattern that finds in a text whose lines end with `\n` what `compiled` finds in its lines.

    Returns:
        None where there is none for this query. `compiled` has not refused it.
    """
    text = within_lines(query.pattern if query.is_regex else re.escape(query.pattern))
    return None if text is None else _compiled(text, query, re.MULTILINE)


def _compiled(text: str, query: TextQuery, flags: int = 0) -> re.Pattern[str]:
    if query.whole_words:
        text = rf"(?<!\w)(?:{text})(?!\w)"
    return re.compile(text, flags | (re.IGNORECASE if query.ignore_case else 0))


def matches(
    text: str,
    pattern: re.Pattern[str],
    literal: str,
    limit: int,
    whole: re.Pattern[str] | None = None,
) -> Iterator[tuple[int, int, int, str, int]]:
    """The matches in a text, as `TextHit`s without the path; none is empty.

    Args:
        text: with any line ends.
        pattern: what is searched for.
        literal: what every line with a match holds, of this case; "" where that is not known.
        limit: of matches.
        whole: the same pattern as `compiled_whole` has it, where it does.
    """
    if literal and literal not in text:
        return
    if "\r" in text:
        text = _LINE_END.sub("\n", text)
    rare = literal and _RARE * text.count(literal) < text.count("\n")
    if literal and (rare or whole is None):
        spans = _in_some_lines(text, pattern, literal)
    elif whole is not None:
        spans = (match.span() for match in whole.finditer(text))
    else:
        spans = _in_all_lines(text, pattern)
    number = counted = 0
    for start, end in islice((each for each in spans if each[0] < each[1]), limit):
        number += text.count("\n", counted, start)
        counted = start
        begins, ends = _line_around(text, start)
        first = 0 if ends - begins <= CLIPPED else max(0, start - begins - _BEFORE)
        shown = text[begins + first : min(ends, begins + first + CLIPPED)]
        yield number, start - begins, end - begins, shown, first


def _in_some_lines(text: str, pattern: re.Pattern[str], literal: str) -> Iterator[tuple[int, int]]:
    """The matches in the lines that hold a literal."""
    at = text.find(literal)
    while at >= 0:
        begins, ends = _line_around(text, at)
        for match in pattern.finditer(text[begins:ends]):
            yield begins + match.start(), begins + match.end()
        at = text.find(literal, ends)


def _in_all_lines(text: str, pattern: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    begins = 0
    for line in text.split("\n"):
        for match in pattern.finditer(line):
            yield begins + match.start(), begins + match.end()
        begins += len(line) + 1


def _line_around(text: str, at: int) -> tuple[int, int]:
    """Where the line of a place starts, and where it ends."""
    ends = text.find("\n", at)
    return text.rfind("\n", 0, at) + 1, len(text) if ends < 0 else ends


def literal_in(query: TextQuery) -> str:
    """What every match holds, apart from case: ASCII without line ends; "" where that is unknown.

    Of a regular expression this is the longest run of plain characters outside of groups.
    """
    if not query.is_regex:
        plain = query.pattern.isascii() and query.pattern.isprintable()
        return query.pattern if plain else ""
    return max(_runs(query.pattern), key=len, default="")


def _runs(pattern: str) -> list[str]:
    """Runs of characters that a match can't do without; none where the pattern is not simple."""
    if "(?" in pattern or "|" in pattern:
        return []
    runs, depth, at = [""], 0, 0
    while at < len(pattern):
        char = pattern[at]
        at += 1
        if char == "\\":
            escaped, at = pattern[at], at + 1
            if escaped.isalnum() and escaped not in _CLASSES:
                return []
            means_itself = depth == 0 and _PUNCTUATION.match(escaped)
            runs[-1:] = [runs[-1] + escaped] if means_itself else [runs[-1], ""]
        elif char == "[":
            at = class_end(pattern, at)
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


def wants(globs: Sequence[str], path: str) -> bool:
    """Whether a path below a root fits one of the globs; all do where there are none."""
    from fnmatch import fnmatchcase

    name = path.rpartition("/")[2]
    return not globs or any(
        fnmatchcase(path, each) or ("/" not in each and fnmatchcase(name, each)) for each in globs
    )
