"""Document symbols, fresh for exactly the text that the editor shows."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from lsprotocol import types as lsp

from fixwright.index.symbols import Symbol
from fixwright.lsp.protocol import Encoded
from fixwright.workspace.paths import canonical
from fixwright.workspace.position import Position, Range
from fixwright.workspace.snapshot import Snapshot
from fixwright.workspace.text import Encoding, Text

if TYPE_CHECKING:
    from fixwright.lsp.workbench import Workbench

_KINDS = {
    "module": lsp.SymbolKind.Module,
    "namespace": lsp.SymbolKind.Namespace,
    "class": lsp.SymbolKind.Class,
    "struct": lsp.SymbolKind.Struct,
    "interface": lsp.SymbolKind.Interface,
    "trait": lsp.SymbolKind.Interface,
    "enum": lsp.SymbolKind.Enum,
    "type": lsp.SymbolKind.Class,
    "macro": lsp.SymbolKind.Function,
    "function": lsp.SymbolKind.Function,
    "method": lsp.SymbolKind.Method,
    "constructor": lsp.SymbolKind.Constructor,
    "prototype": lsp.SymbolKind.Function,
    "property": lsp.SymbolKind.Property,
    "field": lsp.SymbolKind.Field,
    "member": lsp.SymbolKind.EnumMember,
    "constant": lsp.SymbolKind.Constant,
    "implementation": lsp.SymbolKind.Object,
}


def symbol_kind(kind: str) -> lsp.SymbolKind:
    """The protocol's kind of one of ours."""
    return _KINDS.get(kind, lsp.SymbolKind.Variable)


Place = Callable[[Position], tuple[int, int]]


async def document_symbols(
    bench: Workbench, snapshot: Snapshot, params: lsp.DocumentSymbolParams
) -> Encoded:
    """`textDocument/documentSymbol`; encoded off the loop, since a file can hold ten thousand."""
    document = snapshot.documents.get(canonical(params.text_document.uri))
    if document is None:
        return Encoded(b"[]")
    symbols = await bench.buffers.symbols(document)
    return await asyncio.to_thread(encoded, symbols, document.text, bench.encoding)


def encoded(symbols: Iterable[Symbol], text: Text, encoding: Encoding) -> Encoded:
    """The symbols as the JSON of the protocol."""
    place: Place = _plain if text.value.isascii() else lambda at: text.to_client(at, encoding)
    return Encoded(_list(symbols, place).encode())


def _plain(at: Position) -> tuple[int, int]:
    """In ASCII text every encoding counts alike."""
    return at.line, at.column


def _list(symbols: Iterable[Symbol], place: Place) -> str:
    return f"[{','.join(_symbol(symbol, place) for symbol in symbols)}]"


def _symbol(symbol: Symbol, place: Place) -> str:
    kind = symbol_kind(symbol.kind).value
    parts = [
        f'{{"name":{json.dumps(symbol.name)},"kind":{kind}',
        f'"range":{_range(symbol.range, place)}',
        f'"selectionRange":{_range(symbol.name_range, place)}',
    ]
    if symbol.detail:
        parts.append(f'"detail":{json.dumps(symbol.detail)}')
    if symbol.children:
        parts.append(f'"children":{_list(symbol.children, place)}')
    return ",".join(parts) + "}"


def _range(span: Range, place: Place) -> str:
    line, character = place(span.start)
    end_line, end_character = place(span.end)
    return (
        f'{{"start":{{"line":{line},"character":{character}}},'
        f'"end":{{"line":{end_line},"character":{end_character}}}}}'
    )
