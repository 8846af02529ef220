"""A program: give up root, then start another. Run by path, so it imports nothing of ours.

    become.py UID PLACE FOLDER... -- PROGRAM ARGUMENT...

Root must not start bubblewrap as itself: the sandbox's user would be root to the kernel, which
exempts root from the limit on processes and lets it write where only the owner may. The
interpreter often lies in root's own home though, where nobody else can look: such FOLDERs are
mounted as PLACE/0, PLACE/1, …, in a mount namespace that nobody else sees and that ends with
the program.
"""

from __future__ import annotations

import ctypes
import os
import sys

_CLONE_NEWNS = 0x00020000
_MS_BIND = 0x1000
_MS_REC = 0x4000
_MS_PRIVATE = 1 << 18
_LIBC = ctypes.CDLL(None, use_errno=True)


def main(arguments: list[str]) -> None:
    """Do it; raises OSError with what could not be done."""
    user, place = int(arguments[0]), arguments[1]
    split = arguments.index("--")
    folders, program = arguments[2:split], arguments[split + 1 :]
    if folders:
        _check(_LIBC.unshare(_CLONE_NEWNS), "a mount namespace")
        _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
        _mount("tmpfs", place, "tmpfs", 0)
        os.chmod(place, 0o755)  # noqa: PTH101, S103 (no pathlib needed; the point of it)
        for number, folder in enumerate(folders):
            target = f"{place}/{number}"
            os.mkdir(target)  # noqa: PTH102 (no pathlib needed)
            _mount(folder, target, None, _MS_BIND | _MS_REC)
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    os.execv(program[0], program)  # noqa: S606 (no shell, on purpose)


def _mount(source: str | None, target: str, kind: str | None, flags: int) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    _check(_LIBC.mount(*encoded, ctypes.c_ulong(flags), None), f"mounting {target}")


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


if __name__ == "__main__":
    main(sys.argv[1:])
