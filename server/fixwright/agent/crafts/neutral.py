"""The value that says nothing, for each language's `return`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.source import Source

_ALWAYS = {
    "python": "None",
    "javascript": "undefined",
    "typescript": "undefined",
    "tsx": "undefined",
    "c": "0",
    "cpp": "{}",
    "rust": "Default::default()",
    "bash": "0",
}
_JAVA = {"integral_type": "0", "floating_point_type": "0", "boolean_type": "false"}
_FUNCTIONS = ("function_declaration", "method_declaration", "func_literal", "lambda_expression")


def neutral_value(node: tree_sitter.Node, source: Source, language: str) -> str | None:
    """What a `return` could give instead; None where that is not known.

    In languages with types it is of the function's type, as far as the tree shows that; what it
    does not fit does not compile.
    """
    if language == "go":
        return _go(node, source)
    if language == "java":
        return _java(node)
    return _ALWAYS.get(language)


def _function(node: tree_sitter.Node) -> tree_sitter.Node | None:
    parent = node.parent
    while parent is not None and parent.type not in _FUNCTIONS:
        parent = parent.parent
    return parent


def _go(node: tree_sitter.Node, source: Source) -> str | None:
    """The zero value of a single result, of whatever type."""
    function = _function(node)
    result = None if function is None else function.child_by_field_name("result")
    if result is None or result.type == "parameter_list":
        return None
    return f"*new({source.of(result)})"


def _java(node: tree_sitter.Node) -> str | None:
    function = _function(node)
    if function is None or function.type != "method_declaration":
        return None
    kind = function.child_by_field_name("type")
    return None if kind is None else _JAVA.get(kind.type, "null")
