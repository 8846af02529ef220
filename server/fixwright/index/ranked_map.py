"""A map of the workspace for a model: the definitions that matter most, within a budget.

The index ranks (`catalog.ranking`); here is chosen what fits, and written as a reader of code
expects it: file by file, each definition's head with its line number, what is around it above it,
and `…` where something was left out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import cast

from fixwright.index.workspace_index import WorkspaceIndex

ENOUGH = 5000
"""Definitions that are asked of the index at most."""

_SMALL = 200
_PATIENCE = 32
_BODIES = frozenset({
    "class", "struct", "interface", "trait", "enum", "function", "method", "constructor",
    "implementation", "namespace", "module",
})  # fmt: skip
_COLON = frozenset({"python"})

_Row = tuple[int, str, str, int, int, int]

Count = Callable[[str], int]
"""How much of the budget a text takes: tokens, or anything that grows with the text."""


@dataclass(frozen=True, slots=True)
class Focus:
    """What a map is for; all empty for a map of the whole.

    Attributes:
        files: absolute paths.
        symbols: names of definitions.
        words: parts of names or of paths, of either case.
    """

    files: Sequence[str] = ()
    symbols: Sequence[str] = ()
    words: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class MapEntry:
    """One definition of a map.

    Attributes:
        ordinal: its index among its file's definitions.
        head: its signature, or its name where it has none.
        kind: one of `facts.KINDS`.
        line, end_line: zero-based; its name's, and its last.
        depth: how many definitions are around it.
    """

    ordinal: int
    head: str
    kind: str
    line: int
    end_line: int
    depth: int


@dataclass(frozen=True, slots=True)
class Candidate:
    """A ranked definition and its file."""

    path: str
    language: str
    entry: MapEntry
    around: tuple[MapEntry, ...]
    score: float


@dataclass(frozen=True, slots=True)
class MapFile:
    """A file's part of a map; entries in the order of the file, containers included."""

    path: str
    language: str
    entries: tuple[MapEntry, ...]


@dataclass(frozen=True, slots=True)
class RankedMap:
    """A map.

    Attributes:
        text: as it is shown to a model.
        size: what `count` says of the text; never above the budget.
        files: the same as data, the file of the best definition first.
        left_out: candidates that did not fit.
    """

    text: str
    size: int
    files: tuple[MapFile, ...]
    left_out: int


@dataclass
class _Chosen:
    """What is in the map so far, by file in the order of their best definition."""

    languages: dict[str, str] = field(default_factory=dict[str, str])
    entries: dict[str, dict[int, MapEntry]] = field(default_factory=dict[str, dict[int, MapEntry]])

    def with_(self, candidates: Sequence[Candidate]) -> _Chosen:
        """This and more."""
        found = _Chosen(dict(self.languages), {p: dict(e) for p, e in self.entries.items()})
        for each in candidates:
            found.languages[each.path] = each.language
            entries = found.entries.setdefault(each.path, {})
            for entry in (*each.around, each.entry):
                entries[entry.ordinal] = entry
        return found

    def files(self) -> tuple[MapFile, ...]:
        """As data."""
        return tuple(
            MapFile(path, self.languages[path], tuple(entries[at] for at in sorted(entries)))
            for path, entries in self.entries.items()
        )


async def ranked_map(index: WorkspaceIndex, focus: Focus, budget: int, count: Count) -> RankedMap:
    """The map of a workspace for a focus.

    Args:
        index: the workspace's.
        focus: what it is for.
        budget: what the text may take.
        count: how much a text takes; called some dozens of times, in another thread.

    Raises:
        IndexUnavailable: the index has ended.
    """
    wanted = min(max(budget // 3, _SMALL), ENOUGH)
    found = await index.ranked(focus.files, focus.symbols, focus.words, wanted)
    candidates = tuple(candidate_of(row) for row in found)
    # Tens of milliseconds of arithmetic: not for the event loop.
    return await asyncio.to_thread(fitted, candidates, index.roots, budget, count)


def candidate_of(row: Sequence[object]) -> Candidate:
    """What the index's process sent."""
    path, language, score, *entries = row
    *around, own = (MapEntry(*cast("_Row", entry)) for entry in entries)
    return Candidate(
        cast("str", path), cast("str", language), own, tuple(around), cast("float", score)
    )


def fitted(
    candidates: Sequence[Candidate], roots: Sequence[str], budget: int, count: Count
) -> RankedMap:
    """The best candidates that fit.

    As many of the best as fit together are taken, and of those behind them what still fits beside
    them, until several in a row do not.

    Args:
        candidates: best first.
        roots: the folders that paths are shown relative to.
        budget: what `count` may say of the text.
        count: not smaller for a text than for a part of it.
    """

    def size(chosen: _Chosen) -> int:
        return count(rendered(chosen.files(), roots))

    fits, breaks = 0, len(candidates) + 1
    while breaks - fits > 1:
        middle = min((fits + breaks) // 2, 2 * fits + 8)
        if size(_Chosen().with_(candidates[:middle])) <= budget:
            fits = middle
        else:
            breaks = middle
    chosen = _Chosen().with_(candidates[:fits])
    taken, refused = fits, 0
    for candidate in candidates[fits:]:
        more = chosen.with_([candidate])
        if size(more) <= budget:
            chosen, taken, refused = more, taken + 1, 0
        else:
            refused += 1
            if refused == _PATIENCE:
                break
    files = chosen.files()
    text = rendered(files, roots)
    if count(text) > budget:  # not even nothing fits
        text, files, taken = "", (), 0
    return RankedMap(text, count(text), files, len(candidates) - taken)


def rendered(files: Sequence[MapFile], roots: Sequence[str] = ()) -> str:
    """A map as text: "" for no files."""
    return "\n".join(_file(each, roots) for each in files)


def _file(file: MapFile, roots: Sequence[str]) -> str:
    entries = file.entries
    width = len(str(max(entry.line for entry in entries) + 1))
    lines = [f"{_shown(file.path, roots)}:"]
    inner = [following.depth > entry.depth for entry, following in pairwise(entries)]
    expected = 0
    for entry, is_open in zip(entries, [*inner, False], strict=True):
        if entry.ordinal > expected:
            lines.append(f"{'':{width}} {'  ' * entry.depth}…")
        head = entry.head + _end(entry, file.language, is_open=is_open)
        lines.append(f"{entry.line + 1:{width}} {'  ' * entry.depth}{head}")
        expected = entry.ordinal + 1
    return "\n".join(lines) + "\n"


def _end(entry: MapEntry, language: str, *, is_open: bool) -> str:
    """What stands for a body."""
    if entry.kind not in _BODIES or (entry.end_line == entry.line and not is_open):
        return ""
    if language in _COLON:
        return ":" if is_open else ": …"
    return " {" if is_open else " { … }"


def _shown(path: str, roots: Sequence[str]) -> str:
    """A path as people call it: relative where there is one root, with the root's name if more."""
    for root in sorted(roots, key=len, reverse=True):
        if path.startswith(root.rstrip("/") + "/"):
            inside = path[len(root.rstrip("/")) + 1 :]
            return inside if len(roots) == 1 else f"{root.rstrip('/').rpartition('/')[2]}/{inside}"
    return path
