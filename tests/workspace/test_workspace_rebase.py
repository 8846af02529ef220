"""Rebase: a draft meets what was typed meanwhile."""

from __future__ import annotations

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.position import Range
from fixwright.workspace.rebase import DraftConflict
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright.workspace.text import Text

BUFFER = "untitled:Untitled-1"
USER, DRAFT = 0xE000, 0xF0000  # private use: no base has them, so each one tells who typed it

edits = st.lists(st.tuples(st.integers(0, 400), st.integers(0, 6), st.integers(0, 3)), max_size=4)
# Each character once, so that it can be seen which were deleted; and few, so that lines repeat.
unique = st.lists(st.integers(0, 5), max_size=14).map(
    lambda sizes: "\n".join(
        "".join(chr(0x4E00 + 8 * line + column) for column in range(size))
        for line, size in enumerate(sizes)
    )
)
repeating = st.lists(st.sampled_from(["a", "b", "\n", "\r\n", "}\n", "😀"]), max_size=40).map(
    "".join
)


def typed(text: Text, edits: list[tuple[int, int, int]], first: int) -> Text:
    """Each edit deletes some characters and types some that nobody else types."""
    mark = first
    for place, deleted, inserted in edits:
        start = text.offset(text.position(place % (len(text) + 1)))
        end = text.offset(text.position(min(start + deleted, len(text))))
        marks = "".join(chr(mark + n) for n in range(inserted))
        mark += inserted
        text = text.splice(start, max(start, end), marks)
    return text


def marks(text: str, first: int) -> str:
    return "".join(char for char in text if first <= ord(char) < first + 0x100)


def rebase(base: str, ours: str, theirs: str) -> str:
    before = Snapshot().opened(BUFFER, "python", 1, base)
    draft = Draft.over(before)
    text = draft.document(BUFFER).text
    draft = draft.edit(BUFFER, text.range(0, len(text)), ours)
    now = before.opened(BUFFER, "python", 2, theirs)
    moved = draft.rebase(now)
    assert moved.base is now
    return moved.text(BUFFER)


@settings(deadline=None, max_examples=500)
@given(unique, edits, edits)
def test_everything_typed_is_kept_and_everything_drafted_is_in(
    base: str, user: list[tuple[int, int, int]], draft: list[tuple[int, int, int]]
) -> None:
    theirs = typed(Text(base), user, USER).value
    ours = typed(Text(base), draft, DRAFT).value
    try:
        merged = rebase(base, ours, theirs)
    except DraftConflict:
        event("conflict")
        return
    event("merged")
    assert marks(merged, USER) == marks(theirs, USER)
    assert marks(merged, DRAFT) == marks(ours, DRAFT)
    for char in base.replace("\n", ""):
        assert (char in merged) == (char in ours and char in theirs)
    deleted = 2 * base.count("\n") - ours.count("\n") - theirs.count("\n")
    if not deleted:
        assert merged.count("\n") == base.count("\n")


@settings(deadline=None, max_examples=500)
@given(repeating, edits, edits)
def test_nothing_typed_is_lost_among_lines_that_repeat(
    base: str, user: list[tuple[int, int, int]], draft: list[tuple[int, int, int]]
) -> None:
    theirs = typed(Text(base), user, USER).value
    ours = typed(Text(base), draft, DRAFT).value
    try:
        merged = rebase(base, ours, theirs)
    except DraftConflict:
        event("conflict")
        return
    event("merged")
    assert marks(merged, USER) == marks(theirs, USER)
    if Text(base).newline == "\n" or not Text(base).has_newline:
        assert marks(merged, DRAFT) == marks(ours, DRAFT)


@pytest.mark.parametrize(
    ("base", "ours", "theirs", "merged"),
    [
        ("a\nb\nc\n", "A\nb\nc\n", "a\nb\nC\n", "A\nb\nC\n"),
        # neighbouring lines, and one line with something between the changes
        ("a1\nb1\n", "a2\nb1\n", "a1\nb2\n", "a2\nb2\n"),
        ("f(x, y)", "g(x, y)", "f(x, z)", "g(x, z)"),
        # the same change by both; one of two already made
        ("a\nb\n", "a\nB\n", "a\nB\n", "a\nB\n"),
        ("a\nb\nc\nd\n", "A\nb\nc\nD\n", "A\nb\nc\nd\n", "A\nb\nc\nD\n"),
        ("one\n", "one\n", "two\n", "two\n"),
        ("x\r\ny\r\nz\r\n", "x\r\nY\r\nz\r\n", "w\r\nx\r\ny\r\nz\r\n", "w\r\nx\r\nY\r\nz\r\n"),
        ("def f():\n    pass\n", "def f():\n    return 1\n", "# hi\ndef f():\n    pass\n", None),
    ],
)
def test_merges(base: str, ours: str, theirs: str, merged: str | None) -> None:
    expected = "# hi\ndef f():\n    return 1\n" if merged is None else merged
    assert rebase(base, ours, theirs) == expected


@pytest.mark.parametrize(
    ("base", "ours", "theirs"),
    [
        ("a = 1\n", "a = 2\n", "a = 3\n"),
        ("foo", "fooA", "fooB"),  # who comes first would be a guess
        ("abc", "ac", "abXc"),  # typed into what the draft removes
        ("ab", "aXb", "b"),
        ("one\ntwo\n", "one\n", "one\ntwo!\n"),
        ("x", "", "xy"),
        ("abcdef", "aef", "abdef"),  # two deletions, one inside the other
        ("abcdef", "aef", "abcf"),
    ],
)
def test_conflicts(base: str, ours: str, theirs: str) -> None:
    with pytest.raises(DraftConflict):
        rebase(base, ours, theirs)


def test_a_conflict_says_where_and_what() -> None:
    with pytest.raises(DraftConflict) as caught:
        rebase("x\na = one\n", "x\na = two\n", "x\na = three\n")
    conflict = caught.value
    assert conflict.uri == BUFFER
    assert conflict.sentence == str(conflict)
    assert "Untitled-1, line 2" in conflict.sentence
    (hunk,) = conflict.hunks
    assert hunk.range == Range.of(1, 4, 1, 7)
    assert (hunk.base, hunk.ours, hunk.theirs) == ("one", "two", "three")


def test_closed_and_opened_again_with_the_same_text() -> None:
    before = Snapshot().opened(BUFFER, "python", 5, "a = 1\n")
    draft = Draft.over(before).write(BUFFER, "a = 2\n")
    now = before.close(BUFFER).opened(BUFFER, "python", 1, "a = 1\n")
    moved = draft.rebase(now)
    assert moved.text(BUFFER) == "a = 2\n"
    assert moved.document(BUFFER).version == 1


def test_what_is_there_already_is_no_change_any_more() -> None:
    before = Snapshot().opened(BUFFER, "python", 1, "a = 1\n")
    draft = Draft.over(before).write(BUFFER, "a = 2\n")
    assert draft.rebase(before.opened(BUFFER, "python", 2, "a = 2\n")).is_empty


def test_a_document_that_is_gone_conflicts(folder: Folder, disk: Snapshot) -> None:
    path = folder.path / "a.py"
    path.write_text("a = 1\n")
    edited = Draft.over(disk).write(path_to_uri(path), "a = 2\n")
    buffer = Draft.over(Snapshot().opened(BUFFER, "python", 1, "a")).write(BUFFER, "b")
    path.unlink()
    with pytest.raises(DraftConflict, match="There is no file"):
        edited.rebase(disk)
    with pytest.raises(DraftConflict, match="not open in the editor and is no file"):
        buffer.rebase(Snapshot())


def test_a_file_that_was_opened_since_merges_with_its_buffer(
    folder: Folder, disk: Snapshot
) -> None:
    path = folder.path / "a.py"
    path.write_text("a = 1\nb = 1\nc = 1\n")
    uri = path_to_uri(path)
    draft = Draft.over(disk).write(uri, "a = 1\nb = 1\nc = 2\n")
    moved = draft.rebase(disk.opened(uri, "python", 1, "a = 9\nb = 1\nc = 1\n"))
    assert moved.text(uri) == "a = 9\nb = 1\nc = 2\n"
    assert moved.document(uri).version == 1


def test_names_that_were_taken_or_changed_meanwhile(folder: Folder, disk: Snapshot) -> None:
    (folder.path / "old.py").write_text("x\n")
    old, new = (path_to_uri(folder.path / name) for name in ("old.py", "new.py"))
    created = Draft.over(disk).create(new, "made\n")
    renamed = Draft.over(disk).rename(old, new).write(new, "y\n")
    deleted = Draft.over(disk).delete(old)
    assert renamed.rebase(disk).text(new) == "y\n"
    assert created.rebase(disk.opened(new, "python", 1, "made\n")).is_empty
    with pytest.raises(DraftConflict, match=r"new\.py would be created, but exists now"):
        created.rebase(disk.opened(new, "python", 1, "other\n"))
    with pytest.raises(DraftConflict, match="open in the editor now"):
        renamed.rebase(disk.opened(old, "python", 1, "x\n"))
    with pytest.raises(DraftConflict, match="open in the editor now"):
        deleted.rebase(disk.opened(old, "python", 1, "x\n"))
    (folder.path / "old.py").write_text("changed\n")
    with pytest.raises(DraftConflict, match="has changed since"):
        deleted.rebase(disk)
    (folder.path / "old.py").unlink()
    assert deleted.rebase(disk).is_empty
    (folder.path / "new.py").write_text("")
    with pytest.raises(DraftConflict, match="exists now"):
        renamed.rebase(disk)
