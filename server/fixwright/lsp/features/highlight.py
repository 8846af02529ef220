"""Document highlight: where else in the file a name stands and means the same."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.index.facts import Place, range_of
from fixwright.index.sites import local_uses, site_of
from fixwright.lsp.convert import to_lsp
from fixwright.lsp.features.asking import Asked, ask
from fixwright.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

_MANY = 300
"""Uses; of more it is not looked which of them are some function's own."""


async def highlight(
    bench: Workbench, snapshot: Snapshot, params: lsp.DocumentHighlightParams
) -> list[lsp.DocumentHighlight]:
    """`textDocument/documentHighlight`."""
    asked = await ask(bench, snapshot, "highlight", params)
    if asked is None:
        return []
    text, encoding = asked.document.text, bench.encoding
    found = await asyncio.to_thread(lambda: list(_places(asked)))
    bench.indexing.check(asked.document)
    return [
        lsp.DocumentHighlight(
            to_lsp(text, range_of(place), encoding),
            lsp.DocumentHighlightKind.Write if writes else lsp.DocumentHighlightKind.Read,
        )
        for place, writes in sorted(found)
    ]


def _places(asked: Asked) -> Iterator[tuple[Place, bool]]:
    """The places, and whether the name is given something there."""
    site, facts, text = asked.site, asked.facts, asked.document.text
    if site.local is not None:
        uses = local_uses(facts, text, site.name, site.local)
        for number, use in enumerate(uses):
            yield use.range, use.role == "write" or not number
        return
    for definition in facts.definitions:
        if definition.name == site.name and definition.kind != "implementation":
            yield definition.name_range, True
    uses = [use for use in facts.references if use.name == site.name]
    for use in uses:
        if len(uses) > _MANY or site_of(facts, text, use).local is None:
            yield use.range, use.role == "write"
