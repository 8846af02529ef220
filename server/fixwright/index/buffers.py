"""The open documents' symbols, always those of the text that the editor shows.

One thread of its own parses: parsing holds the interpreter lock for long stretches, so it is done
in pieces (see `source`) and never twice at once. A change is only noted here; the thread takes the
latest text when it gets to it, so that fast typing costs one parse and not one for each key.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

from fixwright.index.languages import language_for
from fixwright.index.outline import Outline
from fixwright.index.slices import slice_for

if TYPE_CHECKING:
    from collections.abc import Callable

    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.index.slices import Slice
    from fixwright.index.source import Source
    from fixwright.index.symbols import Symbol
    from fixwright.workspace.document import Document
    from fixwright.workspace.position import Range
    from fixwright.workspace.text import Text

LARGEST = 8 << 20
"""Code points. A larger document is not parsed and has no symbols: its tree would take some 25
times as much memory as its text."""

_T = TypeVar("_T")


class OpenBuffers:
    """Trees of open documents. Use it from one event loop; `close` it at the end."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="fixwright-index")
        # Written on the loop, read on the thread; a dict's single operations are atomic.
        self._latest: dict[str, Document] = {}
        # Owned by the thread.
        self._outlines: dict[str, Outline] = {}
        # The newest finished symbols, written on the thread, read on the loop.
        self._finished: dict[str, tuple[Text, tuple[Symbol, ...]]] = {}

    def note(self, document: Document) -> None:
        """Says that a document was opened or changed. Cheap: it is parsed elsewhere, later."""
        if not _is_parsed(document):
            return
        waiting = document.uri in self._latest
        self._latest[document.uri] = document
        if not waiting:
            self._thread.submit(self._catch_up, document.uri)

    def forget(self, uri: str) -> None:
        """Says that a document was closed."""
        self._latest.pop(uri, None)
        self._finished.pop(uri, None)
        self._thread.submit(self._drop, uri)

    async def symbols(self, document: Document) -> tuple[Symbol, ...]:
        """The symbols of exactly this document's text.

        Empty for a language that the index does not know and for a text over `LARGEST`.
        """
        finished = self._finished.get(document.uri)
        if finished is not None and finished[0] is document.text:
            return finished[1]
        if not _is_parsed(document):
            return ()
        return await self._run(lambda: self._outline(document).symbols)

    async def slice(self, document: Document, selection: Range) -> Slice:
        """`slices.slice_for` of an open document, off the loop and with the tree that is kept.

        Raises:
            ValueError: the index does not know the document's language; the message is a sentence.
        """
        language = language_for(document.language, document.uri)
        if language is None:
            raise ValueError(
                f"Fixwright cannot run a selection of {document.language or 'plain text'} yet: "
                "run the whole file instead."
            )

        def work() -> Slice:
            tree = self._outline(document).tree if _is_parsed(document) else None
            return slice_for(document.text, language, selection, tree)

        return await self._run(work)

    async def read(
        self, document: Document, work: Callable[[tree_sitter.Node, Source, Language], _T]
    ) -> _T | None:
        """What `work` reads off the tree of exactly this document's text; None where it has none.

        Args:
            document: an open document.
            work: called on the thread with the tree's root; it keeps no node.
        """
        if not _is_parsed(document):
            return None

        def on_the_thread() -> _T:
            outline = self._outline(document)
            return work(outline.tree.root_node, outline.source, outline.language)

        return await self._run(on_the_thread)

    async def close(self) -> None:
        """Ends the thread; what waits is dropped."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._thread.shutdown, wait=True)

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # on the thread

    def _catch_up(self, uri: str) -> None:
        document = self._latest.pop(uri, None)
        if document is not None:
            self._outline(document)

    def _drop(self, uri: str) -> None:
        if uri not in self._latest:
            self._outlines.pop(uri, None)
            self._finished.pop(uri, None)

    def _outline(self, document: Document) -> Outline:
        outline = self._outlines.get(document.uri)
        language = language_for(document.language, document.uri)
        assert language is not None, "only documents of known languages get here"
        if outline is None or outline.language is not language:
            outline = self._outlines[document.uri] = Outline(document.text, language)
        else:
            outline.update(document.text)
        self._finished[document.uri] = (outline.text, outline.symbols)
        return outline


def _is_parsed(document: Document) -> bool:
    known = language_for(document.language, document.uri) is not None
    return known and len(document.text.value) <= LARGEST
