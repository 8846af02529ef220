"""Symbols of open documents: whatever was typed, those of exactly that text."""

from __future__ import annotations

import asyncio
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from fixwright.index.buffers import LARGEST, OpenBuffers
from fixwright.index.languages import Language, language_for
from fixwright.index.outline import Outline, differing
from fixwright.index.symbols import symbols_of
from fixwright.workspace.document import Document
from fixwright.workspace.text import Text


def language(name: str) -> Language:
    found = language_for(name)
    assert found is not None
    return found


PYTHON = language("python")
BASH = language("shellscript")

PIECES = [
    "def f(x):\n    return x\n",
    "class A(B):\n    y = 1\n    def m(self):\n        pass\n",
    "x = 1\n",
    "é = '\U0001d4b3'\n",
    "@dec\n",
    "if a:\n    def g(): pass\nelse:\n    Z = 3\n",
    '"""',
    "(",
    ")",
    "\r\n",
    "\r",
    "\n",
    "    ",
    "\U0001d4b3",
    "#",
    "x, (y, *z) = w\n",
]

pieces = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
edits = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.sampled_from(["", *PIECES])), max_size=6
)


@settings(max_examples=300, deadline=None)
@given(pieces, edits)
def test_after_any_edits_the_symbols_are_those_of_a_fresh_parse(
    start: str, changes: list[tuple[float, float, str]]
) -> None:
    text = Text(start)
    outline = Outline(text, PYTHON)
    for where, how_much, insert in changes:
        at = int(where * len(text.value))
        end = min(len(text.value), at + int(how_much * 20))
        text = text.splice(at, end, insert)
        outline.update(text)
        assert outline.symbols == symbols_of(text, PYTHON)


@settings(max_examples=300, deadline=None)
@given(st.text("aé\U0001d4b3\n", max_size=30), st.text("aé\U0001d4b3\n", max_size=30))
def test_the_differing_span_turns_one_text_into_the_other(old: str, new: str) -> None:
    a, b = old.encode(), new.encode()
    span = differing(a, b)
    if span is None:
        assert a == b
        return
    assert a[: span.start] + b[span.start : span.new_end] + a[span.old_end :] == b
    for cut in (a[: span.start], a[span.old_end :], b[span.start : span.new_end]):
        cut.decode()


async def test_the_latest_text_wins_and_every_text_gets_its_own_symbols() -> None:
    buffers = OpenBuffers()
    generator = random.Random(4)
    documents = [
        Document("file:///a.py", "python", Text(f"def f{n}(): pass\n" * generator.randint(1, 9)), n)
        for n in range(20)
    ]
    try:
        for document in documents:
            buffers.note(document)
        found = await asyncio.gather(*(buffers.symbols(document) for document in documents))
    finally:
        await buffers.close()
    assert [symbols[0].name for symbols in found] == [f"f{n}" for n in range(20)]


async def test_a_closed_document_is_forgotten_and_can_be_opened_again() -> None:
    buffers = OpenBuffers()
    try:
        first = Document("file:///a.sh", "shellscript", Text("f() { :; }\n"), 1)
        buffers.note(first)
        assert [s.name for s in await buffers.symbols(first)] == ["f"]
        buffers.forget(first.uri)
        again = Document("file:///a.sh", "python", Text("def g(): pass\n"), 1)
        buffers.note(again)
        assert [s.name for s in await buffers.symbols(again)] == ["g"]
    finally:
        await buffers.close()


async def test_unknown_languages_and_huge_texts_have_no_symbols() -> None:
    buffers = OpenBuffers()
    try:
        plain = Document("file:///a.txt", "plaintext", Text("def f(): pass\n"), 1)
        huge = Document("file:///a.py", "python", Text("x = 1\n" * (LARGEST // 5)), 1)
        buffers.note(plain)
        buffers.note(huge)
        assert await buffers.symbols(plain) == ()
        assert await buffers.symbols(huge) == ()
    finally:
        await buffers.close()
