"""Files between the machine and a tree: read in whole, written atomically."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from .tree import Blob, HostFile, InvalidTreeError, Tree, check_path

IGNORED = (
    *(".git", ".hg", ".svn", "__pycache__", "*.pyc", ".venv", "venv", "node_modules"),
    *(".mypy_cache", ".pytest_cache", ".ruff_cache", ".tox", ".nox", ".DS_Store"),
)
"""Names (of files and folders, with wildcards) that are not uploaded unless asked for."""

Content = str | bytes | Path | Blob | HostFile
"""What a file may be given as: text, bytes, a file of this machine to read now, or as in a tree."""


def blob_of(content: Content) -> Blob | HostFile:
    """The content as a tree has it. Reads the file that a `Path` names; raises OSError."""
    if isinstance(content, str):
        return Blob(content.encode())
    if isinstance(content, bytes):
        return Blob(content)
    if isinstance(content, Path):
        return _read(content)
    return content


def tree_of(files: Mapping[str, Content]) -> Tree:
    """The files as a tree. Reads as `blob_of` does."""
    return {path: blob_of(content) for path, content in files.items()}


def files_below(source: Path, ignored: Sequence[str]) -> dict[str, Blob]:
    """Every file in a folder by its path in there, without what is ignored.

    Links to files are followed where they stay in the folder; other links, devices, pipes and
    sockets are left out. Raises OSError for what can't be read.
    """
    root = source.resolve()
    found: dict[str, Blob] = {}
    for path in _walk(root, ignored):
        resolved = path.resolve()
        if not resolved.is_file() or not resolved.is_relative_to(root):
            continue
        name = path.relative_to(root).as_posix()
        check_path(name)
        found[name] = _read(resolved)
    return found


def write_files(files: Mapping[str, Blob | HostFile], folder: Path) -> tuple[Path, ...]:
    """Write files below a folder, each whole or not at all; return where they are now.

    Existing files are replaced. Raises OSError, and `InvalidTreeError` where a link in the folder
    leads out of it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return tuple(
        write_file(item, _below(folder, path), within=folder) for path, item in files.items()
    )


def write_file(item: Blob | HostFile, target: Path, *, within: Path | None = None) -> Path:
    """Write one file, whole or not at all. Raises as `write_files`."""
    if within is not None and not target.parent.resolve().is_relative_to(within.resolve()):
        message = f"{target} is not written: a link on the way leads out of {within}."
        raise InvalidTreeError(message)
    data = content_of(item)
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=".fixwright-", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            os.fchmod(file.fileno(), 0o755 if item.executable else 0o644)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            Path(name).unlink()
        raise
    return target


def content_of(item: Blob | HostFile) -> bytes:
    """The bytes of a tree's item; reads a `HostFile`. Raises OSError."""
    return item.data if isinstance(item, Blob) else item.path.read_bytes()


def _read(path: Path) -> Blob:
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        return Blob(file.read(), executable=bool(mode & stat.S_IXUSR))


def _walk(folder: Path, ignored: Sequence[str]) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if any(fnmatchcase(entry.name, pattern) for pattern in ignored):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(Path(entry.path), ignored)
        else:
            yield Path(entry.path)


def _below(folder: Path, path: str) -> Path:
    check_path(path)
    return folder.joinpath(*path.split("/"))
