"""What the search for definitions keeps of one file: names, places and imports, as plain rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.index.imports import imports_of
from fixwright.index.source import Source
from fixwright.index.symbols import Symbol, first_of_each_name, symbols_of_node

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.index.languages import Language
    from fixwright.workspace.text import Text

Row = tuple[str, str, int, int, int, int, str, str]
"""A definition: name, kind, the range's four numbers, container ("A.B" or ""), signature."""

Import = tuple[str, str, str]
"""What an import binds: module (with leading dots if relative), name in it or "", alias or ""."""

# Names inside of these are seen from outside.
_OPEN = frozenset({
    "class", "struct", "interface", "trait", "enum", "namespace", "module", "implementation",
})  # fmt: skip


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
    imports = tuple(
        ("." * each.level + each.module, each.name, each.alias)
        for each in imports_of([root], source, language)
    )
    return Extract(tuple(_rows(symbols, "")), imports)


def _rows(symbols: tuple[Symbol, ...], container: str) -> Iterator[Row]:
    for symbol in symbols:
        start, end = symbol.range.start, symbol.range.end
        inside = ".".join(filter(None, (container, symbol.owner)))
        yield (
            symbol.name,
            symbol.kind,
            start.line,
            start.column,
            end.line,
            end.column,
            inside,
            symbol.detail,
        )
        if symbol.kind in _OPEN:
            yield from _rows(symbol.children, f"{inside}.{symbol.name}" if inside else symbol.name)
