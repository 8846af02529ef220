"""The workspace's index behind one editor: started and ended with it, told of all that changes."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types as lsp
from pygls.exceptions import JsonRpcException

from fixwright.config import IndexConfig
from fixwright.index.facts import FileFacts
from fixwright.index.languages import language_for
from fixwright.index.workspace_index import IndexUnavailable, Progress, WorkspaceIndex
from fixwright.lsp.editor import Editor
from fixwright.lsp.editor import Progress as Shown
from fixwright.lsp.offers import Offers, served_languages
from fixwright.lsp.places import path_of
from fixwright.lsp.registrations import Registrations
from fixwright.workspace.document import Document
from fixwright.workspace.paths import canonical
from fixwright.workspace.store import SnapshotStore
from fixwright.workspace.text import Text

log = logging.getLogger(__name__)

LARGEST = 8 << 20
"""Code points; a larger open document is left to the disk."""

_QUIET = 0.2
"""Seconds without a keystroke after which the index hears of a change."""

_PATIENCE = 0.3
"""Seconds that a question waits until what was typed just before is in the index."""

_SETTLED = 5.0
_STATS = 2.0
_FEW = 100
"""Files; for fewer no progress is shown."""


@dataclass(frozen=True)
class _Facts:
    text: Text
    task: asyncio.Task[FileFacts | None]


class Indexing:
    """The index, or none where the settings have turned everything off."""

    def __init__(self, editor: Editor, store: SnapshotStore) -> None:
        self._editor = editor
        self._store = store
        self._index: WorkspaceIndex | None = None
        self._of: tuple[tuple[Path, ...], str | None] | None = None
        self._lock = asyncio.Lock()
        self._up = asyncio.Event()
        self._told: dict[str, Text] = {}
        self._waiting: asyncio.TimerHandle | None = None
        self._facts: dict[str, _Facts] = {}
        self._served: frozenset[str] | None = None
        self._registered = False
        self._registrations = Registrations(editor)
        self._closed = False
        self._asking: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._round: _Round | None = None
        self._config = IndexConfig()
        self._ruled = False
        self.offers = Offers()

    # -- life

    async def follow(self, config: IndexConfig) -> None:
        """Take settings and folders: start, start anew, or end."""
        async with self._lock:
            if self._closed:
                return
            self._config = config
            if self._served is None:
                name = self._editor.profile.name
                self._served = await asyncio.to_thread(served_languages, name)
            self.offers = Offers(config.features, self._served)
            roots = tuple(folder.path for folder in self._store.now.folders)
            needed = self.offers.any or self._ruled
            wanted = (roots, config.cache) if needed else None
            if wanted != self._of:
                await self._end()
                self._of = wanted
                if wanted is not None:
                    await self._begin(roots, config.cache)
            self._up.set()
            await self._asked(self._registrations.follow(self.offers), "takes no feature")

    async def _begin(self, roots: Sequence[Path], cache: str | None) -> None:
        by_editor = bool(roots) and await self._watched_by_editor()
        self._round = _Round(self._editor)
        try:
            self._index = await WorkspaceIndex.start(
                roots,
                cache=None if cache is None else Path(cache),
                watch=bool(roots) and not by_editor,
                on_progress=self._round.take,
            )
        except OSError as error:
            log.error("the index of the workspace can't be started: %s", error)
            return
        self._flush()

    async def _end(self) -> None:
        index, self._index = self._index, None
        self._told.clear()
        self._facts.clear()
        if self._round is not None:
            self._round.end("stopped")
        if index is not None:
            await index.close()

    async def close(self) -> None:
        """End it, whatever it does; nothing starts it again."""
        self._closed = True
        self._asking.cancel()
        if self._waiting is not None:
            self._waiting.cancel()
        async with self._lock:
            self._of = None
            await self._end()
            self._up.set()

    async def _watched_by_editor(self) -> bool:
        """Ask the editor to tell what happens to files; most do that better than we can."""
        if self._registered or not self._editor.profile.watches_files:
            return self._registered
        self._registered = await self._asked(self._editor.watch_files(), "tells of no file")
        return self._registered

    async def _asked(self, work: Coroutine[None, None, None], refusal: str) -> bool:
        """Ask something of the editor, that `close` does not wait for; whether it agreed."""
        self._asking = asyncio.ensure_future(work)
        try:
            async with asyncio.timeout(_SETTLED):
                await self._asking
        except (JsonRpcException, TimeoutError) as error:
            log.info("the editor %s: %s", refusal, error)
            return False
        return True

    # -- news

    def document_changed(self, uri: str, document: Document | None) -> None:
        """Follow an open document; on the loop, returns at once."""
        if document is None:
            self._facts.pop(canonical(uri), None)
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = asyncio.get_running_loop().call_later(_QUIET, self._flush)

    def files_changed(self, changes: Sequence[lsp.FileEvent]) -> None:
        """The editor says what happened on disk."""
        if self._index is not None:
            self._index.changed([path_of(change.uri) for change in changes])

    def _flush(self) -> bool:
        """Tell the index what the editor shows now; whether there was anything to tell."""
        index = self._index
        if index is None:
            return False
        shown = {
            path_of(document.uri): document
            for document in self._store.now.documents.values()
            if len(document.text) <= LARGEST
        }
        gone = [path for path in self._told if path not in shown]
        news = [path for path, each in shown.items() if self._told.get(path) is not each.text]
        if gone or any(path not in self._told for path in news):
            index.focus(shown)
        for path in gone:
            del self._told[path]
            index.hide(path)
        for path in news:
            document = shown[path]
            language = language_for(document.language, document.uri)
            self._told[path] = document.text
            index.show(path, None if language is None else document.language, document.text.value)
        return bool(gone or news)

    # -- questions

    async def for_rules(self) -> WorkspaceIndex | None:
        """The index for those who fix, and it alone where the editor is offered nothing of it."""
        await self.settled()
        if not self._ruled:
            self._ruled = True
            await self.follow(self._config)
        return self._index

    async def index(self) -> WorkspaceIndex | None:
        """The index, which has taken in what the editor shows if that can be waited for."""
        await self.settled()
        index = self._index
        if index is not None and self._flush():
            with contextlib.suppress(TimeoutError, IndexUnavailable):
                async with asyncio.timeout(_PATIENCE):
                    await index.wait_fresh()
        return self._index

    async def settled(self) -> None:
        """Wait until the settings have said whether there is an index."""
        with contextlib.suppress(TimeoutError):  # an editor that never says `initialized`
            async with asyncio.timeout(_SETTLED):
                await self._up.wait()

    async def facts(self, document: Document) -> FileFacts | None:
        """All facts of exactly this open document; None where the index does not know them.

        Raises:
            JsonRpcException: the document has changed meanwhile; the editor asks again.
        """
        await self.settled()
        index = self._index
        if index is None or language_for(document.language, document.uri) is None:
            return None
        key = canonical(document.uri)
        kept = self._facts.get(key)
        if kept is None or kept.text is not document.text or _failed(kept.task):
            self.check(document)
            self._flush()
            task = asyncio.ensure_future(self._exact(index, path_of(document.uri)))
            kept = self._facts[key] = _Facts(document.text, task)
        return await asyncio.shield(kept.task)

    @staticmethod
    async def _exact(index: WorkspaceIndex, path: str) -> FileFacts | None:
        try:
            return await index.file(path, exact=True)
        except IndexUnavailable as error:
            log.warning("%s", error)
            return None

    def check(self, document: Document) -> None:
        """Refuse to answer about a text that the editor does not show any more.

        Raises:
            JsonRpcException: `ContentModified`, which editors take as a reason to ask again.
        """
        now = self._store.now.documents.get(canonical(document.uri))
        if now is None or now.text is not document.text:
            code = int(lsp.LSPErrorCodes.ContentModified)
            raise JsonRpcException("the document has changed", code=code)

    async def figures(self) -> dict[str, object] | None:
        """Figures for `fixwright.status`; None without an index."""
        index = self._index
        if index is None:
            return None
        try:
            async with asyncio.timeout(_STATS):
                found = await index.stats()
        except (TimeoutError, IndexUnavailable) as error:
            return {"error": str(error) or "the index is busy"}
        wanted = ("files", "symbols", "waiting", "memoryBytes", "diskBytes")
        watched = "editor" if self._registered else "fixwright"
        return {**{name: found.get(name) for name in wanted}, "watchedBy": watched}


class _Round:
    """The editor's progress while many files are read."""

    def __init__(self, editor: Editor) -> None:
        self._editor = editor
        self._shown: asyncio.Task[Shown] | None = None
        self._told = 0.0

    def take(self, progress: Progress) -> None:
        """As the index reports it, on the loop."""
        left = progress.total - progress.done
        if self._shown is None:
            if left >= _FEW:
                begun = self._editor.begin_progress("Indexing", None, cancellable=False)
                self._shown = asyncio.ensure_future(begun)
            return
        if not left:
            self.end(f"{progress.total} files")
        elif self._shown.done() and time.monotonic() - self._told > _QUIET:
            self._told = time.monotonic()
            message = f"{progress.done}/{progress.total} files"
            self._shown.result().report(message, 100 * progress.done // progress.total)

    def end(self, message: str) -> None:
        """Nothing is shown any more."""
        shown, self._shown = self._shown, None
        if shown is not None:
            shown.add_done_callback(lambda task: _end(task, message))


def _end(task: asyncio.Task[Shown], message: str) -> None:
    if not task.cancelled() and task.exception() is None:
        task.result().end(message)


def _failed(task: asyncio.Task[FileFacts | None]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
