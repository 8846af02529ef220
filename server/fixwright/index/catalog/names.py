"""Many names at once: cut out of one blob, hashed, and turned into bits that a search can use.

All functions take the names' bytes joined into one array, with the places where each starts and
one more at the end. No loop runs over names.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Starts = NDArray[np.int64]
    Hashes = NDArray[np.uint64]

SEEN = 64
"""Bytes of a name that a fuzzy search looks at."""

_HASHED = 256
_LINE_FEED = 10


def _mixing_table() -> NDArray[np.uint64]:
    generator = np.random.Generator(np.random.PCG64(20260101))
    table = np.frombuffer(generator.bytes(_HASHED * 256 * 8), np.uint64)
    return table.reshape((_HASHED, 256))


# Tabulation hashing (Zobrist): a random number for each pair of place and byte, summed. Unlike a
# polynomial it has no family of inputs that collide.
_MIXING = _mixing_table()


def split_lines(lines: bytes) -> tuple[Bytes, Starts]:
    """Names that each end with a line feed, without the line feeds."""
    raw = np.frombuffer(lines, np.uint8)
    feeds = raw == _LINE_FEED
    ends = np.flatnonzero(feeds)
    starts = np.zeros(len(ends) + 1, np.int64)
    starts[1:] = ends + 1 - np.arange(1, len(ends) + 1)
    return raw[~feeds], starts


def places(starts: Starts) -> NDArray[np.int64]:
    """For each byte, which of its name it is."""
    lengths = np.diff(starts)
    return np.arange(int(starts[-1])) - np.repeat(starts[:-1], lengths)


def hashes(data: Bytes, starts: Starts) -> Hashes:
    """A number for each name; two of a million different names share one in 1 of 10^7 indexes."""
    if not len(data):
        return np.zeros(len(starts) - 1, np.uint64)
    mixed = _MIXING[np.minimum(places(starts), _HASHED - 1), data]
    return sums(mixed, starts) + np.diff(starts).astype(np.uint64)


def hash_of(name: str) -> np.uint64:
    """Of one name."""
    data = np.frombuffer(name.encode("utf-8", "replace"), np.uint8)
    return hashes(data, np.array([0, len(data)], np.int64))[0]


def sums(values: NDArray[np.uint64], starts: Starts) -> NDArray[np.uint64]:
    """For each name the sum of its bytes' values; 0 for an empty one."""
    return _reduced(np.add, values, starts)


def unions(values: NDArray[np.uint64], starts: Starts) -> NDArray[np.uint64]:
    """For each name its bytes' values joined by "or"; 0 for an empty one."""
    return _reduced(np.bitwise_or, values, starts)


def _reduced(by: np.ufunc, values: NDArray[np.uint64], starts: Starts) -> NDArray[np.uint64]:
    found = np.zeros(len(starts) - 1, np.uint64)
    filled = np.diff(starts) > 0  # reduceat has no empty stretches
    if filled.any():
        found[filled] = by.reduceat(values, starts[:-1][filled])
    return found


def gather(data: Bytes, starts: Starts, chosen: NDArray[np.int64]) -> tuple[Bytes, Starts]:
    """The chosen names, in that order."""
    lengths = starts[chosen + 1] - starts[chosen]
    new = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(lengths, out=new[1:])
    shift = np.repeat(starts[chosen] - new[:-1], lengths)
    return data[np.arange(int(new[-1])) + shift], new
