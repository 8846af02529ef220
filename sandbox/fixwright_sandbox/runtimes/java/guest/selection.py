"""Make a class out of pieces of a Java file.

Imports and types stay what they are, members become members of a class with the file's own name,
statements its method; every line keeps its number where there is room for what is put between.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from fixwright_sandbox.guest.pieces import Assembled, Piece, assemble

from .project import package_of

_TOKEN = re.compile(
    r"""(?P<skipped>\s+|//[^\n]*|/\*.*?(?:\*/|\Z))
    |(?P<text>\"\"\".*?(?<!\\)\"\"\"|"(?:\\.|[^"\\\n])*"?|'(?:\\.|[^'\\\n])*'?)
    |(?P<word>[^\W\d][\w$]*)
    |(?P<number>\.?\d[\w.]*)
    |(?P<sign>->|::|\+\+|--|&&|\|\||[=!<>+\-*/%&|^]=|.)""",
    re.VERBOSE | re.DOTALL,
)
_CLOSED_BY = {"(": ")", "[": "]", "{": "}"}
_MODIFIERS = frozenset(
    {"public", "private", "protected", "static", "abstract", "native", "transient", "volatile",
     "strictfp", "default", "sealed"}
)  # fmt: skip
_TYPES = frozenset({"class", "interface", "enum"})
_BLOCKS = frozenset({"if", "for", "while", "do", "try", "switch", "synchronized"})
_GOES_ON = frozenset({"else", "catch", "finally"})
_NO_TYPE = frozenset({"return", "throw", "new", "else", "assert", "yield", "case"})


class Token(NamedTuple):
    """A token and its offset."""

    kind: str
    text: str
    start: int


class _Part(NamedTuple):
    kind: str  # "package", "import", "type", "member" or "statement"
    name: str
    text: str
    line: int
    column: int
    shown: bool


class Program(NamedTuple):
    """A selection as a source file.

    Attributes:
        text: the file.
        main: the class to run; None where there is nothing to run.
        shows: whether it prints the value of a last expression.
    """

    text: Assembled
    main: str | None
    shows: bool


def program(chunks: list[dict[str, Any]], file: str, stem: str, *, show: bool) -> Program:
    """Return the source file that the pieces of a file make.

    Args:
        chunks: `{text, line, column}`.
        file: the whole file, whose package and imports the pieces may need.
        stem: the file's name without its ending.
        show: print the value of a last expression that has no semicolon.
    """
    parts = [part for chunk in chunks for part in _parts(chunk)]
    taken = {part.line for part in parts}
    parts += [p for p in _heading(file) if p.line not in taken]
    parts.sort(key=lambda part: (part.line, part.column))
    package = package_of(file)
    prefix = f"{package}." if package else ""
    top = [part for part in parts if part.kind in ("package", "import", "type")]
    top.sort(key=lambda part: ("package", "import", "type").index(part.kind))
    members = [part for part in parts if part.kind == "member"]
    statements = [part for part in parts if part.kind == "statement"]
    types = {part.name for part in top if part.kind == "type"}
    name = stem if stem not in types and stem.isidentifier() else "Selection"
    if not statements and not members:
        main = next((p.name for p in top if re.search(r"\bstatic\s+void\s+main\b", p.text)), None)
        found = None if main is None else prefix + main
        return Program(assemble(map(_piece, top)), found, shows=False)
    has_main = not statements and any(part.name == "main" for part in members)
    first = statements[0].line if statements else 0
    pieces = [*map(_piece, top), Piece(f"class {name} {{")]
    pieces += [_piece(part) for part in members if not statements or part.line < first]
    shows = bool(statements) and statements[-1].shown and show
    if statements:
        fixed = "static " if any(part.name == name for part in members) else ""
        owner = name if fixed else f"new {name}()"
        pieces.append(
            Piece(
                f"public static void main(String[] args) throws Throwable {{ {owner}.run(args); }} "
                f"{fixed}void run(String[] args) throws Throwable {{"
            )
        )
        pieces += [_piece(part) for part in statements[:-1]]
        pieces += _last(statements[-1], shows=shows)
        pieces.append(Piece("}"))
        pieces += [_piece(part) for part in members if part.line >= first]
    pieces.append(Piece("}"))
    runs = bool(statements) or has_main
    return Program(assemble(pieces), prefix + name if runs else None, shows)


def _last(part: _Part, *, shows: bool) -> list[Piece]:
    if shows:
        return [Piece("System.out.println("), _piece(part), Piece(");")]
    return [_piece(part), *((Piece(";"),) if part.shown else ())]


def _piece(part: _Part) -> Piece:
    return Piece(part.text, part.line, part.column)


def _heading(file: str) -> Iterator[_Part]:
    for part in _parts({"text": file, "line": 0, "column": 0}):
        if part.kind not in ("package", "import"):
            return
        yield part


def tokenize(text: str) -> list[Token]:
    """Return a text's tokens, without spaces and comments."""
    return [
        Token(str(match.lastgroup), match[0], match.start())
        for match in _TOKEN.finditer(text)
        if match.lastgroup != "skipped"
    ]


def _parts(chunk: dict[str, Any]) -> Iterator[_Part]:
    text = str(chunk["text"]).replace("\r\n", "\n").replace("\r", "\n")
    tokens = tokenize(text)
    index = 0
    while index < len(tokens):
        kind, name, end = _part_end(tokens, index)
        end = max(end, index + 1)
        start = tokens[index].start
        stop = tokens[end - 1].start + len(tokens[end - 1].text)
        before = text[:start]
        line = before.count("\n")
        column = start - (before.rfind("\n") + 1) + (int(chunk["column"]) if line == 0 else 0)
        shown = kind == "statement" and _is_value(tokens, index, end)
        yield _Part(kind, name, text[start:stop], int(chunk["line"]) + line, column, shown)
        index = end


def _part_end(tokens: list[Token], index: int) -> tuple[str, str, int]:
    first = tokens[index].text
    if first in ("package", "import"):
        return first, "", _after(tokens, index, ";")
    at, modified = _after_modifiers(tokens, index)
    word = _text(tokens, at)
    is_record = word == "record" and _text(tokens, at + 2) in ("(", "<")
    if word in _TYPES or is_record or (word == "@" and _text(tokens, at + 1) == "interface"):
        name = _text(tokens, at + (2 if word == "@" else 1))
        return "type", name, _after_body(tokens, at)
    called = _method_name(tokens, at)
    if called is not None:
        return "member", called, _after_body(tokens, at)
    if modified:
        if word == "{":
            return "member", "", _group_end(tokens, at)
        return "member", "", _after(tokens, at, ";")
    return "statement", "", _statement_end(tokens, index)


def _after_modifiers(tokens: list[Token], index: int) -> tuple[int, bool]:
    modified = False
    while index < len(tokens):
        text = tokens[index].text
        if text == "@" and _text(tokens, index + 1) != "interface":
            index += 2
            while _text(tokens, index) == ".":
                index += 2
            index = _group_end(tokens, index) if _text(tokens, index) == "(" else index
        elif text in _MODIFIERS:
            modified, index = True, index + 1
        elif text == "final" or (text == "synchronized" and _text(tokens, index + 1) != "("):
            index += 1
        else:
            break
    return index, modified


def _method_name(tokens: list[Token], index: int) -> str | None:
    """Return the name of the method or constructor that begins here; None for anything else."""
    if _text(tokens, index) == "<":
        index = _angle_end(tokens, index)
    start = index
    while index < len(tokens) and tokens[index].kind == "word":
        if tokens[index].text in _NO_TYPE:
            return None
        name, index = tokens[index].text, index + 1
        if _text(tokens, index) == "(":
            after = _group_end(tokens, index)
            is_body = _text(tokens, after) in ("{", "throws")
            return name if is_body and (index - 1 > start or name[:1].isupper()) else None
        if _text(tokens, index) == "<":
            index = _angle_end(tokens, index)
        while _text(tokens, index) in ("[", "]", "."):
            index += 1
    return None


def _angle_end(tokens: list[Token], index: int) -> int:
    depth = 0
    for number in range(index, len(tokens)):
        depth += {"<": 1, ">": -1}.get(tokens[number].text, 0)
        if depth <= 0:
            return number + 1
    return len(tokens)


def _after_body(tokens: list[Token], index: int) -> int:
    while index < len(tokens):
        text = tokens[index].text
        if text == "{":
            return _group_end(tokens, index)
        if text == ";":
            return index + 1
        index = _group_end(tokens, index) if text == "(" else index + 1
    return len(tokens)


def _after(tokens: list[Token], index: int, sign: str) -> int:
    while index < len(tokens):
        text = tokens[index].text
        if text == sign:
            return index + 1
        index = _group_end(tokens, index) if text in _CLOSED_BY else index + 1
    return len(tokens)


def _group_end(tokens: list[Token], index: int) -> int:
    waiting: list[str] = []
    for number in range(index, len(tokens)):
        token = tokens[number]
        if token.kind != "sign":
            continue
        if token.text in _CLOSED_BY:
            waiting.append(_CLOSED_BY[token.text])
        elif waiting and token.text == waiting[-1]:
            waiting.pop()
            if not waiting:
                return number + 1
    return len(tokens)


def _statement_end(tokens: list[Token], index: int) -> int:
    first = tokens[index].text
    if first not in _BLOCKS and first != "{":
        return _after(tokens, index, ";")
    while index < len(tokens):
        text = tokens[index].text
        if text == ";":
            index += 1
        elif text in _CLOSED_BY:
            index = _group_end(tokens, index)
            if text != "{":
                continue
        else:
            index += 1
            continue
        goes_on = _text(tokens, index) in _GOES_ON
        if not goes_on and not (first == "do" and _text(tokens, index) == "while"):
            return index
    return len(tokens)


def _is_value(tokens: list[Token], index: int, end: int) -> bool:
    """Tell whether a statement is an expression whose value may be shown."""
    if tokens[end - 1].text in (";", "}") or tokens[index].text in ("return", "throw", "break"):
        return False
    return not (
        tokens[index].kind == "word"
        and index + 1 < end
        and tokens[index + 1].kind == "word"
        and tokens[index].text != "new"
    ) and not any(token.text == "=" and token.kind == "sign" for token in tokens[index:end])


def _text(tokens: list[Token], index: int) -> str:
    return tokens[index].text if 0 <= index < len(tokens) else ""
