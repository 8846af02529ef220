"""Sees who touched the copy of a tree, so that a large one need not be read after each run.

As in `guard`: a shared mapping of a file in memory can be written to without a trace in its times,
but not without the file having been opened, and inotify tells of every open. So a file that
nobody opened by its name is the same, unless it has been opened by another one: and for that a
hard link has to be made, which is a new name in the tree and changes the time of the inode.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

from .inotify import Inotify, Mask

_COARSE_CLOCK = 5
"""CLOCK_REALTIME_COARSE, by which the kernel dates inodes."""


class Witness:
    """Watches folders, once asked to.

    Where the kernel gives no watches, or loses events, it knows nothing, and says so.

    Attributes:
        opened: the files that were opened or changed under their own names.
        stirred: names came or went, or a folder changed: there may be other names.
        since: the kernel's time, in ns, at which watching began; a later change of an inode is
            not older than that.
    """

    def __init__(self, root: str) -> None:
        self._root = root
        self._inotify: Inotify | None = None
        self._known: dict[int, str] = {}
        self._lost = True
        self.opened: set[str] = set()
        self.stirred = False
        self.since = 0

    @property
    def started(self) -> bool:
        """Something is watched."""
        return self._inotify is not None

    def start(self, folders: Iterable[str]) -> None:
        """Watch the root and these folders from now on, and no others. Nobody else may live."""
        if self._inotify is None:
            self._inotify = Inotify()
        self._known.clear()
        self._lost = False
        for folder in ("", *folders):
            self.watch(folder)
        self.forget()

    def watch(self, folder: str) -> None:
        """Watch another folder, which has just been made."""
        if self._inotify is None or self._lost:
            return
        number = self._inotify.watch(os.path.join(self._root, folder), Mask.CHANGES | Mask.OPEN)
        if number is None:
            self._lost = True
        else:
            self._known[number] = folder

    def forget(self) -> None:
        """What happened so far was our own doing."""
        if self._inotify is None:
            return
        for number, mask, _ in self._inotify.events():
            self._lost = self._lost or bool(mask & Mask.OVERFLOW)
            if mask & Mask.IGNORED:
                self._known.pop(number, None)
        self.opened.clear()
        self.stirred = False
        self.since = time.clock_gettime_ns(_COARSE_CLOCK)

    def look(self) -> bool:
        """Take in what happened; false where it is not known."""
        if self._inotify is None or self._lost:
            return False
        for number, mask, name in self._inotify.events():
            folder = self._known.get(number)
            if mask & (Mask.OVERFLOW | Mask.UNMOUNT):
                self._lost = True
            elif mask & (Mask.NAMES | Mask.IGNORED) or folder is None:
                self.stirred = True
            elif not mask & Mask.ISDIR:
                self.opened.add(f"{folder}/{name}" if folder else name)
            elif mask & Mask.CHANGES:
                self.stirred = True
        return not self._lost
