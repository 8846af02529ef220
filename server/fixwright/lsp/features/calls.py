"""Call hierarchy, along imports: who calls a function, and what it calls."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.index.facts import Definition, Place, Reference
from fixwright.index.meanings import Meanings, Target
from fixwright.index.sites import site_at, site_of
from fixwright.index.workspace_index import IndexUnavailable, ReferenceAt
from fixwright.lsp.features.asking import Asked, ask
from fixwright.lsp.features.references import uses_of
from fixwright.lsp.features.symbols import symbol_kind
from fixwright.lsp.places import Places, Spot, path_of
from fixwright.workspace.document import Document, UnknownDocument
from fixwright.workspace.paths import canonical
from fixwright.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

log = logging.getLogger(__name__)

_CALLED = frozenset({"function", "method", "constructor", "class", "struct", "macro"})


async def prepare(
    bench: Workbench, snapshot: Snapshot, params: lsp.CallHierarchyPrepareParams
) -> list[lsp.CallHierarchyItem] | None:
    """`textDocument/prepareCallHierarchy`."""
    asked = await ask(bench, snapshot, "calls", params)
    if asked is None:
        return None
    found = [
        (each.path, each.definition)
        for each in await asked.targets()
        if each.definition is not None and each.definition.kind in _CALLED and each.how != "name"
    ]
    places = Places(bench.store.now, bench.encoding)
    items = await asyncio.to_thread(lambda: [_item(places, p, d) for p, d in found])
    bench.indexing.check(asked.document)
    return [item for item in items if item is not None] or None


async def incoming(
    bench: Workbench, snapshot: Snapshot, params: lsp.CallHierarchyIncomingCallsParams
) -> list[lsp.CallHierarchyIncomingCall]:
    """`callHierarchy/incomingCalls`: those that imports lead to."""
    asked = await _asked(bench, snapshot, params.item)
    if asked is None:
        return []
    callers: dict[tuple[str, Place], tuple[Definition, list[ReferenceAt]]] = {}
    try:
        targets = await asked.targets()
        async for some in uses_of(asked, targets):
            for use in some.sure:
                if use.role == "call" and use.enclosing is not None:
                    key = (use.path, use.enclosing.name_range)
                    callers.setdefault(key, (use.enclosing, []))[1].append(use)
    except IndexUnavailable as error:
        log.warning("%s", error)
    places = Places(bench.store.now, bench.encoding)

    def answer() -> list[lsp.CallHierarchyIncomingCall]:
        calls: list[lsp.CallHierarchyIncomingCall] = []
        for (path, _), (caller, uses) in sorted(callers.items(), key=lambda pair: pair[0]):
            item = _item(places, path, caller)
            spots = [Spot(path, use.range, asked.site.name) for use in uses]
            ranges = _ranges(places, spots)
            if item is not None and ranges:
                calls.append(lsp.CallHierarchyIncomingCall(item, ranges))
        return calls

    return await asyncio.to_thread(answer)


async def outgoing(
    bench: Workbench, snapshot: Snapshot, params: lsp.CallHierarchyOutgoingCallsParams
) -> list[lsp.CallHierarchyOutgoingCall]:
    """`callHierarchy/outgoingCalls`: those that are known for more than their names."""
    asked = await _asked(bench, snapshot, params.item)
    if asked is None or asked.site.definition is None:
        return []
    called: dict[tuple[str, Place], tuple[Target, list[Reference]]] = {}
    for use in _calls_in(asked, asked.site.definition):
        site = site_of(asked.facts, asked.document.text, use)
        try:
            targets = await asked.meanings.of(site, asked.path, asked.facts, asked.document.text)
        except IndexUnavailable as error:
            log.warning("%s", error)
            return []
        for target in targets[:1]:
            if target.how != "name" and target.definition is not None:
                called.setdefault((target.path, target.place), (target, []))[1].append(use)
    places = Places(bench.store.now, bench.encoding)

    def answer() -> list[lsp.CallHierarchyOutgoingCall]:
        calls: list[lsp.CallHierarchyOutgoingCall] = []
        for target, uses in called.values():
            assert target.definition is not None
            item = _item(places, target.path, target.definition)
            ranges = _ranges(places, [Spot(asked.path, use.range, use.name) for use in uses])
            if item is not None and ranges:
                calls.append(lsp.CallHierarchyOutgoingCall(item, ranges))
        return calls

    return await asyncio.to_thread(answer)


async def _asked(bench: Workbench, snapshot: Snapshot, item: lsp.CallHierarchyItem) -> Asked | None:
    """The function of an item; its file need not be open."""
    index = await bench.indexing.index()
    if index is None:
        return None
    document = await asyncio.to_thread(_document, snapshot, item.uri)
    if document is None:
        return None
    path = path_of(item.uri)
    if document.is_open:
        facts = await bench.indexing.facts(document)
    else:
        try:
            facts = await index.file(path, exact=True)
        except IndexUnavailable as error:
            log.warning("%s", error)
            return None
    if facts is None:
        return None
    at = item.selection_range.start
    position = document.text.from_client(at.line, at.character, bench.encoding)
    site = site_at(facts, document.text, position)
    if site is None or site.name != item.name:
        return None  # it has moved since: the editor asks anew
    return Asked(document, path, facts, site, index, Meanings(index, path))


def _document(snapshot: Snapshot, uri: str) -> Document | None:
    try:
        return snapshot.documents.get(canonical(uri)) or snapshot.document(uri)
    except UnknownDocument:
        return None


def _calls_in(asked: Asked, function: int) -> Iterable[Reference]:
    """The calls in a function, and in what is defined inside of it."""
    definitions = asked.facts.definitions
    for use in asked.facts.references:
        around = use.enclosing
        while around is not None and around != function:
            around = definitions[around].container
        if around is not None and use.role == "call":
            yield use


def _ranges(places: Places, spots: Iterable[Spot]) -> list[lsp.Range]:
    found = (places.range(spot) for spot in spots)
    return [each for each in found if each is not None]


def _item(places: Places, path: str, definition: Definition) -> lsp.CallHierarchyItem | None:
    name = places.range(Spot(path, definition.name_range, definition.name))
    whole = places.range(Spot(path, definition.range))
    if name is None or whole is None:
        return None
    where = PurePosixPath(path).name
    return lsp.CallHierarchyItem(
        name=definition.name,
        kind=symbol_kind(definition.kind),
        uri=places.uri(path),
        range=whole,
        selection_range=name,
        detail=f"{definition.owner} · {where}" if definition.owner else where,
    )
