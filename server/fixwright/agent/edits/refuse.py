"""What a model is told when no edit of its call was made."""

from __future__ import annotations

from fixwright.agent.edits.anchors import shown, version_of
from fixwright.agent.edits.model import NotApplicable, Refusal
from fixwright.agent.edits.page import Page

_MOST_SHOWN = 24
_AROUND = 2


def refusal(now: Page, number: int, total: int, refused: NotApplicable) -> Refusal:
    """Which edit, why, what to do, and the lines as they are now, with anchors that work.

    Args:
        now: The present text.
        number: Which edit, counted from 0.
        total: How many the call has.
        refused: Why.
    """
    which = f"Edit {number + 1} of {total} can't be applied" if total > 1 else "Not applied"
    none = ", so none of the call was." if total > 1 else "."
    parts = [f"{which}{none} {refused.message}"]
    if refused.near is not None and now.lines:
        first = min(max(refused.near[0] - _AROUND, 0), len(now.lines) - 1)
        last = min(refused.near[1] + _AROUND, len(now.lines), first + _MOST_SHOWN)
        parts += (
            f"Lines {first + 1} to {last} as they are now (version {version_of(now.text)}):",
            shown(now.text, first, last),
        )
    return Refusal(number, refused.reason, "\n".join(parts))
