"""Fuzzy search over a table of names: everything in which the query's characters stand in order.

Ranked by how they stand there, in tiers (see `Tier`), then by how little lies between them, then
by the name's length. The bits of `alphabet` are moved against each other for all names at once; the
idea of a bitmap of places for each character is Baeza-Yates and Gonnet's (shift-and, 1992).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import numpy as np

from fixwright.index.catalog.alphabet import CLASS, OTHER, Bits
from fixwright.index.catalog.names import SEEN

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fixwright.index.catalog.alphabet import Cells

_MANY = 20_000


class Tier(IntEnum):
    """How a name answers a query, best first.

    `WORDS`: each character continues the one before it or starts a word, the first starts one.
    """

    EXACT = 0
    PREFIX = 1
    WORD_PREFIX = 2
    WORDS = 3
    SUBSTRING = 4
    SUBSEQUENCE = 5


@dataclass(frozen=True, slots=True)
class Found:
    """The best names for a query, best first.

    Attributes:
        names: their numbers in the table.
        keys: what they are ranked by; smaller is better, and comparable between tables.
        complete: whether these are all that match.
    """

    names: NDArray[np.int64]
    keys: NDArray[np.int64]
    complete: bool


def query_classes(query: str) -> NDArray[np.uint8]:
    """The classes of a query's characters; as many as a search can use."""
    return CLASS[np.frombuffer(query.encode("utf-8", "replace"), np.uint8)][: SEEN + 1]


def needs_comparing(classes: NDArray[np.uint8]) -> bool:
    """Whether a name that matches by classes must be compared byte by byte."""
    return bool((classes == OTHER).any())


def key_of(tier: int, span: int, length: int) -> int:
    """What a name is ranked by; the key says the tier, span and length exactly."""
    return (tier << 20) | (span << 10) | length


def search(
    lengths: NDArray[np.uint16],
    groups: tuple[Bits, ...],
    classes: NDArray[np.uint8],
    limit: int,
) -> Found:
    """The names that match, at least `limit` of them where there are so many.

    Args:
        lengths: of all names of the table in bytes, at most 1023.
        groups: the bits of all names, short ones and long ones.
        classes: the query's.
        limit: how many are wanted.
    """
    need = np.bitwise_or.reduce(np.left_shift(np.uint64(1), classes.astype(np.uint64)))
    parts = [
        _search_group(lengths, group, classes, need, limit)
        for group in groups
        if 0 < len(classes) <= group.at.dtype.itemsize * 8
    ]
    if not parts:
        return Found(np.empty(0, np.int64), np.empty(0, np.int64), complete=True)
    names = np.concatenate([part.names for part in parts])
    keys = np.concatenate([part.keys for part in parts])
    complete = len(names) <= limit and all(part.complete for part in parts)
    if len(names) > limit:
        worst = np.partition(keys, limit - 1)[limit - 1]
        best = np.flatnonzero(keys <= worst)  # with all that are equal to the last
        names, keys = names[best], keys[best]
    order = np.lexsort((names, keys))
    return Found(names[order], keys[order], complete)


def _search_group(
    lengths: NDArray[np.uint16],
    group: Bits,
    classes: NDArray[np.uint8],
    need: np.uint64,
    limit: int,
) -> Found:
    matching = np.flatnonzero((group.masks & need) == need)
    complete = True
    if len(matching) > max(_MANY, limit):
        better = _of_good_tiers(group, classes, limit)
        if better is not None:
            matching, complete = better, False
    rows = [group.at[number][matching] for number in classes]
    end, matched = _subsequence(rows)
    if not matched.all():
        matching, end = matching[matched], end[matched]
        rows = [row[matched] for row in rows]
    numbers = group.numbers[matching].astype(np.int64)
    tier = _tiers(rows, group.words[matching], lengths[numbers] == len(classes))
    span = np.where(tier == Tier.SUBSEQUENCE, end, 0)
    return Found(numbers, (tier << 20) | (span << 10) | lengths[numbers], complete)


def _of_good_tiers(group: Bits, classes: NDArray[np.uint8], limit: int) -> NDArray[np.int64] | None:
    """Where so many names are prefixed that no others can be among the best: those alone."""
    whole = _substrings([group.at[number] for number in classes])
    prefixed = np.flatnonzero(whole & whole.dtype.type(1))
    if len(prefixed) >= limit:
        return prefixed
    at_words = np.flatnonzero(whole & group.words)
    return at_words if len(at_words) >= limit else None


def _tiers(rows: list[Cells], words: Cells, same_length: NDArray[np.bool_]) -> NDArray[np.int64]:
    whole = _substrings(rows)
    tier = np.full(len(words), int(Tier.SUBSEQUENCE), np.int64)
    tier[whole != 0] = Tier.SUBSTRING
    tier[_by_words(rows, words)] = Tier.WORDS
    tier[(whole & words) != 0] = Tier.WORD_PREFIX
    prefix = (whole & whole.dtype.type(1)) != 0
    tier[prefix] = Tier.PREFIX
    tier[prefix & same_length] = Tier.EXACT
    return tier


def _subsequence(rows: list[Cells]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where the leftmost match ends, counted from 1, and whether there is one."""
    one = rows[0].dtype.type(1)
    lowest = _lowest(rows[0], one)
    for row in rows[1:]:
        # Only above the one before; nothing where there was none, and that stays so.
        lowest = _lowest(row & ~(lowest | (lowest - one)), one)
    end = np.frexp(lowest.astype(np.float64))[1].astype(np.int64)  # of a power of two: exact
    return end, np.not_equal(lowest, 0)


def _lowest(bits: Cells, one: np.unsignedinteger[Any]) -> Cells:
    """The lowest bit of each."""
    return bits & (~bits + one)


def _substrings(rows: list[Cells]) -> Cells:
    """The places at which the query stands as it is."""
    found = rows[0].copy()
    for shift, row in enumerate(rows[1:], 1):
        found &= row >> row.dtype.type(shift)
    return found


def _by_words(rows: list[Cells], words: Cells) -> NDArray[np.bool_]:
    """Whether each character continues the one before or starts a later word."""
    one = rows[0].dtype.type(1)
    ends = rows[0] & words
    for row in rows[1:]:
        lowest = _lowest(ends, one)
        ends = row & ((ends << one) | words) & ~(lowest | (lowest - one))
    return np.not_equal(ends, 0)
