"""The few calls to the kernel that Python has no names for."""

from __future__ import annotations

import ctypes

_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_SECCOMP = 22
_PR_SET_CHILD_SUBREAPER = 36
_PR_SET_NO_NEW_PRIVS = 38
_SECCOMP_MODE_FILTER = 2
_INSTRUCTION = 8
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


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def filter_calls(instructions: bytes) -> None:
    """Put a filter on the system calls of this thread and of all that it will start, for good.

    Raises OSError where the kernel does not take it.
    """
    program = _Program(len(instructions) // _INSTRUCTION, instructions)
    if (
        _LIBC.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0
        or _LIBC.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0
    ):
        raise OSError(ctypes.get_errno(), "the filter for system calls is not taken")
