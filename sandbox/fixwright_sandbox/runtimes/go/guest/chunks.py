"""Run a selection of a Go file: its imports and definitions, and its statements in a `main`.

`//line` directives make the compiler and the runtime name the file's own lines and columns.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, NamedTuple

from fixwright_sandbox.guest.sources import Sources
from fixwright_sandbox.guest.spans import Code

from . import project
from .compile_errors import Message, messages_of
from .driver import execute, report_build
from .toolchain import Toolchain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixwright_sandbox.guest.stage import Stage

_FAILED = 1
_MOST_TRIES = 4
_SELECTION = "selection"
"""The binary's name: each selection replaces the one before, few are run twice."""
_CLAUSE = re.compile(r"^\s*package\s+\w+[^\n]*", re.MULTILINE)
_PACKAGE = re.compile(r"^(\s*)package\s+\w+", re.MULTILINE)
_TOP = re.compile(r"\s*(?P<word>import|func|type|const|var)\b(?P<rest>[^\n]*)")
_NAMED_FUNCTION = re.compile(r"\s*(?:\([^)]*\)\s*)?\w+\s*[\[(]")
_MAIN = re.compile(r"^\s*func\s+main\s*\(", re.MULTILINE)
_UNUSED = re.compile(r"^declared and not used: (?P<name>\w+)$")


class Piece(NamedTuple):
    """A piece of the file, placed; `column` in bytes."""

    text: str
    line: int
    column: int
    kind: str
    """`import`, `definition` or `statement`."""


def run_chunks(
    path: str, chunks: Sequence[dict[str, object]], toolchain: Toolchain, stage: Stage
) -> int:
    """Build and run pieces of a file; return the run's exit status."""
    file = os.path.join(stage.root, path)
    folder = os.path.dirname(file)
    module = project.module_of(folder, stage.root)
    code = Code(Sources(stage.root).lines(path))
    pieces = [_piece(chunk, code) for chunk in chunks]
    left_out: set[tuple[int, str]] = set()
    used: tuple[str, ...] = ()
    siblings: list[str] = []
    said = ""
    for _ in range(_MOST_TRIES):
        text, runs = compose(file, pieces, left_out, used)
        overlay = {os.path.join(folder, os.path.basename(file)): text}
        overlay.update(_renamed(siblings))
        overlay.update(toolchain.guard(folder, "main"))
        names = [os.path.relpath(each, folder) for each in overlay]
        argv = ["build", "-o", toolchain.binary(_SELECTION), *names]
        worked, said = toolchain.build(argv, folder, module, overlay)
        if worked:
            if not runs:
                stage.report({"type": "note", "message": "the selection compiles; it only defines"})
                return 0
            return execute(toolchain.binary(_SELECTION), [], [file], stage)
        messages, _ = messages_of(said, folder, stage.root)
        before = (len(left_out), used, siblings)
        left_out |= _unused_imports(messages, path)
        used = tuple(dict.fromkeys((*used, *_unused_names(messages))))
        if any(each.code in ("UndeclaredName", "MissingFieldOrMethod") for each in messages):
            siblings = _siblings(file)
        if before == (len(left_out), used, siblings):
            break
    report_build(said, folder, module, stage)
    return _FAILED


def compose(
    file: str, pieces: Sequence[Piece], left_out: set[tuple[int, str]], used: Sequence[str]
) -> tuple[str, bool]:
    """Return the program that pieces make, and whether there is something in it to run.

    Args:
        file: the file's absolute path, for the directives.
        pieces: in the order in which they shall run.
        left_out: imports, by zero-based line and path, that the pieces do not use.
        used: variables of the statements that nothing uses, which is no error in a selection.
    """
    parts = ["package main\n"]
    for kind in ("import", "definition"):
        parts += [_placed(file, each, left_out) for each in pieces if each.kind == kind]
    statements = [each for each in pieces if each.kind == "statement"]
    runs = bool(statements)
    if any(_MAIN.search(each.text) for each in pieces if each.kind == "definition"):
        runs = True
    elif statements or not runs:
        parts.append("func main() {\n")
        parts += [_placed(file, each, left_out) for each in statements]
        parts += [f"_ = {name}\n" for name in used]
        parts.append("}\n")
    return "".join(parts), runs


def _piece(chunk: dict[str, object], code: Code) -> Piece:
    text, line, column = str(chunk["text"]), int(str(chunk["line"])), int(str(chunk["column"]))
    before = code.lines[line][:column] if 0 <= line < len(code.lines) else " " * column
    clause = _CLAUSE.match(text)
    if clause:
        text = re.sub(r"[^\n]", " ", clause[0]) + text[clause.end() :]
    if not text.strip():
        return Piece("", line, 0, "import")
    skipped = len(text) - len(text.lstrip())
    moved = text[:skipped].count("\n")
    if moved:
        begin = text.rfind("\n", 0, skipped) + 1
        text, line, before = text[begin:], line + moved, ""
    kind = _kind(text, at_top=not before.strip() and len(text) == len(text.lstrip(" \t")))
    return Piece(text, line, len(before.encode("utf-8", "surrogatepass")), kind)


def _kind(text: str, *, at_top: bool) -> str:
    top = _TOP.match(re.sub(r"^(?:\s*//[^\n]*\n)+", "", text))
    if top is None:
        return "statement"
    if top["word"] == "func":
        return "definition" if _NAMED_FUNCTION.match(top["rest"]) else "statement"
    if top["word"] == "import":
        return "import"
    return "definition" if at_top else "statement"


def _placed(file: str, piece: Piece, left_out: set[tuple[int, str]]) -> str:
    text = piece.text
    if piece.kind == "import":
        lines = text.split("\n")
        for number, line in enumerate(lines):
            for at, name in left_out:
                if at == piece.line + number:
                    lines[number] = re.sub(rf"[\w.]*\s*[\"`]{re.escape(name)}[\"`]", "", line)
        text = "\n".join(lines)
        if text.strip() == "import":
            text = ""
    return f"//line {file}:{piece.line + 1}:{piece.column + 1}\n{text}\n" if text else ""


def _unused_imports(messages: Sequence[Message], path: str) -> set[tuple[int, str]]:
    found: set[tuple[int, str]] = set()
    for message in messages:
        name = re.match(r'^"(?P<name>[^"]+)" imported', message.text)
        if name and message.code == "UnusedImport" and message.path == path:
            found.add((message.line - 1, name["name"]))
    return found


def _unused_names(messages: Sequence[Message]) -> list[str]:
    return [found["name"] for each in messages if (found := _UNUSED.match(each.text))]


def _siblings(file: str) -> list[str]:
    """Return the other files of the package, those with a `main` of their own left out."""
    folder, own = os.path.split(file)
    package = project.package_of(file)
    paths = [os.path.join(folder, name) for name in project.go_files(folder)]
    return [
        path
        for path in paths
        if os.path.basename(path) != own
        and not path.endswith("_test.go")
        and project.package_of(path) == package
        and not project.has_main(path)
    ]


def _renamed(paths: Sequence[str]) -> dict[str, str]:
    """Return the files as ones of package main."""
    return {path: _PACKAGE.sub(r"\1package main", project.text_of(path), count=1) for path in paths}
