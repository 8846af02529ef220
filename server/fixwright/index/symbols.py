"""The symbols of one document: what it defines, nested as it is written."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from fixwright.index.source import Source
from fixwright.index.walk import Found, Walk
from fixwright.workspace.position import Position, Range
from fixwright.workspace.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    import tree_sitter

    from fixwright.index.languages import Language

# The inside of a type that a head defines on the way.
_BRACES = re.compile(r"\{.*\}", re.DOTALL)

# Characters; what is longer is no head that a person reads.
_LONGEST_SIGNATURE = 400


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something a document defines.

    Attributes:
        kind: one of `facts.KINDS`.
        range: all of the definition, decorators included.
        name_range: the name alone; inside `range`.
        detail: what follows the name in its signature, on one line; "" where there is none.
        children: what is defined inside it, in order.
        owner: what it belongs to besides the symbols around it: a Go method's receiver type, a C++
            qualifier; "" mostly.
    """

    name: str
    kind: str
    range: Range
    name_range: Range
    detail: str = ""
    children: tuple[Symbol, ...] = ()
    owner: str = ""

    def moved(self, lines: int) -> Symbol:
        """The same symbol, that many lines further down."""
        return replace(
            self,
            range=_moved(self.range, lines),
            name_range=_moved(self.name_range, lines),
            children=tuple(child.moved(lines) for child in self.children),
        )


def symbols_of(source: str | Text, language: Language) -> tuple[Symbol, ...]:
    """The symbols of a text, parsed now. Holds the interpreter lock: not for the event loop."""
    text = Text(source) if isinstance(source, str) else source
    parsed = Source(text)
    return first_of_each_name(symbols_of_node(parsed.parse(language).root_node, parsed, language))


def first_of_each_name(symbols: Iterable[Symbol]) -> tuple[Symbol, ...]:
    """The symbols without the variables that were assigned before in the same scope."""
    seen: set[str] = set()
    kept: list[Symbol] = []
    for symbol in symbols:
        if symbol.kind in {"variable", "constant"} and symbol.name in seen:
            continue
        seen.add(symbol.name)
        kept.append(symbol)
    return tuple(kept)


def symbols_of_node(
    node: tree_sitter.Node, source: Source, language: Language
) -> tuple[Symbol, ...]:
    """The symbols that a node holds, the node itself included where it is a definition."""
    walk = Walk(source.data, language, node.start_byte, node.end_byte)
    found = walk.collect([node])
    return tuple(_symbol(each, source) for each in found)


def signature_of(found: Found, data: bytes) -> str:
    """The head of a definition on one line, without its body; "" for a plain variable."""
    if found.kind in {"variable", "constant", "field", "member"}:
        return ""
    start = found.outer.start_byte
    head = data[start : min(found.head_end, start + 4 * _LONGEST_SIGNATURE)]
    text = head.decode("utf-8", "ignore")
    if "\n" in text:
        text = _BRACES.sub("{…}", text)
    words = found.rule.prefix + " ".join(text.split())
    return words[:_LONGEST_SIGNATURE].rstrip("{=:; ")


def _symbol(found: Found, source: Source) -> Symbol:
    return Symbol(
        name=found.name,
        kind=found.kind,
        range=source.range(found.outer),
        name_range=source.range(found.name_node),
        detail=_detail(found, source),
        children=tuple(_symbol(child, source) for child in found.children),
        owner=found.owner,
    )


def _detail(found: Found, source: Source) -> str:
    if found.rule.detail is None:
        return ""
    detail = found.node.child_by_field_name(found.rule.detail)
    return "" if detail is None else " ".join(source.of(detail).split())


def _moved(place: Range, lines: int) -> Range:
    return Range(
        Position(place.start.line + lines, place.start.column),
        Position(place.end.line + lines, place.end.column),
    )
