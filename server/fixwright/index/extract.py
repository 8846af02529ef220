"""What the index keeps of one file: its definitions and what it imports, as plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.index.source import Source
from fixwright.index.symbols import Symbol, first_of_each_name, symbols_of_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.workspace.text import Text

Row = tuple[str, str, int, int, int, int, str, str]
"""A definition: name, kind, the range's four numbers, container ("A.B" or ""), signature."""

Import = tuple[str, str, str]
"""What an import binds: module ("." for relative ones), name in it or "", alias or ""."""


@dataclass(frozen=True, slots=True)
class Extract:
    """The definitions and imports of one file."""

    definitions: tuple[Row, ...] = ()
    imports: tuple[Import, ...] = ()


def extract(text: Text, language: Language) -> Extract:
    """Reads one file. Holds the interpreter lock while it parses: for the worker process."""
    source = Source(text)
    root = source.parse(language).root_node
    symbols = first_of_each_name(symbols_of_node(root, source, language))
    imports = tuple(_imports(root, source, language)) if language.has_query("imports") else ()
    return Extract(tuple(_rows(symbols, "")), imports)


def _rows(symbols: tuple[Symbol, ...], container: str) -> Iterator[Row]:
    for symbol in symbols:
        start, end = symbol.range.start, symbol.range.end
        yield (
            symbol.name,
            symbol.kind,
            start.line,
            start.column,
            end.line,
            end.column,
            container,
            symbol.detail,
        )
        if symbol.kind == "class":
            inside = f"{container}.{symbol.name}" if container else symbol.name
            yield from _rows(symbol.children, inside)


def _imports(root: tree_sitter.Node, source: Source, language: Language) -> Iterator[Import]:
    import tree_sitter

    def captured(captures: dict[str, list[tree_sitter.Node]], name: str) -> str:
        return source.of(captures[name][0]) if name in captures else ""

    for _, captures in tree_sitter.QueryCursor(language.query("imports")).matches(root):
        module = captured(captures, "from") or captured(captures, "module")
        yield module, captured(captures, "name"), captured(captures, "alias")
