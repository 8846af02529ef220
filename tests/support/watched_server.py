"""The real server, watched: whatever blocks its event loop is written down.

python -m support.watched_server REPORT

BlockBuster finds blocking calls. A callback is too long when it held the loop for more than
`ALLOWED` seconds, less those in which the process had work to do but no processor: other work on
the machine is not the server's fault. Waiting for the interpreter's lock is. How much the
processor itself is slowed down by its neighbours can't be seen from inside, so `SLOWEST` is how
often a callback may be too long by less than twice: what blocks by design does so every time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

ALLOWED = 0.05
SLOWEST = 3
_HARMLESS = [
    ("backends/bubblewrap.py", {"_memory_file"}),  # a file in memory
    ("support/watched_server.py", {"_add", "_waits"}),  # this report
]
_STARTS_A_PROCESS = "create_subprocess_exec"
"""Such a callback waits until the new process has had a processor to begin on."""


def watch(report: Path) -> None:
    """Write every violation to `report`, separated by blank lines."""
    report.touch()
    _watch_blocking_calls(report)
    _watch_callbacks(report)


def _add(report: Path, text: str) -> None:
    descriptor = os.open(report, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, f"{text}\n\n".encode())
    finally:
        os.close(descriptor)


def _watch_blocking_calls(report: Path) -> None:
    """BlockBuster raises, which would change what the server does: here it only tells."""
    from blockbuster import BlockBuster

    for name, function in BlockBuster().functions.items():
        function.can_block_predicate = _telling(report, name, function)
        function.activate()


def _telling(report: Path, name: str, function: Any) -> Callable[..., bool]:
    harmless = function.can_block_predicate
    allowed = [*function.can_block_functions, *_HARMLESS]

    def tell(*arguments: Any, **more: Any) -> bool:
        if threading.current_thread() is not threading.main_thread():
            return True  # another thread's loop may take its time
        if harmless(*arguments, **more):
            return True
        stack = traceback.extract_stack(limit=40)
        if not any(
            frame.filename.endswith(file) and frame.name in functions
            for frame in stack
            for file, functions in allowed
        ):
            inner = [frame for frame in stack if "watched_server" not in frame.filename][-10:]
            _add(report, f"blocking call {name}\n{''.join(traceback.format_list(inner))}")
        return True

    return tell


def _watch_callbacks(report: Path) -> None:
    handle: Any = asyncio.Handle
    run = handle._run
    sampler = _Sampler()
    own = _OwnWaits()
    slow: list[str] = []

    def timed(self: Any) -> None:
        if threading.get_ident() != sampler.loop:  # another thread's loop may take its time
            run(self)
            return
        sampler.seen, sampler.waited = "", None
        waited = own.seconds()
        sampler.began = began = time.monotonic()
        run(self)
        took = time.monotonic() - began
        sampler.began = None
        if took <= ALLOWED:
            return
        task = getattr(self._callback, "__self__", self)
        if _STARTS_A_PROCESS in f"{task!r}{sampler.seen}":
            return
        held = took - max(sampler.waited_since(), own.seconds() - waited)
        if held <= ALLOWED:
            return
        slow.append(f"slow callback: {held * 1000:.0f} ms in {task!r}\n{sampler.seen}")
        if held > 2 * ALLOWED or len(slow) > SLOWEST:
            _add(report, "\n".join(slow))
            slow.clear()

    handle._run = timed


class _Sampler:
    """What the loop's thread does in a callback that takes long, and how busy the machine is."""

    def __init__(self) -> None:
        self.began: float | None = None
        self.seen = ""
        self.waited: float | None = None
        self.loop = threading.get_ident()
        threading.Thread(target=self._watch, daemon=True).start()

    def waited_since(self) -> float:
        """Seconds for which threads of this process had no processor, since the first sample."""
        return _waits() - self.waited if self.waited is not None else 0.0

    def _watch(self) -> None:
        while True:
            time.sleep(ALLOWED / 5)
            began = self.began
            if began is not None and time.monotonic() - began > ALLOWED / 5:
                if self.waited is None:
                    self.waited = _waits()
                frame = sys._current_frames()[self.loop]
                self.seen = "".join(traceback.format_stack(frame)[-8:])


class _OwnWaits:
    """How long this thread was ready to run without a processor: cheap to read, at every callback.

    The sampler can't run while a callback holds the interpreter's lock in one long call.
    """

    def __init__(self) -> None:
        path = f"/proc/self/task/{threading.get_native_id()}/schedstat"
        self._handle = os.open(path, os.O_RDONLY)

    def seconds(self) -> float:
        return int(os.pread(self._handle, 64, 0).split()[1]) / 1e9


def _waits() -> float:
    """Seconds that all threads of this process were ready to run without a processor."""
    total = 0
    for path in Path("/proc/self/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):  # the thread has ended
            total += int(path.read_text().split()[1])
    return total / 1e9


def main() -> None:
    """Serve, watched from the first message on."""
    report = Path(sys.argv.pop(1))
    sys.argv.append("serve")
    watch(report)
    from fixwright.cli.main import main as run

    run()


if __name__ == "__main__":
    main()
