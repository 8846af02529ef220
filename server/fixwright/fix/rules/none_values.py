"""A value that is None: what a method in place, or a function without `return`, gave."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.python_file import Function, PythonFile, parse
from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext

RULE = "in-place-result"

_NONE = re.compile(r"NoneType|\"None\"|for class \"None\"")
_IN_PLACE = frozenset({
    "sort", "reverse", "append", "extend", "insert", "remove", "clear", "add", "update", "discard",
    "appendleft", "extendleft",
})  # fmt: skip
_ONE_OF_MANY = "The function computes several values; which one it is to return, no run can tell."
_IN_PLACE_FUNCTIONS = frozenset({"shuffle", "heapify", "insort", "heappush"})


def in_place_result(context: RuleContext) -> Iterator[Candidate]:
    """Uses what was changed in place, not the None that the call gave."""
    file = parse(context.document.text) if _NONE.search(context.problem.message) else None
    if file is None:
        return
    for call in _calls_that_gave_none(file, context.problem.range):
        statement = file.parents.get(call)
        if isinstance(statement, ast.Assign) and statement.value is call:
            yield from _assigned(context, file, statement, call)
        else:
            text = _value_of(file, call)
            if text is not None:
                yield replacing(context, RULE, f"Use {text}", (file.range(call), text))


def missing_return(context: RuleContext) -> Iterator[Candidate]:
    """Lets a function return the value that it computes last, where its result is used as one."""
    file = parse(context.document.text) if _NONE.search(context.problem.message) else None
    if file is None:
        return
    functions = [node for node in ast.walk(file.tree) if isinstance(node, Function)]
    for call in _calls_behind(file, context.problem.range):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else None
        name = call.func.id if isinstance(call.func, ast.Name) else name
        for function in functions:
            if function.name == name and not _returns(function):
                yield from _with_return(context, file, function)


def _with_return(context: RuleContext, file: PythonFile, function: Function) -> Iterator[Candidate]:
    last = function.body[-1]
    title = f"Return the value in {function.name}"
    if isinstance(last, ast.Expr) and not isinstance(last.value, ast.Constant | ast.Yield):
        start = file.range(last).start
        yield replacing(context, "missing-return", title, (Range(start, start), "return "))
        return
    results = _results(function)
    if results:
        name = results[-1]
        place = file.range(last)
        indent = " " * file.range(function.body[0]).start.column
        text = f"\n{indent}return {name}"
        title = f"Return '{name}' from {function.name}"
        edit = (Range(place.end, place.end), text)
        caveat = _ONE_OF_MANY if len(_results(function)) > 1 else None
        yield replacing(context, "missing-return", title, edit, caveat=caveat)


def _results(function: Function) -> list[str]:
    """The variables that a function builds up at its own level, the last assigned last."""
    found: dict[str, None] = {}
    for statement in function.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name), *_])
                | ast.AugAssign(target=ast.Name(id=name))
            ):
                found.pop(name, None)
                found[name] = None
            case _:
                pass
    return list(found)


def _returns(function: Function) -> bool:
    inner = {
        id(each)
        for node in function.body
        if isinstance(node, Function | ast.ClassDef)
        for each in ast.walk(node)
    }
    for node in ast.walk(function):
        if isinstance(node, ast.Return | ast.Yield | ast.YieldFrom) and id(node) not in inner:
            return True
    return False


def _assigned(
    context: RuleContext, file: PythonFile, statement: ast.Assign, call: ast.Call
) -> Iterator[Candidate]:
    """For `x = xs.sort()`: the statement alone where `x` is `xs`, else a new value."""
    target = file.of(statement.targets[0])
    changed = _changed(file, call)
    whole = file.range(statement)
    if changed == target:
        text = file.of(call)
        yield replacing(context, RULE, f"Keep {changed}: {text}", (whole, text))
        return
    value = _value_of(file, call)
    if value is not None:
        yield replacing(context, RULE, f"Use {value}", (file.range(call), value))
    if changed is not None:
        indent = file.text.line(whole.start.line)[: whole.start.column]
        if not indent.strip():
            text = f"{file.of(call)}\n{indent}{target} = {changed}"
            yield replacing(context, RULE, f"Assign {changed} after it was changed", (whole, text))


def _calls_that_gave_none(file: PythonFile, place: Range) -> Iterator[ast.Call]:
    for call in _calls_behind(file, place):
        if _changed(file, call) is not None:
            yield call


def _calls_behind(file: PythonFile, place: Range) -> Iterator[ast.Call]:
    """The calls whose result a line uses: those in it, and those assigned to a name in it."""
    statement = file.statement_at(place.start.line)
    if statement is None:
        return
    parts = [node for node in ast.walk(_head(statement)) if isinstance(node, ast.expr)]
    seen: set[int] = set()
    for node in parts:
        if isinstance(node, ast.Call) and id(node) not in seen:
            parent = file.parents.get(node)
            if not isinstance(parent, ast.Expr):
                seen.add(id(node))
                yield node
    wanted = {_last_name(node) for node in parts} - {None}
    assignments = [
        node
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
    ]
    assignments.sort(key=lambda node: _distance(file, node, place))
    for node in assignments:
        used = _last_name(node.targets[0]) in wanted and id(node.value) not in seen
        if used and isinstance(node.value, ast.Call):
            yield node.value


def _last_name(node: ast.expr) -> str | None:
    """The name that a value is known by: `x` of `x`, `a.x` and `self.x`."""
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else None


def _head(statement: ast.stmt) -> ast.AST:
    """A compound statement's own expression, without its body."""
    if isinstance(statement, ast.For | ast.AsyncFor):
        return statement.iter
    return statement.test if isinstance(statement, ast.If | ast.While) else statement


def _distance(file: PythonFile, node: ast.stmt, place: Range) -> int:
    """How far above the place a statement is; one below comes after all above."""
    above = place.start.line - file.range(node).start.line
    return above if above >= 0 else file.text.line_count - above


def _changed(file: PythonFile, call: ast.Call) -> str | None:
    """The text of what a call changes in place; None where it is no such call."""
    function = call.func
    if isinstance(function, ast.Attribute):
        if function.attr in _IN_PLACE:
            return file.of(function.value)
        if function.attr in _IN_PLACE_FUNCTIONS and call.args:
            return file.of(call.args[0])
    if isinstance(function, ast.Name) and function.id in _IN_PLACE_FUNCTIONS and call.args:
        return file.of(call.args[0])
    return None


def _value_of(file: PythonFile, call: ast.Call) -> str | None:
    """An expression for the changed object, which leaves the object itself as it was."""
    function = call.func
    if not isinstance(function, ast.Attribute):
        return None
    owner = file.of(function.value)
    start = file.range(function).end
    inside = Range(Position(start.line, start.column + 1), file.range(call).end)
    arguments = file.text.slice(inside).removesuffix(")")
    one = len(call.args) == 1 and not call.keywords
    values = {
        "sort": f"sorted({owner}, {arguments})" if arguments else f"sorted({owner})",
        "reverse": f"list(reversed({owner}))",
    }
    if one:
        values |= {
            "append": f"[*{owner}, {arguments}]",
            "extend": f"[*{owner}, *{arguments}]",
            "add": f"{{*{owner}, {arguments}}}",
            "update": f"{{**{owner}, **{arguments}}}",
            "shuffle": f"{owner}.sample({arguments}, len({arguments}))",
        }
    return values.get(function.attr)
