"""Diffs: lines in common in bounded time, and patches that git takes."""

from __future__ import annotations

import subprocess
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import inserts, offsets, texts

from fixwright.workspace.disk import apply_to_disk
from fixwright.workspace.document import read_document
from fixwright.workspace.draft import Draft
from fixwright.workspace.hunks import Hunk, apply_hunks, hunks_between
from fixwright.workspace.linediff import changed_blocks, matching_blocks
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot
from fixwright.workspace.unified import unified_diff

lines = st.lists(st.sampled_from("abcdefgh{}"), max_size=40)


@settings(deadline=None, max_examples=300)
@given(lines, lines)
def test_matching_blocks_match(a: list[str], b: list[str]) -> None:
    at_a = at_b = 0
    for start_a, start_b, size in matching_blocks(a, b):
        assert size > 0
        assert start_a >= at_a
        assert start_b >= at_b
        assert a[start_a : start_a + size] == b[start_b : start_b + size]
        at_a, at_b = start_a + size, start_b + size
    changed = changed_blocks(a, b)
    rebuilt, at = list[str](), 0
    for first, last, new_first, new_last in changed:
        rebuilt += a[at:first] + b[new_first:new_last]
        at = last
    assert rebuilt + a[at:] == b
    assert all(one[1] < other[0] for one, other in pairwise(changed))


@settings(deadline=None, max_examples=300)
@given(texts, st.lists(st.tuples(offsets, offsets, inserts), min_size=1, max_size=3))
def test_hunks_lead_from_one_text_to_the_other(
    before: str, splices: list[tuple[int, int, str]]
) -> None:
    after = before
    for first, last, insert in splices:  # even between the two characters of a line ending
        low, high = sorted((first % (len(after) + 1), last % (len(after) + 1)))
        after = after[:low] + insert + after[high:]
    hunks = hunks_between(before, after)
    assert apply_hunks(before, hunks) == after
    for one, other in pairwise(hunks):
        assert one.end < other.start
    for hunk in hunks:
        for offset in (hunk.start, hunk.end):
            assert before[:offset][-1:] + before[offset:][:1] != "\r\n"


@settings(deadline=None, max_examples=200)
@given(lines, lines)
def test_hunks_among_lines_that_repeat(a: list[str], b: list[str]) -> None:
    before, after = "\n".join(a), "\n".join(b)
    assert apply_hunks(before, hunks_between(before, after)) == after


def test_a_repeated_line_that_goes() -> None:
    assert hunks_between("a\na\na\n", "a\na\n") == (Hunk(4, 6, ""),)
    assert hunks_between("a\na\n", "a\na\na\n") == (Hunk(4, 4, "a\n"),)


def test_hunks_keep_line_endings_whole() -> None:
    assert hunks_between("a\r\nb", "a\rb") == (Hunk(1, 3, "\r"),)
    assert hunks_between("a\r\nb", "a\nb") == (Hunk(1, 3, "\n"),)
    assert hunks_between("a\r\nb", "a\rX\nb") == (Hunk(1, 3, "\rX\n"),)


def test_unique_lines_anchor_what_moved_around_them() -> None:
    a = ["def one():", "    pass", "", "def two():", "    pass", ""]
    b = ["def zero():", "    pass", "", *a]
    assert changed_blocks(a, b) == [(0, 0, 0, 3)]


def test_a_large_rewrite_without_anchors_is_one_replacement() -> None:
    a, b = ["x", "y"] * 5000, ["y", "z", "x"] * 5000
    assert changed_blocks(a, b) == [(0, 10000, 0, 15000)]


NAMES = ["plain.py", "with blank.py", "ünï/cödé 😀.py", 'quo"te\\back.py', "tab\tnew\nline.py"]


def git_apply(root: Path, patch: str) -> None:
    command = ["git", "apply", "--allow-empty", "--whitespace=nowarn", "-"]
    done = subprocess.run(command, cwd=root, input=patch.encode(), capture_output=True, check=False)
    assert done.returncode == 0, f"{done.stderr.decode()}\n{patch!r}"


def workspace(root: Path) -> Snapshot:
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    return Snapshot().with_folders([Folder(path_to_uri(root), "project", root)])


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            texts, st.none() | texts, st.booleans(), st.sampled_from(["edit", "new", "rename"])
        ),
        min_size=1,
        max_size=len(NAMES),
    )
)
def test_git_makes_of_the_diff_what_the_draft_says(
    cases: list[tuple[str, str | None, bool, str]],
) -> None:
    with TemporaryDirectory() as directory:
        root = Path(directory).resolve()
        draft = Draft.over(workspace(root))
        for name, (before, after, bom, way) in zip(NAMES, cases, strict=False):
            uri = path_to_uri(root / name)
            if way == "new":
                draft = draft.create(uri, before)
                continue
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_bytes(
                b"\xef\xbb\xbf" * bom + before.removeprefix("\ufeff").encode()
            )
            draft = draft.delete(uri) if after is None else draft.write(uri, after)
            if way == "rename" and after is not None:
                draft = draft.rename(uri, f"{uri}.moved")
        present = {
            key: change.after.encode() for key, change in draft.changed.items() if change.after
        }
        git_apply(root, draft.diff())
        for key, change in draft.changed.items():
            if change.after is None:
                assert not (root / (draft.base.relative(key) or "")).exists()
            else:
                assert read_document(key).encode() == present[key]


@pytest.mark.slow
def test_git_and_the_disk_writer_agree(folder: Folder, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    for root in (folder.path, other):
        (root / "a.py").write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\nthree")
        (root / "b b.py").write_text("".join(f"{n}\n" for n in range(100)))
    base = workspace(folder.path)
    many = "".join(f"{n}{'!' if n % 20 == 0 else ''}\n" for n in range(100))
    draft = (
        Draft.over(base)
        .write(path_to_uri(folder.path / "a.py"), "one\n2\nthree\n")
        .write(path_to_uri(folder.path / "b b.py"), many)
        .create(path_to_uri(folder.path / "sub/empty.py"), "")
    )
    workspace(other)
    git_apply(other, draft.diff())
    apply_to_disk(draft)
    for name in ("a.py", "b b.py", "sub/empty.py"):
        assert (other / name).read_bytes() == (folder.path / name).read_bytes()


def test_the_shape_of_a_diff() -> None:
    before = "".join(f"{n}\n" for n in range(20)) + "end"
    after = before.replace("3\n", "three\n", 1).replace("end", "END\n")
    assert unified_diff("d/x.py", "d/x.py", before, after) == (
        "diff --git a/d/x.py b/d/x.py\n"
        "--- a/d/x.py\n"
        "+++ b/d/x.py\n"
        "@@ -1,7 +1,7 @@\n"
        " 0\n 1\n 2\n-3\n+three\n 4\n 5\n 6\n"
        "@@ -18,4 +18,4 @@\n"
        " 17\n 18\n 19\n"
        "-end\n\\ No newline at end of file\n"
        "+END\n"
    )


def test_the_shape_of_names_and_empty_sides() -> None:
    assert unified_diff("a b.py", "a b.py", None, "x\n").splitlines()[1:] == [
        *("new file mode 100644", "--- /dev/null", "+++ b/a b.py\t", "@@ -0,0 +1 @@", "+x"),
    ]
    assert unified_diff("a.py", "a.py", "x\n", None).splitlines()[1:] == [
        *("deleted file mode 100644", "--- a/a.py", "+++ /dev/null", "@@ -1 +0,0 @@", "-x"),
    ]
    assert unified_diff("a.py", 'b"\t\x01.py', "x", "x").splitlines()[1:] == [
        *("rename from a.py", 'rename to "b\\"\\t\\001.py"'),
    ]


def test_names_in_a_workspace_of_several_folders(tmp_path: Path) -> None:
    folders = list[Folder]()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        folders.append(Folder(path_to_uri(tmp_path / name), name, tmp_path / name))
    draft = Draft.over(Snapshot().with_folders(folders).opened("untitled:1", "python", 1, "a"))
    draft = draft.create(path_to_uri(tmp_path / "two" / "a.py"), "x\n").write("untitled:1", "b")
    assert "+++ b/two/a.py\n" in draft.diff()
    assert "--- a/untitled:1\n+++ b/untitled:1\n" in draft.diff()
