"""What a Bash statement binds and uses.

Functions and variables are names of two kinds: `f()` is the function, `$f` the variable.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixwright.index.dataflow import Names

if TYPE_CHECKING:
    from collections.abc import Iterable

    import tree_sitter

    from fixwright.index.source import Source

_SOURCING = frozenset({"source", "."})
# They set how everything after them is run.
_SETTINGS = frozenset({"set", "shopt"})
_READERS = frozenset({"read", "mapfile", "readarray", "getopts"})
_LOCAL = frozenset({"local", "declare", "typeset"})
_WHOLE = frozenset({
    "if_statement", "for_statement", "c_style_for_statement", "while_statement", "case_statement",
    "subshell", "list", "pipeline",
})  # fmt: skip


def names_of(statements: Iterable[tree_sitter.Node], source: Source) -> Names:
    """What the statements together bind and use, run in order."""
    names = Names()
    for statement in statements:
        _read(statement, source, names)
    return names


def is_definition(node: tree_sitter.Node, source: Source) -> bool:
    """Whether a statement only defines: running it again changes nothing but names and settings."""
    if node.type in {"function_definition", "variable_assignment", "variable_assignments"}:
        return True
    if node.type == "declaration_command":
        return True
    if node.type != "command":
        return False
    name = _command_name(node, source)
    return name in _SOURCING or name in _SETTINGS


def _command_name(node: tree_sitter.Node, source: Source) -> str | None:
    name = node.child_by_field_name("name")
    return None if name is None else source.of(name)


def _read(statement: tree_sitter.Node, source: Source, names: Names) -> None:
    certain = statement.type not in _WHOLE
    pending = [statement]
    while pending:
        node = pending.pop()
        if node.type == "function_definition":
            _function(node, source, names)
            continue
        if node.type == "variable_assignment":
            _assign(node, source, names, certain=certain)
            pending.extend(node.named_children[1:])
            continue
        if node.type == "variable_name":
            _use(names, f"${source.of(node)}")
        elif node.type == "for_statement":
            variable = node.child_by_field_name("variable")
            if variable is not None:
                names.binds.add(f"${source.of(variable)}")
                names.certain.add(f"${source.of(variable)}")
            pending.extend(reversed(node.named_children[1:]))
            continue
        elif node.type == "command":
            _command(node, source, names)
        pending.extend(reversed(node.named_children))


def _use(names: Names, name: str) -> None:
    if name not in names.certain:
        names.uses.add(name)


def _assign(node: tree_sitter.Node, source: Source, names: Names, *, certain: bool) -> None:
    target = node.child_by_field_name("name")
    if target is None:
        return
    whole = target.type == "variable_name"
    name = target if whole else target.child_by_field_name("name")
    if name is None:
        return
    variable = f"${source.of(name)}"
    appends = any(child.type == "+=" for child in node.children)
    if appends:
        _use(names, variable)
    names.binds.add(variable)
    if certain and whole and not appends:
        names.certain.add(variable)


def _command(node: tree_sitter.Node, source: Source, names: Names) -> None:
    name = _command_name(node, source)
    if name is None:
        return
    _use(names, f"{name}()")
    if name in _SOURCING:
        names.anything = True
    elif name in _SETTINGS:
        names.always = True
    elif name in _READERS:
        for argument in node.children_by_field_name("argument"):
            word = source.of(argument)
            if word.isidentifier():
                names.binds.add(f"${word}")


def _function(node: tree_sitter.Node, source: Source, names: Names) -> None:
    name = node.child_by_field_name("name")
    body = node.child_by_field_name("body")
    if name is None or body is None:
        return
    inner = Names()
    _read(body, source, inner)
    names.deferred |= (inner.uses | inner.deferred) - _locals(body, source)
    function = f"{source.of(name)}()"
    names.binds.add(function)
    names.certain.add(function)


def _locals(body: tree_sitter.Node, source: Source) -> set[str]:
    """The variables that a function's body declares local."""
    found: set[str] = set()
    pending = [body]
    while pending:
        node = pending.pop()
        if node.type == "declaration_command" and source.of(node.children[0]) in _LOCAL:
            for child in node.named_children:
                name = child.child_by_field_name("name") or child
                if name.type == "variable_name":
                    found.add(f"${source.of(name)}")
        pending.extend(node.named_children)
    return found
