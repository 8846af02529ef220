"""What of a text can be folded, and how a selection grows, read off its tree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import tree_sitter

    from fixwright.index.languages import Language
    from fixwright.index.source import Source
    from fixwright.workspace.position import Position, Range

_ENDS = frozenset({"}", ")", "]", "fi", "done", "esac", "end"})
_ROWS = frozenset({"block", "statement_block", "program", "declaration_list"})
_BODIES = ("consequence", "body")


@dataclass(frozen=True, slots=True)
class Fold:
    """Lines that can be folded, both included."""

    start: int
    end: int
    kind: Literal["region", "comment", "imports"] = "region"


def folds(root: tree_sitter.Node, source: Source, language: Language) -> tuple[Fold, ...]:
    """The folds of a tree, outer ones before inner ones, one at most for each first line."""
    found: dict[int, Fold] = {}
    imports = language.symbol_rules.imports
    runs: list[list[tree_sitter.Node]] = [[], []]
    for node in _nodes(root):
        is_comment = "comment" in node.type
        if is_comment or (node.type in imports and node.parent == root):
            _collect(runs[is_comment], node, source, found, "comment" if is_comment else "imports")
        if not is_comment and node.end_point[0] > node.start_point[0] and not _is_bare(node):
            start, end = source.start(node).line, _last_line(node, source)
            if end > start and start not in found:
                found[start] = Fold(start, end)
    for number, run in enumerate(runs):
        _close(run, source, found, "comment" if number else "imports")
    return tuple(sorted(found.values(), key=lambda fold: (fold.start, -fold.end)))


def _nodes(root: tree_sitter.Node) -> Iterator[tree_sitter.Node]:
    """All nodes that can fold, and comments; what stands on one line is not looked into."""
    waiting = list(reversed(root.named_children))
    while waiting:
        node = waiting.pop()
        yield node
        if node.end_point[0] > node.start_point[0]:
            waiting.extend(reversed(node.named_children))


def _collect(
    run: list[tree_sitter.Node],
    node: tree_sitter.Node,
    source: Source,
    found: dict[int, Fold],
    kind: Literal["comment", "imports"],
) -> None:
    if run and node.start_point[0] > _row_behind(run[-1]) + 1:
        _close(run, source, found, kind)
    run.append(node)


def _close(
    run: list[tree_sitter.Node],
    source: Source,
    found: dict[int, Fold],
    kind: Literal["comment", "imports"],
) -> None:
    if run:
        start, end = source.start(run[0]).line, source.end(run[-1])
        last = end.line if end.column else end.line - 1
        if last > start:
            found[start] = Fold(start, last, kind)
    run.clear()


def _row_behind(node: tree_sitter.Node) -> int:
    row, column = node.end_point
    return row if column else row - 1


def _is_bare(node: tree_sitter.Node) -> bool:
    """Whether a node is a row of statements without brackets: its head is what folds."""
    if node.type not in _ROWS or not node.child_count:
        return False
    first = node.children[0]
    return first.is_named and first.start_byte == node.start_byte


def _last_line(node: tree_sitter.Node, source: Source) -> int:
    """The last line that a fold hides: not the one with the closing bracket."""
    bodies = (node.child_by_field_name(name) for name in _BODIES)
    last = next((body for body in bodies if body is not None), node)
    end = source.end(last)
    if not end.column:
        return end.line - 1
    closing, holder = last, node
    while closing.child_count:
        closing, holder = closing.children[-1], closing
    # A bracket that was opened further down closes something else.
    opened_here = holder == last or holder.start_point[0] == node.start_point[0]
    if closing.type not in _ENDS or not opened_here:
        return end.line
    line = source.data.rfind(b"\n", 0, closing.start_byte) + 1
    before = source.data[line : closing.start_byte]
    return end.line if before.strip() else end.line - 1


def growing(
    root: tree_sitter.Node, source: Source, positions: Sequence[Position]
) -> tuple[tuple[Range, ...], ...]:
    """For each position the ranges around it, the smallest first, each larger than the last."""
    found: list[tuple[Range, ...]] = []
    for position in positions:
        byte = source.byte(position)
        node = root.descendant_for_byte_range(byte, byte)
        ranges: list[Range] = []
        while node is not None:
            place = source.range(node)
            if not ranges or (place != ranges[-1] and place.encloses(ranges[-1])):
                ranges.append(place)
            node = node.parent
        found.append(tuple(ranges))
    return tuple(found)
