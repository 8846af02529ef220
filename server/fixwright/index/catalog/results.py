"""What the index answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fixwright.index.facts import Definition, Import, Place


@dataclass(frozen=True, slots=True)
class SymbolHit:
    """A definition that a search found.

    Attributes:
        kind: one of `facts.KINDS`.
        line, column: where its name starts.
        owner: what it belongs to, "A.B"; "" for the file.
        ordinal: its index in its file's definitions.
        is_ascii: whether the whole file is ASCII, so that columns count alike in every encoding.
    """

    name: str
    kind: str
    path: str
    line: int
    column: int
    owner: str
    ordinal: int
    is_ascii: bool


@dataclass(frozen=True, slots=True)
class DefinitionAt:
    """A definition and the file that it is in.

    Attributes:
        is_local: whether a function is around it, so that it can't be named from outside.
    """

    path: str
    definition: Definition
    is_ascii: bool
    is_local: bool


@dataclass(frozen=True, slots=True)
class Named:
    """The definitions of one name.

    Attributes:
        found: as many as were asked for, in a fixed order.
        total: how many there are.
    """

    found: tuple[DefinitionAt, ...]
    total: int

    @property
    def is_complete(self) -> bool:
        """Whether `found` are all of them."""
        return len(self.found) == self.total


@dataclass(frozen=True, slots=True)
class ReferenceAt:
    """A use of a name, the file it is in and the definition around it."""

    path: str
    range: Place
    role: str
    enclosing: Definition | None
    is_ascii: bool


@dataclass(frozen=True, slots=True)
class Explanation:
    """What the index does with a file, and why.

    Attributes:
        policy: one of `catalog.policy.Policy`, or "ignored", "missing", "folder", "new".
        reason: a sentence.
        source: "disk", "editor", or "nowhere" where the file is not known.
        symbols: how many definitions the index has of it.
    """

    path: str
    indexed: bool
    policy: str
    reason: str
    language: str | None
    source: str
    symbols: int


@dataclass(frozen=True, slots=True)
class ResolvedImport:
    """An import and the files of the workspace that it means, the likeliest first.

    Attributes:
        paths: absolute; empty for a library outside, or where nothing tells.
    """

    imported: Import
    paths: tuple[str, ...]
