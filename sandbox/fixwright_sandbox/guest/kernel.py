"""The few calls to the kernel that Python has no names for."""

from __future__ import annotations

import ctypes

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_CHILD_SUBREAPER = 36
_LIBC = ctypes.CDLL(None, use_errno=True)


def set_dumpable(*, dumpable: bool) -> None:
    """Whether others of the same user may trace this process and read its memory."""
    _LIBC.prctl(_PR_SET_DUMPABLE, int(dumpable), 0, 0, 0)


def become_subreaper() -> None:
    """Make orphaned descendants children of this process."""
    _LIBC.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(signal: int) -> None:
    """Receive `signal` when the thread that started this process ends."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0)
