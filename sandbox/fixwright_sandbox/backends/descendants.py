"""Processes below another, and what they use together."""

from __future__ import annotations

import os
from pathlib import Path

from .base import BackendError, Usage

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _USER, _RESIDENT = 1, 11, 21
"""Columns of /proc/PID/stat, counted from the state on; see proc(5)."""


def descendants(pid: int) -> dict[int, list[bytes]]:
    """The process and all below it, with the columns of their /proc/PID/stat."""
    known = {each: stat for each in _ids() if (stat := _stat(each)) is not None}
    children: dict[int, list[int]] = {}
    for each, stat in known.items():
        children.setdefault(int(stat[_PARENT]), []).append(each)
    found: dict[int, list[bytes]] = {}
    waiting = [pid] if pid in known else []
    while waiting:
        each = waiting.pop()
        found[each] = known[each]
        waiting += children.get(each, ())
    return found


def usage_below(pid: int) -> Usage:
    """What a process and all below it use. Raises `BackendError` where it is gone."""
    found = descendants(pid)
    if not found:
        raise BackendError("The sandbox's process is gone.")
    ticks = sum(int(value) for stat in found.values() for value in stat[_USER : _USER + 4])
    return Usage(sum(_memory(each, stat) for each, stat in found.items()), ticks / _TICKS)


def _ids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]  # noqa: PTH208 (names, many of them)


def _stat(pid: int) -> list[bytes] | None:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return None


def _memory(pid: int, stat: list[bytes]) -> int:
    """Bytes, a shared page counted as its part of it; whole where we may not look."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_bytes().splitlines():
            if line.startswith(b"Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return int(stat[_RESIDENT]) * _PAGE
