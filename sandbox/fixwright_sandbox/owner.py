"""Who owns an environment, told so that another process can see whether the owner still lives."""

from __future__ import annotations

import functools
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Owner:
    """A process of a machine since its boot.

    Attributes:
        host: boot and PID namespace; only processes of the same can be judged.
        pid: the process.
        started: its start in clock ticks since boot, for process ids come again.
    """

    host: str
    pid: int
    started: int

    @classmethod
    def current(cls) -> Owner:
        """This process. Reads from /proc, the first time."""
        return _current(os.getpid())

    @classmethod
    def parse(cls, text: str) -> Owner | None:
        """What `str` made; None for anything else."""
        host, _, rest = text.partition(" ")
        pid, _, started = rest.partition(" ")
        if not (host and pid.isdigit() and started.isdigit()):
            return None
        return cls(host, int(pid), int(started))

    @property
    def tag(self) -> str:
        """The owner as a part of a file's name."""
        return f"{_digest(self.host)}-{self.pid}-{self.started}"

    @classmethod
    def of_tag(cls, text: str) -> Owner | None:
        """What `tag` made, where the host is this one; None for anything else."""
        host, _, rest = text.partition("-")
        pid, _, started = rest.partition("-")
        if host != _digest(_host()) or not (pid.isdigit() and started.isdigit()):
            return None
        return cls(_host(), int(pid), int(started))

    def __str__(self) -> str:
        return f"{self.host} {self.pid} {self.started}"

    def is_dead(self) -> bool:
        """True only where it is certain: the same host, and no such process any more."""
        return self.host == _host() and _started(self.pid) != self.started


@functools.cache
def _current(pid: int) -> Owner:
    """By its number: a forked child is another process."""
    return Owner(_host(), pid, _started(pid) or 0)


def _host() -> str:
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}/{Path('/proc/self/ns/pid').stat().st_ino}"


def _digest(host: str) -> str:
    return hashlib.blake2b(host.encode(), digest_size=6).hexdigest()


def _started(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return int(stat.rpartition(")")[2].split()[19])
