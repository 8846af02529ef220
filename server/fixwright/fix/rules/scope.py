"""An outer variable that a function assigns to, which makes it local and without a value."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from fixwright.fix.rules import complaint
from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.python_file import Function, PythonFile, bound_in, parse
from fixwright.fix.rules.spelling import closest, slips
from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext


def outer_variable(context: RuleContext) -> Iterator[Candidate]:
    """Declares the variable `global` or `nonlocal`."""
    found = _unbound_at(context)
    if found is None:
        return
    file, node, function = found
    word = _declaration(file, function, node.id)
    if word is None:
        return
    body = function.body
    first = body[1] if len(body) > 1 and _is_docstring(body[0]) else body[0]
    start = file.range(first).start
    indent = file.text.line(start.line)[: start.column]
    if indent.strip():
        return
    here = Position(start.line, 0)
    text = f"{indent}{word} {node.id}\n"
    title = f"Declare '{node.id}' {word} in {function.name}"
    yield replacing(context, "outer-variable", title, (Range(here, here), text))


def misspelt_local(context: RuleContext) -> Iterator[Candidate]:
    """Puts the name that was meant where a local one of this name has no value."""
    found = _unbound_at(context)
    if found is None:
        return
    file, node, function = found
    known = [name for name in bound_in(function) if name != node.id]
    for name in closest(node.id, known):
        title = f"Change '{node.id}' to '{name}'"
        edit = (file.range(node), name)
        yield replacing(context, "misspelt-name", title, edit, distance=slips(node.id, name))


def _unbound_at(context: RuleContext) -> tuple[PythonFile, ast.Name, Function] | None:
    name = complaint.unbound_name(context.problem)
    file = parse(context.document.text) if name else None
    for node in file.find(ast.Name, context.problem.range) if file is not None else ():
        function = file.function_around(node) if file is not None else None
        if file is not None and node.id == name and function is not None:
            return file, node, function
    return None


def _declaration(file: PythonFile, function: Function, name: str) -> str | None:
    if name in {argument.arg for argument in function.args.args}:
        return None
    for outer in file.around(function):
        if isinstance(outer, Function) and name in bound_in(outer):
            return "nonlocal"
    return "global" if name in bound_in(file.tree) else None


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
