"""A failure, independent of the language it happened in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fixwright.workspace.position import Range

_VOLATILE = re.compile(r"0x[0-9a-fA-F]+|\b\d{6,}\b|/tmp/\S+")


@dataclass(frozen=True)
class Frame:
    """One call on the way to a failure. `path` is relative to the tree inside it, else absolute."""

    path: str
    range: Range | None
    name: str


@dataclass(frozen=True)
class Failure:
    """What went wrong.

    Attributes:
        kind: `ZeroDivisionError`, `SyntaxError`, `FAILED`, `timeout` and so on.
        message: The text of it, without the kind.
        path: The file in the tree where it shows, or None when it has no place there.
        range: The place in that file.
        frames: The calls that led there, outermost first.
        test_id: The test runner's name of the test that failed.
        notes: What was added to it on its way (`__notes__`).
        suggestion: What the interpreter itself suggests, as one name.
        facts: What else the interpreter knew, bounded; untrusted like all that a run says.
        related: Cause, context, members of a group.
    """

    kind: str
    message: str
    path: str | None = None
    range: Range | None = None
    frames: tuple[Frame, ...] = ()
    test_id: str | None = None
    notes: tuple[str, ...] = ()
    suggestion: str | None = None
    facts: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    related: tuple[Failure, ...] = ()

    @property
    def title(self) -> str:
        """Kind and message in one line or more, as a diagnostic shows them."""
        return f"{self.kind}: {self.message}" if self.message else self.kind

    @property
    def signature(self) -> str:
        """The same for the same failure in a later run, even when its line has moved."""
        name = self.frames[-1].name if self.frames else ""
        message = _VOLATILE.sub("…", self.message)
        return "\0".join((self.kind, message, self.path or "", name, self.test_id or ""))


@dataclass(frozen=True)
class TestCounts:
    """How many tests of a run did what."""

    __test__ = False  # pytest collects by name

    passed: int
    failed: int
    skipped: int
