"""Brackets of the wrong kind: something called that cannot be, or a method that was not called."""

from __future__ import annotations

import ast
import builtins
import re
from typing import TYPE_CHECKING

from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.known_symbols import SAME_NAME
from fixwright.fix.rules.python_file import PythonFile, bound_in, parse
from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext

_NOT_CALLABLE = re.compile(r"'(?P<type>[\w.]+)' object is not callable")
_METHOD = re.compile(
    r"'?(?:method|builtin_function_or_method|function|builtin_method|method_descriptor)'?"
)
_SUBSCRIPTED = re.compile(
    r"^'(?:method|builtin_function_or_method|function)' object is not subscriptable"
)
_INDEXED = frozenset({"list", "dict", "tuple", "str", "defaultdict", "OrderedDict", "Counter"})
_NUMBERS = frozenset({"int", "float", "complex"})


def not_callable(context: RuleContext) -> Iterator[Candidate]:
    """Uses what was called as what it is."""
    match = _NOT_CALLABLE.search(context.problem.message)
    file = parse(context.document.text) if match else None
    for call in file.find(ast.Call, context.problem.range)[:1] if file is not None else ():
        if file is None or match is None:
            return
        kind = match["type"].rpartition(".")[2]
        yield from _shadowed(context, file, call)
        yield from _missing_comma(context, file, call)
        yield from _indexed(context, file, call, kind)
        yield from _multiplied(context, file, call, kind)
        yield from _module(context, file, call, kind)
        yield from _property(context, file, call)


def missing_call(context: RuleContext) -> Iterator[Candidate]:
    """Calls a method that was used as if it were its result."""
    file = parse(context.document.text) if _METHOD.search(context.problem.message) else None
    if file is None:
        return
    subscripts = _SUBSCRIPTED.search(context.problem.message)
    for node in file.find(ast.Subscript, context.problem.range)[:1] if subscripts else ():
        brackets = Range(file.range(node.value).end, file.range(node).end)
        inside = file.text.slice(brackets).strip().removeprefix("[").removesuffix("]")
        called = f"({inside})"
        yield replacing(context, "wrong-brackets", f"Call it: {called}", (brackets, called))
    statement = file.statement_at(context.problem.range.start.line)
    for node in ast.walk(statement) if statement is not None else ():
        if not isinstance(node, ast.Attribute | ast.Name) or not isinstance(node.ctx, ast.Load):
            continue
        parent = file.parents.get(node)
        if isinstance(parent, ast.Call) and parent.func is node:
            continue
        if isinstance(parent, ast.Attribute) or (
            isinstance(node, ast.Name) and not _is_function(file, node)
        ):
            continue
        end = file.range(node).end
        title = f"Call {file.of(node)}()"
        yield replacing(context, "missing-call", title, (Range(end, end), "()"))


def _is_function(file: PythonFile, node: ast.Name) -> bool:
    return any(
        isinstance(other, ast.FunctionDef) and other.name == node.id
        for other in ast.walk(file.tree)
    )


def _shadowed(context: RuleContext, file: PythonFile, call: ast.Call) -> Iterator[Candidate]:
    """A variable hides the builtin that is called: the variable gets another name."""
    function = call.func
    if not isinstance(function, ast.Name) or not hasattr(builtins, function.id):
        return
    scopes = [call, *file.around(call)]
    if not any(
        function.id in bound_in(scope) for scope in scopes if not isinstance(scope, ast.expr)
    ):
        return
    edits: list[tuple[Range, str]] = []
    for node in ast.walk(file.tree):
        if isinstance(node, ast.arg) and node.arg == function.id:
            start = file.range(node).start
            end = Position(start.line, start.column + len(node.arg))
            edits.append((Range(start, end), f"{node.arg}_"))
        if not isinstance(node, ast.Name) or node.id != function.id:
            continue
        parent = file.parents.get(node)
        if isinstance(parent, ast.Call) and parent.func is node:
            continue
        edits.append((file.range(node), f"{node.id}_"))
    title = f"Rename the variable '{function.id}', which hides the builtin"
    if edits:
        yield replacing(context, "hidden-builtin", title, *edits)


def _missing_comma(context: RuleContext, file: PythonFile, call: ast.Call) -> Iterator[Candidate]:
    literal = isinstance(call.func, ast.Tuple | ast.List | ast.Dict | ast.Constant | ast.JoinedStr)
    listed = isinstance(file.parents.get(call), ast.List | ast.Tuple | ast.Set | ast.Call)
    if literal and listed:
        end = file.range(call.func).end
        yield replacing(context, "missing-comma", "Add the missing comma", (Range(end, end), ","))


def _indexed(
    context: RuleContext, file: PythonFile, call: ast.Call, kind: str
) -> Iterator[Candidate]:
    if kind in _INDEXED and len(call.args) == 1 and not call.keywords:
        text = f"[{file.of(call.args[0])}]"
        place = Range(file.range(call.func).end, file.range(call).end)
        yield replacing(context, "wrong-brackets", f"Use {text}", (place, text))


def _multiplied(
    context: RuleContext, file: PythonFile, call: ast.Call, kind: str
) -> Iterator[Candidate]:
    if kind in _NUMBERS and len(call.args) == 1 and not isinstance(call.func, ast.Attribute):
        end = file.range(call.func).end
        between = file.text.slice(Range(end, file.range(call).end))
        at = Position(end.line, end.column + between.index("("))
        yield replacing(context, "missing-operator", "Multiply: add '*'", (Range(at, at), " * "))


def _module(
    context: RuleContext, file: PythonFile, call: ast.Call, kind: str
) -> Iterator[Candidate]:
    if kind == "module" and isinstance(call.func, ast.Name) and call.func.id in SAME_NAME:
        end = file.range(call.func).end
        name = call.func.id
        title = f"Call {name}.{name}"
        yield replacing(context, "module-called", title, (Range(end, end), f".{name}"))


def _property(context: RuleContext, file: PythonFile, call: ast.Call) -> Iterator[Candidate]:
    if isinstance(call.func, ast.Attribute) and not call.args and not call.keywords:
        place = Range(file.range(call.func).end, file.range(call).end)
        title = f"Read '{call.func.attr}' without calling it"
        yield replacing(context, "property-called", title, (place, ""))
