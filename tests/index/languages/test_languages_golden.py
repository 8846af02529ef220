"""All facts of one small file in each language, as they were read and checked by hand once.

A file in `golden/` is a source, a line of `=`, and the facts. After a change that is meant,
`FIXWRIGHT_GOLDEN=write pytest …` writes them anew; read the difference.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixwright.index.extraction import exact, extract
from fixwright.index.facts import Definition, FileFacts, Place, Reference
from fixwright.index.languages import all_languages, language_for

GOLDEN = Path(__file__).parent / "golden"
RULE = "=" * 80 + "\n"


def rendered(facts: FileFacts, source: str) -> Iterator[str]:
    lines = source.split("\n")

    def text(place: Place) -> str:
        line, column, end_line, end_column = place
        assert line == end_line
        return lines[line][column:end_column]

    for index, each in enumerate(facts.definitions):
        assert text(each.name_range).strip("'\"") == each.name
        assert each.container is None or each.container < index
        yield from definition(index, each)
    for each in facts.imports:
        parts = f"{'.' * each.level}{each.module} {each.name or '-'} {each.alias or '-'}"
        yield f"{each.kind}: {parts} {span(each.range)}"
    for each in facts.tests:
        yield f"{'suite' if each.is_suite else 'test'}: {each.id} {span(each.range)}"
    for each in facts.entry_points:
        yield f"entry point: {each.kind} {text(each.range)}"
    for each in facts.references:
        assert text(each.range) == each.name
    for role in ("call", "type", "write", "import", "read"):
        names = [named(each) for each in facts.references if each.role == role]
        yield f"{role}s: {' '.join(names)}"
    counts = [f"{name}:{number}" for name, number in sorted(facts.identifiers.items())]
    yield f"identifiers: {' '.join(counts)}"
    yield f"errors: {facts.has_errors}"


def span(place: Place) -> str:
    return "{}:{}-{}:{}".format(*place)


def named(reference: Reference) -> str:
    """A reference with the number of the definition around it."""
    return reference.name + ("" if reference.enclosing is None else f"@{reference.enclosing}")


def definition(index: int, each: Definition) -> Iterator[str]:
    name = f"{each.owner}.{each.name}" if each.owner else each.name
    inside = "" if each.container is None else f" in {each.container}"
    yield f"{index} {each.kind} {name}{inside} {span(each.range)}"
    if each.signature:
        yield f"    {each.signature}"
    yield from (f"    # {line}".rstrip() for line in each.doc.splitlines())


@pytest.mark.parametrize("name", [language.name for language in all_languages()])
def test_the_facts_of_a_file_are_these(name: str) -> None:
    (language,) = [each for each in all_languages() if each.name == name]
    file = GOLDEN / f"{name}.txt"
    source, _, expected = file.read_text(encoding="utf-8").partition(RULE)
    found = "".join(f"{line}\n" for line in rendered(exact(language, source.encode()), source))
    if os.environ.get("FIXWRIGHT_GOLDEN") == "write":
        file.write_text(source + RULE + found, encoding="utf-8")
    else:
        assert found == expected
    cheap = extract(language, source.encode())
    full = exact(language, source.encode())
    assert [each.name for each in cheap.definitions] == [each.name for each in full.definitions]
    assert set(cheap.imports) <= set(full.imports)
    for section in language.sections:
        language.query(section)


def test_every_kind_is_a_known_one() -> None:
    from fixwright.index.facts import KINDS

    for language in all_languages():
        rules = language.symbol_rules.definitions
        kinds = {rule.kind for rule in rules} | {rule.member_kind for rule in rules}
        kinds |= {kind for rule in rules for kind in rule.values.values()}
        assert kinds - {""} <= set(KINDS), language.name


def test_headers_are_told_apart_by_what_they_hold() -> None:
    def name(path: str, head: bytes) -> str | None:
        found = language_for(None, path, head)
        return None if found is None else found.name

    assert name("a.h", b"#include <stdio.h>\nint f(void);\n") == "c"
    assert name("a.h", b"#include <vector>\n") == "cpp"
    assert name("a.h", b"namespace n {\n") == "cpp"
    assert name("a.h", b"") == "c"
    assert name("run", b"#!/usr/bin/env python3\n") == "python"
    assert name("run", b"#!/usr/bin/env -S node --x\n") == "javascript"
    assert name("run", b"#!/bin/sh -e\n") == "bash"
    assert name("run", b"text") is None
