"""A run that is kept: its interpreter waits, between cells, for the next."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import signal
import socket
import time
from dataclasses import replace
from typing import Any, NoReturn

from .cells import Line, Place
from .child import HIGH, Setting, reporter
from .drive import keep
from .processes import StuckError
from .run import TICK, InputError, Run
from .tree_copy import Change, TreeCopy

_IDLE_LOOK = 0.25
"""Seconds between two looks at what it uses while no cell runs."""
_GRACE = {"timeout": 2.0, "cpu": 2.0, "cancelled": 0.4, "interrupt": 4.0}
"""Seconds that an interrupted cell may take to end before its interpreter is ended.

Of a cancelled one it is less than the host's patience."""
_PIPEFULS = 4


class Session(Run):
    """The one run of its environment, from its first cell to its interpreter's end.

    A cell that meets a limit on its time, or is cancelled, is interrupted first, so that the
    state stays. Any other limit ends the interpreter.
    """

    pause = _IDLE_LOOK

    def __init__(self, order: dict[str, Any], **surroundings: Any) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._line = ours.detach()
        self._their_line = fcntl.fcntl(theirs.detach(), fcntl.F_DUPFD_CLOEXEC, HIGH)
        self._answer: int | None = None
        self._until: float | None = None
        self._written: dict[str, tuple[int, ...] | None] = {}
        self.trouble: str | None = None
        # The kernel would count all cells together.
        limits = {**order["limits"], "cpu_seconds": None}
        started = {**order, "interactive": False, "limits": limits}
        try:
            super().__init__(started, b"", **surroundings)
        finally:
            os.close(self._their_line)
        self._listening[self._line] = self._take_answer
        self._selector.register(self._line, 1, self._ready)

    def _become(self, setting: Setting, reports: int, usual: frozenset[str]) -> NoReturn:
        runtime: str = self.order["runtime"]
        stage = None
        if self._cache is not None:
            stage = self._cache.stage(
                runtime,
                root=self._config["root"],
                scratch=self.scratch,
                environment=dict(setting.environment),
                limits=self.limits,
                report=reporter(reports),
                guard=lambda: None,  # the cache goes with the session
            )
        sites = tuple(self.order.get("sites", []))
        place = Place(setting, self.scratch, reports, usual, sites, stage)
        keep(runtime, Line(self._their_line), place)

    def _prepare_cache(self) -> None:
        """Nobody watches it: it goes with the session, and so with what could spoil it."""

    # ---- a cell

    def execute(self, order: dict[str, Any], stdin: bytes, *, first: bool) -> None:
        """Start a cell. Raises `InputError`; then it was not started."""
        self._count_anew(order)
        self._answer = self._until = None
        source = self._input(stdin)
        try:
            cell = _file_of(order["job"], self.scratch)
            with socket.socket(fileno=os.dup(self._line)) as line, contextlib.suppress(OSError):
                # Where nobody is there any more, that is seen as the end of its process.
                socket.send_fds(line, [b"."], [source, cell])
            os.close(cell)
        finally:
            os.close(source)
        if not first:
            self._listen()
            self._link.send({"op": "started"})

    def signal(self, number: int) -> None:
        """Send a signal; an interrupt has to end the cell within its time."""
        super().signal(number)
        if number == signal.SIGINT and self._until is None:
            self._until = time.monotonic() + _GRACE["interrupt"]

    def _take_answer(self, data: bytes) -> None:
        with contextlib.suppress(ValueError):  # of whoever got hold of the line
            self._answer = int(data) & 0xFF

    def ended(self) -> bool:
        """Look at the cell; true when it has ended, or the interpreter has to."""
        over = super().ended()
        if self._answer is not None or self._processes.status is not None:
            return True
        now = time.monotonic()
        if not over and self._tick != self._weighed_at:
            self._weighed_at = self._tick
            over = self._out_of_processor_time()
        if over and self.reason not in _GRACE:
            return True
        if over and self._until is None:
            self._until = now + _GRACE[self.reason]
            self._processes.signal(signal.SIGINT)
        if self._until is None:
            return False
        if now - self._tick >= TICK:
            self._tick = now
            reason, self.reason = self.reason, ""
            self._measure(now)
            self.reason = self.reason or reason
        if now > self._until:
            self.reason = self.reason or "deaf"
            return True
        return self.reason not in ("", *_GRACE)

    def finish(self) -> dict[str, Any]:
        """Say how the cell ended; `alive` is whether the interpreter waits for the next."""
        if self._answer is None or self.reason not in ("", *_GRACE):
            return {**super().finish(), "alive": False}
        for handle in list(self._listening):
            self._take_rest(handle)
        if self.reason not in ("", *_GRACE):  # too much output, and the answer was in it
            return {**super().finish(), "alive": False}
        if self.feed is not None:
            self.feed.close()
        self._send_begun()
        self._send_bash_reports(self._answer)
        if not self._stalled:
            for handle in self._listening:
                self._selector.unregister(handle)
        self._stalled = False
        uses = self._processes.usage(self.limits["memory_bytes"], 0, self.limits["processes"])
        used, before = self._processes.spent(), self._used_before
        cpu = (max(0.0, used[0] - before[0]), max(0.0, used[1] - before[1]))
        return {
            "op": "done",
            "reason": self.reason or self._reason_of_failure(self._answer),
            "exit": self._answer,
            "signal": None,
            "duration": time.monotonic() - self._start,
            "peak": max(self._peak, uses.memory),
            "cpu": cpu,
            "full": self._full,
            "clean": True,
            "alive": True,
        }

    def _take_rest(self, handle: int) -> None:
        """What was written before the answer is in the pipes."""
        for _ in range(_PIPEFULS):
            if handle not in self._listening:
                return
            try:
                data = os.read(handle, 1 << 16)
            except BlockingIOError:
                return
            if not data:
                return
            self._listening[handle](data)

    def _count_anew(self, order: dict[str, Any]) -> None:
        super()._count_anew(order)
        self._used_before = self._processes.spent()
        self._weighed_at: float = self._tick

    def _out_of_processor_time(self) -> bool:
        """See whether the cell has used up what it may; only its own counts."""
        most = self.limits["cpu_seconds"]
        if most is not None and sum(self._processes.spent()) - sum(self._used_before) > most:
            self.reason = "cpu"
        return bool(self.reason)

    # ---- between cells

    def look(self) -> None:
        """See that it holds its limits also while no cell runs, and whether it is there."""
        if self.trouble is not None:
            return
        self._processes.reap()
        if self._processes.status is not None:
            self.trouble = "The session's interpreter has ended since its last cell."
            return
        self.reason = ""
        self._measure(time.monotonic())
        if self.reason:
            self.trouble = (
                "The session's interpreter was ended between two cells: it met its limit on "
                f"{self.reason}."
            )
            with contextlib.suppress(StuckError):
                self._processes.kill()

    # ---- files

    def changes(self, copy: TreeCopy) -> list[Change]:
        """What has changed since the last cell ended; all of it stays."""
        found = {change.path: change for change in copy.changes()}
        news: list[Change] = []
        for path, change in found.items():
            seen = _signature(os.path.join(copy.root, path))
            before = self._written.get(path, ())
            if seen != before:
                again = before and change.change == "created"
                news.append(replace(change, change="modified") if again else change)
            self._written[path] = seen
        for path in [path for path in self._written if path not in found]:
            before = self._written.pop(path)
            if before is not None and not os.path.lexists(os.path.join(copy.root, path)):
                news.append(Change(path, "deleted", 0, regular=False))
        return sorted(news, key=lambda change: change.path)

    def overwritten(self, path: str) -> None:
        """The host has written or removed a file that the session may have written."""
        self._written.pop(path, None)


def _signature(path: str) -> tuple[int, ...] | None:
    try:
        info = os.lstat(path)
    except OSError:
        return None
    return (info.st_ino, info.st_size, info.st_mtime_ns, info.st_mode)


def _file_of(job: dict[str, Any], scratch: str) -> int:
    path = os.path.join(scratch, "cell")
    try:
        with open(path, "w", encoding="ascii") as file:
            json.dump(job, file)
    except OSError as error:
        raise InputError(f"The sandbox has no room for the cell: {error.strerror}.") from error
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    os.unlink(path)
    return handle
