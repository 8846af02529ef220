"""An attribute that an object, class or module does not have."""

from __future__ import annotations

import ast
import builtins
import sys
from typing import TYPE_CHECKING

from fixwright.fix.rules import complaint
from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.python_file import PythonFile, parse
from fixwright.fix.rules.spelling import as_near, closest, slips
from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext

RULE = "misspelt-attribute"

# What other languages, and Python 2, call the same method.
_ELSEWHERE = {
    ("list", "push"): "append", ("list", "add"): "append", ("list", "push_back"): "append",
    ("list", "addAll"): "extend", ("list", "indexOf"): "index", ("list", "delete"): "remove",
    ("list", "concat"): "extend", ("set", "append"): "add", ("set", "push"): "add",
    ("set", "extend"): "update", ("set", "insert"): "add", ("dict", "iteritems"): "items",
    ("dict", "itervalues"): "values", ("dict", "iterkeys"): "keys", ("dict", "entries"): "items",
    ("dict", "append"): "update", ("dict", "add"): "update", ("str", "trim"): "strip",
    ("str", "toUpperCase"): "upper", ("str", "toLowerCase"): "lower", ("str", "toupper"): "upper",
    ("str", "tolower"): "lower", ("str", "indexOf"): "find", ("str", "replaceAll"): "replace",
    ("str", "substring"): "", ("str", "startsWith"): "startswith",
    ("str", "endsWith"): "endswith", ("deque", "push"): "append", ("deque", "add"): "append",
}  # fmt: skip
_LENGTHS = frozenset({"length", "len", "size", "count", "Length", "Count"})
_SIZED = frozenset({"list", "dict", "set", "str", "tuple", "deque", "bytes", "frozenset", "range"})
_OF_DATETIME = frozenset(
    {"now", "today", "strptime", "fromtimestamp", "utcnow", "fromisoformat", "combine"}
)


def attribute_at(context: RuleContext) -> tuple[PythonFile, ast.Attribute] | None:
    """The attribute that is missing, where the problem is one of that kind."""
    name = complaint.missing_attribute(context.problem)
    file = parse(context.document.text) if name else None
    if file is None:
        return None
    for node in file.find(ast.Attribute, context.problem.range):
        if node.attr == name:
            return file, node
    return None


def name_range(file: PythonFile, node: ast.Attribute) -> Range:
    """Where an attribute's own name stands."""
    end = file.range(node).end
    return Range(Position(end.line, end.column - len(node.attr)), end)


def misspelt_attribute(context: RuleContext) -> Iterator[Candidate]:
    """Puts the attribute that was meant: the suggested, another language's, or the likest."""
    found = attribute_at(context)
    if found is None:
        return
    file, node = found
    owner = _owner(context)
    yield from _length(context, file, node, owner)
    yield from _datetime(context, file, node, owner)
    known = complaint.fact_names(context.problem, "candidates") or _members(context, owner)
    meant = [_ELSEWHERE.get((owner, node.attr), "")]
    suggested = complaint.suggestion(context.problem)
    meant.extend(as_near(node.attr, suggested, known) if suggested else [])
    meant.extend(closest(node.attr, known))
    for name in dict.fromkeys(meant):
        if name.isidentifier():
            title = f"Change '.{node.attr}' to '.{name}'"
            distance = 0.0 if name == meant[0] else slips(node.attr, name)
            edit = (name_range(file, node), name)
            yield replacing(context, RULE, title, edit, distance=distance)


def _owner(context: RuleContext) -> str:
    owner = complaint.fact(context.problem, "objType") or ""
    if not owner or owner == "module":
        owner = complaint.attribute_owner(context.problem) or owner
    return owner.partition("[")[0]


def _members(context: RuleContext, owner: str) -> list[str]:
    """The attributes of a class of the workspace, of a builtin one, or of a loaded module."""
    members = [definition.name for definition in context.definitions.members(owner)]
    if members:
        return members
    builtin = getattr(builtins, owner, None)
    if isinstance(builtin, type):
        return dir(builtin)
    module = sys.modules.get(owner) if owner in sys.stdlib_module_names else None
    if module is not None:
        return dir(module)
    return [definition.name for definition in context.definitions.of_module(owner)]


def _length(
    context: RuleContext, file: PythonFile, node: ast.Attribute, owner: str
) -> Iterator[Candidate]:
    if node.attr not in _LENGTHS or owner not in _SIZED:
        return
    parent = file.parents.get(node)
    called = isinstance(parent, ast.Call) and parent.func is node and not parent.args
    whole = parent if called and isinstance(parent, ast.Call) else node
    text = f"len({file.of(node.value)})"
    yield replacing(context, RULE, f"Use {text}", (file.range(whole), text))


def _datetime(
    context: RuleContext, file: PythonFile, node: ast.Attribute, owner: str
) -> Iterator[Candidate]:
    """`datetime` is a module and a class in it, and either may have been imported."""
    if owner == "datetime" and node.attr in _OF_DATETIME:
        title = f"Call '{node.attr}' of the class datetime.datetime"
        place = Range(name_range(file, node).start, name_range(file, node).start)
        yield replacing(context, RULE, title, (place, "datetime."))
    elif owner.endswith("datetime") and node.attr == "datetime":
        place = Range(file.range(node.value).end, file.range(node).end)
        yield replacing(context, RULE, "Use the class datetime itself", (place, ""))
