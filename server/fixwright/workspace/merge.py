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
    clashes = _clashes(our_hunks, their_hunks)
    if clashes:
        return clashes
    return apply_hunks(base, sorted({*our_hunks, *their_hunks}))


def _clashes(ours: Sequence[Hunk], theirs: Sequence[Hunk]) -> tuple[Clash, ...]:
    found = list[Clash]()
    at = 0
    for hunk in ours:
        while at < len(theirs) and theirs[at].end < hunk.start:
            at += 1
        following = at
        while following < len(theirs) and theirs[following].start <= hunk.end:
            if theirs[following] != hunk:
                found.append(Clash(hunk, theirs[following]))
            following += 1
    return tuple(found)
