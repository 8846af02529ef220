"""What an edit is, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from fixwright.workspace.draft_change import TextChange
    from fixwright.workspace.text import Text

Strategy: TypeAlias = Literal[
    "anchors",  # the lines were named
    "empty",  # the document was empty
    "exact",
    "line ends",  # but for white space at the ends of lines, or blank lines around
    "indentation",  # but for an indentation that differs in the same way on every line
    "trimmed",  # but for the indentation of a line that is not changed
    "spacing",  # but for white space inside a line that is not changed
    "characters",  # but for typographic quotes, dashes and spaces
]

Reason: TypeAlias = Literal[
    "invalid",  # the edit itself is malformed
    "nothing",  # it changes nothing
    "missing",  # what it replaces is not there
    "ambiguous",  # it is there more often than it should be
    "stale",  # it was changed since the model read it
    "elided",  # it leaves text out
    "doubtful",  # it is there, but what should become of it would be a guess
    "overlap",  # two edits of the call want the same lines
]


@dataclass(frozen=True, slots=True)
class TextEdit:
    r"""`old` becomes `new`.

    Line breaks may be any of ``\n``, ``\r\n`` and ``\r``: they are never what is compared or
    changed. Where `old` is whole lines, a line break at the end of either text makes no difference.

    Attributes:
        old: Text that stands exactly `count` times in the document; empty only for an empty one.
        new: What stands there instead.
        count: How often; more than once only where `old` matches exactly.
    """

    old: str
    new: str
    count: int = 1


@dataclass(frozen=True, slots=True)
class LineEdit:
    r"""The lines from one anchor to another, both included, become `new`.

    Attributes:
        start: Anchor of the first line, as `anchors.shown` gives it.
        end: Anchor of the last one.
        new: Whole lines; an empty string deletes, ``\n`` leaves one blank line.
    """

    start: str
    end: str
    new: str


Edit: TypeAlias = TextEdit | LineEdit


@dataclass(frozen=True, slots=True)
class LineHunk:
    """Lines ``[first, last)`` (zero-based) become `new` (without line endings)."""

    first: int
    last: int
    new: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Located:
    """Where an edit applies in one text.

    Attributes:
        strategy: How it was found.
        first: The first line that it names or shows, zero-based.
        last: The line behind the last one.
        hunks: What really changes there, ascending.
    """

    strategy: Strategy
    first: int
    last: int
    hunks: tuple[LineHunk, ...]


@dataclass(frozen=True, slots=True)
class Placed:
    """Where one edit of an applied call went; lines are zero-based and half-open.

    Attributes:
        strategy: How its place was found.
        before: Its lines in the text before.
        after: The same lines in the text after.
        carried: Whether the text has changed since the model read it, and the edit was carried
            over to the lines as they are now.
    """

    strategy: Strategy
    before: tuple[int, int]
    after: tuple[int, int]
    carried: bool = False


@dataclass(frozen=True, slots=True)
class Applied:
    """All edits of a call, made.

    Attributes:
        text: The document after them.
        changes: The same as replacements over the text before, ascending, for `Draft.edit_all`.
        placed: For each edit, where it went.
    """

    text: Text
    changes: tuple[TextChange, ...]
    placed: tuple[Placed, ...]


@dataclass(frozen=True, slots=True)
class Refusal:
    """No edit of a call was made.

    Attributes:
        edit: Which one is the cause, counted from 0.
        reason: The kind of cause.
        message: For the model: which edit, why, the lines as they are now where that helps, and
            what to do next.
    """

    edit: int
    reason: Reason
    message: str


class NotApplicable(Exception):
    """One edit can't be applied.

    Attributes:
        reason: The kind of cause.
        message: A sentence, and what to do next.
        near: Lines of the present text worth showing, zero-based and half-open.
    """

    def __init__(self, reason: Reason, message: str, near: tuple[int, int] | None = None) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message
        self.near = near
