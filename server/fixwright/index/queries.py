"""Running the sections of a language's query file.

A `QueryCursor` must never be given a progress callback: tree-sitter's Python binding crashes on it.
So nothing can interrupt a query, and trees for which one takes forever are left out beforehand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.languages import Language

Captures = dict[str, list["tree_sitter.Node"]]

# Children of one error. A query's time grows with the square of them: 20,000 take a second.
_WIDEST_ERROR = 5_000


def matches(language: Language, section: str, node: tree_sitter.Node) -> list[Captures]:
    """The captures of each match of a section in a node; none for a section that is not there."""
    if not language.has_query(section) or _is_rubble(node):
        return []
    import tree_sitter

    cursor = tree_sitter.QueryCursor(language.query(section))
    return [captures for _, captures in cursor.matches(node)]


def captures(language: Language, section: str, node: tree_sitter.Node) -> Captures:
    """All captures of a section in a node by their names; cheaper than `matches`."""
    if not language.has_query(section) or _is_rubble(node):
        return {}
    import tree_sitter

    return tree_sitter.QueryCursor(language.query(section)).captures(node)


def _is_rubble(node: tree_sitter.Node) -> bool:
    """Whether the grammar made nothing of a text but a long row of errors."""
    if not node.has_error:
        return False
    if node.is_error and node.child_count > _WIDEST_ERROR:
        return True
    return any(child.is_error and child.child_count > _WIDEST_ERROR for child in node.children)
