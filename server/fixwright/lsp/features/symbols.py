"""Document symbols, fresh for exactly the text that the editor shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.index.symbols import Symbol
from fixwright.lsp.convert import to_lsp
from fixwright.workspace.paths import canonical
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.text import Encoding, Text

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench


async def document_symbols(
    bench: Workbench, snapshot: Snapshot, params: lsp.DocumentSymbolParams
) -> list[lsp.DocumentSymbol]:
    """`textDocument/documentSymbol`."""
    document = snapshot.documents.get(canonical(params.text_document.uri))
    if document is None:
        return []
    symbols = await bench.buffers.symbols(document)
    return [_symbol(symbol, document.text, bench.encoding) for symbol in symbols]


def _symbol(symbol: Symbol, text: Text, encoding: Encoding) -> lsp.DocumentSymbol:
    return lsp.DocumentSymbol(
        name=symbol.name,
        kind=lsp.SymbolKind[_KINDS.get(symbol.kind, "Variable")],
        range=to_lsp(text, symbol.range, encoding),
        selection_range=to_lsp(text, symbol.name_range, encoding),
        detail=symbol.detail or None,
        children=[_symbol(child, text, encoding) for child in symbol.children],
    )


_KINDS = {
    "class": "Class",
    "method": "Method",
    "function": "Function",
    "constant": "Constant",
    "variable": "Variable",
    "field": "Field",
    "property": "Property",
    "module": "Module",
}
