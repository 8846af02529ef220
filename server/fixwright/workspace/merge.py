"""Three-way merge of two sets of replacements over one text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fixwright.workspace.hunks import Hunk, apply_hunks, hunks_between


@dataclass(frozen=True)
class Clash:
    """Two replacements of the same base that can't both be made without guessing."""

    ours: Hunk
    theirs: Hunk


def merge(base: str, ours: str, theirs: str) -> str | tuple[Clash, ...]:
    """What `base` becomes when both changes are made, or what stands against it.

    The changes are compared as replaced stretches of code points: two that are apart by at least
    one code point are both made, even in one line; the same change made by both is made once; any
    others clash.
    """
    if ours in {base, theirs}:
        return theirs
    if base == theirs:
        return ours
    our_hunks, their_hunks = hunks_between(base, ours), hunks_between(base, theirs)
    clashes = _clashes(base, our_hunks, their_hunks)
    if clashes:
        return clashes
    return apply_hunks(base, sorted({*our_hunks, *their_hunks}))


def _clashes(base: str, ours: Sequence[Hunk], theirs: Sequence[Hunk]) -> tuple[Clash, ...]:
    found = list[Clash]()
    reaches = [_reach(base, hunk) for hunk in theirs]
    at = 0
    for hunk in ours:
        start, end = _reach(base, hunk)
        while at < len(theirs) and reaches[at][1] < start:
            at += 1
        following = at
        while following < len(theirs) and reaches[following][0] <= end:
            if theirs[following] != hunk:
                found.append(Clash(hunk, theirs[following]))
            following += 1
    return tuple(found)


def _reach(base: str, hunk: Hunk) -> tuple[int, int]:
    """The stretch that a replacement may be about.

    Where several lines are replaced, what they have in common at both ends was left out, and may be
    left out of the wrong ones: of ``a = 07`` that becomes ``a = 07 # b 07`` the second ``07`` may
    be the old one. So the first and the last line belong to it, but for the first's beginning.
    """
    start, end = hunk.start, hunk.end
    if "\n" not in hunk.text and "\n" not in base[start:end]:
        return start, end
    line = base.rfind("\n", 0, start) + 1
    if end and base[end - 1] != "\n":
        end = base.find("\n", end)
    return min(start, line + 1), end if end >= 0 else len(base)
