"""Broken, huge, foreign and hostile texts cost their own file and nothing else."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from fixwright.index.extraction import TooSlow, exact, extract
from fixwright.index.heads import skim
from fixwright.index.languages import Language, all_languages, language_for
from fixwright.index.references import Enclosing

WORDS = Path(__file__).read_text(encoding="utf-8").split()[:400] + list("(){}<>;:='$,.1é#")
LANGUAGES = pytest.mark.parametrize("language", all_languages(), ids=lambda each: each.name)


def language(name: str) -> Language:
    found = language_for(name)
    assert found is not None
    return found


@LANGUAGES
@pytest.mark.parametrize(
    "source",
    [
        b"",
        b"\0\1\2\xff\xfe",
        "\ufeff".encode() + b"x",
        b"(" * 20_000,
        b"{" * 20_000,
        b"a." * 2_000,
        b"f(x, " * 1_000,
        b"class A { " * 2_000,
        b"if (a) { " * 2_000,
        b"\r\r\r\r\n\r",
        b'"' + b"x" * 100_000,
        b"/*" + b"*" * 100_000,
        b"`${" * 2_000,
        b"#" * 10_000,
    ],
    ids=range(14),
)
def test_strange_texts_are_read(language: Language, source: bytes) -> None:
    facts = exact(language, source)
    assert facts.language == language.name
    skim(language, source)


@LANGUAGES
def test_noise_is_read_and_the_facts_are_consistent(language: Language) -> None:
    generator = random.Random(language.name)
    words = [*WORDS, "\n", "    ", '"s"', "\r", "\U0001d4b3"]
    for _ in range(60):
        source = " ".join(generator.choice(words) for _ in range(generator.randint(1, 80)))
        facts = exact(language, source.encode())
        for index, each in enumerate(facts.definitions):
            assert each.range[:2] <= each.name_range[:2] <= each.name_range[2:] <= each.range[2:]
            if each.container is not None:
                around = facts.definitions[each.container]
                assert each.container < index
                assert around.range[:2] <= each.range[:2]
        for each in facts.references:
            if each.enclosing is not None:
                around = facts.definitions[each.enclosing]
                assert around.range[:2] <= each.range[:2] < around.range[2:]


def test_a_broken_middle_leaves_the_rest() -> None:
    source = b"int a(void) { return 1; }\nint b(void) { if (( }\nint c(void) { return 2; }\n" * 3
    names = {each.name for each in extract(language("c"), source).definitions}
    assert {"a", "b"} <= names
    facts = extract(language("c"), b"BEGIN_DECLS\nint a(void);\nMACRO(x);\n)struct s { int f; };\n")
    assert facts.has_errors
    assert {"a", "s"} <= {each.name for each in facts.definitions}


def test_a_file_that_takes_too_long_is_given_up() -> None:
    source = b"x = [1, 2, 3]\n" * 200_000
    with pytest.raises(TooSlow):
        extract(language("python"), source, deadline=0.01)
    assert len(extract(language("python"), source[:14_000], deadline=None).definitions) == 1


def test_what_is_not_utf8_is_latin() -> None:
    (only,) = extract(language("python"), b"# \xe9\ndef h\xe9(): pass\n").definitions
    assert only.name == "hé"


def test_a_first_look_finds_the_heads() -> None:
    source = "é = 1\nclass A(B):\n    async def m(self): pass\ndef f(x): pass\n".encode()
    facts = skim(language("python"), source)
    assert facts.tier == 0
    assert [(each.kind, each.name, each.name_range) for each in facts.definitions] == [
        ("class", "A", (1, 6, 1, 7)),
        ("function", "m", (2, 14, 2, 15)),
        ("function", "f", (3, 4, 3, 5)),
    ]
    assert facts.definitions[2].signature == "def f(x): pass"


def test_without_definitions_nothing_encloses() -> None:
    assert Enclosing([]).at(3) is None
