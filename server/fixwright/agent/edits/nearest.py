"""The lines that a model may have meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

from fixwright.agent.edits.page import Page

_CANDIDATES = 12
_LOOKED_AT = 4000
"""Lines that are compared letter by letter, at most; a bound on work, not on the file."""
_LONGEST = 300
_ALIKE = 0.6


def nearest(page: Page, old: Sequence[str]) -> tuple[int, int] | None:
    """The lines of the file that are most like those of `old`, zero-based and half-open.

    Lines that are equal but for white space vote for the place where they would all stand
    together; without any, the line most like the longest of `old` decides.
    """
    wanted = [line.strip() for line in old[:200]]
    places = dict[str, list[int]]()
    for number, line in enumerate(page.keyed(str.strip)):
        if line:
            places.setdefault(line, []).append(number)
    votes = Counter[int]()
    for number, line in enumerate(wanted):
        for place in places.get(line, ())[:50]:
            votes[place - number] += len(line)
    if votes:
        best = max(
            (at for at, _ in votes.most_common(_CANDIDATES)),
            key=lambda at: (_likeness(page, at, wanted), -at),
        )
        return _clipped(page, best, len(old))
    return _most_alike(page, wanted)


def _likeness(page: Page, at: int, wanted: Sequence[str]) -> float:
    there = page.keyed(str.strip)[max(at, 0) : max(at, 0) + len(wanted)]
    return SequenceMatcher(None, wanted, there, autojunk=False).ratio()


def _most_alike(page: Page, wanted: Sequence[str]) -> tuple[int, int] | None:
    longest = max(range(len(wanted)), key=lambda n: len(wanted[n]), default=-1)
    if longest < 0 or not wanted[longest]:
        return None
    matcher = SequenceMatcher(None, b=wanted[longest][:_LONGEST], autojunk=False)
    best, place = _ALIKE, -1
    for number, line in enumerate(page.keyed(str.strip)[:_LOOKED_AT]):
        matcher.set_seq1(line[:_LONGEST])
        if matcher.real_quick_ratio() > best and matcher.quick_ratio() > best:
            ratio = matcher.ratio()
            if ratio > best:
                best, place = ratio, number
    return None if place < 0 else _clipped(page, place - longest, len(wanted))


def _clipped(page: Page, at: int, size: int) -> tuple[int, int]:
    first = min(max(at, 0), max(len(page.lines) - 1, 0))
    return first, min(max(at + size, first + 1), len(page.lines))
