"""Locks between processes: one for whoever writes, one for each session that is open.

All are advisory locks of the kernel, which ends them with the process that holds them, however that
dies: there is nothing stale to be judged by a clock or a process number.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.agent.sessions.errors import SessionInUse, StoreFailed

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

_PAUSE = 0.005
_SESSION_PATIENCE = 0.2
"""Seconds: longer than a look at the lock by somebody who lists sessions."""
_WRITER_PATIENCE = 30.0


@contextlib.contextmanager
def writing_turn(path: Path) -> Generator[None]:
    """Be the only writer of a database for a moment. Blocks.

    Raises:
        StoreFailed: another process does not let go.
    """
    descriptor = _locked(path, fcntl.LOCK_EX, _WRITER_PATIENCE)
    if descriptor is None:
        raise StoreFailed(
            f"The sessions in {path.parent} can't be written: another process has held {path.name}"
            f" for {_WRITER_PATIENCE:.0f} seconds. End it, and try again."
        )
    try:
        yield
    finally:
        os.close(descriptor)


@dataclass(frozen=True, slots=True)
class SessionLock:
    """The right to write one session."""

    path: Path
    descriptor: int

    @classmethod
    def take(cls, folder: Path, session: str) -> SessionLock:
        """Blocks for a moment at most.

        Raises:
            SessionInUse: somebody else has it.
        """
        path = folder / f"{session}.lock"
        descriptor = _locked(path, fcntl.LOCK_EX, _SESSION_PATIENCE)
        if descriptor is None:
            raise SessionInUse(
                f"Session {session} is open already, in {_holder(path)}. Go on with it there, or"
                " fork it to go on here."
            )
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, str(os.getpid()).encode(), 0)
        return cls(path, descriptor)

    def release(self) -> None:
        """Let others write it."""
        self.path.unlink(missing_ok=True)  # who waits for it sees that the file is another now
        os.close(self.descriptor)


def is_held(folder: Path, session: str) -> bool:
    """Whether somebody writes a session now."""
    path = folder / f"{session}.lock"
    if not path.exists():
        return False
    descriptor = _locked(path, fcntl.LOCK_SH, 0.0)
    if descriptor is None:
        return True
    os.close(descriptor)
    return False


def _locked(path: Path, kind: int, patience: float) -> int | None:
    """A descriptor whose closing ends the lock; None when others held it all the time."""
    end = time.monotonic() + patience
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
            if _is_at(path, descriptor):
                return descriptor
        except BlockingIOError:
            if time.monotonic() >= end:
                os.close(descriptor)
                return None
            time.sleep(_PAUSE)
        os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether the locked file is still the one of this name; its last holder removes it."""
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    return False


def _holder(path: Path) -> str:
    try:
        number = path.read_text(encoding="ascii", errors="replace").strip()
    except FileNotFoundError:
        return "another process"
    return "this process" if number == str(os.getpid()) else f"process {number or 'unknown'}"
