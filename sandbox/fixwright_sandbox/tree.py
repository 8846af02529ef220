"""The files that a run sees, described without touching the user's own."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_NAME_MAX = 255
"""Bytes that Linux lets a file name have."""


@dataclass(frozen=True, slots=True)
class Blob:
    """A file whose content is at hand: an unsaved buffer, a proposed change."""

    data: bytes
    executable: bool = False
    _digest: bytes = field(default=b"", init=False, repr=False, compare=False)

    @property
    def digest(self) -> bytes:
        """What tells the content from any other; computed once."""
        if not self._digest:
            digest = hashlib.blake2b(self.data, digest_size=16).digest()
            object.__setattr__(self, "_digest", digest)
        return self._digest


@dataclass(frozen=True, slots=True)
class HostFile:
    """A file on disk, as `stat` described it when the tree was taken.

    Its content is read when it is sent. Size, time and inode tell whether the sandbox has
    it already. A file that has vanished by then is left out; one that has changed is sent
    as it is.
    """

    path: Path
    size: int
    mtime_ns: int
    inode: int
    executable: bool = False


Tree = Mapping[str, Blob | HostFile]
"""Relative POSIX path (no empty part, no `.` or `..`) to content. Folders are implied."""


class InvalidTreeError(ValueError):
    """A tree that no file system could hold; the message names the path."""


def check_path(path: str) -> None:
    """Raise `InvalidTreeError` unless `path` is a plain relative POSIX path."""
    parts = path.split("/")
    if "\0" in path or any(part in {"", ".", ".."} for part in parts):
        message = f"{path!r} is not a relative path inside the tree."
        raise InvalidTreeError(message)
    try:
        sizes = [len(part.encode("utf-8", "surrogateescape")) for part in parts]
    except UnicodeEncodeError as error:
        message = f"{path!r} can't be written as a file name."
        raise InvalidTreeError(message) from error
    if max(sizes) > _NAME_MAX:
        message = (
            f"A part of {path[:80]!r}… is longer than the 255 bytes that a file name may have."
        )
        raise InvalidTreeError(message)


def check_tree(tree: Tree) -> None:
    """Raise `InvalidTreeError` for a bad path, or for a path that is a file and a folder."""
    for path in tree:
        check_path(path)
        parent = path.rpartition("/")[0]
        while parent:
            if parent in tree:
                message = f"{parent!r} is a file in the tree, and {path!r} needs it to be a folder."
                raise InvalidTreeError(message)
            parent = parent.rpartition("/")[0]
