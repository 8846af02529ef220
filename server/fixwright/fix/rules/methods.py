"""A missing `self`: as a parameter, before an attribute, or an instance that was never made."""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING

from fixwright.fix.problem import Candidate
from fixwright.fix.rules import complaint
from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.names import undefined_at
from fixwright.fix.rules.python_file import Function, PythonFile, parse
from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import TextChange
from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import RuleContext

RULE = "missing-self"

_COUNT = re.compile(
    r"(?:(?P<owner>\w+)\.)?(?P<name>\w+)\(\) takes (?P<takes>\d+) positional arguments?"
    r" but (?P<given>\d+) (?:was|were) given"
)
_MULTIPLE = re.compile(r"(?:(?P<owner>\w+)\.)?(?P<name>\w+)\(\) got multiple values for argument")
_NO_SELF = re.compile(
    r"(?:(?P<owner>\w+)\.)?(?P<name>\w+)\(\) missing 1 required positional argument: 'self'"
)
_NO_ARGUMENTS = re.compile(r"^(?P<owner>\w+)\(\) takes no arguments")
_INIT = re.compile(r"_*(?:init|int|inti|initialize|initialise|constructor|_init)_*", re.IGNORECASE)
_BOUND = frozenset({"staticmethod", "classmethod"})


def attribute_of_self(context: RuleContext) -> Iterator[Candidate]:
    """Puts `self.` before a name that is an attribute or a method of the class."""
    found = undefined_at(context)
    if found is None:
        return
    file, node = found
    function = file.function_around(node)
    owner = file.enclosing(node, ast.ClassDef)
    if function is None or owner is None or not function.args.args:
        return
    first = function.args.args[0].arg
    if _is_static(function) or node.id not in _members(owner):
        return
    start = file.range(node).start
    title = f"Change '{node.id}' to '{first}.{node.id}'"
    yield replacing(context, RULE, title, (Range(start, start), f"{first}."))


def self_parameter(context: RuleContext) -> Iterator[Candidate]:
    """Gives a method the parameter `self` that it was defined without."""
    undefined = undefined_at(context)
    if undefined is not None and undefined[1].id in {"self", "cls"}:
        file, node = undefined
        function = file.function_around(node)
        if function is not None and isinstance(file.parents.get(function), ast.ClassDef):
            yield _with_first(context, file, function, node.id)
        return
    match = _COUNT.search(context.problem.message)
    if match is not None and int(match["given"]) != int(match["takes"]) + 1:
        return
    match = match or _MULTIPLE.search(context.problem.message)
    if match is None:
        return
    for uri, file, function in _methods(context, match["name"], match["owner"]):
        arguments = [*function.args.posonlyargs, *function.args.args]
        if _is_static(function) or (arguments and arguments[0].arg in {"self", "cls"}):
            continue
        change = TextChange(*_first_parameter(file, function, "self"))
        draft = Draft.over(context.snapshot).edit_all(uri, [change])
        yield Candidate(draft, f"Add 'self' to the parameters of {function.name}", RULE)


def attribute_set_without_self(context: RuleContext) -> Iterator[Candidate]:
    """Turns `x = …` in `__init__` into `self.x = …` where the object has no attribute `x`."""
    name = complaint.missing_attribute(context.problem)
    owner = complaint.fact(context.problem, "objType") or complaint.attribute_owner(context.problem)
    file = parse(context.document.text) if name and owner else None
    for node in ast.walk(file.tree) if file is not None else ():
        if file is None or not isinstance(node, ast.ClassDef) or node.name != owner:
            continue
        for method in node.body:
            if not isinstance(method, Function) or method.name != "__init__":
                continue
            for target in ast.walk(method):
                stored = isinstance(target, ast.Name) and isinstance(target.ctx, ast.Store)
                if stored and isinstance(target, ast.Name) and target.id == name:
                    start = file.range(target).start
                    title = f"Set 'self.{name}' in __init__"
                    yield replacing(context, RULE, title, (Range(start, start), "self."))
                    return


def instance_missing(context: RuleContext) -> Iterator[Candidate]:
    """Makes an instance where a method was called on the class itself."""
    match = _NO_SELF.search(context.problem.message)
    file = parse(context.document.text) if match else None
    for call in file.find(ast.Call, context.problem.range) if file is not None else ():
        function = call.func
        if file is None or not isinstance(function, ast.Attribute) or match is None:
            continue
        if function.attr == match["name"] and isinstance(function.value, ast.Name):
            end = file.range(function.value).end
            title = f"Make an instance: {function.value.id}().{function.attr}"
            yield replacing(context, "missing-instance", title, (Range(end, end), "()"))
            return


def misspelt_init(context: RuleContext) -> Iterator[Candidate]:
    """Renames a method that was meant to be `__init__`."""
    match = _NO_ARGUMENTS.search(context.problem.message)
    if match is None:
        return
    for uri, file in _files(context, match["owner"]):
        for node in ast.walk(file.tree):
            if not isinstance(node, ast.ClassDef) or node.name != match["owner"]:
                continue
            for method in node.body:
                if isinstance(method, Function) and _INIT.fullmatch(method.name):
                    change = TextChange(_name_range(file, method), "__init__")
                    draft = Draft.over(context.snapshot).edit_all(uri, [change])
                    title = f"Rename '{method.name}' to '__init__'"
                    yield Candidate(draft, title, "misspelt-init")


def _with_first(context: RuleContext, file: PythonFile, function: Function, name: str) -> Candidate:
    title = f"Add '{name}' to the parameters of {function.name}"
    return replacing(context, RULE, title, _first_parameter(file, function, name))


def _first_parameter(file: PythonFile, function: Function, name: str) -> tuple[Range, str]:
    place = _name_range(file, function).end
    line = file.text.line(place.line)
    column = line.index("(", place.column) + 1
    here = Position(place.line, column)
    empty = not any((function.args.args, function.args.posonlyargs, function.args.vararg,
                     function.args.kwonlyargs, function.args.kwarg))  # fmt: skip
    return Range(here, here), name if empty else f"{name}, "


def _name_range(file: PythonFile, function: Function) -> Range:
    start = file.range(function).start
    line = file.text.line(start.line)
    column = line.index(function.name, line.index("def", start.column) + len("def"))
    return Range(Position(start.line, column), Position(start.line, column + len(function.name)))


def _is_static(function: Function) -> bool:
    names = {node.id for node in function.decorator_list if isinstance(node, ast.Name)}
    return bool(names & _BOUND)


def _members(owner: ast.ClassDef) -> set[str]:
    """The attributes and methods of a class, as its own text tells them."""
    found: set[str] = set()
    for node in ast.walk(owner):
        if isinstance(node, Function) and node in owner.body:
            found.add(node.name)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            base = node.value.id if isinstance(node.value, ast.Name) else ""
            found |= {node.attr} if base in {"self", "cls"} else set()
    for statement in owner.body:
        if isinstance(statement, ast.Assign | ast.AnnAssign):
            names = (node for node in ast.walk(statement) if isinstance(node, ast.Name))
            found |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
    return found


def _methods(
    context: RuleContext, name: str, owner: str | None
) -> Iterator[tuple[str, PythonFile, Function]]:
    """The methods of that name, in the document and elsewhere in the workspace."""
    for uri, file in _files(context, name):
        for node in ast.walk(file.tree):
            parent = file.parents.get(node)
            if not isinstance(node, Function) or not isinstance(parent, ast.ClassDef):
                continue
            if node.name == name and owner in {None, parent.name}:
                yield uri, file, node


def _files(context: RuleContext, name: str) -> Iterator[tuple[str, PythonFile]]:
    """The document, then those that define a name."""
    own = parse(context.document.text)
    if own is not None:
        yield context.problem.uri, own
    elsewhere = {definition.uri for definition in context.definitions.named(name)}
    for uri in sorted(elsewhere):
        try:
            document = context.snapshot.document(uri)
        except UnknownDocument:
            continue
        file = parse(document.text)
        if file is not None and document.uri != context.document.uri:
            yield uri, file
