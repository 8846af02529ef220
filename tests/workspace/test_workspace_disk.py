"""Drafts written to disk: all or nothing, and never over what changed since."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from fixwright.workspace.disk import DiskConflict, apply_to_disk
from fixwright.workspace.draft import Draft
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot


def contents(root: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()
    }


def uri(folder: Folder, name: str) -> str:
    return path_to_uri(folder.path / name)


def test_a_draft_is_written(folder: Folder, disk: Snapshot) -> None:
    (folder.path / "a.py").write_bytes(b"\xef\xbb\xbfa = 1\r\nb = 1")
    (folder.path / "run.sh").write_text("echo\n")
    (folder.path / "run.sh").chmod(0o750)
    (folder.path / "old.py").write_text("old\n")
    (folder.path / "old.py").chmod(0o640)
    (folder.path / "gone.py").write_text("gone\n")
    draft = (
        Draft.over(disk)
        .write(uri(folder, "a.py"), "a = 2\nb = 1")
        .write(uri(folder, "run.sh"), "echo hi\n")
        .rename(uri(folder, "old.py"), uri(folder, "deep/er/new.py"))
        .delete(uri(folder, "gone.py"))
        .create(uri(folder, "made.py"), "made\n")
    )
    written = apply_to_disk(draft)
    assert contents(folder.path) == {
        "a.py": b"\xef\xbb\xbfa = 2\r\nb = 1",
        "run.sh": b"echo hi\n",
        "deep/er/new.py": b"old\n",
        "made.py": b"made\n",
    }
    assert folder.path / "made.py" in written
    modes = {
        name: stat.S_IMODE((folder.path / name).stat().st_mode) for name in contents(folder.path)
    }
    assert (modes["run.sh"], modes["deep/er/new.py"]) == (0o750, 0o640)
    (folder.path / "plain").touch()
    assert modes["made.py"] == stat.S_IMODE((folder.path / "plain").stat().st_mode)


@pytest.mark.parametrize("way", ["changed", "deleted", "created", "directory"])
def test_nothing_is_written_when_one_file_changed_since(
    folder: Folder, disk: Snapshot, way: str
) -> None:
    for name in ("a.py", "b.py"):
        (folder.path / name).write_text("1\n")
    draft = Draft.over(disk).write(uri(folder, "a.py"), "2\n").write(uri(folder, "b.py"), "2\n")
    draft = draft.create(uri(folder, "sub/c.py"), "3\n")
    if way == "changed":
        (folder.path / "b.py").write_text("0\n")
    elif way == "deleted":
        (folder.path / "b.py").unlink()
    elif way == "directory":
        (folder.path / "b.py").unlink()
        (folder.path / "b.py").mkdir()
    else:
        (folder.path / "sub").mkdir()
        (folder.path / "sub" / "c.py").write_text("theirs\n")
    before = contents(folder.path)
    with pytest.raises(DiskConflict):
        apply_to_disk(draft)
    assert contents(folder.path) == before
    assert (folder.path / "sub").exists() == (way == "created")


def test_what_was_written_is_taken_back_when_a_later_file_fails(
    folder: Folder, disk: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.py", "b.py", "c.py"):
        (folder.path / name).write_text("1\n")
    (folder.path / "a.py").chmod(0o755)
    draft = Draft.over(disk).write(uri(folder, "a.py"), "2\n").delete(uri(folder, "b.py"))
    draft = draft.create(uri(folder, "new/d.py"), "4\n").write(uri(folder, "c.py"), "2\n")
    replace = Path.replace

    def fail_on_the_last(path: Path, target: Path) -> Path:
        if target.name == "c.py":
            raise OSError(28, "No space left on device", str(target))
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", fail_on_the_last)
    with pytest.raises(DiskConflict, match=r"c\.py can't be written: No space left"):
        apply_to_disk(draft)
    assert contents(folder.path) == {"a.py": b"1\n", "b.py": b"1\n", "c.py": b"1\n"}
    assert stat.S_IMODE((folder.path / "a.py").stat().st_mode) == 0o755
    assert not (folder.path / "new").exists()


def test_a_file_that_changes_while_others_are_written(
    folder: Folder, disk: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.py", "b.py"):
        (folder.path / name).write_text("1\n")
    draft = Draft.over(disk).write(uri(folder, "a.py"), "2\n").write(uri(folder, "b.py"), "2\n")
    replace = Path.replace

    def save_another(path: Path, target: Path) -> Path:
        (folder.path / "b.py").write_text("theirs\n")
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", save_another)
    with pytest.raises(DiskConflict, match=r"b\.py has changed since"):
        apply_to_disk(draft)
    assert contents(folder.path) == {"a.py": b"1\n", "b.py": b"theirs\n"}


def test_a_link_stays_and_its_target_changes(folder: Folder, disk: Snapshot) -> None:
    (folder.path / "real.py").write_text("1\n")
    (folder.path / "link.py").symlink_to("real.py")
    apply_to_disk(Draft.over(disk).write(uri(folder, "link.py"), "2\n"))
    assert (folder.path / "link.py").is_symlink()
    assert (folder.path / "real.py").read_text() == "2\n"
    assert sorted(path.name for path in folder.path.iterdir()) == ["link.py", "real.py"]


def test_a_target_that_left_meanwhile_is_refused(folder: Folder, disk: Snapshot) -> None:
    outside = folder.path.parent / "outside.py"
    outside.write_text("1\n")
    (folder.path / "a.py").write_text("1\n")
    draft = Draft.over(disk).write(uri(folder, "a.py"), "2\n")
    (folder.path / "a.py").unlink()
    (folder.path / "a.py").symlink_to(outside)
    with pytest.raises(DiskConflict, match="leaves the workspace"):
        apply_to_disk(draft)
    assert outside.read_text() == "1\n"


def test_what_an_editor_holds_is_not_written(folder: Folder, disk: Snapshot) -> None:
    (folder.path / "a.py").write_text("1\n")
    opened = disk.opened(uri(folder, "a.py"), "python", 1, "1\n")
    with pytest.raises(DiskConflict, match="open in an editor"):
        apply_to_disk(Draft.over(opened).write(uri(folder, "a.py"), "2\n"))
    buffer = Snapshot().opened("untitled:1", "python", 1, "1")
    with pytest.raises(DiskConflict, match="names no file"):
        apply_to_disk(Draft.over(buffer).write("untitled:1", "2"))
    assert contents(folder.path) == {"a.py": b"1\n"}
