"""A name that is not defined because its import is missing."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from fixwright.fix.rules import complaint
from fixwright.fix.rules.attributes import attribute_at
from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.import_edit import NewImport, edit_for, parsed
from fixwright.fix.rules.known_symbols import MODULE_ALIASES, SAME_NAME, members, modules_of
from fixwright.fix.rules.names import undefined_at
from fixwright.fix.rules.spelling import closest, slips
from fixwright.fix.rules.standard_library import has_submodule, is_importable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext
    from fixwright.fix.rules.python_file import PythonFile

RULE = "missing-import"
_OFFERED_KINDS = frozenset({"function", "class", "type", "constant"})


def missing_import(context: RuleContext) -> Iterator[Candidate]:
    """Imports a module or symbol of the standard library or of the workspace, by its exact name."""
    found = undefined_at(context)
    if found is None:
        return
    file, node = found
    own = dict.fromkeys(_of_workspace(context, node.id))
    for new in dict.fromkeys(_imports_for(context, file, node)):
        # What the workspace defines itself is nearer than what a library has of the same name.
        distance = 1.0 if own and new not in own else 0.0
        edit = edit_for(file, new)
        yield replacing(context, RULE, f"Add '{new.statement}'", edit, distance=distance)


def missing_submodule(context: RuleContext) -> Iterator[Candidate]:
    """Imports `a.b` where only `a` was imported and `a.b` is used."""
    found = attribute_at(context)
    if found is None:
        return
    file, node = found
    owner = complaint.fact(context.problem, "module") or complaint.attribute_owner(context.problem)
    if owner is not None and has_submodule(owner, node.attr):
        new = NewImport(f"{owner}.{node.attr}")
        yield replacing(context, RULE, f"Add '{new.statement}'", edit_for(file, new))


def misspelt_module_name(context: RuleContext) -> Iterator[Candidate]:
    """Imports the module whose misspelt name is used as `jsn.dumps` without any import."""
    found = undefined_at(context)
    if found is None:
        return
    file, node = found
    if not isinstance(file.parents.get(node), ast.Attribute):
        return
    for module in closest(node.id, sys.stdlib_module_names, 2):
        new = NewImport(module)
        title = f"Change '{node.id}' to '{module}' and add '{new.statement}'"
        edits = ((file.range(node), module), edit_for(file, new))
        yield replacing(context, RULE, title, *edits, distance=slips(node.id, module))


def _imports_for(context: RuleContext, file: PythonFile, node: ast.Name) -> Iterator[NewImport]:
    name = node.id
    parent = file.parents.get(node)
    used = parent.attr if isinstance(parent, ast.Attribute) else None
    forgotten = complaint.fact(context.problem, "forgottenImport")
    symbols = [NewImport(module, name) for module in modules_of(name)]
    modules = [NewImport(name)] if name in sys.stdlib_module_names or forgotten == name else []
    workspace = list(_of_workspace(context, name))
    statements = (parsed(each) for each in context.definitions.imported_as(name))
    yield from (new for new in statements if _can_be_had(context, new))
    yield from workspace
    if name in SAME_NAME and not _means_module(name, used):
        yield from symbols
        yield from modules
    else:
        yield from modules
        yield from symbols
    alias = MODULE_ALIASES.get(name)
    if alias is not None and is_importable(alias):
        yield NewImport(alias, "", name)


def _means_module(name: str, used: str | None) -> bool:
    """Whether `datetime.x` is of the module `datetime`, or of the class in it."""
    if used is None:
        return False
    if name == "datetime":
        return used in {*members("datetime"), "UTC", "MINYEAR", "MAXYEAR", "time"}
    return True


def _can_be_had(context: RuleContext, new: NewImport) -> bool:
    """Whether the module is of the standard library or of the workspace, or installed here."""
    known = new.module in context.definitions.modules.values()
    return known or is_importable(new.module)


def _of_workspace(context: RuleContext, name: str) -> Iterator[NewImport]:
    for definition in context.definitions.named(name):
        if definition.container or definition.kind not in _OFFERED_KINDS:
            continue
        module = context.definitions.import_name(definition.uri, context.problem.uri)
        if module:
            yield NewImport(module, name)
    for uri, module in context.definitions.modules.items():
        if module.rpartition(".")[2] == name:
            importable = context.definitions.import_name(uri, context.problem.uri)
            if importable:
                package, _, last = importable.rpartition(".")
                yield NewImport(package, last) if package else NewImport(last)
