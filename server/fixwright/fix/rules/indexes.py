"""An index one too far: `xs[len(xs)]`, `range(len(xs) + 1)`, `xs[i + 1]` up to the end."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from fixwright.fix.rules import complaint
from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.python_file import PythonFile, parse
from fixwright.workspace.position import Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext

RULE = "off-by-one"


def off_by_one(context: RuleContext) -> Iterator[Candidate]:
    """Takes one from an index or from the range that it runs over."""
    if "index out of range" not in context.problem.message:
        return
    if complaint.kind(context.problem) not in {"", "IndexError"}:
        return
    file = parse(context.document.text)
    for node in file.find(ast.Subscript, context.problem.range)[:1] if file is not None else ():
        if file is None:
            return
        yield from _at_length(context, file, node)
        yield from _loop(context, file, node)
        yield from _while(context, file, node)


def _is_length(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "len"


def _at_length(context: RuleContext, file: PythonFile, node: ast.Subscript) -> Iterator[Candidate]:
    if _is_length(node.slice):
        text = f"{file.of(node.slice)} - 1"
        yield replacing(context, RULE, f"Use the index {text}", (file.range(node.slice), text))


def _loop(context: RuleContext, file: PythonFile, node: ast.Subscript) -> Iterator[Candidate]:
    """The `for` loop over a range that gives the index."""
    names = {part.id for part in ast.walk(node.slice) if isinstance(part, ast.Name)}
    for outer in file.around(node):
        if isinstance(outer, ast.For | ast.comprehension):
            loops = [outer]
        else:
            loops = outer.generators if isinstance(outer, _COMPREHENSIONS) else []
        for loop in loops:
            target = loop.target
            if isinstance(target, ast.Name) and target.id in names:
                yield from _shorter_range(context, file, node, loop.iter)
                return


_COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)


def _shorter_range(
    context: RuleContext, file: PythonFile, node: ast.Subscript, over: ast.expr
) -> Iterator[Candidate]:
    is_range = isinstance(over, ast.Call) and isinstance(over.func, ast.Name)
    if not is_range or not isinstance(over, ast.Call) or file.of(over.func) != "range":
        return
    stop = over.args[1] if len(over.args) > 1 else over.args[0] if over.args else None
    if isinstance(stop, ast.BinOp) and isinstance(stop.op, ast.Add) and _is_one(stop.right):
        edit = (file.range(stop), file.of(stop.left))
        yield replacing(context, RULE, f"End the range at {file.of(stop.left)}", edit)
    elif stop is not None and _is_length(stop) and isinstance(node.slice, ast.BinOp):
        end = file.range(stop).end
        title = f"End the range at {file.of(stop)} - 1"
        yield replacing(context, RULE, title, (Range(end, end), " - 1"))
    if len(over.args) > 1 and _is_one(over.args[0]) and isinstance(node.slice, ast.Name):
        text = f"{node.slice.id} - 1"
        yield replacing(context, RULE, f"Use the index {text}", (file.range(node.slice), text))


def _while(context: RuleContext, file: PythonFile, node: ast.Subscript) -> Iterator[Candidate]:
    """`while i <= len(xs)` runs once too often."""
    loop = file.enclosing(node, ast.While)
    for test in ast.walk(loop.test) if loop is not None else ():
        if not isinstance(test, ast.Compare) or len(test.ops) != 1:
            continue
        if isinstance(test.ops[0], ast.LtE) and _is_length(test.comparators[0]):
            between = Range(file.range(test.left).end, file.range(test.comparators[0]).start)
            text = file.text.slice(between).replace("<=", "<")
            yield replacing(context, RULE, "Change '<=' to '<'", (between, text))


def _is_one(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value == 1
