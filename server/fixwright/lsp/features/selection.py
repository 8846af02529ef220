"""Selection ranges: how a selection grows around the cursor, by the tree of the text shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.index.folds import growing
from fixwright.lsp.convert import to_lsp
from fixwright.lsp.features.asking import document_for
from fixwright.workspace.position import Range
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.text import Encoding, Text

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench


async def selection_ranges(
    bench: Workbench, snapshot: Snapshot, params: lsp.SelectionRangeParams
) -> list[lsp.SelectionRange] | None:
    """`textDocument/selectionRange`: one for each position, as the protocol wants it."""
    await bench.indexing.settled()
    chosen = document_for(bench, snapshot, "selection", params.text_document.uri)
    if chosen is None:
        return None
    document, _ = chosen
    text, encoding = document.text, bench.encoding
    positions = [text.from_client(at.line, at.character, encoding) for at in params.positions]
    found = await bench.buffers.read(
        document, lambda root, source, _language: growing(root, source, positions)
    )
    if found is None:
        return None
    empty = [Range(at, at) for at in positions]
    return [
        _nested(ranges or (nothing,), text, encoding)
        for ranges, nothing in zip(found, empty, strict=True)
    ]


def _nested(ranges: tuple[Range, ...], text: Text, encoding: Encoding) -> lsp.SelectionRange:
    parent: lsp.SelectionRange | None = None
    for each in reversed(ranges):
        parent = lsp.SelectionRange(to_lsp(text, each, encoding), parent)
    assert parent is not None
    return parent
