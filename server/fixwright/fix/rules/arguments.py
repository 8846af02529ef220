"""A call whose arguments do not fit: misspelt keyword, too many, too few."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
from typing import TYPE_CHECKING, cast

from fixwright.fix.rules import complaint
from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.python_file import PythonFile, parse
from fixwright.fix.rules.spelling import as_near, closest, slips
from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext

_FUNCTION = re.compile(r"^(?P<function>[\w.<>]+)\(\) ")
_INVALID = re.compile(r"'(?P<name>\w+)' is an invalid keyword argument for (?P<function>\w+)\(\)")
_TOO_MANY = re.compile(
    r"takes (?:from \d+ to )?(?P<most>\d+) positional arguments? but (?P<given>\d+)"
)
_EXPECTED = re.compile(r"expected (?:at most )?(?P<most>\d+) arguments?, got (?P<given>\d+)")
_MISSING = re.compile(
    r"missing \d+ required (?:positional|keyword-only) arguments?: (?P<names>.*)$"
)
_MULTIPLE = re.compile(r"got multiple values for argument '(?P<name>\w+)'")
_LEFT_OUT = "It drops an argument; whether the function should take it instead, no run can tell."


def misspelt_keyword(context: RuleContext) -> Iterator[Candidate]:
    """Puts the keyword argument that was meant, one that the function takes."""
    invalid = _INVALID.search(context.problem.message)
    name = invalid["name"] if invalid else complaint.unexpected_keyword(context.problem)
    file = parse(context.document.text) if name else None
    if file is None or name is None:
        return
    found = _call_with(file, context, name)
    if found is None:
        return
    call, keyword = found
    place = _name_range(file, keyword, name)
    passed = {other.arg for other in call.keywords}
    known = [other for other in _parameters(context, file, call) if other not in passed]
    suggested = complaint.suggestion(context.problem)
    meant = as_near(name, suggested, known) if suggested in known else []
    for other in dict.fromkeys([*meant, *closest(name, known)]):
        title = f"Change the argument '{name}' to '{other}'"
        yield replacing(
            context, "misspelt-keyword", title, (place, other), distance=slips(name, other)
        )
    if _is_of_workspace(context, call):
        title = f"Leave out the argument '{name}'"
        edit = _removal(file, call, keyword)
        yield replacing(context, "surplus-argument", title, edit, caveat=_LEFT_OUT)


def surplus_argument(context: RuleContext) -> Iterator[Candidate]:
    """Leaves out the arguments that are too many, the last ones."""
    match = _TOO_MANY.search(context.problem.message) or _EXPECTED.search(context.problem.message)
    file = parse(context.document.text) if match else None
    if file is None or match is None:
        return
    surplus = int(match["given"]) - int(match["most"])
    for call in file.find(ast.Call, context.problem.range):
        if not _is_called(context, call) or not 0 < surplus <= len(call.args):
            continue
        last = call.args[-surplus:]
        texts = ", ".join(file.of(argument) for argument in last)
        edits = [_removal(file, call, argument) for argument in last]
        title = f"Leave out the surplus argument {texts}"
        yield replacing(context, "surplus-argument", title, _merged(edits), caveat=_LEFT_OUT)
        return


def repeated_argument(context: RuleContext) -> Iterator[Candidate]:
    """Leaves out the keyword argument whose value was given by position already."""
    match = _MULTIPLE.search(context.problem.message)
    file = parse(context.document.text) if match else None
    found = _call_with(file, context, match["name"]) if file is not None and match else None
    if file is not None and found is not None and match is not None:
        title = f"Leave out the repeated argument '{match['name']}'"
        edit = _removal(file, *found)
        yield replacing(context, "surplus-argument", title, edit, caveat=_LEFT_OUT)


def missing_argument(context: RuleContext) -> Iterator[Candidate]:
    """Passes what the callee misses, where a variable of that name is at hand."""
    match = _MISSING.search(context.problem.message)
    file = parse(context.document.text) if match else None
    if file is None or match is None:
        return
    names = re.findall(r"'(\w+)'", match["names"])
    for call in file.find(ast.Call, context.problem.range):
        if not _is_called(context, call):
            continue
        visible = file.names_at(call)
        if not all(name in visible and not hasattr(builtins, name) for name in names):
            return
        end = file.range(call).end
        before = Position(end.line, end.column - 1)
        comma = ", " if call.args or call.keywords else ""
        text = comma + ", ".join(f"{name}={name}" for name in names)
        title = f"Pass {', '.join(names)}"
        yield replacing(context, "missing-argument", title, (Range(before, before), text))
        return


def optional_parameter(context: RuleContext) -> Iterator[Candidate]:
    """Gives a parameter that may be None by its annotation the default None."""
    match = _MISSING.search(context.problem.message)
    file = parse(context.document.text) if match else None
    if file is None or match is None:
        return
    names = re.findall(r"'(\w+)'", match["names"])
    for node in ast.walk(file.tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if node.name != _function_name(context):
            continue
        edits: list[tuple[Range, str]] = []
        for argument in [*node.args.args, *node.args.kwonlyargs]:
            annotation = "" if argument.annotation is None else file.of(argument.annotation)
            optional = "None" in annotation or annotation.startswith("Optional")
            if argument.arg in names and optional:
                end = file.range(argument).end
                edits.append((Range(end, end), " = None"))
        if len(edits) == len(names):
            title = f"Make {', '.join(names)} None by default"
            yield replacing(context, "optional-parameter", title, *edits)


def _function_name(context: RuleContext) -> str:
    match = _FUNCTION.search(context.problem.message)
    return match["function"].rpartition(".")[2] if match else ""


def _is_called(context: RuleContext, call: ast.Call) -> bool:
    """Whether a call is that of the function in the message, as far as its name tells."""
    name = _function_name(context)
    if not name or name in {"__init__", "__new__", "<lambda>"}:
        return True
    return _called_name(call) == name or not _called_name(call)


def _called_name(call: ast.Call) -> str:
    if isinstance(call.func, ast.Name):
        return call.func.id
    return call.func.attr if isinstance(call.func, ast.Attribute) else ""


def _is_of_workspace(context: RuleContext, call: ast.Call) -> bool:
    """Whether the callee is defined in the workspace."""
    names = {_called_name(call), _function_name(context)} - {"", "__init__"}
    return any(context.definitions.named(name) for name in names)


def _call_with(
    file: PythonFile, context: RuleContext, name: str
) -> tuple[ast.Call, ast.keyword] | None:
    for call in file.find(ast.Call, context.problem.range):
        for keyword in call.keywords:
            if keyword.arg == name:
                return call, keyword
    return None


def _name_range(file: PythonFile, keyword: ast.keyword, name: str) -> Range:
    start = file.range(keyword).start
    return Range(start, Position(start.line, start.column + len(name)))


def _parameters(context: RuleContext, file: PythonFile, call: ast.Call) -> list[str]:
    """The names of the parameters that can be passed by keyword."""
    signature = complaint.facts(context.problem).get("signature")
    if isinstance(signature, dict):
        listed = cast("dict[str, object]", signature).get("parameters")
        parameters = cast("list[dict[str, str]]", listed) if isinstance(listed, list) else []
        return [each["name"] for each in parameters if each["kind"] in _BY_KEYWORD]
    invalid = _INVALID.search(context.problem.message)
    names = [_function_name(context), _called_name(call), invalid["function"] if invalid else ""]
    for name in names:
        for definition in context.definitions.named(name):
            parameters = definition.parameters
            if parameters is None and definition.kind == "class":
                parameters = _init_parameters(context, definition.name)
            if parameters:
                return [each.name for each in parameters if each.kind in _BY_KEYWORD]
    return _builtin_parameters([*names, file.of(call.func)])


def _init_parameters(context: RuleContext, owner: str):
    found = context.definitions.members(owner)
    return next((each.parameters for each in found if each.name == "__init__"), None)


_BY_KEYWORD = frozenset({"positional", "keyword-only"})


def _builtin_parameters(names: list[str]) -> list[str]:
    for name in names:
        function = getattr(builtins, name, None) or getattr(list, name, None)
        if function is None or not callable(function):
            continue
        try:
            return list(inspect.signature(function).parameters)
        except (TypeError, ValueError):
            continue
    return []


def _removal(
    file: PythonFile, call: ast.Call, argument: ast.expr | ast.keyword
) -> tuple[Range, str]:
    """An argument without the comma that goes with it."""
    everything = sorted([*call.args, *call.keywords], key=lambda node: file.range(node).start)
    index = everything.index(argument)
    own = file.range(argument)
    if index:
        return Range(file.range(everything[index - 1]).end, own.end), ""
    if len(everything) > 1:
        return Range(own.start, file.range(everything[1]).start), ""
    return own, ""


def _merged(edits: list[tuple[Range, str]]) -> tuple[Range, str]:
    start = min(place.start for place, _ in edits)
    return Range(start, max(place.end for place, _ in edits)), ""
