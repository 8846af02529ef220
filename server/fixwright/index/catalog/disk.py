"""The part of the indexer that may wait for the disk: one thread, which owns the store.

Each method is I/O or long arithmetic, takes plain values and gives plain values back.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.index.catalog import building, segment_file
from fixwright.index.catalog.discovery import Discovered, discover
from fixwright.index.catalog.policy import Policy
from fixwright.index.catalog.reading import SourceFile, read_source
from fixwright.index.catalog.record import EMPTY
from fixwright.index.catalog.segment_file import BadSegment
from fixwright.index.catalog.store import Content, Held, NewContent, Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from fixwright.index.catalog.place import Place
    from fixwright.index.catalog.record import Record
    from fixwright.index.catalog.segment import Segment
    from fixwright.index.catalog.stamp import Stamp

log = logging.getLogger(__name__)

_BASE = "base"
_AT_ONCE = 2000
"""Contents that are made into one segment at once: the arrays for it stay below 100 MB."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What was on disk from before."""

    files: dict[str, Held]
    contents: dict[int, Content]
    base: Segment | None


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at some files told.

    Attributes:
        known: those whose content is in the store.
        unknown: those that must be parsed.
        gone: those that are no files any more.
    """

    known: dict[str, tuple[Stamp, Content]]
    unknown: tuple[str, ...]
    gone: tuple[str, ...]


class Disk:
    """One workspace's store, segments and files. For one thread."""

    def __init__(self, roots: Sequence[Path], place: Place) -> None:
        self._roots = roots
        self._place = place
        self._store: Store | None = None
        self._lead: int | None = None

    @property
    def leads(self) -> bool:
        """Whether this process is the one that publishes."""
        return self._lead is not None

    @property
    def store(self) -> Store:
        """The database; opened when it is first needed."""
        if self._store is None:
            self._store = Store(self._place.database)
        return self._store

    def take_lead(self) -> bool:
        """Tries to become the process that publishes."""
        if self._lead is None:
            self._lead = self._place.take_lead()
        return self._lead is not None

    def load(self) -> Loaded:
        """What an earlier process has left; nothing of it is believed before it is compared."""
        try:
            files = self.store.files()
            contents = {each.id: each for each in self.store.contents()}
            return Loaded(files, contents, self._base())
        except sqlite3.DatabaseError as error:
            log.warning("the index on disk is damaged and is made anew: %s", error)
            self.store.reset()
            return Loaded({}, {}, None)

    def _base(self) -> Segment | None:
        name = self.store.fact(_BASE)
        if name is None:
            return None
        try:
            return segment_file.load(self._place.folder / name)
        except (OSError, BadSegment) as error:
            log.warning("%s is made anew: %s", self._place.folder / name, error)
            return None

    def discover(self) -> Discovered:
        """The files of the workspace as they are now."""
        return discover(self._roots, self._place.empty_repository)

    def look(self, paths: Sequence[str]) -> Looked:
        """Reads files to see which of them are known."""
        sources = {path: read_source(path) for path in paths}
        there = {path: source for path, source in sources.items() if source is not None}
        contents = self.store.by_keys([source.key for source in there.values()])
        known = {
            path: (source.stamp, contents[source.key])
            for path, source in there.items()
            if source.key in contents
        }
        return Looked(
            known,
            tuple(path for path in there if path not in known),
            tuple(path for path in sources if path not in there),
        )

    def failed(self, path: str, reason: str) -> tuple[Stamp, NewContent] | None:
        """What to note of a file on which a worker failed; None if it is gone."""
        source = read_source(path)
        if source is None:
            return None
        return source.stamp, new_content(source, Policy.FAILED, reason)

    def add(
        self,
        new: Mapping[str, tuple[Stamp, NewContent]],
        known: Mapping[str, tuple[Stamp, Content]],
        gone: Iterable[str],
    ) -> dict[str, tuple[Held, Content]]:
        """Stores what was found about files.

        Returns:
            What those that are there hold now.
        """
        stored = self.store.add([content for _, content in new.values()])
        held = {
            path: (Held(stamp, content.id), content)
            for (path, (stamp, _)), content in zip(new.items(), stored, strict=True)
        }
        held |= {path: (Held(stamp, c.id), c) for path, (stamp, c) in known.items()}
        changes: dict[str, Held | None] = {path: each for path, (each, _) in held.items()}
        changes |= dict.fromkeys(gone)
        self.store.put(changes)
        return held

    def forget(self, paths: Iterable[str]) -> None:
        """Files are gone."""
        self.store.put(dict.fromkeys(paths))

    def segments_of(self, ids: Sequence[int]) -> list[Segment]:
        """The segments of stored contents."""
        return [
            building.from_records(
                list(self.store.records(ids[start : start + _AT_ONCE]))
            ).prepared()
            for start in range(0, len(ids), _AT_ONCE)
        ]

    def records(self, ids: Sequence[int]) -> dict[int, Record]:
        """The facts of stored contents."""
        return dict(self.store.records(ids))

    def set_base(self, path: Path) -> None:
        """A segment is what the next start begins with."""
        self.store.set_fact(_BASE, path.name)
        self.store.tidy()
        self._place.tidy(path.name)

    def start_over(self) -> None:
        """Nothing that is stored can be used."""
        self.store.reset()

    def size(self) -> int:
        """Bytes of the folder on disk."""
        return sum(path.stat().st_size for path in self._place.folder.iterdir() if path.is_file())

    def close(self) -> None:
        """Gives everything back."""
        if self._store is not None:
            self._store.close()
        if self._lead is not None:
            os.close(self._lead)


def new_content(source: SourceFile, policy: Policy, reason: str) -> NewContent:
    """A content without facts."""
    return NewContent(source.key, policy, reason, source.data.isascii(), EMPTY)
