"""The rules' questions, asked of the workspace's index, with the open documents laid over it.

Rules run in a thread and the index answers on the event loop. Nothing is asked before a rule wants
to know something, and every wait is bounded: a rule that learns nothing proposes nothing, and the
fix says why.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from fixwright.fix.definitions import Definition, Definitions, Known, definition_of
from fixwright.index.languages import language_for
from fixwright.index.workspace_index import IndexUnavailable, WorkspaceIndex
from fixwright.workspace.paths import canonical, path_to_uri, uri_to_path

if TYPE_CHECKING:
    from fixwright.index.facts import FileFacts
    from fixwright.index.visibility import ImportRow
    from fixwright.workspace.document import Document
    from fixwright.workspace.snapshot import Snapshot
    from fixwright.workspace.text import Text

log = logging.getLogger(__name__)

LARGEST = 1 << 20
"""Code points; a larger document is generated, and nobody means its names."""

PATIENCE = 2.0
"""Seconds that rules wait, once, for an index that is still being built."""

ANSWER = 5.0
"""Seconds that rules wait for all of their answers together."""

_BUILDING = (
    "The workspace is still being indexed, so names of other files may be missing: "
    "try again in a moment."
)
_GONE = "The index of the workspace does not answer, so names of other files are missing."

_T = TypeVar("_T")
FindIndex = Callable[[], Awaitable[WorkspaceIndex | None]]


class WorkspaceDefinitions:
    """Gives the rules their definitions. Use it from one event loop."""

    def __init__(
        self, index: FindIndex, *, patience: float = PATIENCE, answer: float = ANSWER
    ) -> None:
        """Nothing is asked yet.

        Args:
            index: starts the index where that was not done, or None where there can be none.
            patience: as `PATIENCE`.
            answer: as `ANSWER`, patience not counted.
        """
        self._index = index
        self._patience = self._left = patience
        self._answer = answer
        self._read: dict[str, tuple[Text, FileFacts | None]] = {}

    def of(self, snapshot: Snapshot, near: str) -> Definitions:
        """The definitions of a snapshot: what is open in it, over what the index knows.

        Args:
            snapshot: whose documents count.
            near: URI of a document; of very many definitions, those near to it count.
        """
        loop = asyncio.get_running_loop()
        seconds = self._patience + self._answer
        lookup = _Asking(loop, lambda: self._open(snapshot), _path(near), seconds)
        return Definitions(lookup, [folder.path for folder in snapshot.folders])

    async def _open(self, snapshot: Snapshot) -> _Opened:
        index = await self._index()
        if index is None:
            return _Opened(None, Known({}), _GONE)
        fresh = await self._settled(index)
        shown = await self._shown(index, snapshot)
        return _Opened(index, Known(shown), None if fresh else _BUILDING)

    async def _settled(self, index: WorkspaceIndex) -> bool:
        """Wait for what the index has not read; the time is spent once, not at each question."""
        begun = time.monotonic()
        try:
            async with asyncio.timeout(self._left):
                await index.wait_fresh()
        except TimeoutError:
            self._left = max(0.0, self._left - (time.monotonic() - begun))
            return False
        self._left = self._patience
        return True

    async def _shown(self, index: WorkspaceIndex, snapshot: Snapshot) -> dict[str, FileFacts]:
        """The facts of the documents of a snapshot, each text read once."""

        async def read(key: str, document: Document) -> FileFacts | None:
            kept = self._read.get(key)
            if kept is None or kept[0] is not document.text:
                text = document.text.value
                facts = await index.read(_path(document.uri), document.language, text)
                kept = self._read[key] = document.text, facts
            return kept[1]

        wanted = {
            key: document
            for key, document in snapshot.documents.items()
            if len(document.text) <= LARGEST
            and language_for(document.language, document.uri) is not None
        }
        found = await asyncio.gather(*(read(key, each) for key, each in wanted.items()))
        self._read = {key: kept for key, kept in self._read.items() if key in snapshot.documents}
        pairs = zip(wanted, found, strict=True)
        return {key: facts for key, facts in pairs if facts is not None}


@dataclass(frozen=True)
class _Opened:
    """What questions are put to; `index` is None where there is none."""

    index: WorkspaceIndex | None
    shown: Known
    doubt: str | None


class _Asking:
    """A `Lookup` in the index. The first question opens it; after one too many none is asked."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        start: Callable[[], Coroutine[None, None, _Opened]],
        near: str,
        seconds: float,
    ) -> None:
        self._loop = loop
        self._start = start
        self._near = near
        self._left = seconds
        self._opened: _Opened | None = None
        self.doubt: str | None = None

    def named(self, name: str) -> Sequence[Definition]:
        """See `Lookup`; open documents first."""
        opened = self._open()

        async def ask(index: WorkspaceIndex) -> list[Definition]:
            found = (await index.definitions_of(name, near=self._near)).found
            named = ((_uri(each.path), each) for each in found if not each.is_local)
            return [
                definition_of(uri, each.definition)
                for uri, each in named
                if uri not in opened.shown.of
            ]

        return [*opened.shown.named(name), *self._asked(ask, [])]

    def facts(self, uri: str) -> FileFacts | None:
        """See `Lookup`."""
        shown = self._open().shown.facts(uri)
        return shown or self._asked(lambda index: index.file(_path(uri)), None)

    def imported_as(self, name: str) -> Mapping[ImportRow, int]:
        """See `Lookup`."""
        opened = self._open()

        async def ask(index: WorkspaceIndex) -> Counter[ImportRow]:
            without = [_path(uri) for uri in opened.shown.of]
            found = await index.imported_as(name, language="python", without=without)
            return Counter(
                {(e.module, e.name, e.alias, e.level, e.kind): count for e, count in found}
            )

        return opened.shown.imported_as(name) + self._asked(ask, Counter())

    def python_files(self) -> Sequence[str]:
        """See `Lookup`."""
        shown = self._open().shown.python_files()
        found = self._asked(lambda index: index.files("python"), ())
        return list(dict.fromkeys([*(_uri(path) for path in found), *shown]))

    def _open(self) -> _Opened:
        if self._opened is None:
            nothing = _Opened(None, Known({}), _GONE)
            self._opened = self._waited(self._start(), nothing)
            self.doubt = self.doubt or self._opened.doubt
        return self._opened

    def _asked(self, ask: Callable[[WorkspaceIndex], Coroutine[None, None, _T]], nothing: _T) -> _T:
        index = self._open().index
        return nothing if index is None else self._waited(ask(index), nothing)

    def _waited(self, work: Coroutine[None, None, _T], nothing: _T) -> _T:
        """What comes of some work on the loop, within what is left of the time."""
        begun = time.monotonic()
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result(self._left)
        except TimeoutError:
            future.cancel()
            log.warning("a rule has not waited for the index any longer")
            self.doubt = _GONE
        except IndexUnavailable as error:
            log.warning("%s", error)
            self.doubt = _GONE
        finally:
            self._left = max(0.0, self._left - (time.monotonic() - begun))
        return nothing


def _path(uri: str) -> str:
    """What the index calls a document."""
    path = uri_to_path(uri)
    return uri if path is None else str(path)


def _uri(path: str) -> str:
    return canonical(path_to_uri(Path(path)))
