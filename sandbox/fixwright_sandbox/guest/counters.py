"""What the kernel counted against the environment's own limits."""

from __future__ import annotations

import os
from dataclasses import dataclass

_OOM = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
_PIDS = ("/sys/fs/cgroup/pids.events", "/sys/fs/cgroup/pids/pids.events")
_NEARLY_FULL = 256 * 1024
"""Bytes free at which a file system counts as full: a write of more than that just failed."""


@dataclass(frozen=True)
class Counters:
    """How often a limit of the container was met since it started; 0 without cgroups."""

    oom_kills: int
    refused_forks: int


def read_counters() -> Counters:
    """Read both, from whichever version of cgroups is there."""
    return Counters(_counter(_OOM, b"oom_kill"), _counter(_PIDS, b"max"))


def full(folders: tuple[str, ...]) -> str | None:
    """The first of the file systems that has no room left for data or for another file."""
    for folder in folders:
        try:
            info = os.statvfs(folder)
        except OSError:
            continue
        if info.f_bavail * info.f_frsize < _NEARLY_FULL or (info.f_files and not info.f_ffree):
            return folder
    return None


def crowded(folders: tuple[str, ...], most: int) -> str | None:
    """The first of the file systems that holds more files than that, whatever their size."""
    for folder in folders:
        info = os.statvfs(folder)
        if info.f_files - info.f_ffree > most:
            return folder
    return None


def _counter(paths: tuple[str, ...], name: bytes) -> int:
    for path in paths:
        try:
            with open(path, "rb") as file:
                for line in file:
                    key, _, value = line.partition(b" ")
                    if key == name:
                        return int(value)
        except OSError:
            continue
    return 0
