"""Stopping work that is under way in several threads and programs."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from pathlib import Path

from .events import ImageError

_KEPT = 20
"""Last lines of a program's output that its error tells."""


class HaltedError(ImageError):
    """The work was stopped by whoever asked for it."""

    def __init__(self) -> None:
        super().__init__("Stopped before it was done; nothing of it was kept.")


class Halt:
    """Asked from one thread, obeyed in all: no new step begins, and what runs is ended."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._halted = False
        self._enders: list[Callable[[], None]] = []

    def halt(self) -> None:
        """End everything that is under way. Returns before it has ended."""
        with self._lock:
            self._halted = True
            enders = list(self._enders)
        for end in enders:
            end()

    def check(self) -> None:
        """Raise `HaltedError` where it was asked to stop."""
        if self._halted:
            raise HaltedError

    @contextlib.contextmanager
    def ended_by(self, end: Callable[[], None]) -> Generator[None]:
        """Have `end` called, from another thread, when a halt is asked for within."""
        with self._lock:
            if self._halted:
                raise HaltedError
            self._enders.append(end)
        try:
            yield
        finally:
            with self._lock:
                self._enders.remove(end)

    def run(
        self,
        argv: Sequence[str],
        *,
        said: Callable[[str], None],
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        """Run a program, telling each line of its output. Raises `ImageError` where it fails."""
        try:
            process = subprocess.Popen(  # noqa: S603 (pip, npm and our own scripts)
                argv,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                process_group=0,
            )
        except OSError as error:
            message = f"{argv[0]} can't be started: {error.strerror}."
            raise ImageError(message) from error
        last: list[str] = []

        def end() -> None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGTERM)

        with process, _ended_at_last(process), self.ended_by(end):
            assert process.stdout is not None
            for line in process.stdout:
                last = [*last[1 - _KEPT :], line.rstrip()]
                said(line.rstrip())
            status = process.wait()
        self.check()
        if status != 0:
            message = f"{_shown(argv)} ended with status {status}: " + "\n".join(last)
            raise ImageError(message)


@contextlib.contextmanager
def _ended_at_last(process: subprocess.Popen[str]) -> Generator[None]:
    """Leave no program behind, whatever happens."""
    try:
        yield
    finally:
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)


def _shown(argv: Sequence[str]) -> str:
    return " ".join([Path(argv[0]).name, *argv[1:4]])
