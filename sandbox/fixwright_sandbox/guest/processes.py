"""The processes of a run: seen, measured, killed."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass

_PAGE = os.sysconf("SC_PAGE_SIZE")
_TICK = os.sysconf("SC_CLK_TCK")
_PATIENCE = 5.0
"""Seconds that killed processes may take to go."""
_STRIKE_EVERY = 20
"""Looks at whether they have gone between two times of killing."""
_REAPED_AT_ONCE = 256
_ATTACHED, _RESIDENT, _SWAPPED = 6, 14, 15
"""Columns of /proc/sysvipc/shm, see proc(5)."""


@dataclass(frozen=True)
class Usage:
    """What the run's processes use together at one moment."""

    threads: int
    memory: int


@dataclass(frozen=True)
class Segments:
    """Shared memory of System V: bytes that no process has attached, and all of it.

    It stays when the process that made it ends, and is none of any process's until attached.
    """

    detached: int
    total: int


class StuckError(Exception):
    """A killed process does not go."""


class Processes:
    """All processes but the runner, in a PID namespace of which it is process 1.

    Nothing in such a namespace can hide from its first process, leave it, or kill it.

    Attributes:
        main: the process that is watched.
        status: of the process that is watched, once it has ended.
        largest: bytes that the largest process which has ended ever had.
        cpu: seconds of processor time, user's and system's, of all that have ended.
    """

    def __init__(self) -> None:
        self.main = 0
        self.status: int | None = None
        self.largest = 0
        self.cpu = (0.0, 0.0)

    def watch(self, pid: int) -> None:
        """Remember the status of this child when it ends, and start measuring anew."""
        self.main = pid
        self.status = None
        self.largest = 0
        self.cpu = (0.0, 0.0)

    def ids(self) -> list[int]:
        """Every process of the run, zombies included."""
        own = os.getpid()
        return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != own]

    def signal(self, number: int) -> None:
        """Send a signal to the run's first process and those that stayed in its group."""
        with contextlib.suppress(ProcessLookupError):
            try:
                os.killpg(self.main, number)
            except ProcessLookupError:  # so young that it leads no group yet
                os.kill(self.main, number)

    def kill(self) -> None:
        """Kill every process and wait until all are gone; `StuckError` where one stays."""
        end = time.monotonic() + _PATIENCE
        turn = 0
        while not self.reap():
            if turn % _STRIKE_EVERY == 0:
                self.strike()
            if time.monotonic() > end:
                raise StuckError
            turn += 1
            time.sleep(min(0.0005 * turn, 0.01))

    def strike(self) -> None:
        """Send SIGKILL to all at once, so that none can fork itself away meanwhile."""
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            return

    def strike_all_but_main(self) -> None:
        """Send SIGKILL to what the process that is watched has started and left running."""
        for pid in self.ids():
            if pid != self.main:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)

    def usage(self, memory_limit: int, peak: int, processes_limit: int) -> Usage:
        """Count threads and memory; only processes where those are too many already.

        Pages that processes share are told apart only where the plain sum matters, because
        the kernel takes long to tell.
        """
        ids = self.ids()
        if len(ids) > processes_limit:
            return Usage(len(ids), 0)
        threads = memory = 0
        for pid in ids:
            stat = _stat(pid)
            if stat is not None:
                threads += max(1, int(stat[17]))
                memory += int(stat[21]) * _PAGE
        if len(ids) > 1 and memory > min(memory_limit, peak):
            memory = sum(_proportional(pid) for pid in ids)
        segments = self.segments()
        return Usage(threads, max(memory + segments.detached, segments.total))

    def spent(self) -> tuple[float, float]:
        """Seconds of processor time, user's and system's, of what lives and what has ended."""
        user, system = self.cpu
        for pid in self.ids():
            stat = _stat(pid)
            if stat is not None:
                user += (int(stat[11]) + int(stat[13])) / _TICK
                system += (int(stat[12]) + int(stat[14])) / _TICK
        return user, system

    def segments(self) -> Segments:
        """The shared memory of this IPC namespace."""
        detached = total = 0
        try:
            with open("/proc/sysvipc/shm", "rb") as file:
                for line in list(file)[1:]:
                    fields = line.split()
                    size = int(fields[_RESIDENT]) + int(fields[_SWAPPED])
                    total += size
                    detached += 0 if int(fields[_ATTACHED]) else size
        except FileNotFoundError:
            pass  # A kernel without System V's.
        return Segments(detached, total)

    def reap(self) -> bool:
        """Collect children that have ended; true when there is no child left.

        Only so many at a time: there are runs that make them faster than they are collected.
        """
        for _ in range(_REAPED_AT_ONCE):
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return True
            if pid == 0:
                return False
            self.largest = max(self.largest, usage.ru_maxrss * 1024)
            user, system = self.cpu
            self.cpu = (user + usage.ru_utime, system + usage.ru_stime)
            if pid == self.main:
                self.status = status
        return False


class Descendants(Processes):
    """The runner's descendants, where there is no PID namespace of its own.

    The runner is their subreaper, so those whose parent ended stay its descendants.
    """

    def ids(self) -> list[int]:
        """Every descendant that can be found now."""
        children: dict[int, list[int]] = {}
        for name in os.listdir("/proc"):
            stat = _stat(int(name)) if name.isdigit() else None
            if stat is not None:
                children.setdefault(int(stat[1]), []).append(int(name))
        found: list[int] = []
        waiting = [os.getpid()]
        while waiting:
            for child in children.get(waiting.pop(), ()):
                found.append(child)
                waiting.append(child)
        return found

    def segments(self) -> Segments:
        """Nothing: that of the run is not told from anybody else's."""
        return Segments(0, 0)

    def strike(self) -> None:
        """Send SIGKILL to each that can be found now."""
        for pid in self.ids():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue


def _stat(pid: int) -> list[bytes] | None:
    """The fields of /proc/PID/stat from the state on; None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()
    except OSError:
        return None


def _proportional(pid: int) -> int:
    """A process's memory in bytes, a shared page counted as its part of it."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            for line in file:
                if line.startswith(b"Pss:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        pass  # Gone, or not ours to look into: count it whole.
    stat = _stat(pid)
    return int(stat[21]) * _PAGE if stat is not None else 0
