"""The files of a folder: ignore rules, links, open documents, hostile repositories."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from fixwright.workspace.files import list_files
from fixwright.workspace.gitfiles import git_names
from fixwright.workspace.paths import path_to_uri
from fixwright.workspace.snapshot import Folder, Snapshot


def git(directory: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.invalid"]
    settings = [*identity, "-c", "protocol.file.allow=always", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *settings, *arguments], cwd=directory, check=True, capture_output=True)


def plant(root: Path, *names: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def listed(root: Path) -> list[str]:
    return [entry.path for entry in list_files(root)]


def test_git_says_what_is_ignored(folder: Folder) -> None:
    root = folder.path
    plant(root, "a.py", "sub/b.py", "sub/out.log", "build/c.py", "kept.log", "tracked/gone.py")
    plant(root, "é ü.py", "line\nbreak.py", "node_modules/x.js")
    (root / ".gitignore").write_text("*.log\nbuild/\n!kept.log\n")
    git(root, "init")
    git(root, "add", "tracked", "sub/b.py")
    (root / "tracked" / "gone.py").unlink()
    assert listed(root) == [
        *(".gitignore", "a.py", "kept.log", "line\nbreak.py"),
        *("node_modules/x.js", "sub/b.py", "é ü.py"),
    ]
    assert listed(root / "sub") == ["b.py"]


def test_without_git_the_usual_suspects_are_left_out(folder: Folder) -> None:
    root = folder.path
    plant(root, "a.py", ".env", "sub/b.py", ".venv/lib/x.py", "sub/__pycache__/b.pyc")
    plant(root, "node_modules/x.js", ".hg/store", "sub/deep/er/c.py")
    assert listed(root) == [".env", "a.py", "sub/b.py", "sub/deep/er/c.py"]


def test_entries_say_what_the_disk_says(folder: Folder) -> None:
    plant(folder.path, "run.sh")
    (folder.path / "run.sh").chmod(0o755)
    status = (folder.path / "run.sh").stat()
    (entry,) = list_files(folder.path)
    assert (entry.path, entry.source) == ("run.sh", folder.path / "run.sh")
    assert (entry.size, entry.mtime_ns, entry.inode) == (6, status.st_mtime_ns, status.st_ino)
    assert entry.executable
    assert entry.document is None


@pytest.mark.parametrize("with_git", [False, True])
def test_links(folder: Folder, with_git: bool) -> None:
    root = folder.path
    plant(root, "src/pkg/a.py", "src/b.py")
    plant(root.parent, "secret.txt", "elsewhere/x.py")
    for name, target in {
        "file": "src/b.py",
        "dir": "src/pkg",
        "absolute": str(root / "src/pkg"),
        "chain": "dir",
        "out": "../secret.txt",
        "out_dir": "../elsewhere",
        "etc": "/etc",
        "dangling": "nothing",
        "self": "self",
        "src/up": "..",
        "src/pkg/mutual": "../../src",
        "root": ".",
    }.items():
        (root / name).symlink_to(target)
    os.mkfifo(root / "pipe")
    if with_git:
        git(root, "init")
        git(root, "add", "-A")
    assert listed(root) == [
        *("absolute/a.py", "chain/a.py", "dir/a.py", "file", "src/b.py", "src/pkg/a.py"),
    ]
    real = {entry.path: entry.source for entry in list_files(root)}
    assert real["chain/a.py"] == real["dir/a.py"] == root.resolve() / "src/pkg/a.py"
    assert real["file"] == root.resolve() / "src/b.py"


def test_a_tracked_folder_that_became_a_link(folder: Folder) -> None:
    root = folder.path
    plant(root, "data/passwd")
    git(root, "init")
    git(root, "add", "-A")
    (root / "data" / "passwd").unlink()
    (root / "data").rmdir()
    (root / "data").symlink_to("/etc")
    assert listed(root) == []


def test_a_folder_reached_through_a_link(folder: Folder) -> None:
    plant(folder.path, "a.py")
    other = folder.path.parent / "link"
    other.symlink_to(folder.path)
    (entry,) = list_files(other)
    assert entry.source == other / "a.py"


def test_nested_repositories_and_submodules(folder: Folder) -> None:
    root, library = folder.path, folder.path.parent / "library"
    plant(library, "lib.py")
    git(library, "init")
    git(library, "add", "-A")
    git(library, "commit", "-m", "x")
    plant(root, "a.py", "nested/n.py", "nested/skip.log", "nested/.gitignore")
    (root / "nested" / ".gitignore").write_text("*.log\n")
    git(root, "init")
    git(root, "submodule", "add", str(library), "sub")
    plant(root, "sub/new.py")
    git(root / "nested", "init")
    assert listed(root) == [
        *(".gitmodules", "a.py", "nested/.gitignore", "nested/n.py", "sub/lib.py", "sub/new.py"),
    ]


def test_names_that_no_protocol_can_say(folder: Folder) -> None:
    plant(folder.path, "a.py")
    (folder.path / os.fsdecode(b"caf\xe9.py")).write_text("")
    assert listed(folder.path) == ["a.py"]


def test_open_documents_lie_over_the_files(folder: Folder, disk: Snapshot) -> None:
    root = folder.path
    plant(root, "a.py", "b.py", "ignored.py", "was/file")
    (root / "link.py").symlink_to("a.py")
    (root / "hard.py").hardlink_to(root / "a.py")
    (root / "real.py").write_text("on disk")
    (root / "other_link.py").symlink_to("real.py")
    (root / ".gitignore").write_text("ignored.py\n")
    git(root, "init")
    (root / "ignored.py").chmod(0o755)
    snapshot = disk
    for name in ("a.py", "ignored.py", "new/n.py", "was/file/now.py", ".git/COMMIT_EDITMSG"):
        snapshot = snapshot.opened(path_to_uri(root / name), "python", 1, f"typed {name}")
    through_link = path_to_uri(root / "other_link.py")
    snapshot = snapshot.opened(through_link, "python", 1, "typed other_link.py")
    snapshot = snapshot.opened("untitled:1", "python", 1, "")
    snapshot = snapshot.opened(path_to_uri(root.parent / "other.py"), "python", 1, "")
    entries = {entry.path: entry for entry in snapshot.files(folder)}
    texts = {path: entry.document and entry.document.text.value for path, entry in entries.items()}
    assert texts == {
        ".gitignore": None,
        "a.py": "typed a.py",
        "b.py": None,
        "ignored.py": "typed ignored.py",
        "hard.py": None,
        "link.py": "typed a.py",
        "other_link.py": "typed other_link.py",
        "real.py": "typed other_link.py",
        "new/n.py": "typed new/n.py",
        "was/file/now.py": "typed was/file/now.py",
    }
    assert entries["ignored.py"].executable
    assert (entries["new/n.py"].size, entries["new/n.py"].inode) == (0, 0)


HOSTILE = """
[core]
    repositoryformatversion = 1
    fsmonitor = "{trap}"
    hooksPath = "{hooks}"
    sshCommand = "{trap}"
    pager = "{trap}"
    editor = "{trap}"
    gitProxy = "{trap}"
    sparseCheckout = true
[extensions]
    partialClone = origin
[remote "origin"]
    url = {url}
    promisor = true
    partialclonefilter = blob:none
    uploadpack = "{trap}"
[protocol]
    allow = always
[protocol "ext"]
    allow = always
[credential]
    helper = "!{trap}"
[filter "trap"]
    clean = "{trap}"
    smudge = "{trap}"
    process = "{trap}"
[alias]
    ls-files = "!{trap}"
[pager]
    ls-files = "{trap}"
"""


@pytest.mark.parametrize("url", ["ext::sh -c {trap}", "ssh://host/x", "/nowhere", "trap::x"])
def test_a_hostile_repository_runs_nothing(
    folder: Folder, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, marker = folder.path, folder.path.parent / "executed"
    trap = folder.path.parent / "git-remote-trap"
    trap.write_text(f"#!/bin/sh\necho $0 $@ >> {marker}\n")
    trap.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder.path.parent}:{os.environ['PATH']}")
    plant(root, "a.py", "sub/.gitignore", "sub/b.py")
    (root / ".gitattributes").write_text("* filter=trap\n")
    git(root, "init")
    git(root, "-c", "filter.trap.clean=cat", "add", "-A")
    blob = subprocess.run(
        ["git", "rev-parse", ":sub/.gitignore"],
        cwd=root,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    git(root, "update-index", "--skip-worktree", "sub/.gitignore")
    (root / "sub" / ".gitignore").unlink()  # now git wants the blob, which isn't there either
    (root / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    hooks = root.parent / "hooks"
    hooks.mkdir()
    for hook in ("post-index-change", "pre-auto-gc", "reference-transaction"):
        (hooks / hook).symlink_to(trap)
    config = (
        HOSTILE.replace("{url}", url).replace("{trap}", str(trap)).replace("{hooks}", str(hooks))
    )
    (root / ".git" / "config").write_text(config)
    names = git_names(root)
    assert not marker.exists(), marker.read_text()
    assert names is None or "a.py" in names
    assert "a.py" in listed(root)
    # The trap is a real one: git without the hardening falls into it.
    subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=root, check=False, capture_output=True
    )
    assert marker.exists()


def test_git_that_points_elsewhere(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    other = folder.path.parent / "other"
    plant(other, "x.py")
    git(other, "init")
    plant(folder.path, "a.py")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    assert git_names(folder.path) is None
    plant(folder.path.parent / "third", "y.py")
    git_dir = ["--git-dir", "third/.git", "--work-tree", "third"]
    git(folder.path.parent, *git_dir, "init")
    assert git_names(folder.path.parent / "third") == ["y.py"]
    monkeypatch.delenv("GIT_DIR")
    monkeypatch.delenv("GIT_WORK_TREE")
    git(folder.path, "init")
    git(folder.path, "config", "core.worktree", str(other))
    assert git_names(folder.path) is None
    assert "a.py" in listed(folder.path)


def test_no_git_on_this_machine(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(folder.path, "a.py")
    monkeypatch.setenv("PATH", "/nowhere")
    assert git_names(folder.path) is None
    assert listed(folder.path) == ["a.py"]
