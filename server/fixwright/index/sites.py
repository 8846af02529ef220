"""The name at a place of a file: what stands there, before anybody asks what it means."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.index.facts import range_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.index.facts import FileFacts, Place, Reference
    from fixwright.workspace.position import Position
    from fixwright.workspace.text import Text

_QUALIFIER = re.compile(r"([\w$]+)\s*(?:\?\.|\.|::|->)\s*$")
_MEMBER = re.compile(r"(?:\?\.|\.|::|->)\s*$")
_BOUND_AFTER = re.compile(r"\s*(?::=|=(?![=>])|:\s*[^=]{1,80}=(?![=>]))")
_BOUND_BEFORE = re.compile(r"\b(?:let|const|var|mut|for|local|as|auto|catch\s*\()\s*$")
_TYPE_BEFORE = re.compile(r"\b([A-Za-z_][\w<>\[\],]*)[\s*&]+$")
_NO_TYPES = frozenset({"return", "case", "in", "new", "throw", "else", "goto", "delete", "import"})
_TYPED = frozenset({"c", "cpp", "java"})
_FUNCTIONS = frozenset({"function", "method", "constructor"})
_LONGEST_HEAD = 4000


@dataclass(frozen=True, slots=True)
class Site:
    """A name in a file.

    Attributes:
        definition: the index of the definition that it names there; None for a use.
        role: as a `Reference`'s; "definition" for a definition.
        enclosing: the index of the innermost definition around it.
        qualifiers: the names before it, outermost first: `a.b` of `a.b.c`.
        is_member: whether something stands before it that it belongs to, with a name or without.
        local: the index of the function in which it is a parameter or a variable.
    """

    name: str
    place: Place
    role: str
    definition: int | None = None
    enclosing: int | None = None
    qualifiers: tuple[str, ...] = ()
    is_member: bool = False
    local: int | None = None


def site_at(facts: FileFacts, text: Text, position: Position) -> Site | None:
    """The name at a position, or one that ends there; None in comments, strings and space."""
    best: Reference | None = None
    for number, definition in enumerate(facts.definitions):
        if _touches(definition.name_range, position) and definition.kind != "implementation":
            return Site(
                definition.name, definition.name_range, "definition", number, definition.container
            )
    for reference in facts.references:
        if _touches(reference.range, position):
            best = reference
            if range_of(reference.range).contains(position):
                break
    return None if best is None else site_of(facts, text, best)


def site_of(facts: FileFacts, text: Text, reference: Reference) -> Site:
    """What stands around a use."""
    before = _before(text, reference.range)
    qualifiers = tuple(_qualifiers(before))
    is_member = bool(_MEMBER.search(before))
    local = None if is_member or reference.role in {"import", "type"} else _local(
        facts, text, reference
    )  # fmt: skip
    return Site(
        reference.name, reference.range, reference.role, None, reference.enclosing,
        qualifiers, is_member, local,
    )  # fmt: skip


def local_uses(facts: FileFacts, text: Text, name: str, function: int) -> list[Reference]:
    """Where a parameter or variable of a function stands, in order."""
    inside = range_of(facts.definitions[function].range)
    return [
        each
        for each in facts.references
        if each.name == name
        and inside.encloses(range_of(each.range))
        and each.role != "import"
        and not _MEMBER.search(_before(text, each.range))
    ]


def functions_around(facts: FileFacts, enclosing: int | None) -> Iterator[int]:
    """The functions around a place, the innermost first."""
    while enclosing is not None:
        definition = facts.definitions[enclosing]
        if definition.kind in _FUNCTIONS:
            yield enclosing
        enclosing = definition.container


def _local(facts: FileFacts, text: Text, reference: Reference) -> int | None:
    for function in functions_around(facts, reference.enclosing):
        uses = local_uses(facts, text, reference.name, function)
        head_end = _head_end(text, facts.definitions[function].name_range)
        for use in uses:
            offset = text.offset(range_of(use.range).end)
            if use.role == "write" or (offset <= head_end and use.role == "read"):
                return function
            if _binds(text, use, facts.language):
                return function
    return None


def _binds(text: Text, use: Reference, language: str) -> bool:
    """Whether a use looks like the one that makes the variable."""
    before = _before(text, use.range)
    if _BOUND_BEFORE.search(before):
        return True
    if language in _TYPED:
        found = _TYPE_BEFORE.search(before)
        return found is not None and found[1] not in _NO_TYPES
    if language in {"javascript", "typescript", "tsx", "rust"}:
        return False  # what `let` does not precede is no variable of its own
    after = text.value[text.offset(range_of(use.range).end) :][:100].partition("\n")[0]
    return bool(_BOUND_AFTER.match(after)) and not before.strip().endswith(("(", ","))


def _head_end(text: Text, name: Place) -> int:
    """The offset behind a function's parameters."""
    start = text.offset(range_of(name).end)
    depth = 0
    for offset, char in enumerate(text.value[start : start + _LONGEST_HEAD]):
        if char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if not depth:
                return start + offset
        elif not depth and char in "{;":
            break
    return start


def _before(text: Text, place: Place) -> str:
    line, column = place[:2]
    return text.line(line)[:column]


def _qualifiers(before: str) -> list[str]:
    found: list[str] = []
    while match := _QUALIFIER.search(before):
        found.insert(0, match[1])
        before = before[: match.start()]
    return found


def _touches(place: Place, position: Position) -> bool:
    span = range_of(place)
    return span.start <= position <= span.end
