"""What a draft does to one name, and to many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from fixwright.workspace.document import Document
from fixwright.workspace.hunks import Hunk, hunks_between
from fixwright.workspace.paths import canonical
from fixwright.workspace.position import Range

Changed = Mapping[str, "Change"]
"""Changes by canonical URI."""


class DraftError(ValueError):
    """A change that can't be proposed; the message is a sentence for whoever proposed it."""


@dataclass(frozen=True)
class TextChange:
    """A stretch of a text and what takes its place."""

    range: Range
    text: str


@dataclass(frozen=True, eq=False)
class Change:
    """What happens to one name.

    Attributes:
        uri: The name; the editor's own spelling where it is open there.
        before: The document that is changed; None: a file is created.
        after: What it is then; None: nothing is left under this name.
        moved_from: Another URI, which `before` had: it is renamed to this one.
        moved_to: Another URI, which what was here has then.
    """

    uri: str
    before: Document | None
    after: Document | None
    moved_from: str | None = None
    moved_to: str | None = None

    @property
    def kind(self) -> Literal["edit", "create", "rename", "delete", "moved"]:
        """``rename`` stands under the new name and may edit too, ``moved`` under the old one."""
        if self.after is None:
            return "moved" if self.moved_to else "delete"
        if self.moved_from:
            return "rename"
        return "create" if self.before is None else "edit"

    def hunks(self) -> tuple[Hunk, ...]:
        """Small replacements over the text before, by offsets."""
        if self.after is None:
            return ()
        before = self.before.text.value if self.before else ""
        return hunks_between(before, self.after.text.value)


def with_change(changed: Changed, change: Change) -> Changed:
    """With one change under its name; a change that changes nothing is none."""
    key = canonical(change.uri)
    before, after = change.before, change.after
    nothing = before is None and after is None
    if before and after and not change.moved_from:
        nothing = before.text.value == after.text.value
    if nothing or (change.moved_to and canonical(change.moved_to) == key):
        return without(changed, change.uri)
    return MappingProxyType({**changed, key: change})


def without(changed: Changed, uri: str) -> Changed:
    """Without what happens to one name."""
    key = canonical(uri)
    return MappingProxyType({name: kept for name, kept in changed.items() if name != key})
