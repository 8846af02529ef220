"""What a fuzzy search sees of a name: which kind of character stands where, as bits.

ASCII letters count without their case; digits and "_" for themselves; every other byte is of one
class, and what is found by it is compared again.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fixwright.index.catalog import names as names_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fixwright.index.catalog.names import Bytes, Starts

    Cells = NDArray[np.unsignedinteger[Any]]

CLASSES = 38
OTHER = CLASSES - 1
HALF = 32
_CHUNK = 1 << 15


def _class_table() -> NDArray[np.uint8]:
    table = np.full(256, OTHER, np.uint8)
    for letter in range(26):
        table[ord("a") + letter] = table[ord("A") + letter] = letter
    for digit in range(10):
        table[ord("0") + digit] = 26 + digit
    table[ord("_")] = 36
    return table


CLASS = _class_table()


def _table_of(characters: str, *ranges: range) -> NDArray[np.bool_]:
    table = np.zeros(256, np.bool_)
    table[np.frombuffer(characters.encode(), np.uint8)] = True
    for stretch in ranges:
        table[stretch.start : stretch.stop] = True
    return table


_UPPER = _table_of(string.ascii_uppercase)
_LOWER = _table_of(string.ascii_lowercase)
_WORD = _table_of(string.ascii_letters + string.digits, range(0x80, 0x100))


@dataclass(frozen=True, slots=True)
class Bits:
    """Names of up to 32 bytes, or of more, as bits.

    Attributes:
        numbers: which names, by their number in the table.
        masks: for each of them which classes it has.
        at: for each class a bit for each place; uint32 for short names, uint64 for long ones.
        words: the places where a word starts: `fooBar`, `foo_bar`, `XMLReader`.
    """

    numbers: NDArray[np.uint32]
    masks: NDArray[np.uint64]
    at: Cells
    words: Cells


def masks(data: Bytes, starts: Starts) -> NDArray[np.uint64]:
    """For each name, which classes are in it."""
    bits = np.left_shift(np.uint64(1), CLASS[data].astype(np.uint64))
    bits[names_of.places(starts) >= names_of.SEEN] = 0
    return names_of.unions(bits, starts)


def word_starts(data: Bytes, starts: Starts) -> NDArray[np.bool_]:
    """For each byte, whether a word starts there."""
    upper, lower, word = _UPPER[data], _LOWER[data], _WORD[data]
    first = np.zeros(len(data) + 1, np.bool_)
    first[starts[:-1]] = True
    before_word, before_upper = _after(word), _after(upper)
    next_lower = np.zeros(len(data), np.bool_)
    next_lower[:-1] = lower[1:] & ~first[1:-1]
    found = word & ~before_word
    found |= upper & (~before_upper | next_lower)
    return found | first[:-1]


def _after(values: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The value of the byte before."""
    shifted = np.zeros_like(values)
    shifted[1:] = values[:-1]
    return shifted


def bits_of(
    data: Bytes,
    starts: Starts,
    all_masks: NDArray[np.uint64],
    chosen: NDArray[np.uint32],
    *,
    wide: bool,
) -> Bits:
    """The bits of the chosen names; `wide` for names of more than 32 bytes."""
    kind = np.uint64 if wide else np.uint32
    at: Cells = np.zeros((CLASSES, len(chosen)), kind)
    words: Cells = np.zeros(len(chosen), kind)
    for begin in range(0, len(chosen), _CHUNK):
        part = slice(begin, begin + _CHUNK)
        text, cuts = names_of.gather(data, starts, chosen[part].astype(np.int64))
        _fill(at[:, part], words[part], text, cuts)
    return Bits(chosen, all_masks[chosen], at, words)


def _fill(
    at: Cells,
    words: Cells,
    text: Bytes,
    cuts: Starts,
) -> None:
    count = len(cuts) - 1
    place = names_of.places(cuts)
    name = np.repeat(np.arange(count), np.diff(cuts))
    starting = word_starts(text, cuts)
    classes = CLASS[text].astype(np.int64)
    for half in range(at.dtype.itemsize * 8 // HALF):
        inside = (place >= half * HALF) & (place < (half + 1) * HALF)
        # A float holds 32 bits exactly, and no bit is added twice.
        weight = np.exp2((place - half * HALF).astype(np.float64))
        shift = at.dtype.type(half * HALF)
        cell = (classes * count + name)[inside]
        summed = np.bincount(cell, weight[inside], CLASSES * count).astype(at.dtype)
        at |= summed.reshape(CLASSES, count) << shift
        begun = inside & starting
        words |= np.bincount(name[begun], weight[begun], count).astype(at.dtype) << shift
