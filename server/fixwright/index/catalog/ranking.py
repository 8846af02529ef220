"""Which definitions of a workspace matter most, for a focus: a personalised PageRank in arrays.

A walker in a file picks one of the names that the file uses and goes to a file of the same family
of languages that defines it; now and then it starts again, at what is in focus (Page, Brin et al.,
1999; Haveliwala, "Topic-Sensitive PageRank", 2002; ranking code with it is aider's idea). A
definition weighs what flows through its name.

The pairs of file and name are sorted by what they say and not by when they were read, so that an
index which was kept up to date ranks to the last bit as a fresh one. No matrix of files by files is
made: each round goes from the files to the names and from the names to the files.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
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

ROUNDS = 30
STAYS = 0.85
COMMON = 20
"""Files that define a name before it says little which of them is meant."""

_DAMPED = 0.1
_PRIVATE = 0.3
_FOCUSED = 10.0
_OWN = 0.1
_PLAIN = 0.2
_SHORT = 3
_LONG = 12
_UNDERSCORE = ord("_")
_FAMILY = np.uint64(0x9E3779B97F4A7C15)  # odd: different families shift a hash differently

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
class Interest:
    """What the ranking is for; all empty for a map of the whole.

    Attributes:
        nodes: the numbers of files.
        symbols: names of definitions.
        words: parts of such names or of paths, of either case.
    """

    nodes: frozenset[int] = frozenset()
    symbols: frozenset[str] = frozenset()
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Ranked:
    """A definition: which file's, which of the file's definitions, and its weight."""

    node: int
    ordinal: int
    score: float


def rank(
    segments: Sequence[Segment], nodes: Sequence[Node], interest: Interest, limit: int
) -> list[Ranked]:
    """The definitions that matter most, best first.

    Args:
        segments: all that is known.
        nodes: the files, sorted by path, each content once.
        interest: what the ranking is for.
        limit: how many at most.
    """
    if not nodes:
        return []
    place = _Places(nodes)
    symbols = _symbols(segments, place, interest)
    if not len(symbols.node):
        return []
    keys, name = np.unique(symbols.key, return_inverse=True)
    count = len(nodes)
    defining = np.unique(name * count + symbols.node)
    defined, definer = np.divmod(defining, count)
    definers = np.bincount(defined, minlength=len(keys))
    weight = np.zeros(len(keys))
    np.maximum.at(weight, name, symbols.weight)
    weight[definers > COMMON] *= _DAMPED
    users = _users(segments, place, keys, defining)
    use_name, user = np.divmod(users.pair, count)
    strength = np.sqrt(users.times) * weight[use_name]
    start = _start(nodes, interest, symbols)
    out = np.bincount(user, strength, minlength=count)
    going = np.divide(1.0, out, out=np.zeros(count), where=out > 0)
    stuck = out == 0
    flows = strength * going[user]
    ranks, through = start, np.zeros(len(keys))
    for _ in range(ROUNDS):
        through = np.bincount(use_name, flows * ranks[user], minlength=len(keys)) / definers
        arrived = np.bincount(definer, through[defined], minlength=count)
        again = 1 - STAYS + STAYS * float(ranks[stuck].sum())
        ranks = STAYS * arrived + again * start
    total = np.bincount(symbols.node, symbols.weight, minlength=count)
    share = symbols.weight / np.maximum(total, 1e-9)[symbols.node]
    scores = through[name] * symbols.kind_weight + _OWN * ranks[symbols.node] * share
    scores *= np.where(symbols.focused, _FOCUSED, 1.0)
    calm = np.array([node.weight for node in nodes])
    calm[list(interest.nodes)] = 1.0
    scores *= calm[symbols.node]
    order = np.lexsort((symbols.ordinal, symbols.node, -scores))
    order = order[symbols.kind_weight[order] > 0][:limit]
    return [
        Ranked(int(symbols.node[at]), int(symbols.ordinal[at]), float(scores[at])) for at in order
    ]


class _Places:
    """Which file holds a content."""

    def __init__(self, nodes: Sequence[Node]) -> None:
        contents = np.array([node.content for node in nodes], np.int64)
        order = np.argsort(contents)
        self._contents, self._nodes = contents[order], order
        self.families = np.array([node.family for node in nodes], np.uint64)

    def of(self, contents: NDArray[np.uint32]) -> Numbers:
        """The files of contents; -1 for one that no file holds."""
        wanted = contents.astype(np.int64)
        at = np.minimum(np.searchsorted(self._contents, wanted), len(self._contents) - 1)
        return np.where(self._contents[at] == wanted, self._nodes[at], -1)

    def keys(self, hashes: Hashes, nodes: Numbers) -> Hashes:
        """The names' hashes, told apart by family."""
        return hashes + self.families[nodes] * _FAMILY


@dataclass(frozen=True)
class _Symbols:
    """The definitions, one an entry of each array, sorted by file and place in it."""

    node: Numbers
    ordinal: Numbers
    key: Hashes
    kind_weight: Weights
    weight: Weights
    focused: NDArray[np.bool_]


def _symbols(segments: Sequence[Segment], place: _Places, interest: Interest) -> _Symbols:
    parts = [_symbols_of(segment, place, interest) for segment in segments]
    if not parts:
        return _Symbols(*(np.empty(0, kind) for kind in ("i8", "i8", "u8", "f8", "f8", "?")))
    node, ordinal, key, kind, weight, focused = (
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("node", "ordinal", "key", "kind_weight", "weight", "focused")
    )
    longest = int(ordinal.max(initial=0)) + 1
    _, first = np.unique(node * longest + ordinal, return_index=True)
    return _Symbols(
        node[first], ordinal[first], key[first], kind[first], weight[first], focused[first]
    )


def _symbols_of(segment: Segment, place: _Places, interest: Interest) -> _Symbols:
    sizes = np.diff(segment.symbol_starts.astype(np.int64))
    number = np.repeat(np.arange(len(sizes)), sizes)
    node = place.of(segment.symbol_content)
    kept = node >= 0
    node, number = node[kept], number[kept]
    kind_weight = _KIND_WEIGHTS[segment.symbol_kind[kept]]
    by_name = _name_weights(segment)
    focused = _focused(segment, interest)
    weight = kind_weight * by_name[number] * np.where(focused[number], _FOCUSED, 1.0)
    return _Symbols(
        node,
        segment.symbol_ordinal[kept].astype(np.int64),
        place.keys(segment.name_hashes[number], node),
        kind_weight,
        weight,
        focused[number],
    )


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


def _focused(segment: Segment, interest: Interest) -> NDArray[np.bool_]:
    found = np.zeros(len(segment.name_hashes), np.bool_)
    for symbol in interest.symbols:
        number = segment.number(symbol)
        if number is not None:
            found[number] = True
    if interest.words:
        data = segment.name_data.tobytes().lower()
        for word in interest.words:
            wanted = re.escape(word.lower().encode("utf-8", "replace"))
            at = np.array([match.span() for match in re.finditer(wanted, data)], np.int64)
            begins, ends = at.reshape(-1, 2).T
            number = np.searchsorted(segment.name_starts, begins, side="right") - 1
            # The names stand close together: a word may not reach from one into the next.
            inside = ends <= segment.name_starts[number + 1]
            found[number[inside]] = True
    return found


@dataclass(frozen=True)
class _Users:
    """Which files use which names how often, sorted by name and file."""

    pair: Numbers
    times: Weights


def _users(segments: Sequence[Segment], place: _Places, keys: Hashes, defining: Numbers) -> _Users:
    """A name that a file defines itself means that there."""
    pairs: list[Numbers] = []
    times: list[NDArray[np.uint16]] = []
    count = len(place.families)
    for segment in segments:
        sizes = np.diff(segment.word_starts.astype(np.int64))
        node = place.of(segment.use_content)
        kept = node >= 0
        hashes = np.repeat(segment.word_hashes, sizes)[kept]
        node = node[kept]
        wanted = place.keys(hashes, node)
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        known = keys[at] == wanted
        pairs.append(at[known] * count + node[known])
        times.append(segment.use_count[kept][known])
    pair, first = np.unique(np.concatenate(pairs), return_index=True)
    at = np.minimum(np.searchsorted(defining, pair), len(defining) - 1)
    others = defining[at] != pair
    return _Users(pair[others], np.concatenate(times)[first][others].astype(np.float64))


def _start(nodes: Sequence[Node], interest: Interest, symbols: _Symbols) -> Weights:
    """Where the walker starts: in what is in focus, or anywhere."""
    found = np.zeros(len(nodes))
    found[list(interest.nodes)] = 1.0
    words = [word.lower() for word in interest.words]
    if words:
        paths = [node.path.lower() for node in nodes]
        found += [0.5 * any(word in path for word in words) for path in paths]
    if symbols.focused.any():
        naming = np.bincount(
            symbols.node[symbols.focused],
            symbols.kind_weight[symbols.focused],
            minlength=len(nodes),
        )
        found += naming / max(float(naming.sum()), 1e-9)
    if not found.any():
        found = np.array([node.weight for node in nodes])
    return found / found.sum()
