"""Where a text does not fit its language's grammar."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fixwright.index.source import Source

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.workspace.position import Range
    from fixwright.workspace.text import Text

_MOST = 20


def syntax_errors(text: Text, language: Language) -> tuple[Range, ...]:
    """The first places that the grammar could not read, in their order; none for a sound text.

    A grammar is no compiler: it takes some texts that the language refuses, and recovers from the
    others by guessing, so a place is near the mistake rather than on it. Parses: call it off the
    loop.
    """
    source = Source(text)
    root = source.parse(language).root_node
    if not root.has_error:
        return ()
    found: list[Range] = []
    waiting = [root]
    while waiting and len(found) < _MOST:
        node = waiting.pop()
        if node.is_error or node.is_missing:
            found.append(source.range(node))
        else:
            waiting += reversed(_broken(node))
    return tuple(found)


def _broken(node: tree_sitter.Node) -> list[tree_sitter.Node]:
    return [child for child in node.children if child.has_error or child.is_missing]
