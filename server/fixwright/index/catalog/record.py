"""The facts of one file's content as a few flat pieces of bytes: to send, to store, to build from.

Names come once each; a definition is a row of numbers. Thousands of records become arrays without
a loop over what is in them.
"""

from __future__ import annotations

import json
from array import array
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from fixwright.index.facts import KINDS, Definition, FileFacts, Import
from fixwright.index.identifiers import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

COLUMNS = 12
NAME, KIND, OWNER, CONTAINER, RANGE, NAME_RANGE = 0, 1, 2, 3, slice(4, 8), slice(8, 12)
"""The columns of a definition's row."""

_KIND_NUMBERS = {kind: number for number, kind in enumerate(KINDS)}
_LARGEST_COUNT = 0xFFFF
_ROW = 4 * COLUMNS


@dataclass(frozen=True, slots=True)
class Record:
    """The facts of one content.

    Attributes:
        names: every name once, UTF-8, each ended by a line feed: names of definitions, their
            owners, identifiers.
        rows: int32, `COLUMNS` for each definition; names and owners by their number in `names`.
        counts: uint16 for each name: how often it is used as an identifier.
        rest: JSON: the language, whether there are errors, signatures and imports.
    """

    names: bytes
    rows: bytes
    counts: bytes
    rest: bytes

    def pieces(self) -> tuple[bytes, bytes, bytes, bytes]:
        """All of it, in the order of the fields."""
        return self.names, self.rows, self.counts, self.rest

    @property
    def definition_count(self) -> int:
        """How many definitions it has."""
        return len(self.rows) // _ROW


EMPTY = Record(b"", b"", b"", b"")
"""Of a content without facts."""


def pack(facts: FileFacts) -> Record:
    """The record of the cheap facts."""
    numbers: dict[bytes, int] = {}
    rows: list[int] = []
    signatures: list[str] = []
    for item in facts.definitions:
        name = numbers.setdefault(_line(item.name), len(numbers))
        owner = numbers.setdefault(_line(item.owner), len(numbers)) if item.owner else -1
        container = -1 if item.container is None else item.container
        rows += (name, _KIND_NUMBERS[item.kind], owner, container, *item.range, *item.name_range)
        signatures.append(item.signature)
    used = _encoded(facts.identifiers)
    words = [*numbers, *(word for word in used if word not in numbers)]
    counts = [used.get(word, 0) for word in words]
    if counts and max(counts) > _LARGEST_COUNT:
        counts = [min(count, _LARGEST_COUNT) for count in counts]
    rest = {
        "language": facts.language,
        "errors": facts.has_errors,
        "signatures": signatures,
        "imports": [
            (item.module, item.name, item.alias, item.level, item.kind, item.range)
            for item in facts.imports
        ],
    }
    names = b"\n".join([*words, b""])
    text = json.dumps(rest, ensure_ascii=True, separators=(",", ":"))
    return Record(names, array("i", rows).tobytes(), array("H", counts).tobytes(), text.encode())


def unpack(record: Record) -> FileFacts:
    """The facts that were packed."""
    if not record.rest:
        return FileFacts("")
    rest = cast("dict[str, object]", json.loads(record.rest))
    names = record.names.decode("utf-8").split("\n")[:-1]
    signatures = cast("list[str]", rest["signatures"])
    numbers = array("i", record.rows).tolist()
    rows = [numbers[at : at + COLUMNS] for at in range(0, len(numbers), COLUMNS)]
    counts = array("H", record.counts)
    return FileFacts(
        language=cast("str", rest["language"]),
        definitions=tuple(_definitions(rows, names, signatures)),
        identifiers={name: count for name, count in zip(names, counts, strict=True) if count},
        imports=tuple(_import(each) for each in cast("list[list[object]]", rest["imports"])),
        has_errors=cast("bool", rest["errors"]),
    )


def _definitions(
    rows: list[list[int]], names: list[str], signatures: list[str]
) -> Iterable[Definition]:
    for row, signature in zip(rows, signatures, strict=True):
        name, kind, owner, container, *places = row
        a, b, c, d, e, f, g, h = places
        yield Definition(
            names[name],
            KINDS[kind],
            (a, b, c, d),
            (e, f, g, h),
            None if container < 0 else container,
            "" if owner < 0 else names[owner],
            signature,
        )


def _import(row: list[object]) -> Import:
    module, name, alias, level, kind, place = row
    line, column, end_line, end_column = cast("list[int]", place)
    return Import(
        cast("str", module),
        cast("str", name),
        cast("str", alias),
        cast("int", level),
        cast("str", kind),
        (line, column, end_line, end_column),
    )


def _encoded(identifiers: Mapping[str, int]) -> Mapping[bytes, int]:
    if isinstance(identifiers, Words):
        return identifiers.encoded
    return {_line(name): count for name, count in identifiers.items()}


def _line(name: str) -> bytes:
    """Of one name; no name holds a line's end, but nothing may depend on that."""
    return name.replace("\n", " ").encode("utf-8", "replace")
