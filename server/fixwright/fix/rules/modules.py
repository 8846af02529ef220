"""An import of a module that is not there, or of a name that a module does not hold."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING

from fixwright.fix.rules import complaint
from fixwright.fix.rules.edits import replacing
from fixwright.fix.rules.import_edit import NewImport, edit_for
from fixwright.fix.rules.known_symbols import MOVED, RENAMED_MODULES, members, modules_of
from fixwright.fix.rules.python_file import PythonFile, parse
from fixwright.fix.rules.spelling import closest, slips
from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.fix.problem import Candidate, RuleContext

Edit = tuple[Range, str]


def misspelt_module(context: RuleContext) -> Iterator[Candidate]:
    """Puts the module that was meant, in the import and where its name is used."""
    module = complaint.missing_module(context.problem)
    file = parse(context.document.text) if module else None
    if file is None or module is None:
        return
    place = _module_at(file, module, context.problem.range)
    if place is None:
        return
    node, where = place
    for meant in dict.fromkeys(_modules_meant(context, module)):
        edits = [(where, meant), *_renamed_uses(file, node, module, meant)]
        title, distance = f"Change '{module}' to '{meant}'", _far(module, meant)
        yield replacing(context, "misspelt-module", title, *edits, distance=distance)


def _far(module: str, meant: str) -> float:
    """Slips between the modules' own names; none for one that has moved or was renamed."""
    known = RENAMED_MODULES.get(module) == meant
    last, other = module.rpartition(".")[2], meant.rpartition(".")[2]
    return 0.0 if known or last == other else slips(last, other)


def relative_import(context: RuleContext) -> Iterator[Candidate]:
    """Makes `from .x import y` in a script absolute: it has no package to be relative to."""
    if "attempted relative import" not in context.problem.message:
        return
    file = parse(context.document.text)
    for node in file.find(ast.ImportFrom, context.problem.range) if file is not None else ():
        if file is None or node.level == 0 or node.module is None:
            continue
        start = file.range(node).start
        dots = file.of(node).index(".")
        place = Range(
            Position(start.line, start.column + dots),
            Position(start.line, start.column + dots + node.level),
        )
        yield replacing(context, "relative-import", "Make the import absolute", (place, ""))
        return


def misspelt_import(context: RuleContext) -> Iterator[Candidate]:
    """Puts the name that was meant in `from module import name`, and where it is used."""
    name = complaint.missing_import_name(context.problem)
    file = parse(context.document.text) if name else None
    if file is None or name is None:
        return
    for node in file.find(ast.ImportFrom, context.problem.range):
        for alias in node.names:
            if alias.name == name:
                yield from _moved(context, file, node, alias)
                yield from _respelt(context, file, node, alias)
                return


def _respelt(
    context: RuleContext, file: PythonFile, node: ast.ImportFrom, alias: ast.alias
) -> Iterator[Candidate]:
    known = complaint.fact_names(context.problem, "candidates")
    known = known or _exported(context, node.module or "")
    suggested = complaint.suggestion(context.problem)
    meant = [suggested] if suggested is not None and suggested.isidentifier() else []
    start = file.range(alias).start
    place = Range(start, Position(start.line, start.column + len(alias.name)))
    for name in dict.fromkeys([*meant, *closest(alias.name, known)]):
        edits = [(place, name)]
        if alias.asname is None:
            edits += [(file.range(use), name) for use in _uses(file, alias.name)]
        title = f"Change '{alias.name}' to '{name}'"
        distance = slips(alias.name, name)
        yield replacing(context, "misspelt-import", title, *edits, distance=distance)


def _moved(
    context: RuleContext, file: PythonFile, node: ast.ImportFrom, alias: ast.alias
) -> Iterator[Candidate]:
    """The name is known to be in another module."""
    homes = [MOVED.get((node.module or "", alias.name), ""), *modules_of(alias.name)]
    homes += [
        context.definitions.import_name(definition.uri, context.problem.uri) or ""
        for definition in context.definitions.named(alias.name)
        if not definition.container
    ]
    for home in dict.fromkeys(homes):
        if not home or home == node.module:
            continue
        title = f"Import '{alias.name}' from '{home}'"
        if len(node.names) == 1:
            start = file.range(node).start
            column = start.column + file.of(node).index(node.module or ".", len("from"))
            place = Range(
                Position(start.line, column),
                Position(start.line, column + len(node.module or ".")),
            )
            yield replacing(context, "moved-import", title, (place, home))
        else:
            new = NewImport(home, alias.name, alias.asname or "")
            edits = (_without(file, node, alias), edit_for(file, new))
            yield replacing(context, "moved-import", title, *edits)


def _without(file: PythonFile, node: ast.ImportFrom, alias: ast.alias) -> Edit:
    index = node.names.index(alias)
    if index:
        return Range(file.range(node.names[index - 1]).end, file.range(alias).end), ""
    return Range(file.range(alias).start, file.range(node.names[1]).start), ""


def _exported(context: RuleContext, module: str) -> list[str]:
    names = [definition.name for definition in context.definitions.of_module(module)]
    loaded = (
        sys.modules.get(module) if module.partition(".")[0] in sys.stdlib_module_names else None
    )
    return names or (dir(loaded) if loaded is not None else members(module))


def _module_at(
    file: PythonFile, module: str, place: Range
) -> tuple[ast.Import | ast.ImportFrom, Range] | None:
    """The import of a module, and where the module's name stands in it."""
    for node in file.find(ast.Import, place):
        for alias in node.names:
            if f"{alias.name}.".startswith(f"{module}."):
                start = file.range(alias).start
                return node, _stretch(start, len(module))
    for node in file.find(ast.ImportFrom, place):
        if not node.level and f"{node.module}.".startswith(f"{module}."):
            start = file.range(node).start
            column = start.column + file.of(node).index(module, len("from"))
            return node, _stretch(Position(start.line, column), len(module))
    return None


def _stretch(start: Position, length: int) -> Range:
    return Range(start, Position(start.line, start.column + length))


def _modules_meant(context: RuleContext, module: str) -> Iterator[str]:
    package, _, last = module.rpartition(".")
    renamed = RENAMED_MODULES.get(module)
    if renamed is not None:
        yield renamed
    prefix = f"{package}." if package else ""
    of_workspace = {
        name: imported
        for uri, name in context.definitions.modules.items()
        if (imported := context.definitions.import_name(uri, context.problem.uri))
    }
    for name, imported in of_workspace.items():
        if name.rpartition(".")[2] == last and imported != module:
            yield imported
    known = complaint.fact_names(context.problem, "candidates")
    if not known and not package:
        known = list(sys.stdlib_module_names)
    known += [
        name.removeprefix(prefix) for name in of_workspace.values() if name.startswith(prefix)
    ]
    for name in closest(last, known):
        yield prefix + name


def _renamed_uses(
    file: PythonFile, node: ast.Import | ast.ImportFrom, module: str, meant: str
) -> list[Edit]:
    """The places where the misspelt name is used, if it is the import that binds it."""
    if isinstance(node, ast.ImportFrom) or any(alias.asname for alias in node.names):
        return []
    old, new = module.partition(".")[0], meant
    return [(file.range(use), new) for use in _uses(file, old)] if "." not in module else []


def _uses(file: PythonFile, name: str) -> list[ast.Name]:
    names = (node for node in ast.walk(file.tree) if isinstance(node, ast.Name))
    return [node for node in names if node.id == name]
