"""Make a program out of pieces of a Rust file.

Items stay items, statements go into a `main` of ours; every line keeps its number where there
is room for what is put between.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from fixwright_sandbox.guest.pieces import Assembled, Piece, assemble

from .scan import Source

_ITEMS = frozenset(
    {"use", "mod", "fn", "struct", "enum", "trait", "impl", "static", "type", "extern", "pub",
     "macro_rules", "union"}
)  # fmt: skip
_TO_SEMICOLON = frozenset({"use", "static", "type", "const"})
_BLOCKS = frozenset({"if", "match", "loop", "while", "for", "unsafe"})
_OWN_ROOTS = frozenset({"crate", "self", "super"})


class _Part(NamedTuple):
    """One item or statement at its place in the file."""

    kind: str  # "inner" (an attribute of the crate), "item" or "statement"
    text: str
    line: int
    column: int
    names: tuple[str, ...]
    fallible: bool
    shown: bool


def program(chunks: list[dict[str, Any]], file: str, *, show: bool) -> Assembled:
    """Return the program that the pieces of a file make.

    Args:
        chunks: `{text, line, column}`.
        file: the whole file, whose imports the pieces may need.
        show: print the value of a last expression that has no semicolon.
    """
    parts = [part for chunk in chunks for part in _parts(chunk)]
    taken = {part.line for part in parts}
    parts += [part for part in _imports(file) if part.line not in taken]
    parts.sort(key=lambda part: (part.kind != "inner", part.line, part.column))
    first = next((n for n, part in enumerate(parts) if _needs_main(part, parts)), None)
    if first is None:
        entry = () if any("main" in part.names for part in parts) else (Piece("fn main() {}"),)
        return assemble([*map(_piece, parts), *entry])
    fallible = any(part.kind == "statement" and part.fallible for part in parts)
    returned = " -> Result<(), Box<dyn std::error::Error>>" if fallible else ""
    body = parts[first:]
    pieces = [*map(_piece, parts[:first]), Piece(f"fn main(){returned} {{")]
    pieces += map(_piece, body[:-1])
    pieces += _last(body[-1], show=show)
    pieces.append(Piece("Ok(())\n}" if fallible else "}"))
    return assemble(pieces)


def _needs_main(part: _Part, parts: list[_Part]) -> bool:
    """Tell whether our `main` begins here: before the first statement, or the file's own `main`.

    Inside ours the file's is a function like any other.
    """
    if part.kind == "statement":
        return True
    return "main" in part.names and any(other.kind == "statement" for other in parts)


def _last(part: _Part, *, show: bool) -> list[Piece]:
    if part.kind != "statement" or not part.shown:
        return [_piece(part)]
    if show:
        return [Piece('println!("{:?}",'), _piece(part), Piece(");")]
    return [Piece("let _ ="), _piece(part), Piece(";")]


def _piece(part: _Part) -> Piece:
    return Piece(part.text, part.line, part.column)


def shows_a_value(chunks: list[dict[str, Any]]) -> bool:
    """Tell whether the pieces end in an expression to be shown."""
    parts = [part for chunk in chunks for part in _parts(chunk)]
    return bool(parts) and max(parts, key=lambda part: (part.line, part.column)).shown


def _imports(file: str) -> Iterable[_Part]:
    for part in _parts({"text": file, "line": 0, "column": 0}):
        if part.kind == "item" and part.names[:1] == ("use",) and not _OWN_ROOTS & set(part.names):
            yield part


def _parts(chunk: dict[str, Any]) -> Iterable[_Part]:
    source = Source(str(chunk["text"]))
    index = 0
    while index < len(source.tokens):
        kind, end = _part_end(source, index)
        start = source.tokens[index].start
        stop = source.tokens[end - 1].end
        line, column = source.place(start)
        own = source.tokens[index:end]
        yield _Part(
            kind,
            source.text[start:stop],
            int(chunk["line"]) + line,
            column + (int(chunk["column"]) if line == 0 else 0),
            _names(source, index, end),
            any(token.text == "?" and token.kind == "punct" for token in own),
            kind == "statement" and _is_value(source, index, end),
        )
        index = end


def _names(source: Source, index: int, end: int) -> tuple[str, ...]:
    """Return the identifiers of an item up to its body."""
    names: list[str] = []
    for number in range(index, end):
        if source.is_punct(number, "{", "(", "="):
            break
        if source.tokens[number].kind == "ident":
            names.append(source.tokens[number].text)
    return tuple(names[:8])


def _part_end(source: Source, index: int) -> tuple[str, int]:
    start = index
    if source.is_punct(index, "#") and source.is_punct(index + 1, "!"):
        return "inner", source.group_end(index + 2)
    while source.is_punct(index, "#") and source.is_punct(index + 1, "["):
        index = source.group_end(index + 1)
    if index >= len(source.tokens):
        return "item", max(index, start + 1)
    words = [token.text for token in source.tokens[index : index + 3]]
    if _is_item(words):
        return "item", _item_end(source, index, words[0])
    return "statement", _statement_end(source, index)


def _is_item(words: list[str]) -> bool:
    first, second = words[0], words[1] if len(words) > 1 else ""
    if first == "union":
        return second.isidentifier()
    if first == "macro_rules":
        return second == "!"
    if first in ("unsafe", "async"):
        return second in ("fn", "impl", "trait", "extern")
    if first == "const":
        return second != "{"
    return first in _ITEMS


def _item_end(source: Source, index: int, first: str) -> int:
    word = first
    if word == "pub":
        index += 1
        if source.is_punct(index, "("):
            index = source.group_end(index)
        word = source.tokens[index].text if index < len(source.tokens) else ""
    to_semicolon = word in _TO_SEMICOLON and not (
        word == "const"
        and index + 1 < len(source.tokens)
        and source.tokens[index + 1].text in ("fn", "unsafe", "extern")
    )
    while index < len(source.tokens):
        if source.is_punct(index, ";"):
            return index + 1
        if source.is_punct(index, "{"):
            index = source.group_end(index)
            if not to_semicolon:
                return index
        elif source.is_punct(index, "(", "["):
            index = source.group_end(index)
        else:
            index += 1
    return len(source.tokens)


def _statement_end(source: Source, index: int) -> int:
    block = source.tokens[index].text in _BLOCKS or source.is_punct(index, "{")
    while index < len(source.tokens):
        if source.is_punct(index, ";"):
            return index + 1
        if source.is_punct(index, "{", "(", "["):
            was_brace = source.is_punct(index, "{")
            index = source.group_end(index)
            follows = source.tokens[index].text if index < len(source.tokens) else ""
            if was_brace and block and follows not in ("else", ".", "?", ";", "{"):
                return index
        else:
            index += 1
    return len(source.tokens)


def _is_value(source: Source, index: int, end: int) -> bool:
    """Tell whether a statement is an expression whose value is worth showing."""
    last = source.tokens[end - 1].text
    first = source.tokens[index].text
    if last in (";", "}") or first in ("let", "return", "break", "continue"):
        return False
    operand = source.operand_end(index)
    is_macro = source.is_punct(index + 1, "!") and operand == end
    return not is_macro and not any(
        source.is_punct(number, "=", "+=", "-=", "*=", "/=") for number in (operand,)
    )
