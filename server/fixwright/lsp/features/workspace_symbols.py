"""Workspace symbols: fuzzy, ranked, and sent while more is found where the editor can take that."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.index.languages import language_for
from fixwright.index.workspace_index import IndexUnavailable, SymbolHit
from fixwright.lsp.features.symbols import symbol_kind
from fixwright.lsp.places import Places, Spot
from fixwright.lsp.protocol import Encoded
from fixwright.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

log = logging.getLogger(__name__)

LIMIT = 500
"""Symbols of one answer; editors ask again with every letter."""


async def workspace_symbols(
    bench: Workbench, _snapshot: Snapshot, params: lsp.WorkspaceSymbolParams
) -> Encoded:
    """`workspace/symbol`."""
    index = await bench.indexing.index()
    if index is None:
        return Encoded(b"[]")
    token, answer = params.partial_result_token, list[str]()
    snapshot = bench.store.now  # as the index was told just now
    places = Places(snapshot, bench.encoding)
    try:
        async for hits in index.symbols(params.query, LIMIT):
            wanted = [hit for hit in hits if _wanted(bench, hit)]
            found = await asyncio.to_thread(_encoded, wanted, places)
            if token is None:
                answer += found
            elif found:
                bench.editor.partial_json(token, f"[{','.join(found)}]")
    except IndexUnavailable as error:
        log.warning("%s", error)
    return Encoded(f"[{','.join(answer)}]".encode())


def _wanted(bench: Workbench, hit: SymbolHit) -> bool:
    language = language_for(None, hit.path)
    return hit.kind != "implementation" and bench.indexing.offers.gives(
        "symbols", None if language is None else language.name
    )


def _encoded(hits: Sequence[SymbolHit], places: Places) -> list[str]:
    """As the JSON of the protocol: encoding hundreds of objects would hold up the loop."""
    found: list[str] = []
    for hit in hits:
        end = hit.column + len(hit.name)
        spot = Spot(hit.path, (hit.line, hit.column, hit.line, end), hit.name, hit.is_ascii)
        place = places.quick_range(spot)
        if place is None:  # it has been changed this moment
            continue
        container = f',"containerName":{json.dumps(hit.owner)}' if hit.owner else ""
        start, stop = place.start, place.end
        found.append(
            f'{{"name":{json.dumps(hit.name)},"kind":{symbol_kind(hit.kind).value}{container}'
            f',"location":{{"uri":{json.dumps(places.uri(hit.path))},"range":{{"start":{{'
            f'"line":{start.line},"character":{start.character}}},"end":{{'
            f'"line":{stop.line},"character":{stop.character}}}}}}}}}'
        )
    return found
