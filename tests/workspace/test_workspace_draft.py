"""Drafts: what may be proposed, and the edits and diffs that come of it."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from naive_editor import NaiveEditor
from texts import inserts, offsets, texts

from fixwright.workspace.document import UnknownDocument
from fixwright.workspace.draft import Draft
from fixwright.workspace.draft_change import DraftError, TextChange
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.position import Position, Range
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright.workspace.text import Encoding, Text

BUFFER = "untitled:Untitled-1"


def open_text(text: str) -> Draft:
    return Draft.over(Snapshot().opened(BUFFER, "python", 1, text))


def edited(draft: Draft, edits: list[tuple[int, int, str]]) -> Draft:
    for first, last, insert in edits:
        text = draft.document(BUFFER).text
        low, high = sorted((first % (len(text) + 1), last % (len(text) + 1)))
        draft = draft.edit(BUFFER, text.range(low, high), insert)
    return draft


@settings(deadline=None, max_examples=300)
@given(
    texts,
    st.lists(st.tuples(offsets, offsets, inserts), max_size=4),
    st.none() | texts,
    st.sampled_from(list(Encoding)),
)
def test_a_client_that_makes_the_changes_has_the_drafts_text(
    start: str, edits: list[tuple[int, int, str]], whole: str | None, encoding: Encoding
) -> None:
    draft = edited(open_text(start), edits)
    if whole is not None:
        draft = draft.write(BUFFER, whole)
    editor, base = NaiveEditor(start, encoding), Text(start)
    changes = draft.changes(BUFFER)
    editor.replace_all(
        [
            (
                base.to_client(change.range.start, encoding),
                base.to_client(change.range.end, encoding),
                change.text,
            )
            for change in changes
        ]
    )
    assert editor.text == draft.text(BUFFER)
    for one, other in pairwise(changes):
        assert one.range.end < other.range.start
    assert draft.is_empty == (draft.text(BUFFER) == start)


@settings(deadline=None, max_examples=200)
@given(texts, texts)
@example("\n\x0c\r", "\x0c\n\n")  # what was CR before what was LF must not become one CRLF
def test_a_whole_text_keeps_its_characters_and_the_documents_endings(start: str, new: str) -> None:
    result = open_text(start).write(BUFFER, new).text(BUFFER)
    if Text(start).has_newline:
        assert bare(result) == bare(new)
        assert set(endings(result)) <= {*endings(start), Text(start).newline}
    else:
        assert result == new


def bare(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def endings(text: str) -> list[str]:
    lines = text.replace("\r\n", "\0").replace("\r", "\1").replace("\n", "\2")
    names = {"\0": "\r\n", "\1": "\r", "\2": "\n"}
    return [names[char] for char in lines if char in names]


def test_new_lines_end_as_the_document_does() -> None:
    draft = open_text("one\r\ntwo\r\n").write(BUFFER, "one\nnew\ntwo\n")
    assert draft.text(BUFFER) == "one\r\nnew\r\ntwo\r\n"
    assert draft.changes(BUFFER) == (TextChange(Range.at(1, 0), "new\r\n"),)


def test_lines_that_did_not_change_keep_the_ending_that_they_have() -> None:
    draft = open_text("a\r\nb\nc\r\nd\re").write(BUFFER, "a\nb\nC\nd\ne\n")
    assert draft.text(BUFFER) == "a\r\nb\nC\r\nd\re\r\n"


def test_the_end_of_the_file_is_as_it_was_written() -> None:
    draft = open_text("a\nb")
    assert draft.write(BUFFER, "a\nc").text(BUFFER) == "a\nc"
    assert draft.write(BUFFER, "a\nb\n").changes(BUFFER) == (TextChange(Range.at(1, 1), "\n"),)


def test_changes_are_small() -> None:
    before = "import os\n\ndef area(r):\n    return math.pi * r\n\nprint(area(2))\n"
    after = (
        "import os\nimport math\n\ndef area(r):\n    return math.pi * r ** 2\n\nprint(area(2))\n"
    )
    assert open_text(before).write(BUFFER, after).changes(BUFFER) == (
        TextChange(Range.at(1, 0), "import math\n"),
        TextChange(Range.at(3, 22), " ** 2"),
    )


def test_a_change_never_splits_a_line_ending() -> None:
    draft = edited(open_text("a\r\nb"), [(2, 3, "")])  # the position inside \r\n is the line's end
    assert draft.text(BUFFER) == "ab"
    both = open_text("a\r\nb\n").edit(BUFFER, Range.of(0, 1, 1, 0), "X")
    assert both.changes(BUFFER) == (TextChange(Range.of(0, 1, 1, 0), "X"),)


def test_edits_at_once_are_over_one_text() -> None:
    draft = open_text("one two three").edit_all(
        BUFFER,
        [
            TextChange(Range.of(0, 8, 0, 13), "3"),
            TextChange(Range.of(0, 0, 0, 3), "1"),
            TextChange(Range.at(0, 4), "a"),
            TextChange(Range.at(0, 4), "b"),
        ],
    )
    assert draft.text(BUFFER) == "1 abtwo 3"


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ([TextChange(Range.of(0, 0, 0, 3), ""), TextChange(Range.of(0, 2, 0, 4), "")], "overlap"),
        ([TextChange(Range.of(0, 0, 0, 99), "")], "has no place from line 1, column 1"),
        ([TextChange(Range.of(5, 0, 5, 0), "")], "has no place"),
        ([TextChange(Range.of(0, 3, 0, 1), "")], "has no place"),
        ([TextChange(Range.of(0, -1, 0, 1), "")], "has no place"),
    ],
)
def test_edits_that_make_no_sense_are_refused(changes: list[TextChange], sentence: str) -> None:
    with pytest.raises(DraftError, match=sentence):
        open_text("one two three").edit_all(BUFFER, changes)


def test_a_draft_reads_through_and_leaves_its_base_alone(folder: Folder, disk: Snapshot) -> None:
    (folder.path / "a.py").write_text("a = 1\n")
    (folder.path / "b.py").write_text("b = 1\n")
    a, b = path_to_uri(folder.path / "a.py"), path_to_uri(folder.path / "b.py")
    first = Draft.over(disk)
    draft = first.write(a, "a = 2\n")
    assert (draft.text(a), draft.text(b)) == ("a = 2\n", "b = 1\n")
    assert first.is_empty
    assert disk.document(a).text.value == "a = 1\n"
    (folder.path / "a.py").write_text("changed meanwhile\n")
    assert draft.changes(a) == (TextChange(Range.of(0, 4, 0, 5), "2"),)


def test_a_change_taken_back_is_no_change(folder: Folder, disk: Snapshot) -> None:
    (folder.path / "a.py").write_text("a = 1\n")
    a, new = path_to_uri(folder.path / "a.py"), path_to_uri(folder.path / "new.py")
    draft = Draft.over(disk).write(a, "a = 2\n").write(a, "a = 1\n").create(new, "x").delete(new)
    assert draft.is_empty
    assert draft.delete(a).create(a, "a = 1\n").is_empty
    assert draft.diff() == ""


def test_files_are_created_renamed_and_deleted(folder: Folder, disk: Snapshot) -> None:
    for name in ("old.py", "gone.py"):
        (folder.path / name).write_text(f"# {name}\n")
    (folder.path / "old.py").chmod(0o755)
    old, gone, new, made = (
        path_to_uri(folder.path / name) for name in ("old.py", "gone.py", "sub/new.py", "made.sh")
    )
    draft = Draft.over(disk).rename(old, new).write(new, "# new\n").delete(gone)
    draft = draft.create(made, "echo hi\n")
    assert {change.kind for change in draft.changed.values()} == {
        "rename",
        "moved",
        "delete",
        "create",
    }
    assert draft.document(made).language == "shellscript"
    assert draft.changes(new) == (TextChange(Range.of(0, 2, 0, 8), "new"),)
    entries = list(draft.files(folder))
    assert [(entry.path, entry.executable) for entry in entries] == [
        ("made.sh", False),
        ("sub/new.py", True),
    ]
    with pytest.raises(UnknownDocument, match=r"old\.py is renamed to new\.py"):
        draft.text(old)
    with pytest.raises(UnknownDocument, match=r"gone\.py is deleted"):
        draft.text(gone)
    again = draft.rename(new, path_to_uri(folder.path / "newer.py"))
    assert again.changed[path_to_uri(folder.path / "newer.py")].moved_from == old
    assert [entry.path for entry in again.files(folder)] == ["made.sh", "newer.py"]
    assert again.delete(path_to_uri(folder.path / "newer.py")).changed[old].kind == "delete"


def test_what_is_refused(folder: Folder, disk: Snapshot) -> None:
    (folder.path / "here.py").write_text("x")
    (folder.path / "bad.py").write_bytes(b"# caf\xe9\n")
    (folder.path / "link").symlink_to("/etc")
    here, bad = path_to_uri(folder.path / "here.py"), path_to_uri(folder.path / "bad.py")
    opened = Draft.over(disk.opened(here, "python", 1, "x"))
    outside = path_to_uri(folder.path.parent / "other.py")
    with pytest.raises(DraftError, match="exists already"):
        Draft.over(disk).create(here, "y")
    with pytest.raises(DraftError, match="exists already"):
        opened.create(here, "y")
    with pytest.raises(DraftError, match="open in the editor and can't be deleted"):
        opened.delete(here)
    with pytest.raises(DraftError, match="open in the editor and can't be renamed"):
        opened.rename(here, path_to_uri(folder.path / "there.py"))
    with pytest.raises(DraftError, match="lies in no folder of the workspace"):
        opened.create(outside, "y")
    with pytest.raises(DraftError, match="lies in no folder of the workspace"):
        Draft.over(disk).rename(here, outside)
    with pytest.raises(DraftError, match="link that leaves the workspace"):
        opened.create(path_to_uri(folder.path / "link" / "new.py"), "y")
    with pytest.raises(DraftError, match="link that leaves the workspace"):
        opened.write(path_to_uri(folder.path / "link" / "hostname"), "y")
    with pytest.raises(DraftError, match="not valid UTF-8"):
        opened.write(bad, "y")
    with pytest.raises(DraftError, match="There is no file"):
        opened.write(path_to_uri(folder.path / "none.py"), "y")
    with pytest.raises(DraftError, match="names no file"):
        opened.create("untitled:2", "y")


def test_a_byte_order_mark_is_not_written_twice(folder: Folder, disk: Snapshot) -> None:
    (folder.path / "a.py").write_bytes(b"\xef\xbb\xbfa = 1\n")
    a = path_to_uri(folder.path / "a.py")
    draft = Draft.over(disk).write(a, "\ufeffa = 2\n")
    assert draft.document(a).encode() == b"\xef\xbb\xbfa = 2\n"
    assert "-\ufeffa = 1\n+\ufeffa = 2\n" in draft.diff()


def test_two_drafts_compare_by_what_they_lead_to() -> None:
    base = open_text("a = 1\n")
    one = base.edit(BUFFER, Range.of(0, 4, 0, 5), "2")
    other = base.write(BUFFER, "a = 2\n")
    assert one.same_result(other)
    assert not one.same_result(base)


def test_an_open_document_outside_every_folder_can_be_edited(
    folder: Folder, disk: Snapshot
) -> None:
    outside = path_to_uri(folder.path.parent / "scratch.py")
    draft = Draft.over(disk.opened(outside, "python", 3, "x = 1")).write(outside, "x = 2")
    assert draft.document(outside).version == 3
    assert draft.document(outside).text.position(4) == Position(0, 4)
