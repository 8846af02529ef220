"""What two sequences of lines have in common, in bounded time.

Patience diff (Bram Cohen): lines that occur once on both sides are anchors, the longest ascending
run of them splits the problem; between anchors `difflib` is exact where the stretch is small. A
large stretch without anchors counts as replaced, which is coarse but never wrong.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from difflib import SequenceMatcher

_EXACT = 40_000
"""Products of lengths up to which difflib, whose worst case is cubic, is asked."""

Lines = Sequence[str]
Block = tuple[int, int, int]


def matching_blocks(a: Lines, b: Lines) -> list[Block]:
    """Maximal stretches ``(start in a, start in b, length)`` that are equal, ascending in both.

    Between two blocks at least one side has lines of its own; adjacent blocks are joined.
    """
    blocks = list[Block]()
    pending = [(0, len(a), 0, len(b))]
    while pending:
        low_a, high_a, low_b, high_b = pending.pop()
        head = _common(a, b, low_a, low_b, min(high_a - low_a, high_b - low_b))
        if head:
            blocks.append((low_a, low_b, head))
            low_a, low_b = low_a + head, low_b + head
        tail = _common_backwards(a, b, high_a, high_b, min(high_a - low_a, high_b - low_b))
        if tail:
            high_a, high_b = high_a - tail, high_b - tail
            blocks.append((high_a, high_b, tail))
        if low_a == high_a or low_b == high_b:
            continue
        anchors = _anchors(a, b, (low_a, high_a, low_b, high_b))
        if anchors:
            for at_a, at_b in anchors:
                blocks.append((at_a, at_b, 1))
                pending.append((low_a, at_a, low_b, at_b))
                low_a, low_b = at_a + 1, at_b + 1
            pending.append((low_a, high_a, low_b, high_b))
        elif (high_a - low_a) * (high_b - low_b) <= _EXACT:
            exact = SequenceMatcher(None, a[low_a:high_a], b[low_b:high_b], autojunk=False)
            for at_a, at_b, size in exact.get_matching_blocks()[:-1]:
                blocks.append((low_a + at_a, low_b + at_b, size))
    return _joined(sorted(blocks))


def changed_blocks(a: Lines, b: Lines) -> list[tuple[int, int, int, int]]:
    """The stretches ``(start, end in a; start, end in b)`` that differ, ascending."""
    changed = list[tuple[int, int, int, int]]()
    at_a = at_b = 0
    for start_a, start_b, size in [*matching_blocks(a, b), (len(a), len(b), 0)]:
        if at_a < start_a or at_b < start_b:
            changed.append((at_a, start_a, at_b, start_b))
        at_a, at_b = start_a + size, start_b + size
    return changed


def _common(a: Lines, b: Lines, at_a: int, at_b: int, most: int) -> int:
    for n in range(most):
        if a[at_a + n] != b[at_b + n]:
            return n
    return most


def _common_backwards(a: Lines, b: Lines, end_a: int, end_b: int, most: int) -> int:
    for n in range(most):
        if a[end_a - n - 1] != b[end_b - n - 1]:
            return n
    return most


def _anchors(a: Lines, b: Lines, bounds: tuple[int, int, int, int]) -> list[tuple[int, int]]:
    """Pairs of places of lines that are unique on both sides, ascending on both, as many as fit."""
    low_a, high_a, low_b, high_b = bounds
    count_a, count_b = Counter(a[low_a:high_a]), Counter(b[low_b:high_b])
    place_b = {b[n]: n for n in range(low_b, high_b) if count_b[b[n]] == 1}
    pairs = [
        (n, place_b[a[n]]) for n in range(low_a, high_a) if count_a[a[n]] == 1 and a[n] in place_b
    ]
    return _longest_ascending(pairs)


def _longest_ascending(pairs: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The longest run with ascending second places (patience sorting)."""
    tops = list[int]()
    on_top = list[int]()  # index of the pair on top of each pile
    before = list[int]()
    for n, (_, place) in enumerate(pairs):
        pile = bisect_left(tops, place)
        before.append(on_top[pile - 1] if pile else -1)
        if pile == len(tops):
            tops.append(place)
            on_top.append(n)
        else:
            tops[pile], on_top[pile] = place, n
    run = list[tuple[int, int]]()
    n = on_top[-1] if on_top else -1
    while n >= 0:
        run.append(pairs[n])
        n = before[n]
    return run[::-1]


def _joined(blocks: list[Block]) -> list[Block]:
    joined = list[Block]()
    for at_a, at_b, size in blocks:
        if (
            joined
            and joined[-1][0] + joined[-1][2] == at_a
            and joined[-1][1] + joined[-1][2] == at_b
        ):
            joined[-1] = (joined[-1][0], joined[-1][1], joined[-1][2] + size)
        else:
            joined.append((at_a, at_b, size))
    return joined
