"""The slice of a Bash selection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixwright.index.bash_names import is_definition, names_of
from fixwright.index.dataflow import needed
from fixwright.index.slice_plan import Plan, overlapping

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.source import Source

_LISTS = frozenset({"program", "compound_statement", "do_group", "subshell", "else_clause"})
_NOT_STATEMENTS = frozenset({"comment"})


def analyse(root: tree_sitter.Node, source: Source, first: int, last: int) -> Plan:
    """Plans the run of the bytes [first, last)."""
    block = _list(root, first, last)
    selected = overlapping(block.named_children, first, last, _NOT_STATEMENTS)
    if not selected:
        return Plan()
    wanted = names_of(selected, source)
    before = _before(selected[0], source)
    statements = [names_of([node], source) for node in before]
    reads = wanted.uses | (wanted.deferred - wanted.binds)
    needs = needed(statements, reads)
    return Plan(
        chunks=[before[index] for index in needs.statements],
        selected=selected,
        # Any command or variable may come from the environment, so only that of the file is known.
        missing=frozenset(),
    )


def _list(root: tree_sitter.Node, first: int, last: int) -> tree_sitter.Node:
    """The innermost list of commands that holds all of [first, last)."""
    node = root.descendant_for_byte_range(first, last)
    while node is not None and node.parent is not None:
        inside = node.start_byte < first or node.type == "program"
        if node.type in _LISTS and inside and node.end_byte > last:
            return node
        node = node.parent
    return root


def _before(selected: tree_sitter.Node, source: Source) -> list[tree_sitter.Node]:
    """The definitions around the selection: above it, and the file's where it is in a function."""
    path: list[tuple[tree_sitter.Node, tree_sitter.Node]] = []
    child, node = selected, selected.parent
    in_function = False
    while node is not None:
        in_function = in_function or node.type == "function_definition"
        if node.type in _LISTS or node.parent is None:
            path.append((node, child))
        child, node = node, node.parent
    path.reverse()
    statements: list[tree_sitter.Node] = []
    for block, inside in path:
        whole = in_function and block.parent is None
        for statement in block.named_children:
            if statement.id == inside.id:
                if not whole:
                    break
                if statement.type != "function_definition":
                    continue
            if is_definition(statement, source):
                statements.append(statement)
    return statements
