"""Run selection: the statements of a file that a selection needs, and nothing else of it.

Included are definitions: imports, functions, classes, assignments and the compound statements that
hold them, as far as the selection reads what they bind, directly or through the functions that it
calls. Statements that only have an effect (`main()`, a `print`, `if __name__ == "__main__":`) are
left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.index import bash_slices, name_slices, python_slices
from fixwright.index.source import Source
from fixwright.workspace.position import Position, Range

if TYPE_CHECKING:
    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.workspace.text import Text


@dataclass(frozen=True)
class Slice:
    """What to run for a selection.

    Attributes:
        chunks: whole statements, in the order in which they must run: file order, and the module's
            before those of a function that the selection is inside of.
        selection: the selection, snapped to whole statements or to one expression. Its first line
            may be
            indented: the code before `selection.start` on that line is only white space or
            `;`-separated statements. Empty where nothing was selected.
        missing: names that the selection reads and no chunk binds, such as a function's parameters.
    """

    chunks: tuple[Range, ...]
    selection: Range
    missing: frozenset[str]


def slice_for(
    text: Text, language: Language, selection: Range, tree: tree_sitter.Tree | None = None
) -> Slice:
    """The slice of a selection.

    An empty selection, a cursor, stands for the statement on its line.

    Args:
        text: the whole file.
        language: its language. One without slicing rules gives the selection alone.
        selection: what the user selected.
        tree: the text's tree where the caller has it; parsed now otherwise, which is not for the
            event loop.
    """
    source = Source(text)
    start, end = _trimmed(text, selection)
    nothing = Slice((), Range(selection.start, selection.start), frozenset())
    if start >= end:
        return nothing
    if language.name not in _ANALYSES and language.slice_rules is None:
        return Slice((), text.range(start, end), frozenset())
    root = (tree or source.parse(language)).root_node
    first, last = source.byte(text.position(start)), source.byte(text.position(end))
    analyse = _ANALYSES.get(language.name)
    if analyse is not None:
        plan = analyse(root, source, first, last)
    else:
        plan = name_slices.analyse(root, source, first, last, language)
    if not plan.selected:
        return nothing
    return Slice(
        chunks=tuple(_whole(node, source, language) for node in plan.chunks),
        selection=Range(
            _whole(plan.selected[0], source, language).start,
            _whole(plan.selected[-1], source, language).end,
        ),
        missing=plan.missing,
    )


# The others' slices are made by names alone.
_ANALYSES = {"python": python_slices.analyse, "bash": bash_slices.analyse}


def _whole(node: tree_sitter.Node, source: Source, language: Language) -> Range:
    """A statement's range with the attributes before it and the semicolon behind it."""
    if language.slice_rules is None:
        return source.range(node)
    first, last = node, node
    previous = node.prev_named_sibling
    while previous is not None and previous.type in language.slice_rules.attached:
        first, previous = previous, previous.prev_named_sibling
    if node.next_sibling is not None and node.next_sibling.type == ";":
        last = node.next_sibling
    start = source.start(first)
    chosen = source.text.slice(Range(start, source.end(last)))
    # A directive's node ends behind its line.
    return source.text.range(
        source.text.offset(start), source.text.offset(start) + len(chosen.rstrip())
    )


def _trimmed(text: Text, selection: Range) -> tuple[int, int]:
    """The selection's offsets without the white space at its ends; a cursor's line."""
    if selection.is_empty:
        line = min(selection.start.line, text.line_count - 1)
        selection = Range(Position(line, 0), Position(line, len(text.line(line))))
    start, end = text.offset(selection.start), text.offset(selection.end)
    chosen = text.value[start:end]
    return start + len(chosen) - len(chosen.lstrip()), start + len(chosen.rstrip())
