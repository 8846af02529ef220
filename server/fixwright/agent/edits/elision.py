"""Text that a model left out: ``# ... rest unchanged``. It would delete what it stands for."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

_OPENERS = ("#", "//", "/*", "{/*", "<!--", "--", ";", "%", '"""', "'''", "[", "(", "<")
_AROUND = "#/*{}<!->;%\"'[]() \t"
_BARE = re.compile(r"\.{3,}|\u2026")
_SAYS = re.compile(
    r"\b(?:rest|remainder|remaining|existing|unchanged|omitted|elided|truncated|snip(?:ped)?|"
    r"same as (?:before|above|original)|as before|remains? the same|stays? the same|"
    r"(?:other|previous) (?:code|methods?|functions?|imports?|lines?|tests?|fields?))\b",
    re.IGNORECASE,
)
_LONGEST = 100
_MOST_WORDS = 8


def elided_line(old: Sequence[str], new: Sequence[str], removed: bool) -> str | None:
    """The first line of `new` that stands for others which are left out; None where there is none.

    A line of `old`, which stands in the file as it is, is text like any other. So is the ``...``
    that is the whole body of a new Python function.

    Args:
        old: Lines of the file that are replaced, or all that the edit shows of it.
        new: What the edit gives for them.
        removed: Whether the edit takes lines away; where it doesn't, nothing can be lost.
    """
    there = Counter(line.strip() for line in old)
    for number, line in enumerate(new):
        said = line.strip()
        if there[said] > 0:
            there[said] -= 1
        elif _BARE.fullmatch(said):
            if removed or not _is_body(new, number):
                return said
        elif _stands_for_more(line):
            return said
    return None


def has_elision(lines: Sequence[str]) -> bool:
    """Whether a line looks as if it stood for others."""
    return any(_BARE.fullmatch(line.strip()) or _stands_for_more(line) for line in lines)


def _stands_for_more(line: str) -> bool:
    """Whether a line is a remark that other lines belong here: dots, or a few words that say so."""
    said = line.strip()
    if len(said) > _LONGEST or not said.startswith((*_OPENERS, "...", "\u2026")):
        return False
    inner = said.strip(_AROUND)
    if _BARE.fullmatch(inner):
        return True
    words = _BARE.sub(" ", inner)
    return len(words.split()) <= _MOST_WORDS and bool(_SAYS.search(words)) and "=" not in words


def _is_body(lines: Sequence[str], number: int) -> bool:
    """Whether the line is all that stands below a header which ends with a colon."""
    depth = _depth(lines[number])
    above = next((each for each in reversed(lines[:number]) if each.strip()), "")
    below = next((each for each in lines[number + 1 :] if each.strip()), "")
    return (
        above.rstrip().endswith(":")
        and _depth(above) < depth
        and (not below or _depth(below) < depth)
    )


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())
