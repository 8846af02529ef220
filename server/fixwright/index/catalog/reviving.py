"""Facts from the plain values that came over a pipe."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from fixwright.index.facts import (
    Definition,
    EntryPoint,
    FileFacts,
    Import,
    Place,
    Reference,
    TestPlace,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = Mapping[str, object]


def place_of(numbers: object) -> Place:
    """A place."""
    line, column, end_line, end_column = cast("list[int]", numbers)
    return line, column, end_line, end_column


def definition_of(row: Row) -> Definition:
    """A definition, from what `dataclasses.asdict` made of it."""
    return Definition(
        cast("str", row["name"]),
        cast("str", row["kind"]),
        place_of(row["range"]),
        place_of(row["name_range"]),
        cast("int | None", row["container"]),
        cast("str", row["owner"]),
        cast("str", row["signature"]),
        cast("str", row["doc"]),
    )


def facts_of(row: Row) -> FileFacts:
    """The facts of a file, likewise."""

    def rows(name: str) -> list[Row]:
        return cast("list[Row]", row[name])

    return FileFacts(
        language=cast("str", row["language"]),
        tier=cast("int", row["tier"]),
        definitions=tuple(map(definition_of, rows("definitions"))),
        identifiers=cast("Mapping[str, int]", row["identifiers"]),
        imports=tuple(map(import_of, rows("imports"))),
        references=tuple(map(_reference, rows("references"))),
        tests=tuple(map(_test, rows("tests"))),
        entry_points=tuple(
            EntryPoint(cast("str", each["kind"]), place_of(each["range"]))
            for each in rows("entry_points")
        ),
        has_errors=cast("bool", row["has_errors"]),
    )


def import_of(row: Row) -> Import:
    """An import, likewise."""
    return Import(
        cast("str", row["module"]),
        cast("str", row["name"]),
        cast("str", row["alias"]),
        cast("int", row["level"]),
        cast("str", row["kind"]),
        place_of(row["range"]),
    )


def _reference(row: Row) -> Reference:
    return Reference(
        cast("str", row["name"]),
        place_of(row["range"]),
        cast("int | None", row["enclosing"]),
        cast("str", row["role"]),
    )


def _test(row: Row) -> TestPlace:
    return TestPlace(
        cast("str", row["id"]),
        cast("str", row["name"]),
        place_of(row["range"]),
        cast("bool", row["is_suite"]),
    )
