"""A name that is not defined, because it is misspelt or another language's word."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from fixwright.fix.rules import complaint
from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.python_file import PythonFile, bound_in, parse
from fixwright.fix.rules.spelling import as_near, closest, slips

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext

# What the same thing is called elsewhere.
_ELSEWHERE = {
    "null": "None", "nil": "None", "NULL": "None", "undefined": "None", "this": "self",
    "string": "str", "String": "str", "boolean": "bool", "integer": "int", "println": "print",
    "printf": "print", "echo": "print", "raw_input": "input", "xrange": "range", "unicode": "str",
    "length": "len", "unichr": "chr",
}  # fmt: skip


def undefined_at(context: RuleContext) -> tuple[PythonFile, ast.Name] | None:
    """The use of a name that is not defined, where the problem is one of that kind."""
    name = complaint.undefined_name(context.problem)
    file = parse(context.document.text) if name else None
    if file is None:
        return None
    for node in file.find(ast.Name, context.problem.range):
        if node.id == name and isinstance(node.ctx, ast.Load | ast.Del):
            return file, node
    return None


def misspelt_name(context: RuleContext) -> Iterator[Candidate]:
    """Puts the name that was meant: the interpreter's suggestion, or the likest in scope."""
    found = undefined_at(context)
    if found is None:
        return
    file, node = found
    visible = complaint.fact_names(context.problem, "candidates") or file.names_at(node)
    suggested = complaint.suggestion(context.problem)
    meant: list[str] = []
    if suggested is not None and suggested.isidentifier():
        meant = as_near(node.id, suggested, visible)
    elsewhere = _ELSEWHERE.get(node.id)
    if elsewhere is not None and elsewhere in {*visible, *file.names_at(node)}:
        meant.insert(0, elsewhere)
    meant.extend(closest(node.id, visible))
    uses = _all_uses(file, node)
    for name in dict.fromkeys(meant):
        edits = [(file.range(use), name) for use in uses]
        distance = 0.0 if name == elsewhere else slips(node.id, name)
        title = f"Change '{node.id}' to '{name}'"
        yield replacing(context, "misspelt-name", title, *edits, distance=distance)


def _all_uses(file: PythonFile, node: ast.Name) -> list[ast.Name]:
    """The uses of a name; all of them where nothing in the file binds it: all would fail."""
    scopes = [scope for scope in ast.walk(file.tree) if isinstance(scope, _BINDING)]
    if any(node.id in bound_in(scope) for scope in scopes):
        return [node]
    names = (other for other in ast.walk(file.tree) if isinstance(other, ast.Name))
    return [other for other in names if other.id == node.id]


_BINDING = (ast.Module, ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
