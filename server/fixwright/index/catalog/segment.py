"""A part of the index: what some contents define and which words they use, in arrays.

Segments never change. New contents make new segments, which are merged as they become many, as in
a log-structured merge tree; contents that nothing holds any more go when segments merge. A segment
is a few dozen bytes a definition, and can be mapped from a file.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from fixwright.index.catalog import alphabet, names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from fixwright.index.catalog.alphabet import Bits

NOTHING = 0xFFFFFFFF
"""In place of a name's number where there is none."""

_LONGEST = 1023


@dataclass(frozen=True)
class Segment:
    """Arrays only; what they are sorted by is what makes them searchable.

    Attributes:
        contents: ids of the contents in it, ascending.
        name_hashes: of the names that are defined or own a definition, ascending.
        name_data: their bytes.
        name_starts: where each starts in them, and the end.
        symbol_starts: for each name its first symbol, and the end.
        symbol_content, symbol_kind, symbol_line, symbol_column, symbol_owner, symbol_ordinal: for
            each symbol its content's id, kind (as in `facts.KINDS`), where its name starts, the
            name of its owner or `NOTHING`, and which of its content's definitions it is.
        word_hashes: of all identifiers that are used, ascending.
        word_starts: for each word its first use, and the end.
        use_content, use_count: for each use the content and how often.
    """

    contents: NDArray[np.uint32]
    name_hashes: NDArray[np.uint64]
    name_data: NDArray[np.uint8]
    name_starts: NDArray[np.int64]
    symbol_starts: NDArray[np.uint32]
    symbol_content: NDArray[np.uint32]
    symbol_kind: NDArray[np.uint8]
    symbol_line: NDArray[np.uint32]
    symbol_column: NDArray[np.uint32]
    symbol_owner: NDArray[np.uint32]
    symbol_ordinal: NDArray[np.uint32]
    word_hashes: NDArray[np.uint64]
    word_starts: NDArray[np.uint32]
    use_content: NDArray[np.uint32]
    use_count: NDArray[np.uint16]

    @property
    def symbol_count(self) -> int:
        """Of definitions."""
        return len(self.symbol_content)

    @property
    def byte_count(self) -> int:
        """Of all arrays, the search's bits included where they have been made."""
        stored = sum(cast("NDArray[Any]", getattr(self, item.name)).nbytes for item in fields(self))
        made = cast("tuple[Bits, ...]", self.__dict__.get("bits", ()))
        return stored + sum(bits.at.nbytes + bits.masks.nbytes for bits in made)

    def name(self, number: int) -> str:
        """One name."""
        start, end = self.name_starts[number], self.name_starts[number + 1]
        return self.name_data[start:end].tobytes().decode("utf-8", "replace")

    def number(self, name: str) -> int | None:
        """Which name this is; None where nothing in the segment has it."""
        key = names.hash_of(name)
        place = int(np.searchsorted(self.name_hashes, key))
        if place == len(self.name_hashes) or self.name_hashes[place] != key:
            return None
        return place

    def symbols_named(self, number: int) -> range:
        """The symbols of a name."""
        return range(int(self.symbol_starts[number]), int(self.symbol_starts[number + 1]))

    def uses(self, word: str) -> list[tuple[int, int]]:
        """The contents that use an identifier, and how often. Two words in 10^13 are confused."""
        key = names.hash_of(word)
        place = int(np.searchsorted(self.word_hashes, key))
        if place == len(self.word_hashes) or self.word_hashes[place] != key:
            return []
        part = slice(int(self.word_starts[place]), int(self.word_starts[place + 1]))
        found = zip(self.use_content[part].tolist(), self.use_count[part].tolist(), strict=True)
        return list(found)

    def prepared(self) -> Segment:
        """Itself, with all that a search needs; long arithmetic, so not for the loop."""
        assert len(self.bits)
        return self

    @cached_property
    def lengths(self) -> NDArray[np.uint16]:
        """Of the names in bytes."""
        return np.minimum(np.diff(self.name_starts), _LONGEST).astype(np.uint16)

    @cached_property
    def masks(self) -> NDArray[np.uint64]:
        """For each name which classes of characters it has; nothing for one without symbols."""
        found = alphabet.masks(self.name_data, self.name_starts)
        found[np.diff(self.symbol_starts.astype(np.int64)) == 0] = 0
        return found

    @cached_property
    def bits(self) -> tuple[Bits, ...]:
        """For the fuzzy search: the short names' and the long ones'."""
        narrow = self.lengths <= alphabet.HALF
        searched = self.masks != 0
        groups = (np.flatnonzero(searched & narrow), np.flatnonzero(searched & ~narrow))
        return tuple(
            alphabet.bits_of(
                self.name_data,
                self.name_starts,
                self.masks,
                group.astype(np.uint32),
                wide=bool(wide),
            )
            for wide, group in enumerate(groups)
        )
