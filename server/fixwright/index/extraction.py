"""From the bytes of one file to its facts.

Pure and synchronous, for a process of its own: parsing holds the interpreter lock.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixwright.index.facts import Definition, FileFacts
from fixwright.index.source import Source
from fixwright.index.symbols import Symbol, first_of_each_name, symbols_of_node
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    from fixwright.index.languages import Language
    from fixwright.workspace.position import Range


def extract(language: Language, source: bytes) -> FileFacts:
    """The cheap facts of a file: definitions, identifier counts and the imports at its top.

    Args:
        language: the file's language.
        source: its text as UTF-8; what is not UTF-8 is read as Latin-1.
    """
    parsed = Source(Text(_decoded(source)))
    tree = parsed.parse(language)
    symbols = first_of_each_name(symbols_of_node(tree.root_node, parsed, language))
    definitions: list[Definition] = []
    _flatten(symbols, None, "", definitions)
    return FileFacts(
        language.name, definitions=tuple(definitions), has_errors=tree.root_node.has_error
    )


def exact(language: Language, source: bytes) -> FileFacts:
    """All facts of a file: those of `extract`, and references, docs, tests and entry points."""
    return extract(language, source)


def _decoded(source: bytes) -> str:
    try:
        return source.decode("utf-8-sig")
    except UnicodeDecodeError:
        return source.decode("latin-1")


def _flatten(
    symbols: tuple[Symbol, ...], container: int | None, owner: str, found: list[Definition]
) -> None:
    for symbol in symbols:
        index = len(found)
        found.append(
            Definition(
                symbol.name, symbol.kind, _place(symbol.range), _place(symbol.name_range),
                container, owner, symbol.detail,
            )
        )  # fmt: skip
        inside = f"{owner}.{symbol.name}" if owner else symbol.name
        _flatten(symbol.children, index, inside, found)


def _place(span: Range) -> tuple[int, int, int, int]:
    return span.start.line, span.start.column, span.end.line, span.end.column
