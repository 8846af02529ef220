"""Bring a guest's copy of the tree up to date: whole once, then only what differs."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass, field

from .limits import MIB
from .tree import Blob, HostFile, Tree, check_tree
from .wire import encode

_SMALL = 256 * 1024
_BATCH = 1 * MIB
_READINGS = 3

Key = tuple[object, ...]
"""What identifies a file's content: a blob's digest, or what `stat` said of a host file."""


class TreeTooLargeError(ValueError):
    """The tree is over the limit; the message gives both figures."""


@dataclass
class Manifest:
    """What the guest's copy holds, by path."""

    keys: dict[str, Key] = field(default_factory=dict[str, Key])

    def forget(self, paths: tuple[str, ...]) -> None:
        """The guest has these no longer."""
        for path in paths:
            self.keys.pop(path, None)


@dataclass(frozen=True)
class Delta:
    """What to do to a copy to make it the tree."""

    removed: list[str]
    wanted: list[str]


def difference(tree: Tree, manifest: Manifest, tree_bytes: int) -> Delta:
    """Compare the tree with what the guest has. Reads no file.

    Raises `InvalidTreeError` and `TreeTooLargeError`.
    """
    if not tree.keys() <= manifest.keys.keys():  # else its paths were checked before
        check_tree(tree)
    size = sum(len(item.data) if isinstance(item, Blob) else item.size for item in tree.values())
    if size > tree_bytes:
        raise TreeTooLargeError(_too_large(size, tree_bytes))
    keys = manifest.keys
    return Delta(
        removed=[path for path in keys if path not in tree],
        wanted=[path for path, item in tree.items() if keys.get(path) != key_of(item)],
    )


def key_of(item: Blob | HostFile) -> Key:
    """The key of a tree's item."""
    if isinstance(item, Blob):
        return ("blob", item.digest, item.executable)
    return ("file", item.size, item.mtime_ns, item.inode, item.executable)


def frames(tree: Tree, delta: Delta, manifest: Manifest, tree_bytes: int) -> Iterator[bytes]:
    """The frames that carry the difference, none much larger than a MiB.

    Reads host files as it goes, so iterate in a thread. Marks each file in the manifest as
    it is sent. A file that has vanished is removed from the copy, if it was there.
    """
    removed = list(delta.removed)
    batch = _Batch()
    room = tree_bytes
    for path in delta.wanted:
        content = _content(tree[path], room)
        if content is None:
            if path in manifest.keys:
                removed.append(path)
            continue
        room -= len(content.data)
        if len(content.data) > _SMALL:
            yield from _parts(path, content)
        else:
            batch.add(path, content)
            if batch.size >= _BATCH:
                yield batch.take()
        manifest.keys[path] = content.key
    # Removals go first in the guest, so a folder can become a file; see `prelude`.
    if batch.size or batch.files:
        yield batch.take()
    vanished = [path for path in removed if path not in delta.removed]
    if vanished:
        manifest.forget(tuple(vanished))
        yield encode({"op": "remove", "paths": vanished})


def prelude(delta: Delta, manifest: Manifest) -> bytes:
    """The frame that removes, sent before any that writes."""
    manifest.forget(tuple(delta.removed))
    return encode({"op": "remove", "paths": delta.removed})


@dataclass(frozen=True)
class _Content:
    data: bytes
    executable: bool
    key: Key


@dataclass
class _Batch:
    files: list[tuple[str, int, bool]] = field(default_factory=list[tuple[str, int, bool]])
    data: list[bytes] = field(default_factory=list[bytes])
    size: int = 0

    def add(self, path: str, content: _Content) -> None:
        self.files.append((path, len(content.data), content.executable))
        self.data.append(content.data)
        self.size += len(content.data) + len(path)

    def take(self) -> bytes:
        frame = encode({"op": "files", "files": self.files}, b"".join(self.data))
        self.files, self.data, self.size = [], [], 0
        return frame


def _parts(path: str, content: _Content) -> Iterator[bytes]:
    size = len(content.data)
    for start in range(0, size, _BATCH):
        yield encode(
            {
                "op": "part",
                "path": path,
                "executable": content.executable,
                "first": start == 0,
                "last": start + _BATCH >= size,
            },
            content.data[start : start + _BATCH],
        )


def _content(item: Blob | HostFile, room: int) -> _Content | None:
    if isinstance(item, Blob):
        return _Content(item.data, item.executable, key_of(item))
    return _read(item, room)


def _read(item: HostFile, room: int) -> _Content | None:
    """Read a host file as it is now; None when there is none to read.

    A file that changes while it is read is read again, and where it does not come to rest,
    what was read last is sent under a key that no later tree will have.
    """
    data, before, after = b"", None, None
    for _ in range(_READINGS):
        try:
            handle = os.open(item.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return None
        with os.fdopen(handle, "rb") as file:
            before = os.fstat(handle)
            if not stat.S_ISREG(before.st_mode):
                return None
            if before.st_size > room:
                raise TreeTooLargeError(_grown(item, before.st_size))
            data = file.read(room + 1)
            after = os.fstat(handle)
        if _times(before) == _times(after) and len(data) == after.st_size:
            return _Content(data, item.executable, ("file", *_times(after), item.executable))
    return _Content(data[:room], item.executable, ("unsettled",))


def _times(info: os.stat_result) -> tuple[int, int, int]:
    return (info.st_size, info.st_mtime_ns, info.st_ino)


def _too_large(size: int, most: int) -> str:
    return (
        f"The files of this workspace come to {size / MIB:.0f} MiB, more than the {most / MIB:.0f} "
        "MiB that the sandbox takes. Leave out what the run does not need with ignore rules."
    )


def _grown(item: HostFile, size: int) -> str:
    return (
        f"{item.path} has grown to {size / MIB:.0f} MiB since it was looked at, more than the "
        "sandbox takes. Leave it out with an ignore rule."
    )
