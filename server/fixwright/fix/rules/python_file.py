"""A Python text with its syntax tree, and what a rule asks of it."""

from __future__ import annotations

import ast
import builtins
import warnings
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, TypeVar

from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.workspace.text import Text

Function = ast.FunctionDef | ast.AsyncFunctionDef
Located = ast.expr | ast.stmt | ast.alias | ast.arg | ast.keyword | ast.ExceptHandler
_Node = TypeVar("_Node", bound=ast.AST)

_LOCATED = (ast.expr, ast.stmt, ast.alias, ast.arg, ast.keyword, ast.ExceptHandler)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef, ast.Module)


@lru_cache(maxsize=8)
def parse(text: Text) -> PythonFile | None:
    """The file, or None where it does not parse. The last few texts are kept: rules share them."""
    try:
        return PythonFile(text, tree_of(text.value))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def tree_of(source: str) -> ast.Module:
    """The syntax tree of a source, without the compiler's warnings.

    Raises:
        SyntaxError, ValueError, RecursionError, MemoryError: it does not parse.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


class PythonFile:
    """A parsed text; nodes' places are in code points."""

    def __init__(self, text: Text, tree: ast.Module) -> None:
        self.text = text
        self.tree = tree

    @cached_property
    def parents(self) -> dict[ast.AST, ast.AST]:
        """Each node's parent."""
        return {
            child: parent
            for parent in ast.walk(self.tree)
            for child in ast.iter_child_nodes(parent)
        }

    def place(self, line: int, column: int) -> Position:
        """The position of the compiler's (one-based line, column in bytes)."""
        content = self.text.line(line - 1) if line <= self.text.line_count else ""
        if not content.isascii():
            encoded = content.encode("utf-8", "surrogatepass")[:column]
            column = len(encoded.decode("utf-8", "replace"))
        return Position(line - 1, column)

    def range(self, node: Located) -> Range:
        """A node's range."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset
        start = self.place(node.lineno, node.col_offset)
        return Range(start, start if end_column is None else self.place(end_line, end_column))

    def of(self, node: Located) -> str:
        """A node's text."""
        return self.text.slice(self.range(node))

    def around(self, node: ast.AST) -> Iterator[ast.AST]:
        """The nodes that a node is in, innermost first."""
        parent = self.parents.get(node)
        while parent is not None:
            yield parent
            parent = self.parents.get(parent)

    def enclosing(self, node: ast.AST, kind: type[_Node]) -> _Node | None:
        """The innermost node of a kind that a node is in."""
        return next((outer for outer in self.around(node) if isinstance(outer, kind)), None)

    def function_around(self, node: ast.AST) -> Function | None:
        """The innermost function that a node is in."""
        for outer in self.around(node):
            if isinstance(outer, Function):
                return outer
        return None

    def find(self, kind: type[_Node], place: Range) -> list[_Node]:
        """The nodes of a kind at a place, exact ones first.

        Then come those inside it, those around it, and last the others on its first line.
        """
        ranked: list[tuple[int, int, _Node]] = []
        for node in ast.walk(self.tree):
            if not isinstance(node, kind) or not isinstance(node, _LOCATED):
                continue
            rank = _rank(self.range(node), place)
            if rank is not None:
                ranked.append((rank, len(ranked), node))
        return [node for _, _, node in sorted(ranked, key=lambda item: item[:2])]

    def statement_at(self, line: int) -> ast.stmt | None:
        """The innermost statement that a line belongs to."""
        best: ast.stmt | None = None
        for node in ast.walk(self.tree):
            if isinstance(node, ast.stmt) and _holds(self.range(node), line):
                best = node
        return best

    def names_at(self, node: ast.AST) -> list[str]:
        """The names that code at a node can mean, the nearest scopes first."""
        names: list[str] = []
        method = False
        for outer in [node, *self.around(node)]:
            if not isinstance(outer, _SCOPES):
                continue
            if not (isinstance(outer, ast.ClassDef) and method):
                names.extend(bound_in(outer))
            method = method or isinstance(outer, Function | ast.Lambda)
        return list(dict.fromkeys([*names, *dir(builtins)]))


def _rank(own: Range, place: Range) -> int | None:
    if own == place:
        return 0
    if place.encloses(own) and not place.is_empty:
        return 1
    if own.encloses(place):
        return 2
    return 3 if own.start.line <= place.start.line <= own.end.line else None


def _holds(place: Range, line: int) -> bool:
    return place.start.line <= line <= place.end.line


def bound_in(scope: ast.AST) -> list[str]:
    """The names that a scope binds itself, parameters included."""
    names: list[str] = []
    if isinstance(scope, Function | ast.Lambda):
        names.extend(argument.arg for argument in all_arguments(scope.args))
    pending = list(ast.iter_child_nodes(scope))
    pending.reverse()
    while pending:
        node = pending.pop()
        if isinstance(node, Function | ast.ClassDef):
            names.append(node.name)
            continue
        if isinstance(node, ast.Lambda):
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.append(node.id)
        elif isinstance(node, ast.alias):
            names.append((node.asname or node.name).partition(".")[0])
        elif (isinstance(node, ast.ExceptHandler) and node.name) or (
            isinstance(node, ast.MatchAs | ast.MatchStar) and node.name
        ):
            names.append(node.name)
        pending.extend(reversed(list(ast.iter_child_nodes(node))))
    return names


def all_arguments(arguments: ast.arguments) -> list[ast.arg]:
    """All parameters in order."""
    return [
        *arguments.posonlyargs,
        *arguments.args,
        *([arguments.vararg] if arguments.vararg else []),
        *arguments.kwonlyargs,
        *([arguments.kwarg] if arguments.kwarg else []),
    ]
