"""A filter for system calls: it refuses what no run needs and ways out begin with.

Bubblewrap has no other; under Docker it lies over the engine's own profile, which lets a few of
these through, more of them the older it is. What is not refused is left alone, so that ordinary
programs work; what is newer than this list is answered as an old kernel would.

The filter is a program of the classic Berkeley Packet Filter over `struct seccomp_data` (see
seccomp(2)), which the kernel runs at each system call.
"""

from __future__ import annotations

import errno
import struct
from collections.abc import Iterable, Mapping

from .seccomp_calls import NEWEST, REFUSED, Architecture, architecture

_LOAD, _EQUAL, _AT_LEAST, _MORE, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x25, 0x45, 0x06
"""Operations: load a word, four jumps by comparison with a constant, return a constant."""
_CALL, _ABI, _ARGUMENTS = 0, 4, 16
"""Offsets in bytes. An argument has eight; of those that are looked at the low four count."""
_ALLOW, _KILL, _ERROR = 0x7FFF0000, 0x80000000, 0x00050000
_X32 = 0x40000000
"""The bit by which x86-64 tells the calls of its other ABI."""

_NEW_NAMESPACES = 0x7E020000
"""CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID and NEWNET."""
_FAMILIES = {"AF_UNIX": 1, "AF_INET": 2, "AF_INET6": 10, "AF_NETLINK": 16}
"""Sockets that belong to a network namespace. AF_VSOCK, say, reaches a virtual machine's host."""
_TYPING = {"TIOCSTI": 0x5412, "TIOCLINUX": 0x541C}
"""Put characters into a terminal, as if somebody had typed them."""
_PERSONALITIES = {"PER_LINUX": 0, "PER_LINUX32": 0x8, "UNAME26": 0x20000, "ask": 0xFFFFFFFF}

_Instruction = tuple[int, int, int, int]
"""Operation, instructions to skip if true, and if false, constant."""


def filter_for(machine: str) -> bytes | None:
    """The filter for a `platform.machine()`, as `bwrap --seccomp` and the kernel take it.

    None for a machine whose system calls are not known here.
    """
    known = architecture(machine)
    if known is None:
        return None
    return b"".join(struct.pack("=HBBI", *each) for each in _program(known))


def _program(known: Architecture) -> list[_Instruction]:
    calls = known.calls
    return [
        (_LOAD, 0, 0, _ABI),
        (_EQUAL, 1, 0, known.abi),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _CALL),
        (_AT_LEAST, 0, 1, _X32),
        (_RETURN, 0, 0, _KILL),
        (_MORE, 0, 1, NEWEST),
        _error(errno.ENOSYS),
        *_refused(calls),
        # Its flags lie in memory, out of a filter's sight; every C library then uses clone.
        *_when(_EQUAL, calls["clone3"], [_error(errno.ENOSYS)]),
        *_when(
            _EQUAL,
            calls["clone"],
            _by_argument(0, [(_ANY_BIT, 0, 1, _NEW_NAMESPACES), _error(errno.EPERM)]),
        ),
        *_when(
            _EQUAL,
            calls["ioctl"],
            _by_argument(1, _unless_none_of(_TYPING.values(), _error(errno.EPERM))),
        ),
        *_when(
            _EQUAL,
            calls["socket"],
            _by_argument(0, _unless_one_of(_FAMILIES.values(), _error(errno.EAFNOSUPPORT))),
        ),
        *_when(
            _EQUAL,
            calls["personality"],
            _by_argument(0, _unless_one_of(_PERSONALITIES.values(), _error(errno.EPERM))),
        ),
        (_RETURN, 0, 0, _ALLOW),
    ]


def _refused(calls: Mapping[str, int]) -> Iterable[_Instruction]:
    for number, names in REFUSED.items():
        for name in names:
            if name in calls:
                yield from _when(_EQUAL, calls[name], [_error(number)])


def _error(number: int) -> _Instruction:
    return (_RETURN, 0, 0, _ERROR | number)


def _when(test: int, value: int, then: list[_Instruction]) -> list[_Instruction]:
    return [(test, 0, len(then), value), *then]


def _by_argument(index: int, tests: list[_Instruction]) -> list[_Instruction]:
    """Tests of an argument in place of the call's number; ends with the call allowed."""
    return [(_LOAD, 0, 0, _ARGUMENTS + 8 * index), *tests, (_RETURN, 0, 0, _ALLOW)]


def _unless_none_of(values: Iterable[int], refusal: _Instruction) -> list[_Instruction]:
    return [each for value in values for each in _when(_EQUAL, value, [refusal])]


def _unless_one_of(values: Iterable[int], refusal: _Instruction) -> list[_Instruction]:
    allow = (_RETURN, 0, 0, _ALLOW)
    return [*(each for value in values for each in _when(_EQUAL, value, [allow])), refusal]
