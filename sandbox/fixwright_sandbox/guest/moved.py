"""Where code that a session executed earlier stands now, though its file was edited since."""

from __future__ import annotations

from collections.abc import Sequence


def shift_of(executed: Sequence[str], line: int, now: Sequence[str]) -> int | None:
    """Return how many lines further down executed lines stand now; None where they do not.

    Args:
        executed: the lines as they were, not empty.
        line: the zero-based line of the first of them, as it was.
        now: the file's lines as they are; of several places the nearest counts.
    """
    size = len(executed)
    places = [
        at
        for at in range(len(now) - size + 1)
        if now[at] == executed[0] and list(now[at : at + size]) == list(executed)
    ]
    return min((at - line for at in places), key=abs) if places else None
