"""From the index's places to the editor's, in its encoding, checked against what the text says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types as lsp

from fixwright.index.facts import Place, range_of
from fixwright.lsp.convert import to_lsp
from fixwright.workspace.document import UnknownDocument, read_document
from fixwright.workspace.paths import canonical, path_to_uri, uri_to_path
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.text import Encoding, Text


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a file, and the name that has to stand there; "" where none has to."""

    path: str
    place: Place
    name: str = ""
    is_ascii: bool = False


class Places:
    """Converts within one request: each text is read once. In a thread, where files are read."""

    def __init__(self, snapshot: Snapshot, encoding: Encoding) -> None:
        self._snapshot = snapshot
        self._encoding = encoding
        self._texts: dict[str, Text | None] = {}

    def uri(self, path: str) -> str:
        """The document's URI, as the editor spells it where it is open there."""
        uri = uri_of(path)
        document = self._snapshot.documents.get(canonical(uri))
        return uri if document is None else document.uri

    def text(self, path: str) -> Text | None:
        """What a file says now: the editor's text where it is open. I/O."""
        if path not in self._texts:
            self._texts[path] = self._read(uri_of(path))
        return self._texts[path]

    def _read(self, uri: str) -> Text | None:
        key = canonical(uri)
        if key in self._snapshot.lost:
            return None
        if (document := self._snapshot.documents.get(key)) is not None:
            return document.text
        try:
            return read_document(uri).text
        except UnknownDocument:
            return None

    def range(self, spot: Spot) -> lsp.Range | None:
        """The editor's range; None where the name does not stand there any more. I/O."""
        text = self.text(spot.path)
        if text is None:
            return None
        place = range_of(spot.place)
        if place.start.line >= text.line_count:
            return None
        if spot.name and text.slice(place) != spot.name:
            return None
        return to_lsp(text, place, self._encoding)

    def quick_range(self, spot: Spot) -> lsp.Range | None:
        """As `range`, without reading a closed file in which columns count alike everywhere."""
        if spot.is_ascii and canonical(uri_of(spot.path)) not in self._snapshot.documents:
            line, column, end_line, end_column = spot.place
            return lsp.Range(lsp.Position(line, column), lsp.Position(end_line, end_column))
        return self.range(spot)

    def location(self, spot: Spot) -> lsp.Location | None:
        """The editor's location; None where the name does not stand there any more. I/O."""
        place = self.range(spot)
        return None if place is None else lsp.Location(self.uri(spot.path), place)

    def locations(self, spots: Iterable[Spot]) -> list[lsp.Location]:
        """Those of all spots that still hold, each once, in order. I/O."""
        found: dict[tuple[str, int, int], lsp.Location] = {}
        for spot in spots:
            location = self.location(spot)
            if location is not None:
                start = location.range.start
                found.setdefault((location.uri, start.line, start.character), location)
        return list(found.values())


async def locations(
    snapshot: Snapshot, encoding: Encoding, spots: Iterable[Spot]
) -> list[lsp.Location]:
    """`Places.locations`, off the loop."""
    return await asyncio.to_thread(Places(snapshot, encoding).locations, spots)


def uri_of(path: str) -> str:
    """The URI of what the index calls by this path: untitled documents go by their URI."""
    return path_to_uri(Path(path)) if path.startswith("/") else path


def path_of(uri: str) -> str:
    """What the index calls a document."""
    path = uri_to_path(uri)
    return uri if path is None else str(path)
