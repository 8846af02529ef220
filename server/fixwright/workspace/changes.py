"""What an editor says it did to a text, applied to ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fixwright.workspace.text import Encoding, Text


class InvalidChange(ValueError):
    """A change that has no meaning, after which the text of its document is not known."""


@dataclass(frozen=True)
class ContentChange:
    """One change of an editor, in the editor's units.

    Attributes:
        start: Line and character where the replaced stretch begins; None: the whole text is
            replaced.
        end: Line and character where it ends; None together with `start`.
        text: What stands there now.
    """

    start: tuple[int, int] | None
    end: tuple[int, int] | None
    text: str


def apply_changes(text: Text, changes: Sequence[ContentChange], encoding: Encoding) -> Text:
    """Apply changes one after the other; each one's places are those of the text before it.

    Raises:
        InvalidChange: A range is negative, ends before it starts, or lacks one of its ends.
    """
    for change in changes:
        if change.start is None and change.end is None:
            text = Text(change.text)
            continue
        if change.start is None or change.end is None:
            raise InvalidChange("a change gives only one end of its range")
        if min(*change.start, *change.end) < 0 or change.end < change.start:
            raise InvalidChange(f"a change has the range {change.start} to {change.end}")
        start = text.offset(text.from_client(*change.start, encoding))
        end = text.offset(text.from_client(*change.end, encoding))
        text = text.splice(start, end, change.text)
    return text
