"""Which files belong to the index: those that git sees, without what a `.ignore` file names.

- In a git work tree: what is tracked, and what is neither tracked nor ignored. Nested repositories
  and submodules are entered, each by its own rules.
- Elsewhere: everything but histories, caches and installed packages.
- `.ignore` files have git's syntax and apply in both cases, also to tracked files, as for ripgrep.
- A link counts as what it leads to, if that is inside; a file with several names is known once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fixwright.index.catalog.reading import may_be_source
from fixwright.index.catalog.stamp import Stamp
from fixwright.workspace.files import list_files
from fixwright.workspace.gitfiles import git

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_IGNORE = ".ignore"


@dataclass(frozen=True, slots=True)
class Discovered:
    """The files of a workspace.

    Attributes:
        sources: those that may be source code, by absolute path, with what the disk says of them.
        others: all the others, by absolute path.
        folders: those that hold any of them, by absolute path.
    """

    sources: dict[str, Stamp]
    others: frozenset[str]
    folders: frozenset[str]


def discover(roots: Sequence[Path], empty_repository: Path) -> Discovered:
    """Lists the files below the roots, from disk. I/O.

    Args:
        roots: one may lie inside another.
        empty_repository: where an empty git repository is, or may be made: with it git tells
            what `.ignore` files mean.
    """
    sources: dict[str, Stamp] = {}
    others: set[str] = set()
    folders: set[str] = {str(root) for root in roots}
    for root in roots:
        real = os.path.realpath(root)
        names: dict[str, str] = {}
        stamps: dict[str, Stamp] = {}
        for entry in list_files(root):
            path = _respelled(str(entry.source), real, str(root))
            names.setdefault(path, entry.path)
            stamps[path] = Stamp(entry.size, entry.mtime_ns, entry.ctime_ns, entry.inode)
        ignored = _ignored(root, names.values(), empty_repository)
        for path, name in names.items():
            if name in ignored:
                continue
            folders.add(path.rpartition("/")[0])
            if may_be_source(path):
                sources[path] = stamps[path]
            else:
                others.add(path)
    return Discovered(sources, frozenset(others), frozenset(folders))


def _respelled(path: str, real_root: str, root: str) -> str:
    """A path behind a link, below the root as the user spells it."""
    if path.startswith(real_root + "/") and not path.startswith(root + "/"):
        return root + path[len(real_root) :]
    return path


def _ignored(root: Path, names: Iterable[str], repository: Path) -> set[str]:
    """Names relative to the root that a `.ignore` file excludes."""
    found: set[str] = set()
    for name in names:
        folder, _, last = name.rpartition("/")
        if last == _IGNORE:
            found.update(_ignored_in(root, folder, repository))
    return found


def _ignored_in(root: Path, folder: str, repository: Path) -> Iterable[str]:
    if not repository.is_dir():
        repository.mkdir(parents=True)
        git(repository, "init", "--quiet", "--bare", ".")
    tree = root / folder
    listing = git(
        tree, f"--git-dir={repository}", f"--work-tree={tree}",
        "ls-files", "--others", "--ignored", f"--exclude-per-directory={_IGNORE}", "-z",
    )  # fmt: skip
    prefix = f"{folder}/" if folder else ""
    for name in (listing or b"").split(b"\0"):
        if name:
            yield prefix + os.fsdecode(name)


def explain_ignored(roots: Sequence[Path], path: Path, empty_repository: Path) -> str | None:
    """Why a file that exists does not belong to the index, as a sentence. I/O.

    Returns:
        None where it does belong to it.
    """
    root = next((root for root in roots if path.is_relative_to(root)), None)
    if root is None:
        return "It lies outside the workspace."
    asked = os.fsencode(path.name) + b"\0"  # `-z` is for names on standard input alone
    said = git(path.parent, "check-ignore", "--verbose", "-z", "--stdin", stdin=asked)
    if said:
        source, line, pattern, *_ = map(os.fsdecode, said.split(b"\0"))
        return f"Git ignores it: {source}, line {line}, says {pattern}"
    name = path.relative_to(root).as_posix()
    if name not in {entry.path for entry in list_files(root)}:
        return "It lies in a folder of downloads or caches, or behind a link to outside."
    for folder in path.parents:
        if (folder / _IGNORE).is_file() and folder.is_relative_to(root):
            below = "" if folder == root else folder.relative_to(root).as_posix()
            if name in _ignored_in(root, below, empty_repository):
                return f"{folder / _IGNORE} excludes it."
    return None
