"""Where one edit applies in one text."""

from __future__ import annotations

from collections.abc import Sequence

from fixwright.agent.edits.anchors import Anchor, holds, parse_anchor
from fixwright.agent.edits.elision import elided_line, has_elision
from fixwright.agent.edits.exact import exact, hunks_of
from fixwright.agent.edits.model import LineEdit, LineHunk, Located, NotApplicable, TextEdit
from fixwright.agent.edits.nearest import nearest
from fixwright.agent.edits.page import Page
from fixwright.agent.edits.similar import similar

_ECHO = 8
"""Letters and digits from which on a line that is repeated at a border is one that was meant once.
"""


def located_exactly(page: Page, edit: TextEdit, *, strict: bool) -> Located | None:
    """Where `old` stands letter by letter; see `exact.exact`."""
    if not edit.old:
        return _from_nothing(page, edit)
    found = exact(page, edit.old, edit.new, edit.count, strict=strict)
    return found and _checked(page, found)


def located_nearly(page: Page, edit: TextEdit, *, strict: bool) -> Located | None:
    """Where lines like those of `old` stand; see `similar.similar`."""
    if edit.count > 1:
        return None
    found = similar(page, edit.old, edit.new, strict=strict)
    return found and _checked(page, found)


def missing(page: Page, edit: TextEdit) -> NotApplicable:
    """Why an edit is nowhere in the text, and what is most like it there."""
    old = edit.old.split("\n")
    near = nearest(page, old)
    if has_elision(old):
        return NotApplicable(
            "elided",
            "old leaves lines out, and the file has no such text. Give every line, or name the"
            " first and the last by their anchors.",
            near,
        )
    if not page.lines:
        return NotApplicable(
            "missing", "The file is empty. Give an empty old to write its first text."
        )
    said = "These lines are most like it" if near else "No line is like it"
    return NotApplicable(
        "missing",
        f"old does not stand in the file. {said}. Copy it exactly as it is now, or name the lines"
        " by their anchors.",
        near,
    )


def located_lines(page: Page, edit: LineEdit, first: Anchor, last: Anchor) -> Located:
    """Where two anchors that hold for a text say.

    Raises:
        NotApplicable: They are in the wrong order, come with other text than their lines have, or
            `new` repeats a line beside them, or leaves lines out.
    """
    start, end = first.number - 1, last.number
    near = (min(start, end - 1), max(start + 1, end))
    if end <= start:
        raise NotApplicable("invalid", "The last line stands above the first.", near)
    for named in (first, last):
        if named.text is not None and named.text.strip() != page.lines[named.number - 1].strip():
            raise NotApplicable(
                "invalid",
                f"The anchor {named} is not that of the text which was given with it.",
                near,
            )
    old = page.lines[start:end]
    new = edit.new.removesuffix("\n").split("\n") if edit.new else []
    _check_echo(page, start, end, new)
    return _checked(page, Located("anchors", start, end, hunks_of(start, old, new)))


def anchors_of(edit: LineEdit, pages: Sequence[Page]) -> tuple[Page, Anchor, Anchor] | None:
    """The first of the texts in which both anchors of an edit hold.

    Raises:
        NotApplicable: One of them is no anchor.
    """
    first, last = parse_anchor(edit.start), parse_anchor(edit.end)
    for page in pages:
        if holds(page, first) and holds(page, last):
            return page, first, last
    return None


def _from_nothing(page: Page, edit: TextEdit) -> Located:
    if page.text.value:
        raise NotApplicable(
            "invalid",
            f"old is empty, but the file has {len(page.lines)} lines. Give the text that is"
            " replaced, or name lines by their anchors.",
        )
    return Located("empty", 0, 0, (LineHunk(0, 0, tuple(edit.new.split("\n"))),))


def _checked(page: Page, found: Located) -> Located:
    """The same, if its new lines leave nothing out.

    Raises:
        NotApplicable: One of them stands for lines that would be deleted.
    """
    old, new, at = page.lines[found.first : found.last], list[str](), found.first
    for hunk in found.hunks:
        new += (*page.lines[at : hunk.first], *hunk.new)
        at = hunk.last
    new += page.lines[at : found.last]
    said = elided_line(old, new, any(hunk.last > hunk.first for hunk in found.hunks))
    if said is not None:
        raise NotApplicable(
            "elided",
            f"new leaves lines out ({said[:60]!r}), which would be deleted. Write every line, or"
            " make a smaller edit that does not touch them.",
            (found.first, found.last),
        )
    return found


def _check_echo(page: Page, start: int, end: int, new: Sequence[str]) -> None:
    """A range that is one line too short shows in `new` as the line beside it."""
    sides = ((end, -1, "below"), (start - 1, 0, "above"))
    for beside, edge, word in sides:
        if not new or not 0 <= beside < len(page.lines):
            continue
        line = page.lines[beside]
        letters = sum(char.isalnum() for char in line)
        if new[edge] == line and line not in page.lines[start:end] and letters >= _ECHO:
            raise NotApplicable(
                "doubtful",
                f"new repeats line {beside + 1}, which stands {word} the lines that are replaced,"
                " so it would stand there twice. Take it into the range, or leave it out of new.",
                (start, end),
            )
