"""Events of the file system, as the kernel tells them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import struct

_EVENT = struct.Struct("iIII")
_READ = 1 << 16
_LIBC = ctypes.CDLL(None, use_errno=True)


class Mask:
    """Kinds of events, as in `<sys/inotify.h>`."""

    MODIFY, ATTRIB, CLOSE_WRITE, OPEN = 0x2, 0x4, 0x8, 0x20
    MOVED_FROM, MOVED_TO, CREATE, DELETE, DELETE_SELF = 0x40, 0x80, 0x100, 0x200, 0x400
    MOVE_SELF, UNMOUNT, OVERFLOW, IGNORED = 0x800, 0x2000, 0x4000, 0x8000
    ONLYDIR, DONT_FOLLOW, ISDIR = 0x01000000, 0x02000000, 0x40000000
    NAMES = MOVED_FROM | MOVED_TO | CREATE | DELETE | DELETE_SELF | MOVE_SELF
    CHANGES = MODIFY | ATTRIB | CLOSE_WRITE | NAMES
    FATAL = CHANGES | UNMOUNT | OVERFLOW | IGNORED


class Inotify:
    """Watches of folders, where the kernel gives any."""

    def __init__(self) -> None:
        self._handle: int = _LIBC.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)

    @property
    def works(self) -> bool:
        """The kernel let us watch."""
        return self._handle >= 0

    def watch(self, folder: str, mask: int) -> int | None:
        """Watch a folder; return the number that its events bear, None where it is refused."""
        mask |= Mask.ONLYDIR | Mask.DONT_FOLLOW
        number: int = _LIBC.inotify_add_watch(self._handle, os.fsencode(folder), mask)
        return number if number >= 0 else None

    def events(self) -> list[tuple[int, int, str]]:
        """All that have come: number, mask and the name in the watched folder."""
        events: list[tuple[int, int, str]] = []
        with contextlib.suppress(BlockingIOError):
            while self.works:
                data = os.read(self._handle, _READ)
                position = 0
                while position < len(data):
                    number, mask, _, size = _EVENT.unpack_from(data, position)
                    position += _EVENT.size
                    name = data[position : position + size].rstrip(b"\0")
                    position += size
                    events.append((number, mask, os.fsdecode(name)))
        return events
