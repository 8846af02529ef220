"""Segments made from records, and from other segments. No loop runs over names or definitions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fixwright.index.catalog import names, record
from fixwright.index.catalog.segment import NOTHING, Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from fixwright.index.catalog.record import Record


@dataclass(frozen=True)
class _Parts:
    """What a segment is made from: names in any order and more than once.

    Attributes:
        symbols: a column each: name, content, kind, line, column, owner (-1 for none), ordinal.
            Names and owners are numbers of names.
        uses: for each use of a word the word's hash, the content, and how often.
    """

    contents: NDArray[np.uint32]
    hashes: NDArray[np.uint64]
    data: NDArray[np.uint8]
    starts: NDArray[np.int64]
    symbols: NDArray[np.int64]
    uses: tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint16]]


def from_records(records: Sequence[tuple[int, Record]]) -> Segment:
    """The segment of some contents, by their ids."""
    ids = np.array([number for number, _ in records], np.uint32)
    data, starts = names.split_lines(b"".join(each.names for _, each in records))
    hashes = names.hashes(data, starts)
    counts = np.frombuffer(b"".join(each.counts for _, each in records), np.uint16)
    rows = np.frombuffer(b"".join(each.rows for _, each in records), np.int32)
    rows = rows.reshape(-1, record.COLUMNS).astype(np.int64)
    name_counts = np.array([len(each.counts) // 2 for _, each in records], np.int64)
    row_counts = np.array([len(each.rows) // (4 * record.COLUMNS) for _, each in records], np.int64)
    base = np.repeat(np.cumsum(name_counts) - name_counts, row_counts)
    owner = rows[:, record.OWNER]
    first_row = np.repeat(np.cumsum(row_counts) - row_counts, row_counts)
    symbols = np.stack(
        [
            rows[:, record.NAME] + base,
            np.repeat(ids, row_counts).astype(np.int64),
            rows[:, record.KIND],
            rows[:, record.NAME_RANGE.start],
            rows[:, record.NAME_RANGE.start + 1],
            np.where(owner < 0, -1, owner + base),
            np.arange(len(rows)) - first_row,
        ]
    )
    used = counts > 0
    uses = (hashes[used], np.repeat(ids, name_counts)[used], counts[used])
    return _assembled(_Parts(ids, hashes, data, starts, symbols, uses))


def merged(segments: Sequence[Segment], alive: Iterable[int]) -> Segment:
    """One segment in place of several, with the contents that are still alive."""
    keep = np.fromiter(alive, np.uint32)
    shifts = np.cumsum([0] + [len(each.name_hashes) for each in segments])
    lengths = np.concatenate([np.diff(each.name_starts) for each in segments])
    starts = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    contents = np.concatenate([each.contents for each in segments])
    parts = _Parts(
        contents[np.isin(contents, keep)],
        np.concatenate([each.name_hashes for each in segments]),
        np.concatenate([each.name_data for each in segments]),
        starts,
        np.concatenate(
            [_symbols(each, shift, keep) for each, shift in zip(segments, shifts, strict=False)],
            axis=1,
        ),
        _uses(segments, keep),
    )
    return _assembled(parts)


def _symbols(segment: Segment, shift: np.int64, keep: NDArray[np.uint32]) -> NDArray[np.int64]:
    name = np.repeat(
        np.arange(len(segment.name_hashes)), np.diff(segment.symbol_starts.astype(np.int64))
    )
    owner = segment.symbol_owner.astype(np.int64)
    columns = np.stack(
        [
            name + shift,
            segment.symbol_content.astype(np.int64),
            segment.symbol_kind.astype(np.int64),
            segment.symbol_line.astype(np.int64),
            segment.symbol_column.astype(np.int64),
            np.where(owner == NOTHING, -1, owner + shift),
            segment.symbol_ordinal.astype(np.int64),
        ]
    )
    return columns[:, np.isin(segment.symbol_content, keep)]


def _uses(
    segments: Sequence[Segment], keep: NDArray[np.uint32]
) -> tuple[NDArray[np.uint64], NDArray[np.uint32], NDArray[np.uint16]]:
    words: list[NDArray[np.uint64]] = []
    contents: list[NDArray[np.uint32]] = []
    counts: list[NDArray[np.uint16]] = []
    for each in segments:
        kept = np.isin(each.use_content, keep)
        sizes = np.diff(each.word_starts.astype(np.int64))
        words.append(np.repeat(each.word_hashes, sizes)[kept])
        contents.append(each.use_content[kept])
        counts.append(each.use_count[kept])
    return np.concatenate(words), np.concatenate(contents), np.concatenate(counts)


def _assembled(parts: _Parts) -> Segment:
    """Sorted, and each name once."""
    name, content, kind, line, column, owner, ordinal = parts.symbols
    named = np.unique(np.concatenate([name, owner[owner >= 0]]))
    hashes, first, which = np.unique(parts.hashes[named], return_index=True, return_inverse=True)
    data, starts = names.gather(parts.data, parts.starts, named[first])
    numbers = np.full(len(parts.hashes) + 1, NOTHING, np.int64)  # the last one is for owner -1
    numbers[named] = which
    name, owner = numbers[name], numbers[owner]
    order = np.lexsort((ordinal, content, name))
    words, use_content, use_count = parts.uses
    by_word = np.lexsort((use_content, words))
    words = words[by_word]
    starting = np.flatnonzero(np.concatenate([[True], words[1:] != words[:-1]])[: len(words)])
    return Segment(
        contents=np.unique(parts.contents),
        name_hashes=hashes,
        name_data=data,
        name_starts=starts,
        symbol_starts=np.searchsorted(name[order], np.arange(len(hashes) + 1)).astype(np.uint32),
        symbol_content=content[order].astype(np.uint32),
        symbol_kind=kind[order].astype(np.uint8),
        symbol_line=line[order].astype(np.uint32),
        symbol_column=column[order].astype(np.uint32),
        symbol_owner=owner[order].astype(np.uint32),
        symbol_ordinal=ordinal[order].astype(np.uint32),
        word_hashes=words[starting],
        word_starts=np.append(starting, len(words)).astype(np.uint32),
        use_content=use_content[by_word],
        use_count=use_count[by_word],
    )
