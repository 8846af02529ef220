r"""The difference of two texts as small replacements, by code points.

No replacement begins or ends inside a ``\r\n`` of the text before, where no editor has a position.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fixwright.workspace.linediff import changed_blocks
from fixwright.workspace.lines import split_lines


@dataclass(frozen=True, slots=True, order=True)
class Hunk:
    """``[start, end)`` of the text before becomes `text`."""

    start: int
    end: int
    text: str

    def meets(self, other: Hunk) -> bool:
        """Whether the two overlap or touch, so that their order would be a guess."""
        return self.start <= other.end and other.start <= self.end


def hunks_between(before: str, after: str) -> tuple[Hunk, ...]:
    """The replacements that make `after` of `before`, ascending, with text between each two."""
    if before == after:
        return ()
    # Whole lines in common at both ends are left out before anything is split.
    head = before.rfind("\n", 0, _common_prefix(before, after)) + 1
    most = min(len(before), len(after)) - head
    tail = before.find("\n", len(before) - _common_suffix(before, after, most)) + 1
    tail = len(before) - tail if tail else 0
    old = split_lines(before[head : len(before) - tail])
    new = split_lines(after[head : len(after) - tail])
    hunks = list[Hunk]()
    at_old = at_new = head
    at_line = at_new_line = 0
    for first, last, new_first, new_last in changed_blocks(old, new):
        at_old += _length(old[at_line:first])
        at_new += _length(new[at_new_line:new_first])
        end_old = at_old + _length(old[first:last])
        end_new = at_new + _length(new[new_first:new_last])
        hunks.append(_trimmed(before, at_old, end_old, after[at_new:end_new]))
        at_old, at_new, at_line, at_new_line = end_old, end_new, last, new_last
    return tuple(hunks)


def apply_hunks(before: str, hunks: Iterable[Hunk]) -> str:
    """The text with all replacements made; they are ascending and don't overlap."""
    parts, at = list[str](), 0
    for hunk in hunks:
        parts += (before[at : hunk.start], hunk.text)
        at = hunk.end
    parts.append(before[at:])
    return "".join(parts)


def _length(lines: Sequence[str]) -> int:
    return sum(map(len, lines))


def _trimmed(before: str, start: int, end: int, text: str) -> Hunk:
    """Leave out what the old and the new stretch have in common at both ends."""
    old = before[start:end]
    head = _common_prefix(old, text)
    if _inside_line_end(before, start + head):
        head -= 1
    tail = _common_suffix(old, text, min(len(old), len(text)) - head)
    if tail and _inside_line_end(before, end - tail):
        tail -= 1
    return Hunk(start + head, end - tail, text[head : len(text) - tail])


def _common_prefix(a: str, b: str) -> int:
    """How many code points both begin with; bisected, so that long lines are compared natively."""
    same, differs = 0, min(len(a), len(b)) + 1
    while differs - same > 1:
        middle = (same + differs) // 2
        if a[same:middle] == b[same:middle]:
            same = middle
        else:
            differs = middle
    return same


def _common_suffix(a: str, b: str, most: int) -> int:
    """How many code points both end with, up to `most`."""
    same, differs = 0, most + 1
    while differs - same > 1:
        middle = (same + differs) // 2
        if a[len(a) - middle : len(a) - same] == b[len(b) - middle : len(b) - same]:
            same = middle
        else:
            differs = middle
    return same


def _inside_line_end(text: str, offset: int) -> bool:
    return text[offset - 1 : offset] == "\r" and text[offset : offset + 1] == "\n"
