"""Whether this machine has memory to spare for environments that nobody uses at the moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from .limits import MIB

_LEAST_PART = 10
"""Memory is short when less than this part of it is available."""
_MOST_STALLED = 10.0
"""Per cent of the last ten seconds in which some program waited for memory."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A machine's memory at one moment.

    Attributes:
        available: bytes that programs could take without swapping.
        total: bytes.
        stalled: per cent of the last ten seconds in which some program waited for memory; 0
            where the kernel does not tell.
    """

    available: int
    total: int
    stalled: float = 0.0

    @property
    def shortage(self) -> str | None:
        """A sentence where it is short, else None."""
        if self.available * _LEAST_PART < self.total:
            return (
                f"Memory is short: {self.available / MIB:.0f} of {self.total / MIB:.0f} MiB are "
                "available. No environments are kept that nobody uses."
            )
        if self.stalled > _MOST_STALLED:
            return (
                f"Memory is short: programs waited for it in {self.stalled:.0f} % of the last "
                "ten seconds. No environments are kept that nobody uses."
            )
        return None


Gauge = Callable[[], Memory | None]
"""Reads the memory; None where that can't be told. Blocks for a moment."""


def read_memory(proc: Path = Path("/proc")) -> Memory | None:
    """What /proc/meminfo and /proc/pressure/memory say."""
    try:
        lines = (proc / "meminfo").read_text(encoding="ascii").splitlines()
        sizes = {name: int(rest.split()[0]) for name, _, rest in (x.partition(":") for x in lines)}
        total, available = sizes["MemTotal"] * 1024, sizes["MemAvailable"] * 1024
    except (OSError, ValueError, KeyError, IndexError):
        return None
    return Memory(available, total, _stalled(proc / "pressure" / "memory"))


def _stalled(file: Path) -> float:
    try:
        some = file.read_text(encoding="ascii").splitlines()[0]
        return float(some.partition("avg10=")[2].split()[0])
    except (OSError, ValueError, IndexError):
        return 0.0
