"""The copy of the user's tree that runs work in: written, searched for changes, put back."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from .witness import Witness

_HASHED_AT_ONCE = 1 << 20
_PROGRAM = 0o755
_PLAIN = 0o644
_WATCHED_FROM = 32
"""Files from which on it is watched who opens them; fewer are read in no time."""


class TreeError(Exception):
    """The copy can't be written; the message says why."""


@dataclass(frozen=True)
class Kept:
    """A file as it was written: how to see that it is still the same."""

    seen: tuple[int, ...]
    digest: bytes


@dataclass(frozen=True)
class Change:
    """What a run did to one path."""

    path: str
    change: str
    size: int
    regular: bool
    executable: bool = False


class TreeCopy:
    """The files under `root`, of which every one not written by the host is a run's.

    Args:
        root: the folder.
        alone: nobody else lives when nothing runs; unless told, so it is for process 1 of a
            namespace, which has killed them all.
    """

    def __init__(self, root: str, *, alone: bool | None = None) -> None:
        self.root = root
        self._files: dict[str, Kept] = {}
        self._folders: set[str] = set()
        self._unverified: list[str] = []
        self._intact: set[str] = set()
        self._foreign = True
        self._part: tuple[str, int, hashlib.blake2b] | None = None
        self._alone = os.getpid() == 1 if alone is None else alone
        self._witness = Witness(root)
        self._idle = True
        """No process of a run lives; what happens to the files is our own doing."""

    # ---- what the host asks for

    def write(self, path: str, data: bytes, *, executable: bool) -> None:
        """Write one whole file."""
        self.write_part(path, data, executable=executable, first=True, last=True)

    def write_part(
        self, path: str, data: bytes, *, executable: bool, first: bool, last: bool
    ) -> None:
        """Write the next piece of a file; only the last makes it known."""
        full = os.path.join(self.root, path)
        try:
            if first:
                self._make_folders(path)
                if os.path.lexists(full):
                    os.unlink(full)
                flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
                handle = os.open(full, flags, _PROGRAM if executable else _PLAIN)
                self._part = (path, handle, hashlib.blake2b(digest_size=16))
            assert self._part is not None
            _, handle, digest = self._part
            digest.update(data)
            view = memoryview(data)
            while view:
                view = view[os.write(handle, view) :]
            if last:
                # fchmod, because the umask is not ours to know
                os.fchmod(handle, _PROGRAM if executable else _PLAIN)
                self._files[path] = Kept(_signature(os.fstat(handle)), digest.digest())
                os.close(handle)
                self._part = None
                self._disregard()
        except OSError as error:
            self._abandon_part()
            self._files.pop(path, None)
            message = f"{path} can't be written into the sandbox: {error.strerror}."
            raise TreeError(message) from error

    def remove(self, path: str) -> None:
        """Remove a file, and the folders that it leaves empty."""
        self._files.pop(path, None)
        full = os.path.join(self.root, path)
        try:
            if os.path.lexists(full):
                os.unlink(full)
            for folder in _parents(path):
                os.rmdir(os.path.join(self.root, folder))
                self._folders.discard(folder)
        except OSError:
            pass  # A folder that still has something in it: the usual end of this loop.
        self._disregard()

    def verify(self, budget: int | None = None) -> list[str]:
        """Compare contents with what was written; return the paths that differ, dropped.

        Times alone don't tell: on tmpfs, writing through a shared mapping changes none of
        them. With a budget, stops after so many bytes; `pending` says whether more waits.
        """
        differing: list[str] = []
        while self._unverified and (budget is None or budget > 0):
            path = self._unverified.pop()
            kept = self._files.get(path)
            if kept is None:
                continue
            full = os.path.join(self.root, path)
            if budget is not None:
                budget -= kept.seen[1] + 4096
            try:
                same = _digest(full) == kept.digest
            except OSError:
                same = False
            if not same:
                del self._files[path]
                with contextlib.suppress(OSError):
                    os.unlink(full)
                differing.append(path)
        self._disregard()
        return differing

    @property
    def pending(self) -> bool:
        """Some contents were not compared since the last run."""
        return bool(self._unverified)

    # ---- after a run

    def changes(self) -> list[Change]:
        """What differs from what was written, by path. Reads as little as it can."""
        self._idle = False
        known = self._witness.look()
        whole = not known or self._witness.stirred
        intact = set[str]() if whole else self._files.keys() - self._witness.opened
        changes: list[Change] = []
        found: set[str] = set()
        self._foreign = False
        for path, info in self._walk() if whole else self._opened():
            kept = self._files.get(path)
            regular = stat.S_ISREG(info.st_mode)
            size = info.st_size if regular else 0
            if kept is None:
                self._foreign = True
                if not _is_cache(path):
                    changes.append(Change(path, "created", size, regular, _is_program(info)))
                continue
            found.add(path)
            if kept.seen == _signature(info) or self._touched_only(path, info, kept):
                intact.add(path)
            else:
                changes.append(Change(path, "modified", size, regular, _is_program(info)))
        self._intact = intact
        changes += [
            Change(path, "deleted", 0, regular=False)
            for path in self._files.keys() - intact
            if path not in found
        ]
        return sorted(changes, key=lambda change: change.path)

    def restore(self) -> list[str]:
        """Remove what `changes` found; return the written paths that are now missing.

        Raises OSError where something can't be removed.
        """
        missing = [path for path in self._files if path not in self._intact]
        doubtful = self._doubtful()
        if missing or self._foreign:
            for path in missing:
                del self._files[path]
            self._folders = {folder for path in self._files for folder in _parents(path)}
            self._remove_foreign("")
        self._unverified += [path for path in doubtful if path in self._files]
        self._keep_watching()
        self._idle = True
        return missing

    def _doubtful(self) -> list[str]:
        """Files that may be others than what `stat` says of them."""
        if not self._witness.look():
            return list(self._files)
        doubtful = list(self._witness.opened)
        if self._witness.stirred:
            since = self._witness.since
            doubtful += [path for path, kept in self._files.items() if kept.seen[3] >= since]
        return doubtful

    def _keep_watching(self) -> None:
        """Watch from now on what is worth it, also folders that took others' places."""
        if self._witness.started:
            if self._witness.stirred or not self._witness.look():
                self._witness.start(self._folders)
            else:
                self._witness.forget()
        elif self._alone and len(self._files) >= _WATCHED_FROM:
            self._witness.start(self._folders)

    def _disregard(self) -> None:
        """What was done to the files just now, we did."""
        if self._idle:
            self._witness.forget()

    def _opened(self) -> Iterator[tuple[str, os.stat_result]]:
        for path in self._witness.opened:
            with contextlib.suppress(FileNotFoundError):
                yield path, os.lstat(os.path.join(self.root, path))

    def _touched_only(self, path: str, info: os.stat_result, kept: Kept) -> bool:
        """The file was touched, or written again with the same content."""
        if not stat.S_ISREG(info.st_mode) or info.st_size != kept.seen[1]:
            return False
        full = os.path.join(self.root, path)
        try:
            os.chmod(full, stat.S_IMODE(kept.seen[4]))
            if _digest(full) != kept.digest:
                return False
            self._files[path] = Kept(_signature(os.lstat(full)), kept.digest)
        except OSError:
            return False
        return True

    def _walk(self) -> Iterator[tuple[str, os.stat_result]]:
        waiting = [""]
        while waiting:
            folder = waiting.pop()
            for entry in _entries(os.path.join(self.root, folder)):
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(path)
                    rights = entry.stat(follow_symlinks=False).st_mode & 0o777
                    if path not in self._folders or rights != _PROGRAM:
                        self._foreign = True
                else:
                    yield path, entry.stat(follow_symlinks=False)

    def _remove_foreign(self, folder: str) -> None:
        for entry in _entries(os.path.join(self.root, folder)):
            path = f"{folder}/{entry.name}" if folder else entry.name
            if not entry.is_dir(follow_symlinks=False):
                if path not in self._files:
                    os.unlink(entry.path)
            elif path in self._folders:
                os.chmod(entry.path, _PROGRAM)
                self._remove_foreign(path)
            else:
                remove_folder(entry.path)

    def _make_folders(self, path: str) -> None:
        missing = [folder for folder in _parents(path) if folder not in self._folders]
        for folder in reversed(missing):
            full = os.path.join(self.root, folder)
            if not os.path.isdir(full) or os.path.islink(full):
                if os.path.lexists(full):
                    os.unlink(full)
                os.mkdir(full, _PROGRAM)
            self._folders.add(folder)
            self._witness.watch(folder)

    def _abandon_part(self) -> None:
        if self._part is not None:
            os.close(self._part[1])
            self._part = None


def remove_folder(path: str) -> None:
    """Remove a folder of a run's with all in it, also where it took its own rights away."""
    os.chmod(path, 0o700)
    waiting = [path]
    while waiting:
        for entry in _entries(waiting.pop()):
            if entry.is_dir(follow_symlinks=False):
                os.chmod(entry.path, 0o700)
                waiting.append(entry.path)
    shutil.rmtree(path)


def empty_folder(path: str, kept: frozenset[str] = frozenset()) -> None:
    """Remove everything in a folder, but not the folder, and none of the folders in `kept`."""
    for entry in _entries(path):
        if entry.path in kept:
            if not os.path.ismount(entry.path):
                empty_folder(entry.path, kept)
        elif entry.is_dir(follow_symlinks=False):
            remove_folder(entry.path)
        else:
            os.unlink(entry.path)


def _entries(path: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(path) as entries:
            return list(entries)
    except PermissionError:
        os.chmod(path, _PROGRAM)
        with os.scandir(path) as entries:
            return list(entries)


def _parents(path: str) -> list[str]:
    parents: list[str] = []
    while True:
        path = os.path.dirname(path)
        if not path:
            return parents
        parents.append(path)


def _is_cache(path: str) -> bool:
    return "__pycache__" in path.split("/")


def _is_program(info: os.stat_result) -> bool:
    return stat.S_ISREG(info.st_mode) and bool(info.st_mode & 0o100)


def _signature(info: os.stat_result) -> tuple[int, ...]:
    return (info.st_ino, info.st_size, info.st_mtime_ns, info.st_ctime_ns, info.st_mode)


def _digest(path: str) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(path, flags)
    try:
        while True:
            data = os.read(handle, _HASHED_AT_ONCE)
            if not data:
                return digest.digest()
            digest.update(data)
    finally:
        os.close(handle)
