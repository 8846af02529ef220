"""Which file shows which content now, and what all of them define and use."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

from fixwright.index.catalog.results import SymbolHit
from fixwright.index.catalog.search import needs_comparing, query_classes, search
from fixwright.index.catalog.segment import NOTHING
from fixwright.index.facts import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from fixwright.index.catalog.segment import Segment
    from fixwright.index.catalog.store import Content, Held

_TYPES = frozenset({"class", "struct", "interface", "trait", "enum", "type"})
_CALLED = frozenset({"function", "method", "constructor", "macro"})
_FEW = 8
_SEGMENTS = 12
_ENOUGH = 4


class Holdings:
    """The state of the index in memory. Cheap changes; for one thread."""

    def __init__(self) -> None:
        self.files: dict[str, Held] = {}
        self.buffers: dict[str, int] = {}
        self.contents: dict[int, Content] = {}
        self.segments: tuple[Segment, ...] = ()
        self._known: set[int] = set()
        self._holders: dict[int, list[str]] = {}

    # -- which file shows what

    def put(self, path: str, held: Held) -> None:
        """A file on disk holds a content."""
        before = self.shown(path)
        self.files[path] = held
        self._moved(path, before)

    def drop(self, path: str) -> None:
        """A file is gone from disk, or from the workspace."""
        before = self.shown(path)
        self.files.pop(path, None)
        self._moved(path, before)

    def show(self, path: str, content: int | None) -> None:
        """An editor shows a content in a file's place; None: it closed it."""
        before = self.shown(path)
        if content is None:
            self.buffers.pop(path, None)
        else:
            self.buffers[path] = content
        self._moved(path, before)

    def _moved(self, path: str, before: int | None) -> None:
        after = self.shown(path)
        if before == after:
            return
        if before is not None:
            holders = self._holders[before]
            holders.remove(path)
            if not holders:
                del self._holders[before]
        if after is not None:
            self._holders.setdefault(after, []).append(path)

    def shown(self, path: str) -> int | None:
        """The content that counts for a path; None where nothing is there."""
        buffer = self.buffers.get(path)
        if buffer is not None:
            return buffer
        held = self.files.get(path)
        return None if held is None else held.content

    def shown_paths(self) -> set[str]:
        """All files that count."""
        return self.files.keys() | self.buffers.keys()

    def alive(self) -> Iterable[int]:
        """The contents that count."""
        return self._holders.keys()

    def paths_of(self, content: int) -> Sequence[str]:
        """The files that show a content."""
        return self._holders.get(content, ())

    # -- segments

    def unknown(self, contents: Iterable[int]) -> list[int]:
        """Those of the contents that are in no segment, ascending; none without facts."""
        return sorted(
            content
            for content in contents
            if content not in self._known and self.contents[content].policy.is_read
        )

    def add(self, segment: Segment) -> None:
        """More contents."""
        self.segments = (*self.segments, segment)
        self._known.update(segment.contents.tolist())

    def to_merge(self) -> tuple[Segment, ...]:
        """Segments that had better be one: small ones of like size when they are many."""
        if len(self.segments) <= _SEGMENTS:
            return ()
        ordered = sorted(self.segments, key=_size)
        chosen = ordered[:_FEW]
        total = sum(map(_size, chosen))
        for segment in ordered[_FEW:]:
            if _size(segment) > total:
                break
            chosen.append(segment)
            total += _size(segment)
        return tuple(chosen)

    def replace(self, old: Sequence[Segment], new: Segment) -> None:
        """Some segments are one now."""
        gone = {id(each) for each in old}
        self.segments = (*(each for each in self.segments if id(each) not in gone), new)
        self._known = {number for each in self.segments for number in each.contents.tolist()}

    # -- questions

    def symbols(self, query: str, limit: int) -> list[SymbolHit]:
        """Definitions whose name matches, best first.

        A query may name what a definition belongs to: `Class.method`, `module::Type`.
        """
        owner, name = split_query(query)
        classes = query_classes(name)
        if not len(classes) or not limit:
            return []
        ranked: list[tuple[tuple[object, ...], SymbolHit]] = []
        for segment in self.segments:
            ranked += self._ranked(segment, name, owner, limit)
        ranked.sort(key=lambda pair: pair[0])
        return [hit for _, hit in ranked[:limit]]

    def _ranked(
        self, segment: Segment, query: str, owner: str, limit: int
    ) -> list[tuple[tuple[object, ...], SymbolHit]]:
        classes = query_classes(query)
        wanted = limit
        while True:
            found = search(segment.lengths, segment.bits, classes, wanted)
            ranked: list[tuple[tuple[object, ...], SymbolHit]] = []
            key = 0
            for number, next_key in zip(found.names.tolist(), found.keys.tolist(), strict=True):
                count = len(ranked)
                if count >= limit and (next_key != key or count >= _ENOUGH * limit):
                    return ranked
                key = next_key
                name = segment.name(number)
                if needs_comparing(classes) and not _in_order(query, name):
                    continue
                hits = islice(self._hits(segment, number, name), _ENOUGH * limit)
                fitting = (hit for hit in hits if _fits(owner, hit.owner))
                ranked.extend(((key, *_rank(query, hit)), hit) for hit in fitting)
            if found.complete:
                return ranked
            wanted *= 8

    def _hits(self, segment: Segment, number: int, name: str) -> Iterator[SymbolHit]:
        for at in segment.symbols_named(number):
            content = int(segment.symbol_content[at])
            for path in self._holders.get(content, ()):
                owner = int(segment.symbol_owner[at])
                yield SymbolHit(
                    name,
                    KINDS[int(segment.symbol_kind[at])],
                    path,
                    int(segment.symbol_line[at]),
                    int(segment.symbol_column[at]),
                    "" if owner == NOTHING else segment.name(owner),
                    int(segment.symbol_ordinal[at]),
                    self.contents[content].is_ascii,
                )

    def named(self, name: str) -> list[SymbolHit]:
        """The definitions of exactly this name, by path."""
        found: list[SymbolHit] = []
        for segment in self.segments:
            number = segment.number(name)
            if number is not None:
                found += self._hits(segment, number, name)
        return sorted(found, key=lambda hit: (hit.path, hit.line, hit.column))

    def using(self, word: str) -> dict[str, int]:
        """The files in which an identifier stands, and how often."""
        return {
            path: count
            for segment in self.segments
            for content, count in segment.uses(word)
            for path in self._holders.get(content, ())
        }


def split_query(query: str) -> tuple[str, str]:
    """What a query says of the owner, with dots, and of the name; spaces count for nothing."""
    parts = [part for part in query.replace("::", ".").replace("#", ".").split(".") if part]
    parts = ["".join(part.split()) for part in parts]
    return ".".join(parts[:-1]), parts[-1] if parts else ""


def _rank(query: str, hit: SymbolHit) -> tuple[object, ...]:
    """What decides between names that match equally well."""
    importance = 0 if hit.kind in _TYPES else 1 if hit.kind in _CALLED else 2
    return query not in hit.name, importance, hit.name, hit.path, hit.line, hit.column


def _fits(wanted: str, owner: str) -> bool:
    return not wanted or wanted.lower() in owner.lower()


def _in_order(query: str, name: str) -> bool:
    """Whether the characters of a query stand in a name in order; ASCII letters of either case."""
    at = 0
    folded = _folded(name)
    for char in _folded(query):
        at = folded.find(char, at) + 1
        if not at:
            return False
    return True


def _folded(text: str) -> str:
    return "".join(char.lower() if char.isascii() else char for char in text)


def _size(segment: Segment) -> int:
    return segment.symbol_count + len(segment.use_content) + len(segment.contents)
