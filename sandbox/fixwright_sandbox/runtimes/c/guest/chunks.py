"""Make a program of a selection: its includes and definitions, its statements in a `main`.

`#line` directives and spaces put each piece where it stands in its file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.guest.spans import Code

_DEFINES = re.compile(
    r"(?:template|namespace|class|struct|union|enum|typedef|using|extern|static|inline|constexpr"
    r"|#|\[\[)"
)
_FUNCTION = re.compile(
    r"(?!(?:if|for|while|switch|return|do|else|case|goto)\b)"
    r"(?:[\w:<>,*&\[\]~]+\s+|[\w:<>,]+\s*[*&]+\s*)+[\w:~]+\s*\([^;{}]*\)"
    r"\s*(?:const|noexcept|override|->\s*[\w:<>*&]+|\s)*[{;]"
)
_MAIN = re.compile(r"\bmain\s*\([^;{}]*\)\s*\{")


class _Piece(NamedTuple):
    text: str
    line: int
    column: int
    defines: bool


def compose(path: str, chunks: Sequence[dict[str, object]], sources: Sources) -> tuple[str, bool]:
    """Return the program that pieces make, and whether there is something in it to run.

    Args:
        path: the file, relative to the root.
        chunks: the pieces in the order in which they shall run, the selection last.
        sources: reads the file.
    """
    code = Code(sources.lines(path))
    pieces = [_piece(chunk, code, last=n == len(chunks) - 1) for n, chunk in enumerate(chunks)]
    name = path.replace("\\", "\\\\").replace('"', '\\"')
    parts = [_placed(name, each) for each in pieces if each.defines]
    statements = [each for each in pieces if not each.defines]
    if any(_MAIN.search(each.text) for each in pieces if each.defines):
        return "".join(parts), True
    if not statements:
        return "".join(parts), False
    arguments = "" if path.endswith((".cc", ".cpp", ".cxx", ".c++", ".C")) else "void"
    parts.append(f"int main({arguments}) {{\n")
    parts += [_placed(name, each) for each in statements]
    parts.append("return 0;\n}\n")
    return "".join(parts), True


def _piece(chunk: dict[str, object], code: Code, *, last: bool) -> _Piece:
    text, line, column = str(chunk["text"]), int(str(chunk["line"])), int(str(chunk["column"]))
    before = code.lines[line][:column] if 0 <= line < len(code.lines) else ""
    lead = re.match(r"(?:[ \t]*\n)*", text)
    skipped = lead.end() if lead else 0
    if skipped:
        line, text, column, before = line + text[:skipped].count("\n"), text[skipped:], 0, ""
    bare = Code(text.split("\n")).bare.lstrip()
    defines = _DEFINES.match(bare) is not None or _FUNCTION.match(bare) is not None
    at_top = not before and not text[:1].isspace()
    if not defines and at_top and not last:
        defines = True  # a variable of the file that the selection needs
    if defines and not at_top and not bare.startswith("#"):
        defines = last is False and _FUNCTION.match(bare) is not None
    return _Piece(text, line, len(before.encode("utf-8", "surrogatepass")), defines)


def _placed(name: str, piece: _Piece) -> str:
    return f'#line {piece.line + 1} "{name}"\n{" " * piece.column}{piece.text}\n'
