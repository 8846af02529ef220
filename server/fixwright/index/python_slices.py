"""The slice of a Python selection."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING

from fixwright.index.dataflow import Names, needed
from fixwright.index.python_names import (
    header_binds,
    is_main_guard,
    leaves_function,
    names_of,
)
from fixwright.index.slice_plan import Plan, overlapping

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.source import Source

# Names that need no statement. The newest ones are named, because the code may run under a later
# Python.
GIVEN = frozenset(dir(builtins)) | {
    "__file__", "__builtins__", "__annotations__", "__class__",
    "ExceptionGroup", "BaseExceptionGroup", "PythonFinalizationError", "aiter", "anext",
}  # fmt: skip

_EXPRESSIONS = frozenset({
    "attribute", "binary_operator", "boolean_operator", "call", "comparison_operator",
    "conditional_expression", "concatenated_string", "dictionary", "dictionary_comprehension",
    "false", "float", "generator_expression", "identifier", "integer", "lambda", "list",
    "list_comprehension", "none", "not_operator", "parenthesized_expression", "set",
    "set_comprehension", "string", "subscript", "true", "tuple", "unary_operator",
})  # fmt: skip
# They may span lines wherever they stand, because they bring their own brackets.
_BRACKETED = frozenset({
    "dictionary", "dictionary_comprehension", "generator_expression", "list",
    "list_comprehension", "parenthesized_expression", "set", "set_comprehension", "string", "tuple",
})  # fmt: skip
# An identifier or string in one of these places is no expression of its own.
_NOT_EXPRESSIONS = frozenset({
    "aliased_import", "attribute", "class_definition", "concatenated_string", "default_parameter",
    "dotted_name", "function_definition", "global_statement", "keyword_argument",
    "lambda_parameters", "nonlocal_statement", "parameters", "pattern_list",
    "typed_default_parameter", "typed_parameter",
})  # fmt: skip
_NOT_STATEMENTS = frozenset({"comment", "line_continuation"})
_HEADED = frozenset({
    "function_definition", "for_statement", "with_statement", "except_clause", "case_clause",
})  # fmt: skip


def analyse(root: tree_sitter.Node, source: Source, first: int, last: int) -> Plan:
    """Plans the run of the bytes [first, last)."""
    expression = _expression(root, first, last)
    block = _block(root, first, last)
    selected = overlapping(block.named_children, first, last, _NOT_STATEMENTS)
    if not selected:
        return Plan()
    wanted = names_of(selected if expression is None else [expression], source)
    before, hidden = _before(root, selected[0], source)
    statements = [names_of([node], source) for node in before]
    reads = wanted.uses | (wanted.deferred - wanted.binds)
    if wanted.anything:
        statements.append(Names(anything=True))
    needs = needed(statements, reads, GIVEN, hidden)
    chosen = [before[index] for index in needs.statements if index < len(before)]
    return Plan(
        chunks=chosen,
        selected=selected if expression is None else [expression],
        missing=frozenset() if wanted.anything else needs.missing - wanted.binds,
    )


def _expression(root: tree_sitter.Node, first: int, last: int) -> tree_sitter.Node | None:
    """The expression that is exactly [first, last), where it can be run by itself."""
    node = root.named_descendant_for_byte_range(first, last)
    best: tree_sitter.Node | None = None
    while node is not None and (node.start_byte, node.end_byte) == (first, last):
        if node.type in _EXPRESSIONS:
            best = node
        node = node.parent
    if best is None or best.parent is None or best.parent.type == "expression_statement":
        return None
    if best.parent.type in _NOT_EXPRESSIONS and not _is_value(best, best.parent):
        return None
    one_line = best.start_point[0] == best.end_point[0]
    return best if one_line or best.type in _BRACKETED else None


def _is_value(node: tree_sitter.Node, parent: tree_sitter.Node) -> bool:
    for field in ("value", "object"):
        value = parent.child_by_field_name(field)
        if value is not None and value.id == node.id:
            return True
    return False


def _block(root: tree_sitter.Node, first: int, last: int) -> tree_sitter.Node:
    """The innermost list of statements that holds all of [first, last)."""
    node = root.descendant_for_byte_range(first, last)
    while node is not None and node.parent is not None:
        cases = node.parent.type == "match_statement"
        if node.type == "block" and not cases and _begins_before(node, first):
            return node
        node = node.parent
    return root


def _begins_before(block: tree_sitter.Node, first: int) -> bool:
    return block.start_byte <= first or block.parent is None


def _before(
    root: tree_sitter.Node, selected: tree_sitter.Node, source: Source
) -> tuple[list[tree_sitter.Node], dict[int, set[str]]]:
    """The statements that may run before the selection, and which names each block hides.

    A selection inside a function runs when the function is called: all of the module is there by
    then. Any other one sees what stands above it.
    """
    path = _path(selected)
    in_function = any(node.type == "function_definition" for node, _ in path)
    statements: list[tree_sitter.Node] = []
    hidden: dict[int, set[str]] = {}
    local = False
    for node, inside in path:
        local = local or node.type == "function_definition"
        if node.type in _HEADED:
            hidden[len(statements)] = hidden.get(len(statements), set()) | header_binds(
                node, source
            )
        if inside is None:
            continue
        at_module = node.id == root.id
        for statement in node.named_children:
            if statement.id == inside.id:
                if not (at_module and in_function):
                    break
                if _is_definition(statement):
                    statements.append(statement)
            elif _may_run(statement, source, in_body=local):
                statements.append(statement)
    return statements, hidden


def _may_run(statement: tree_sitter.Node, source: Source, *, in_body: bool) -> bool:
    """Whether a statement can be run ahead of a selection; `in_body`: of a function."""
    if statement.type in _NOT_STATEMENTS or is_main_guard(statement, source):
        return False
    return not (in_body and leaves_function(statement))


def _is_definition(node: tree_sitter.Node) -> bool:
    return node.type in {"function_definition", "class_definition", "decorated_definition"}


def _path(
    selected: tree_sitter.Node,
) -> list[tuple[tree_sitter.Node, tree_sitter.Node | None]]:
    """The nodes around a statement, outermost first.

    With each that is a list of statements comes the one of them that the statement is in.
    """
    path: list[tuple[tree_sitter.Node, tree_sitter.Node | None]] = []
    child, node = selected, selected.parent
    while node is not None:
        is_list = node.type == "block" or node.parent is None
        path.append((node, child if is_list else None))
        child, node = node, node.parent
    path.reverse()
    return path
