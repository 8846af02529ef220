"""Watches the cache while a program runs, which must not be able to poison it.

Sizes and times don't tell: a file in memory that is written through a shared mapping changes none
of them. But before anyone can write to a file he has to open it for that, and inotify tells of
every open and of every close of a file that was open for writing, in the order they come. A file
that is still open for writing when the program is gone (its descriptor can be on its way through
a socket that nobody reads) gives itself away by refusing a read lease. All this costs nothing
while nothing happens, however large the cache is.
"""

from __future__ import annotations

import fcntl
import os

from .inotify import Inotify, Mask
from .tree_copy import empty_folder


class Guard:
    """Tells whether anything in a folder was changed, or may have been.

    Where the kernel gives no watches, or the file system no leases, it says yes too often.

    Args:
        folder: what is watched, with everything below.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._blind = False
        self._stale = True
        self._folders: dict[int, str] = {}
        self._inotify = Inotify()
        self._blind = not self._inotify.works

    def arm(self) -> None:
        """Forget what happened so far; what happens from now on counts."""
        if self._blind:
            return
        for _, mask, _ in self._events():
            if mask & (Mask.OVERFLOW | Mask.IGNORED) or (mask & Mask.ISDIR and mask & Mask.CHANGES):
                self._stale = True
        if self._stale:
            self._stale = False
            self._watch(self._folder)
            for _ in self._events():
                pass

    def touched(self) -> bool:
        """Something was changed since `arm`, or is still open for that.

        Call when every process that could do so is gone.
        """
        if self._blind:
            return True
        opened: set[str] = set()
        for watch, mask, name in self._events():
            if mask & Mask.FATAL:
                self._stale = True
                return True
            if mask & Mask.OPEN and not mask & Mask.ISDIR and watch in self._folders:
                opened.add(os.path.join(self._folders[watch], name))
        if any(_open_for_writing(path) for path in opened):
            return True
        # What was closed before its lease was asked for has told so by now.
        return any(mask & Mask.FATAL for _, mask, _ in self._events())

    def discard(self) -> None:
        """Remove everything. Raises OSError where something can't be removed."""
        self._stale = True
        empty_folder(self._folder)

    def _watch(self, folder: str) -> None:
        waiting = [folder]
        while waiting:
            folder = waiting.pop()
            watch = self._inotify.watch(folder, Mask.CHANGES | Mask.OPEN)
            if watch is None:
                self._blind = True
                return
            self._folders[watch] = folder
            with os.scandir(folder) as entries:
                waiting += [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]

    def _events(self) -> list[tuple[int, int, str]]:
        events = self._inotify.events()
        for watch, mask, _ in events:
            if mask & Mask.IGNORED:
                self._folders.pop(watch, None)
        return events


def _open_for_writing(path: str) -> bool:
    """Whether some process has the file open for writing; also where that can't be told."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False
