"""A shell that is kept: cells are sourced one after the other in one Bash.

The shell runs a loop of ours (`kept`), which reads a cell's number from one named pipe and writes
its status to another. Each is opened by its path for that moment, so that nothing the shell
starts inherits it. Of the failures the runner tells, as of other scripts (`job`).
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
from types import FrameType
from typing import NoReturn

from fixwright_sandbox.guest.cells import Cell, Line, Place
from fixwright_sandbox.guest.drive import end

from . import kept
from .job import prepare_log


def main(line: Line, place: Place) -> NoReturn:
    """Source what comes over the line until it ends, or the shell does."""
    signal.signal(signal.SIGINT, _again_later)
    signal.signal(signal.SIGALRM, _again)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    shell: _Shell | None = None
    number = 0
    while (cell := line.take()) is not None:
        number += 1
        if shell is None:
            shell = _Shell(place, cell.path)
        status = shell.execute(number, cell)
        if status is None:
            end(shell.status())
        signal.setitimer(signal.ITIMER_REAL, 0)
        line.answer(status)
    end(0)


_AGAIN = 1.0
"""Seconds until an interrupt that did not end the cell is sent once more.

What the shell was just forking then may have missed it.
"""


def _again_later(_number: int, _frame: FrameType | None) -> None:
    """The shell has heard it, too."""
    signal.setitimer(signal.ITIMER_REAL, _AGAIN)


def _again(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGINT, _passed_over)
    os.killpg(0, signal.SIGINT)
    signal.signal(signal.SIGINT, _again_later)


def _passed_over(_number: int, _frame: FrameType | None) -> None:
    """This one was ours."""


class _Shell:
    """The shell, and the pipes to its loop."""

    def __init__(self, place: Place, path: str | None) -> None:
        self._scratch = place.scratch
        self._orders, self._answers = kept.pipes(place.scratch)
        for pipe in (self._orders, self._answers):
            os.mkfifo(pipe, 0o600)
        # Kept open, both ends, so that the loop's opening and closing never ends them.
        self._writing = os.open(self._orders, os.O_RDWR | os.O_CLOEXEC)
        self._reading = os.open(self._answers, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK)
        argv = ["bash", "--norc", "--noprofile", kept.write_loop(place.scratch, path)]
        self._process = subprocess.Popen(argv, env=place.setting.environment)  # noqa: S603 (what this is for)

    def execute(self, number: int, cell: Cell) -> int | None:
        """Source a cell; its status, None where the shell has ended."""
        prepare_log(self._scratch)
        folder, name = kept.write_cell(self._scratch, number, cell)
        stdin = f"/proc/{os.getpid()}/fd/{cell.stdin}"
        os.write(self._writing, f"{folder}\t{name}\t{stdin}\n".encode("utf-8", "surrogateescape"))
        try:
            return self._answer()
        finally:
            os.close(cell.stdin)

    def _answer(self) -> int | None:
        watch = os.pidfd_open(self._process.pid)
        said = b""
        try:
            with selectors.DefaultSelector() as selector:
                selector.register(watch, selectors.EVENT_READ)
                selector.register(self._reading, selectors.EVENT_READ)
                while True:
                    ready = {key.fd for key, _ in selector.select()}
                    if self._reading in ready:
                        with contextlib.suppress(BlockingIOError):
                            said += os.read(self._reading, 64)
                        if said.endswith(b"\n"):
                            return _status_in(said)
                    elif watch in ready:
                        return None
        finally:
            os.close(watch)

    def status(self) -> int:
        """How it ended, as `end` wants it."""
        return self._process.wait()


def _status_in(said: bytes) -> int:
    try:
        return int(said.split()[-1])
    except (ValueError, IndexError):
        return 1  # of whoever else wrote into the pipe
