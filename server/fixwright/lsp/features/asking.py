"""What the questions about a place have in common: the document, its facts and the name there."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from lsprotocol import types as lsp

from fixwright.config import FeatureName
from fixwright.index.facts import FileFacts
from fixwright.index.languages import Language, language_for
from fixwright.index.meanings import Meanings, Target
from fixwright.index.sites import Site, site_at
from fixwright.index.workspace_index import IndexUnavailable, WorkspaceIndex
from fixwright.lsp.places import Spot, path_of
from fixwright.workspace.document import Document
from fixwright.workspace.paths import canonical
from fixwright.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

log = logging.getLogger(__name__)


class Positioned(Protocol):
    """The parameters of a question about a position."""

    @property
    def text_document(self) -> lsp.TextDocumentIdentifier:
        """Where."""
        ...

    @property
    def position(self) -> lsp.Position:
        """And where in it."""
        ...


@dataclass(frozen=True)
class Asked:
    """A name in an open document, and what is needed to say more about it."""

    document: Document
    path: str
    facts: FileFacts
    site: Site
    index: WorkspaceIndex
    meanings: Meanings

    async def targets(self) -> tuple[Target, ...]:
        """What the name may mean."""
        try:
            return await self.meanings.of(self.site, self.path, self.facts, self.document.text)
        except IndexUnavailable as error:
            log.warning("%s", error)
            return ()


def document_for(
    bench: Workbench, snapshot: Snapshot, feature: FeatureName, uri: str
) -> tuple[Document, Language] | None:
    """An open document for which a feature is offered, and its language."""
    document = snapshot.documents.get(canonical(uri))
    if document is None:
        return None
    language = language_for(document.language, document.uri)
    if language is None or not bench.indexing.offers.gives(feature, language.name):
        return None
    return document, language


async def ask(
    bench: Workbench,
    snapshot: Snapshot,
    feature: FeatureName,
    params: Positioned,
) -> Asked | None:
    """The name at a position; None where there is none, or where the feature is off.

    Raises:
        JsonRpcException: the document has changed since it was asked about.
    """
    await bench.indexing.settled()
    chosen = document_for(bench, snapshot, feature, params.text_document.uri)
    if chosen is None:
        return None
    document, _ = chosen
    index = await bench.indexing.index()
    facts = await bench.indexing.facts(document)
    if index is None or facts is None:
        return None
    at = params.position
    position = document.text.from_client(at.line, at.character, bench.encoding)
    site = await asyncio.to_thread(site_at, facts, document.text, position)
    if site is None:
        return None
    path = path_of(document.uri)
    return Asked(document, path, facts, site, index, Meanings(index, path))


def spots(targets: Iterable[Target]) -> list[Spot]:
    """Where targets are."""
    return [Spot(target.path, target.place, target.name) for target in targets]
