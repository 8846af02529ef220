"""What the disk says of a file without reading it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os


@dataclass(frozen=True, slots=True)
class Stamp:
    """Equal stamps, equal bytes."""

    size: int
    mtime: int
    ctime: int
    inode: int

    @classmethod
    def of(cls, status: os.stat_result) -> Stamp:
        """The stamp of a file that exists."""
        return cls(status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
