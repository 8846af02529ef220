"""How a range moves when the text around it is edited."""

from __future__ import annotations

from dataclasses import dataclass

from fixwright.workspace.position import Range
from fixwright.workspace.text import Text


@dataclass(frozen=True)
class Edit:
    """The one span in which two texts differ, as offsets in code points: `start`, then the ends."""

    start: int
    old_end: int
    new_end: int


def edit_between(old: Text, new: Text) -> Edit:
    """The smallest span that covers every difference."""
    a, b = old.value, new.value
    start = _common(a, b, min(len(a), len(b)), from_end=False)
    end = _common(a, b, min(len(a), len(b)) - start, from_end=True)
    return Edit(start, len(a) - end, len(b) - end)


def _common(a: str, b: str, limit: int, *, from_end: bool) -> int:
    """The length of the common prefix or suffix, at most `limit`: slices compare fast."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        if from_end:
            same = a[len(a) - middle : len(a) - low] == b[len(b) - middle : len(b) - low]
        else:
            same = a[low:middle] == b[low:middle]
        low, high = (middle, high) if same else (low, middle - 1)
    return low


def shifted(place: Range, edit: Edit, old: Text, new: Text) -> Range | None:
    """The range in the new text; None when the edit changed what it covers."""
    start, end = old.offset(place.start), old.offset(place.end)
    if edit.start == edit.old_end == edit.new_end:
        return place
    grown = edit.new_end - edit.old_end
    if edit.old_end <= start:
        start, end = start + grown, end + grown
    elif edit.start < end:
        return None
    return Range(new.position(start), new.position(end))
