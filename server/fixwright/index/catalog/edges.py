"""What ranking is done in: which file defines and which file uses which name, in sorted arrays.

They do not depend on what a map is for, so they are kept from one map to the next. After an edit
only the rows of the changed files are read from the segments; the others stay where they are. What
comes out is the same to the last bit as what is made anew, because rows are sorted by what they say
and not by when they were read.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from fixwright.index.catalog import names
from fixwright.index.facts import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from fixwright.index.catalog.segment import Segment

    Numbers = NDArray[np.int64]
    Hashes = NDArray[np.uint64]
    Weights = NDArray[np.float64]

_PRIVATE = 0.3
_PLAIN = 0.2
_DAMPED = 0.1
_SHORT = 3
_LONG = 12
_UNDERSCORE = ord("_")
_FAMILY = np.uint64(0x9E3779B97F4A7C15)  # odd: different families shift a hash differently
_MANY = 8
"""One file in so many that changed: then everything is read anew."""

_WEIGHTS = {
    "class": 1.0, "struct": 1.0, "interface": 1.0, "trait": 1.0, "enum": 1.0, "type": 0.8,
    "function": 1.0, "macro": 0.5, "method": 0.5, "constructor": 0.3, "prototype": 0.3,
    "constant": 0.3, "namespace": 0.1, "module": 0.1, "variable": 0.1, "property": 0.1,
    "field": 0.1, "member": 0.05, "implementation": 0.0,
}  # fmt: skip
_KIND_WEIGHTS = np.array([_WEIGHTS[kind] for kind in KINDS])


@dataclass(frozen=True, slots=True)
class Node:
    """A file whose definitions are ranked.

    Attributes:
        content: the id of what it holds.
        family: a number that languages share which can use each other's definitions.
        weight: less than 1 for what few people mean: tests, generated files.
    """

    path: str
    content: int
    family: int
    weight: float


@dataclass(frozen=True, slots=True)
class Symbols:
    """The definitions, one an entry of each array, sorted by file and place in it.

    `key` is the hash of the name, told apart by family; `weight` is `kind_weight` by the name's.
    """

    node: Numbers
    ordinal: Numbers
    name: Hashes
    key: Hashes
    kind_weight: Weights
    weight: Weights


@dataclass(frozen=True, slots=True)
class Uses:
    """Which files use which names how often, sorted by the key of the name and by file."""

    key: Hashes
    node: Numbers
    times: NDArray[np.uint16]


@dataclass(frozen=True, slots=True)
class Edges:
    """All of it, for some files.

    Attributes:
        nodes: the files, by number.
        is_whole: whether there were segments for all of them; else it is not to be kept.
    """

    nodes: tuple[Node, ...]
    symbols: Symbols
    uses: Uses
    is_whole: bool

    @property
    def row_count(self) -> int:
        """Definitions and uses."""
        return len(self.symbols.node) + len(self.uses.node)


def edges_of(
    segments: Sequence[Segment], nodes: Sequence[Node], before: Edges | None = None
) -> Edges:
    """The edges of files.

    Args:
        segments: all that is known.
        nodes: the files, sorted by path, each content once.
        before: what this gave last time, for contents of the same ids.
    """
    numbers = np.arange(len(nodes))
    if before is not None and [n.path for n in before.nodes] == [n.path for n in nodes]:
        pairs = zip(before.nodes, nodes, strict=True)
        changed = np.array([old != new for old, new in pairs], np.bool_)
        if not changed.any():
            return before
        if int(changed.sum()) * _MANY <= len(nodes):
            new = _read(segments, nodes, numbers[changed])
            return Edges(
                tuple(nodes),
                _with_symbols(before.symbols, changed, new.symbols),
                _with_uses(before.uses, changed, new.uses),
                new.is_whole,
            )
    return _read(segments, nodes, numbers)


def _read(segments: Sequence[Segment], nodes: Sequence[Node], chosen: Numbers) -> Edges:
    """The edges of some files, read from the segments that have them."""
    place = _Places(nodes, chosen)
    having: list[Segment] = []
    found: set[int] = set()
    for segment in segments:
        numbers = set(place.of(segment.contents).tolist()) - {-1}
        found |= numbers
        if numbers:
            having.append(segment)
    whole = len(found) == len(chosen)
    return Edges(tuple(nodes), _symbols(having, place), _uses(having, place), whole)


class _Places:
    """Which of some files holds a content."""

    def __init__(self, nodes: Sequence[Node], chosen: Numbers) -> None:
        numbers: list[int] = chosen.tolist()
        contents = np.array([nodes[number].content for number in numbers], np.int64)
        order = np.argsort(contents)
        self._contents, self._nodes = contents[order], chosen[order]
        self._families = np.array([node.family for node in nodes], np.uint64)

    def of(self, contents: NDArray[np.uint32]) -> Numbers:
        """The files of contents; -1 for one that none of them holds."""
        wanted = contents.astype(np.int64)
        if not len(self._contents):
            return np.full(len(wanted), -1)
        at = np.minimum(np.searchsorted(self._contents, wanted), len(self._contents) - 1)
        return np.where(self._contents[at] == wanted, self._nodes[at], -1)

    def keys(self, hashes: Hashes, nodes: Numbers) -> Hashes:
        """The names' hashes, told apart by family."""
        return hashes + self._families[nodes] * _FAMILY


def _symbols(segments: Sequence[Segment], place: _Places) -> Symbols:
    parts = [_symbols_of(segment, place) for segment in segments]
    if not parts:
        return Symbols(*(np.empty(0, kind) for kind in ("i8", "i8", "u8", "u8", "f8", "f8")))
    node, ordinal, *rest = (
        np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Symbols)
    )
    longest = int(ordinal.max(initial=0)) + 1
    _, first = np.unique(node * longest + ordinal, return_index=True)
    return Symbols(node[first], ordinal[first], *(each[first] for each in rest))


def _symbols_of(segment: Segment, place: _Places) -> Symbols:
    sizes = np.diff(segment.symbol_starts.astype(np.int64))
    number = np.repeat(np.arange(len(sizes)), sizes)
    node = place.of(segment.symbol_content)
    kept = node >= 0
    node, number = node[kept], number[kept]
    kind_weight = _KIND_WEIGHTS[segment.symbol_kind[kept]]
    name = segment.name_hashes[number]
    ordinal = segment.symbol_ordinal[kept].astype(np.int64)
    weight = kind_weight * _name_weights(segment)[number]
    return Symbols(node, ordinal, name, place.keys(name, node), kind_weight, weight)


def _name_weights(segment: Segment) -> Weights:
    """Less for names that are private, and for plain words: variables are called so as well."""
    data = segment.name_data
    telling = (data == _UNDERSCORE) | ((data >= ord("A")) & (data <= ord("Z")))
    lengths = np.diff(segment.name_starts)
    plain = names.unions(telling.astype(np.uint64), segment.name_starts) == 0
    found = np.where(plain & (lengths < _LONG), _PLAIN, 1.0)
    found[lengths < _SHORT] = _DAMPED
    named = np.flatnonzero(lengths > 0)
    private = named[data[segment.name_starts[named]] == _UNDERSCORE]
    found[private] *= _PRIVATE
    return found


def _uses(segments: Sequence[Segment], place: _Places) -> Uses:
    parts = [_uses_of(segment, place) for segment in segments]
    if not parts:
        return Uses(*(np.empty(0, kind) for kind in ("u8", "i8", "u2")))
    key, node, times = (
        np.concatenate([getattr(part, each.name) for part in parts]) for each in fields(Uses)
    )
    order = np.lexsort((node, key))
    key, node, times = key[order], node[order], times[order]
    first = np.ones(len(key), np.bool_)
    first[1:] = (key[1:] != key[:-1]) | (node[1:] != node[:-1])
    return Uses(key[first], node[first], times[first])


def _uses_of(segment: Segment, place: _Places) -> Uses:
    sizes = np.diff(segment.word_starts.astype(np.int64))
    node = place.of(segment.use_content)
    kept = node >= 0
    node, hashes = node[kept], np.repeat(segment.word_hashes, sizes)[kept]
    return Uses(place.keys(hashes, node), node, segment.use_count[kept])


def _with_symbols(old: Symbols, changed: NDArray[np.bool_], new: Symbols) -> Symbols:
    kept = ~changed[old.node]
    at = np.searchsorted(old.node[kept], new.node)
    return Symbols(
        *(
            np.insert(getattr(old, each.name)[kept], at, getattr(new, each.name))
            for each in fields(Symbols)
        )
    )


def _with_uses(old: Uses, changed: NDArray[np.bool_], new: Uses) -> Uses:
    kept = ~changed[old.node]
    key, node = old.key[kept], old.node[kept]
    begins, ends = np.searchsorted(key, new.key), np.searchsorted(key, new.key, side="right")
    spans = zip(begins.tolist(), ends.tolist(), new.node.tolist(), strict=True)
    places = [first + np.count_nonzero(node[first:end] < one) for first, end, one in spans]
    at = np.array(places, np.int64)
    return Uses(
        np.insert(key, at, new.key),
        np.insert(node, at, new.node),
        np.insert(old.times[kept], at, new.times),
    )
