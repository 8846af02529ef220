"""What a runtime's driver works with: its folders, its tools, the user's program, its reports.

A driver is the module `driver` of a runtime's guest. It runs in the forked child of a run, in the
tree's root and under the run's limits:

    def main(job: dict, stage: Stage) -> int:    the run's exit status; -N: ended by signal N
    def warm(stage: Stage) -> None:              optional: fill the cache before a run asks

The cache outlives the run, so that what was built needs not be built again, and a later run
trusts it. Nobody can keep a program of the same user from writing there. So the driver first
does all its building, by `tool`; from the first `program`, `stream` or `tool(...,
runs_code=True)` on, the runner watches the cache, and whatever is opened for writing there, by
anyone, makes it throw the cache away before the next run.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

_MOST_CAPTURED = 8 << 20
_LONGEST_LINE = 8 << 20
_READ = 1 << 16
_NOT_FOUND = 127
_NOT_EXECUTABLE = 126


@dataclass(frozen=True)
class Finished:
    """A tool that has ended: its exit status (-N where signal N ended it) and what it wrote."""

    exit: int
    stdout: bytes
    stderr: bytes


@dataclass(frozen=True)
class Ended:
    """The user's program has ended.

    Attributes:
        exit: its exit status; -N where signal N ended it.
        stderr: the head and the tail of what it wrote there, with a line between them that says
            how much is left out.
    """

    exit: int
    stderr: bytes


class Stage:
    """Where a driver works.

    Attributes:
        root: the tree, which is the current directory; put back after the run.
        scratch: a folder of this run alone.
        cache: a folder of this runtime that is kept between runs.
        environment: the environment variables of the run.
        limits: the run's limits, by the names of the host's `Limits`.
    """

    def __init__(
        self,
        *,
        root: str,
        scratch: str,
        cache: str,
        data: str,
        environment: dict[str, str],
        limits: dict[str, Any],
        report: Callable[[dict[str, Any]], None],
        guard: Callable[[], None],
    ) -> None:
        self.root = root
        self.scratch = scratch
        self.cache = cache
        self.environment = environment
        self.limits = limits
        self._data = data
        self._report = report
        self._start_guard = guard
        self._guarded = False
        self._inputs = 0

    def data(self, name: str) -> str:
        """The path of a file that lies beside the driver and is no module."""
        return os.path.join(self._data, name)

    def report(self, value: dict[str, Any]) -> None:
        """Send a structured report to the host; too many, or too large ones, are left out."""
        self._report(value)

    def say(self, text: str) -> None:
        """Tell people something on the run's stderr."""
        view = memoryview(text.encode("utf-8", "backslashreplace"))
        while view:
            view = view[os.write(2, view) :]

    def tool(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        timeout: float | None = None,
        runs_code: bool = False,
    ) -> Finished:
        """Run a compiler or the like to its end, and return what it wrote: at most 8 MiB of each.

        Args:
            argv: the program and its arguments. One that is missing ends with 127.
            cwd: where it runs; the root, unless told.
            env: variables over `environment`.
            stdin: what it reads.
            timeout: seconds after which it is killed, and ends with -9.
            runs_code: it runs what the workspace says (a build script, a macro, a Makefile), so
                what it writes to the cache is thrown away after the run.
        """
        if runs_code:
            self._guard()
        captured = (_Kept(_MOST_CAPTURED, 0), _Kept(_MOST_CAPTURED, 0))
        try:
            with self._input(stdin) as source:
                process = self._start(argv, cwd, env, stdin=source, stdout=subprocess.PIPE)
        except OSError as error:
            return Finished(*_not_started(argv, error))
        ended = _follow(process, [each.add for each in captured], timeout)
        return Finished(ended, *(each.value() for each in captured))

    def program(
        self,
        argv: Sequence[str],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        keep: int = 1 << 16,
    ) -> Ended:
        """Run the user's program with the run's own streams; of its stderr, keep a copy.

        Args:
            argv: the program and its arguments.
            cwd: where it runs; the root, unless told.
            env: variables over `environment`.
            keep: bytes of stderr that are kept, a quarter of them from its head.
        """
        return self._perform(argv, cwd, env, keep, None)

    def stream(
        self,
        argv: Sequence[str],
        on_line: Callable[[bytes], None],
        *,
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
        keep: int = 1 << 16,
    ) -> Ended:
        """Run the user's program or tests, whose stdout is for the driver and not for people.

        Args:
            argv: the program and its arguments.
            on_line: takes each line of stdout without its end, as it comes.
            cwd: where it runs; the root, unless told.
            env: variables over `environment`.
            keep: as for `program`.
        """
        return self._perform(argv, cwd, env, keep, _Lines(on_line))

    def _guard(self) -> None:
        if not self._guarded:
            self._guarded = True
            self._start_guard()

    def _perform(
        self,
        argv: Sequence[str],
        cwd: str | None,
        env: Mapping[str, str] | None,
        keep: int,
        lines: _Lines | None,
    ) -> Ended:
        self._guard()
        kept = _Kept(keep // 4, keep - keep // 4)

        def pass_on(data: bytes) -> None:
            kept.add(data)
            _write(2, data)

        try:
            process = self._start(
                argv, cwd, env, stdin=None, stdout=None if lines is None else subprocess.PIPE
            )
        except OSError as error:
            status, _, message = _not_started(argv, error)
            _write(2, message)
            return Ended(status, message)
        with _deaf_to_interrupts():
            takers = [pass_on] if lines is None else [lines.add, pass_on]
            status = _follow(process, takers, None)
        if lines is not None:
            lines.end()
        return Ended(status, kept.value())

    def _start(
        self,
        argv: Sequence[str],
        cwd: str | None,
        env: Mapping[str, str] | None,
        *,
        stdin: BinaryIO | None,
        stdout: int | None,
    ) -> subprocess.Popen[bytes]:
        environment = {**self.environment, **(env or {})}
        return subprocess.Popen(  # noqa: S603 (running programs is what this is for)
            [_found(argv[0], environment), *argv[1:]],
            cwd=cwd or self.root,
            env=environment,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )

    @contextlib.contextmanager
    def _input(self, data: bytes) -> Generator[BinaryIO]:
        """A file with these bytes, to read from; a pipe would have to be filled meanwhile."""
        if not data:
            with open(os.devnull, "rb") as nothing:
                yield nothing
            return
        self._inputs += 1
        path = os.path.join(self.scratch, f"input-{self._inputs}")
        with open(path, "wb") as file:
            file.write(data)
        with open(path, "rb") as file:
            os.unlink(path)
            yield file


class _Kept:
    """The head and the tail of a stream."""

    def __init__(self, head: int, tail: int) -> None:
        self._head_room = head
        self._most = tail
        self._head = bytearray()
        self._tail = bytearray()
        self._total = 0

    def add(self, data: bytes) -> None:
        self._total += len(data)
        taken = data[: self._head_room]
        self._head += taken
        self._head_room -= len(taken)
        if self._most:
            self._tail += data[len(taken) :]
            del self._tail[: -self._most]

    def value(self) -> bytes:
        missing = self._total - len(self._head) - len(self._tail)
        between = b"\n... %d bytes left out ...\n" % missing if missing else b""
        return bytes(self._head) + between + bytes(self._tail)


class _Lines:
    """Cuts a stream into lines."""

    def __init__(self, on_line: Callable[[bytes], None]) -> None:
        self._on_line = on_line
        self._begun = bytearray()

    def add(self, data: bytes) -> None:
        self._begun += data
        if b"\n" in data:
            *lines, rest = self._begun.split(b"\n")
            self._begun = rest
            for line in lines:
                self._on_line(bytes(line))
        elif len(self._begun) > _LONGEST_LINE:
            self.end()

    def end(self) -> None:
        if self._begun:
            line, self._begun = bytes(self._begun), bytearray()
            self._on_line(line)


def _follow(
    process: subprocess.Popen[bytes],
    takers: Sequence[Callable[[bytes], None]],
    timeout: float | None,
) -> int:
    """Hand on what the process writes to its pipes until it has ended; return its status.

    What it leaves running may hold the pipes open: then what is in them at its end is the end.
    """
    end = None if timeout is None else time.monotonic() + timeout
    pipes = [pipe for pipe in (process.stdout, process.stderr) if pipe is not None]
    with selectors.DefaultSelector() as selector:
        for pipe, take in zip(pipes, takers):  # noqa: B905 (not in Python 3.9)
            os.set_blocking(pipe.fileno(), False)
            selector.register(pipe, selectors.EVENT_READ, take)
        while selector.get_map():
            for key, _ in selector.select(_WAIT):
                if _move(key) is False:
                    selector.unregister(key.fileobj)
            if process.poll() is not None:
                break
            if end is not None and time.monotonic() > end:
                process.kill()
                end = None
        status = process.wait()
        for key in list(selector.get_map().values()):
            while _move(key):
                pass
    for pipe in pipes:
        pipe.close()
    return status


_WAIT = 0.05
"""Seconds after which a process that has closed no pipe is asked whether it has ended."""


def _move(key: selectors.SelectorKey) -> bool | None:
    """Hand on what a pipe has now: False at its end, None where it has nothing now."""
    try:
        data = os.read(key.fd, _READ)
    except BlockingIOError:
        return None
    if data:
        key.data(data)
    return bool(data)


@contextlib.contextmanager
def _deaf_to_interrupts() -> Generator[None]:
    """Leave SIGINT to the program, which gets it too; its end is the end of the run."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _found(name: str, environment: Mapping[str, str]) -> str:
    """The path of a program, looked for where its own environment says."""
    if os.sep in name:
        return name
    for folder in environment.get("PATH", os.defpath).split(os.pathsep):
        path = os.path.join(folder, name)
        if os.access(path, os.X_OK) and not os.path.isdir(path):
            return path
    return name


def _not_started(argv: Sequence[str], error: OSError) -> tuple[int, bytes, bytes]:
    missing = isinstance(error, FileNotFoundError)
    reason = "there is no such program in the sandbox" if missing else str(error)
    message = f"{argv[0]}: {reason}\n".encode("utf-8", "backslashreplace")
    return (_NOT_FOUND if missing else _NOT_EXECUTABLE), b"", message


def _write(handle: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(handle, view) :]
