"""Failures, neutral as to language and test runner."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from fixwright.workspace.position import Range

_VOLATILE = re.compile(r"\b0x[0-9a-fA-F]+|\bline \d+|\b\d{6,}\b|/tmp/\S+")
_INSTALLED = ("site-packages", "dist-packages", "node_modules")
_SCHEME = re.compile(r"(?:node|webpack|data|jrt|file|https?):")
_LONGEST_TITLE = 300


@dataclass(frozen=True, slots=True)
class Frame:
    """One level of the stack when the failure happened.

    Attributes:
        path: the file: relative in the tree; outside of it absolute, or `<string>` and the like.
        range: what was being executed; None where only the file is known.
        name: the function's name.
    """

    path: str
    range: Range | None
    name: str

    @property
    def inside(self) -> bool:
        """Whether the file is one of the tree's own: neither outside nor an installed package."""
        return is_inside(self.path)


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that went wrong.

    Attributes:
        kind: the exception's class, `SyntaxError`, a shell's kind, a limit's or a signal's name.
        message: what was said about it, without the kind.
        path: the file of the tree where it happened; None where there is no such place.
        range: where in that file; None for the file as a whole.
        frames: how it came there, outermost first.
        test_id: the test that failed with it.
        notes: what was said besides.
        suggestion: the name that the interpreter believes was meant.
        facts: what the interpreter knew; see `facts` of the runtime's guest.
        related: its cause, what was being handled, the members of a group.
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
        """One line: the kind and the first line of the message."""
        first = self.message.strip().partition("\n")[0]
        title = f"{self.kind}: {first}" if first else self.kind
        return title if len(title) <= _LONGEST_TITLE else title[: _LONGEST_TITLE - 1] + "…"

    @property
    def function(self) -> str:
        """The name of the innermost function of the tree that it passed through."""
        for frame in reversed(self.frames):
            if frame.inside:
                return frame.name
        return ""

    @property
    def signature(self) -> str:
        """The same for the same failure in another run, though lines and addresses have changed."""
        message = _VOLATILE.sub("…", self.message)
        parts = (self.kind, message, self.path or "", self.function, self.test_id or "")
        return "\0".join(parts)


@dataclass(frozen=True, slots=True)
class TestCounts:
    """How many tests ended how; an error in a test's set-up counts as failed."""

    __test__ = False  # pytest: not a test class

    passed: int
    failed: int
    skipped: int


def is_inside(path: str) -> bool:
    """Tell whether a frame's path names a file of the tree that is not an installed package.

    Outside of the tree are absolute paths (a system's, a toolchain's, a registry's), and names
    that are no path: `<string>`, `node:internal/timers`, `https://…`.
    """
    if path.startswith(("/", "<")) or _SCHEME.match(path):
        return False
    parts = path.split("/")
    if path.endswith(".go") and "vendor" in parts:
        return False
    return not any(part in _INSTALLED for part in parts)
