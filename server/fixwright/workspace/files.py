"""The files of a folder, as a run or an index wants them: no ignored ones, none from outside."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fixwright.workspace.document import Document
from fixwright.workspace.gitfiles import git_names

SKIPPED_DIRECTORIES = frozenset(
    {
        ".cache",
        ".eggs",
        ".git",
        ".hg",
        ".hypothesis",
        ".mypy_cache",
        ".nox",
        ".pytest_cache",
        ".ruff_cache",
        ".svn",
        ".tox",
        ".venv",
        "__pycache__",
        "node_modules",
        "venv",
    }
)
"""Left out where no git says what is ignored: histories, caches and installed packages."""

_NESTED_REPOSITORIES = 8


@dataclass(frozen=True, slots=True)
class FileEntry:
    """One file of a folder.

    Attributes:
        path: POSIX, relative to the folder, without ``..``.
        source: Its absolute path on this machine; behind a link, the path of the real file.
        size: Bytes on disk; 0 when it isn't there yet.
        mtime_ns: Modification time on disk in nanoseconds; 0 when it isn't there yet.
        inode: On disk; 0 when it isn't there yet.
        executable: Whether its owner may execute it.
        document: What stands in place of the bytes on disk; None: the bytes on disk are right.
        ctime_ns: Time of the last change on disk, of whatever kind, in nanoseconds; 0 when it isn't
            there yet.
    """

    path: str
    source: Path
    size: int
    mtime_ns: int
    inode: int
    executable: bool
    document: Document | None = None
    ctime_ns: int = 0

    @classmethod
    def on_disk(cls, path: str, source: Path, status: os.stat_result) -> FileEntry:
        """The entry of a file that exists."""
        executable = bool(status.st_mode & stat.S_IXUSR)
        size, mtime, inode = status.st_size, status.st_mtime_ns, status.st_ino
        return cls(path, source, size, mtime, inode, executable, ctime_ns=status.st_ctime_ns)


def list_files(root: Path) -> Iterator[FileEntry]:
    """The files below `root` that are not ignored, from disk, ascending by path. I/O.

    Git says what is ignored where `root` lies in a work tree of its; else `SKIPPED_DIRECTORIES` are
    left out. Links are followed when they stay below `root`: one to a file counts as that file, one
    to a folder as the files listed in it. Names that are not UTF-8 are left out, since no protocol
    can say them.
    """
    real_root = os.path.realpath(root)
    files = dict[str, os.stat_result]()  # without links
    links = list[str]()
    whole = dict[str, bool]()  # folder -> no link on the way to it
    for name, status in _found(real_root, "", _NESTED_REPOSITORIES):
        folder = name.rpartition("/")[0]
        if folder not in whole:
            path = f"{real_root}/{folder}" if folder else real_root
            whole[folder] = os.path.realpath(path) == path
        if not whole[folder] or not _is_utf8(name):
            continue
        if stat.S_ISREG(status.st_mode):
            files[name] = status
        elif stat.S_ISLNK(status.st_mode):
            links.append(name)
    entries = {
        name: FileEntry.on_disk(name, Path(real_root, target), status)
        for link in links
        for name, target, status in _behind_link(real_root, link, files)
    }
    for name, status in files.items():
        entries[name] = FileEntry.on_disk(name, root / name, status)
    for _, entry in sorted(entries.items()):
        yield entry


def _found(root: str, below: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    """What is no folder below `root`/`below`, by name relative to `root`."""
    directory = f"{root}/{below}"
    named = git_names(Path(directory))
    for name in _walk(directory) if named is None else named:
        status = _lstat(f"{directory}/{name}")
        if status is None:
            continue
        if not stat.S_ISDIR(status.st_mode):
            yield below + name, status
        elif depth > 0 and name.rstrip("/"):  # a nested repository
            yield from _found(root, f"{below}{name.rstrip('/')}/", depth - 1)


def _walk(directory: str) -> Iterator[str]:
    """Names below `directory` without skipped directories; links are not entered."""
    pending = [""]
    while pending:
        below = pending.pop()
        try:
            with os.scandir(f"{directory}/{below}") as found:
                children = list(found)
        except OSError:  # it went away, or we may not look into it: then nothing in it can be run
            continue
        for child in children:
            if not child.is_dir(follow_symlinks=False):
                yield below + child.name
            elif child.name not in SKIPPED_DIRECTORIES:
                pending.append(f"{below}{child.name}/")


def _behind_link(
    root: str, link: str, files: dict[str, os.stat_result]
) -> Iterator[tuple[str, str, os.stat_result]]:
    """What a link stands for: a file inside `root`, or the listed files of a folder there.

    Yields:
        The name through the link, the name without it, and what the disk says of it.
    """
    target = os.path.realpath(f"{root}/{link}")
    if not target.startswith(root.rstrip("/") + "/"):  # outside, or the root: a loop
        return
    inner = target[len(root.rstrip("/")) + 1 :]
    status = _lstat(target)
    if status is None:
        return
    if stat.S_ISREG(status.st_mode):
        yield link, inner, status
        return
    prefix = inner + "/"
    if not stat.S_ISDIR(status.st_mode) or link.startswith(prefix):  # inside its own target: a loop
        return
    for name, found in files.items():
        if name.startswith(prefix):
            yield f"{link}/{name[len(prefix) :]}", name, found


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _is_utf8(name: str) -> bool:
    return name.isascii() or not any("\ud800" <= char <= "\udfff" for char in name)
