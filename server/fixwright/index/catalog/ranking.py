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

from fixwright.index.catalog.edges import Edges, Node, Symbols, Uses, edges_of

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
_FOCUSED = 10.0
_OWN = 0.1


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
    """`rank_in` of edges that are made anew."""
    return rank_in(edges_of(segments, nodes), segments, interest, limit)


def rank_in(
    edges: Edges, segments: Sequence[Segment], interest: Interest, limit: int
) -> list[Ranked]:
    """The definitions that matter most, best first.

    Args:
        edges: of the files that are ranked.
        segments: those that the edges were made of.
        interest: what the ranking is for.
        limit: how many at most.
    """
    nodes, symbols = edges.nodes, edges.symbols
    if not len(symbols.node):
        return []
    focused = _focused(segments, symbols.name, interest)
    weights = symbols.weight * np.where(focused, _FOCUSED, 1.0)
    keys, name = np.unique(symbols.key, return_inverse=True)
    count = len(nodes)
    defining = np.unique(name * count + symbols.node)
    defined, definer = np.divmod(defining, count)
    definers = np.bincount(defined, minlength=len(keys))
    weight = np.zeros(len(keys))
    np.maximum.at(weight, name, weights)
    weight[definers > COMMON] *= _DAMPED
    use_name, user, times = _used(edges.uses, keys, defining, count)
    strength = np.sqrt(times) * weight[use_name]
    start = _start(nodes, interest, symbols, focused)
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
    total = np.bincount(symbols.node, weights, minlength=count)
    share = weights / np.maximum(total, 1e-9)[symbols.node]
    scores = through[name] * symbols.kind_weight + _OWN * ranks[symbols.node] * share
    scores *= np.where(focused, _FOCUSED, 1.0)
    calm = np.array([node.weight for node in nodes])
    calm[list(interest.nodes)] = 1.0
    scores *= calm[symbols.node]
    order = np.lexsort((symbols.ordinal, symbols.node, -scores))
    order = order[symbols.kind_weight[order] > 0][:limit]
    return [
        Ranked(int(symbols.node[at]), int(symbols.ordinal[at]), float(scores[at])) for at in order
    ]


def _focused(segments: Sequence[Segment], hashes: Hashes, interest: Interest) -> NDArray[np.bool_]:
    """Which of some names are in focus."""
    if not interest.symbols and not interest.words:
        return np.zeros(len(hashes), np.bool_)
    wanted = [each.name_hashes[_focused_in(each, interest)] for each in segments]
    return np.isin(hashes, np.concatenate(wanted))


def _focused_in(segment: Segment, interest: Interest) -> NDArray[np.bool_]:
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


def _used(
    uses: Uses, keys: Hashes, defining: Numbers, count: int
) -> tuple[Numbers, Numbers, Weights]:
    """Which names are used by which files how often, by the number of their key in `keys`.

    A name that a file defines itself means that there, and is left out.
    """
    at = np.minimum(np.searchsorted(keys, uses.key), len(keys) - 1)
    known = keys[at] == uses.key
    name, user = at[known], uses.node[known]
    pair = name * count + user
    own = np.minimum(np.searchsorted(defining, pair), len(defining) - 1)
    others = defining[own] != pair
    return name[others], user[others], uses.times[known][others].astype(np.float64)


def _start(
    nodes: Sequence[Node], interest: Interest, symbols: Symbols, focused: NDArray[np.bool_]
) -> Weights:
    """Where the walker starts: in what is in focus, or anywhere."""
    found = np.zeros(len(nodes))
    found[list(interest.nodes)] = 1.0
    words = [word.lower() for word in interest.words]
    if words:
        paths = [node.path.lower() for node in nodes]
        found += [0.5 * any(word in path for word in words) for path in paths]
    if focused.any():
        naming = np.bincount(
            symbols.node[focused],
            symbols.kind_weight[focused],
            minlength=len(nodes),
        )
        found += naming / max(float(naming.sum()), 1e-9)
    if not found.any():
        found = np.array([node.weight for node in nodes])
    return found / found.sum()
