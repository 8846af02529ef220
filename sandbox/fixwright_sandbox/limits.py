"""What a run may use."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20
MOST_FILES = 200_000
"""Files in each folder that a run may write to, its subfolders included."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The bounds of one run. Reaching one ends the run, and the result says which it was.

    Attributes:
        wall_seconds: time by the clock.
        cpu_seconds: processor time of any one process, in a session of all that a piece of code
            uses; None is no limit of its own.
        memory_bytes: memory of all the run's processes together, files not counted.
        processes: processes and threads at once.
        output_bytes: stdout and stderr together.
        file_bytes: the largest file that may be written.
        disk_bytes: what may be written to the tree, and again to `/tmp`.
        open_files: open file descriptors of one process.
    """

    wall_seconds: float = 60.0
    cpu_seconds: float | None = None
    memory_bytes: int = 512 * MIB
    processes: int = 128
    output_bytes: int = 8 * MIB
    file_bytes: int = 256 * MIB
    disk_bytes: int = 512 * MIB
    open_files: int = 1024

    def __post_init__(self) -> None:
        """Raise `ValueError` for a limit that no run could keep."""
        for name in (
            "wall_seconds",
            "memory_bytes",
            "processes",
            "output_bytes",
            "open_files",
            "disk_bytes",
        ):
            if getattr(self, name) <= 0:
                message = f"The limit {name} must be more than 0."
                raise ValueError(message)
