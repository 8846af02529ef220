"""Where a marked range goes while somebody types, against a look at each character."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fixwright.lsp.shift import Edit, edit_between, shifted
from fixwright.workspace.position import Range
from fixwright.workspace.text import Text

ALPHABET = "aab\n\r 😀é"
texts = st.text(ALPHABET, max_size=16)


@st.composite
def edits(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and the same after one stretch was replaced."""
    old = draw(texts)
    start, end = sorted((draw(st.integers(0, len(old))), draw(st.integers(0, len(old)))))
    return old, old[:start] + draw(st.text(ALPHABET, max_size=5)) + old[end:]


def naive_edit(old: str, new: str) -> Edit:
    """Compare from the front, then from the back."""
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    back = 0
    while back < min(len(old), len(new)) - start and old[-1 - back] == new[-1 - back]:
        back += 1
    return Edit(start, len(old) - back, len(new) - back)


def naive_shift(start: int, end: int, edit: Edit) -> tuple[int, int] | None:
    """Each character of the old text that is kept, with its new place; None for one that is not."""

    def moved(at: int) -> int | None:
        if at < edit.start:
            return at
        return None if at < edit.old_end else at + edit.new_end - edit.old_end

    inside = [moved(at) for at in range(start, end)]
    if start == end:  # a cursor: what is written there comes before it
        if edit.start < start < edit.old_end:
            return None
        grown = edit.new_end - edit.old_end if edit.old_end <= start else 0
        return start + grown, start + grown
    first, last = inside[0], inside[-1]
    if first is None or last is None or None in inside or last - first != end - start - 1:
        return None
    return first, last + 1


@settings(deadline=None, max_examples=300)
@given(texts, texts)
@example("a" * 9, "a" * 5)
def test_the_edit_between_two_texts_is_the_smallest(old: str, new: str) -> None:
    edit = edit_between(Text(old), Text(new))
    assert edit == naive_edit(old, new)
    assert old[: edit.start] + new[edit.start : edit.new_end] + old[edit.old_end :] == new


@settings(deadline=None, max_examples=500)
@given(edits(), st.integers(0, 16), st.integers(0, 16))
@example(("ab", "aXb"), 1, 2)
@example(("ab", "aXb"), 0, 1)
@example(("ab", "aXb"), 0, 2)
@example(("abc", "ac"), 1, 1)
def test_a_range_goes_with_its_characters_or_goes_away(
    texts: tuple[str, str], one: int, other: int
) -> None:
    old, new = Text(texts[0]), Text(texts[1])
    start, end = sorted((min(one, len(old)), min(other, len(old))))
    place = old.range(start, end)
    start, end = old.offset(place.start), old.offset(place.end)  # none is inside a line's end
    edit = edit_between(old, new)
    found = shifted(place, edit, old, new)
    if old.value == new.value:
        assert found == place
        return
    wanted = naive_shift(start, end, edit)
    assert found == (None if wanted is None else new.range(*wanted))
    if found is not None and "\r" not in old.value + new.value:
        assert new.slice(found) == old.slice(place)


@settings(deadline=None)
@given(st.lists(edits(), max_size=5), texts)
def test_a_range_survives_any_typing_before_and_behind_it(
    typed: list[tuple[str, str]], marked: str
) -> None:
    # Fences keep the smallest edit from reaching into what is marked.
    before, marked, after = "", f"<{marked}>", ""
    text = Text(before + marked + after)
    place: Range | None = text.range(0, len(marked))
    for number, (_, new) in enumerate(typed):
        before, after = (new, after) if number % 2 else (before, new)
        following = Text(before + marked + after)
        assert place is not None
        place = shifted(place, edit_between(text, following), text, following)
        text = following
    assert place is not None
    assert text.offset(place.start) == len(before)
    assert text.slice(place) == Text(marked).value


@pytest.mark.parametrize("column", [3, 99])
def test_a_range_behind_its_lines_end_is_at_that_end(column: int) -> None:
    old, new = Text("abc\nd"), Text("x\nabc\nd")
    place = Range.of(0, column, 0, column)
    assert shifted(place, edit_between(old, new), old, new) == Range.at(1, 3)


def test_long_texts_are_compared_by_their_slices() -> None:
    old, new = Text("x = 1\n" * 200_000), Text("x = 1\n" * 100_000 + "y\n" + "x = 1\n" * 100_000)
    assert edit_between(old, new) == Edit(600_000, 600_000, 600_002)
