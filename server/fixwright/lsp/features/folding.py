"""Folding ranges, of exactly the text that the editor shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.index.folds import folds
from fixwright.lsp.features.asking import document_for
from fixwright.workspace.snapshot import Snapshot

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

_KINDS = {"comment": lsp.FoldingRangeKind.Comment, "imports": lsp.FoldingRangeKind.Imports}


async def folding_ranges(
    bench: Workbench, snapshot: Snapshot, params: lsp.FoldingRangeParams
) -> list[lsp.FoldingRange]:
    """`textDocument/foldingRange`."""
    await bench.indexing.settled()
    chosen = document_for(bench, snapshot, "folding", params.text_document.uri)
    if chosen is None:
        return []
    found = await bench.buffers.read(chosen[0], folds)
    return [
        lsp.FoldingRange(start_line=each.start, end_line=each.end, kind=_KINDS.get(each.kind))
        for each in (found or ())[: bench.editor.profile.most_folds]
    ]
