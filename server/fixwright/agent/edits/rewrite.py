"""From changed lines to the changes of a document."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from fixwright.agent.edits.model import LineHunk
from fixwright.agent.edits.page import Page
from fixwright.workspace.draft_change import TextChange
from fixwright.workspace.hunks import Hunk, apply_hunks
from fixwright.workspace.newlines import in_style_of
from fixwright.workspace.text import Text


def changes_of(page: Page, hunks: Sequence[LineHunk]) -> tuple[tuple[TextChange, ...], Text]:
    """The changes that `Draft.edit_all` takes, and the text that they make.

    A changed line keeps its own line ending, a new one gets the document's dominant one, and
    whether the last line has one stays as it was.

    Args:
        page: The text before.
        hunks: Ascending, none overlapping another.
    """
    text = page.text
    changes = tuple(change for hunk in hunks for change in _changes(page, hunk))
    pieces = [
        Hunk(
            text.offset(change.range.start),
            text.offset(change.range.end),
            in_style_of(text, change.text),
        )
        for change in changes
    ]
    return changes, Text(apply_hunks(text.value, pieces))


def _changes(page: Page, hunk: LineHunk) -> Iterable[TextChange]:
    """Line by line as far as both sides go; what is left over comes or goes whole."""
    text, shared = page.text, min(hunk.last - hunk.first, len(hunk.new))
    for number in range(shared):
        line = hunk.first + number
        change = _within(page, line, hunk.new[number])
        if change is not None:
            yield change
    at, more = hunk.first + shared, hunk.new[shared:]
    starts = text.line_starts()
    end_of_text = len(text.value)
    if more:
        if at < len(page.lines):
            yield TextChange(text.range(starts[at], starts[at]), "".join(f"{x}\n" for x in more))
        elif page.closed and page.lines:
            yield TextChange(text.range(end_of_text, end_of_text), "".join(f"{x}\n" for x in more))
        else:
            head = "\n" if page.lines else ""
            yield TextChange(text.range(end_of_text, end_of_text), head + "\n".join(more))
    elif at < hunk.last:
        if hunk.last < len(page.lines) or page.closed or not at:
            end = starts[hunk.last] if hunk.last < len(starts) else end_of_text
            yield TextChange(text.range(starts[at], end), "")
        else:  # the text goes on ending without a line ending
            before = starts[at - 1] + len(page.lines[at - 1])
            yield TextChange(text.range(before, end_of_text), "")


def _within(page: Page, line: int, new: str) -> TextChange | None:
    """What changes inside one line, without what both sides have in common."""
    old = page.lines[line]
    if old == new:
        return None
    most = min(len(old), len(new))
    head = next((n for n in range(most) if old[n] != new[n]), most)
    tail = next((n for n in range(most - head) if old[-1 - n] != new[-1 - n]), most - head)
    start = page.text.line_starts()[line]
    place = page.text.range(start + head, start + len(old) - tail)
    return TextChange(place, new[head : len(new) - tail])
