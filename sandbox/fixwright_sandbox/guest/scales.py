"""How large a folder is that is being filled; its file system may have room for far more."""

from __future__ import annotations

import os
import time

_EVERY = 1.0
"""Seconds between two looks; and never more than a tenth of the time goes into looking."""


class Scales:
    """Weighs a folder now and then."""

    def __init__(self, folder: str, most: int) -> None:
        self.heavy = False
        self._folder = folder
        self._most = most
        self._next = time.monotonic() + _EVERY

    def look(self, now: float) -> bool:
        """Whether it is larger than it may be; looks only when it is time to."""
        if now >= self._next:
            self.weigh()
            took = time.monotonic() - now
            self._next = now + max(_EVERY, 10 * took)
        return self.heavy

    def weigh(self) -> int:
        """Its bytes on disk, links not followed."""
        size = 0
        waiting = [self._folder]
        while waiting:
            try:
                with os.scandir(waiting.pop()) as entries:
                    for entry in entries:
                        size += entry.stat(follow_symlinks=False).st_blocks * 512
                        if entry.is_dir(follow_symlinks=False):
                            waiting.append(entry.path)
            except OSError:  # it has just gone
                continue
        self.heavy = size > self._most
        return size
