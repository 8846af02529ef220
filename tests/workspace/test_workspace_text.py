"""Text: lines, positions, splices, and the units of every encoding."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from naive_editor import NaiveEditor
from texts import inserts, offsets, texts

from fixwright.workspace.changes import ContentChange, InvalidChange, apply_changes
from fixwright.workspace.position import Position, Range
from fixwright.workspace.text import Encoding, Text

encodings = st.sampled_from(list(Encoding))
edits = st.lists(st.tuples(offsets, offsets, inserts), min_size=1, max_size=8)
thorough = settings(deadline=None, max_examples=300)


@thorough
@given(texts, edits, encodings)
def test_an_editor_and_the_server_hold_the_same_text(
    start: str, changes: list[tuple[int, int, str]], encoding: Encoding
) -> None:
    editor, text = NaiveEditor(start, encoding), Text(start)
    for first, last, insert in changes:
        size = len(editor.units) + 1
        change = editor.change(first % size, last % size, insert)
        text = apply_changes(text, (change,), encoding)
        assert text.value == editor.text
        assert text.line_starts() == Text(text.value).line_starts()


@thorough
@given(texts, st.lists(st.tuples(offsets, offsets, inserts), min_size=1, max_size=12))
def test_a_splice_indexes_like_a_fresh_text(
    start: str, splices: list[tuple[int, int, str]]
) -> None:
    text = Text(start)
    for first, last, insert in splices:
        low, high = sorted((first % (len(text) + 1), last % (len(text) + 1)))
        expected = text.value[:low] + insert + text.value[high:]
        text = text.splice(low, high, insert)
        assert text.value == expected
        fresh = Text(expected)
        assert text.line_starts() == fresh.line_starts()
        for offset in range(len(expected) + 1):
            assert text.position(offset) == fresh.position(offset)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from(["\ud83d", "\ude00", "😀", "a", "\n"]), max_size=12).map("".join),
    st.lists(
        st.tuples(
            offsets, offsets, st.sampled_from(["\ud83d", "\ude00", "", "x\ud83d", "\ude00y"])
        ),
        max_size=8,
    ),
)
def test_halves_of_characters_that_arrive_one_by_one_join(
    start: str, changes: list[tuple[int, int, str]]
) -> None:
    editor, text = NaiveEditor(start, Encoding.UTF16), Text(start)
    for first, last, insert in changes:
        size = len(editor.units) + 1
        change = editor.change(first % size, last % size, insert)
        text = apply_changes(text, (change,), Encoding.UTF16)
        assert text.value == editor.text
        assert text.line_starts() == Text(text.value).line_starts()


@thorough
@given(texts, encodings, offsets)
def test_positions_go_to_the_editor_and_back(start: str, encoding: Encoding, offset: int) -> None:
    text, editor = Text(start), NaiveEditor(start, encoding)
    place = text.position(offset)
    client = text.to_client(place, encoding)
    assert text.from_client(*client, encoding) == place
    assert editor.place(editor.index(client)) == client
    before = NaiveEditor(start[: text.offset(place)], encoding)
    assert len(before.units) == editor.index(client)


@thorough
@given(texts, encodings, st.integers(-3, 30), st.integers(-3, 60))
def test_any_place_of_a_client_is_a_place_of_the_text(
    start: str, encoding: Encoding, line: int, character: int
) -> None:
    text = Text(start)
    place = text.from_client(line, character, encoding)
    assert text.position(text.offset(place)) == place


LINES = ["a\x0bb\x0cc\x85d\u2028e\u2029f\x1cg", "", "x", "y", ""]


def test_lines_end_as_the_protocol_says_and_nowhere_else() -> None:
    text = Text("a\x0bb\x0cc\x85d\u2028e\u2029f\x1cg\n\r\nx\ry\r\n")
    assert [text.line(n) for n in range(text.line_count)] == LINES


@pytest.mark.parametrize(
    ("character", "encoding", "column"),
    [
        (0, Encoding.UTF16, 0),
        (1, Encoding.UTF16, 1),
        (2, Encoding.UTF16, 1),  # inside the pair: where it starts
        (3, Encoding.UTF16, 2),
        (99, Encoding.UTF16, 3),
        (1, Encoding.UTF8, 0),  # inside é
        (2, Encoding.UTF8, 1),
        (3, Encoding.UTF8, 1),
        (5, Encoding.UTF8, 1),
        (6, Encoding.UTF8, 2),
        (99, Encoding.UTF8, 3),
        (2, Encoding.UTF32, 2),
        (99, Encoding.UTF32, 3),
    ],
)
def test_columns_clamp_to_characters(character: int, encoding: Encoding, column: int) -> None:
    assert Text("é😀z\r\nnext").from_client(0, character, encoding) == Position(0, column)


def test_no_place_is_inside_a_line_ending() -> None:
    text = Text("ab\r\ncd")
    assert text.position(3) == Position(0, 2)
    assert text.offset(Position(0, 3)) == 2
    assert text.offset(Position(1, 0)) == 4
    assert text.from_client(0, 3, Encoding.UTF16) == Position(0, 2)


def test_a_place_behind_the_last_line_is_the_end() -> None:
    text = Text("a\nbc")
    assert text.end == Position(1, 2)
    assert text.from_client(7, 3, Encoding.UTF8) == text.end
    assert text.offset(Position(7, 3)) == 4
    assert text.to_client(Position(7, 3), Encoding.UTF8) == (1, 2)


@pytest.mark.parametrize(
    ("value", "newline"),
    [
        ("", "\n"),
        ("no ending", "\n"),
        ("a\r\nb", "\r\n"),
        ("a\rb\r", "\r"),
        ("a\r\nb\r\nc\n", "\r\n"),
        ("a\r\nb\n", "\n"),
    ],
)
def test_the_dominant_line_ending(value: str, newline: str) -> None:
    assert Text(value).newline == newline


def test_texts_compare_by_identity() -> None:
    assert Text("a") != Text("a")


def test_a_line_that_is_not_there() -> None:
    with pytest.raises(IndexError, match="line 2 of a text of 2 lines"):
        Text("a\n").line(2)


def test_a_whole_text_replaces_what_was_there() -> None:
    changes = [ContentChange(None, None, "new\r\n"), ContentChange((1, 0), (1, 0), "x")]
    assert apply_changes(Text("old"), changes, Encoding.UTF16).value == "new\r\nx"


@pytest.mark.parametrize(
    "change",
    [
        ContentChange((0, 2), (0, 1), ""),
        ContentChange((0, -1), (0, 1), ""),
        ContentChange((0, 0), None, ""),
        ContentChange(None, (0, 0), ""),
    ],
)
def test_a_change_without_meaning_is_refused(change: ContentChange) -> None:
    with pytest.raises(InvalidChange):
        apply_changes(Text("abc"), (change,), Encoding.UTF16)


def test_ranges_contain_enclose_and_touch() -> None:
    word = Range.of(1, 2, 1, 5)
    assert word.contains(Position(1, 2))
    assert not word.contains(Position(1, 5))
    assert Range.at(1, 5).contains(Position(1, 5))
    assert word.encloses(Range.at(1, 5))
    assert word.touches(Range.at(1, 5))
    assert not word.touches(Range.at(1, 6))
    assert Range.at(1, 2).is_empty
    assert not word.is_empty
