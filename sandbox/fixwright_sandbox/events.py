"""What a run says while it goes, and what is left when it has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Status = Literal[
    "passed",
    "failed",
    "timeout",
    "memory",
    "processes",
    "output",
    "disk",
    "cancelled",
    "engine",
    "image",
    "error",
]


@dataclass(frozen=True, slots=True)
class ChangedFile:
    r"""A file that the run created, modified or deleted in its copy of the tree.

    Attributes:
        path: relative POSIX path; bytes that are not UTF-8 are shown as `\xNN`.
        change: what happened to it.
        size: bytes; 0 for a deleted file and for what is not a regular file.
        data: the content. None for a deleted file, for one over the collection limits, for
            one whose name is not UTF-8, and for links, devices, sockets and pipes.
        executable: it is a program to its owner.
    """

    path: str
    change: Literal["created", "modified", "deleted"]
    size: int
    data: bytes | None
    executable: bool = False


@dataclass(frozen=True, slots=True)
class Captured:
    """One output stream, kept within a bound.

    When `total` is more than `len(head) + len(tail)`, the middle was left out.
    """

    head: bytes = b""
    tail: bytes = b""
    total: int = 0

    @property
    def omitted(self) -> int:
        """How many bytes between head and tail were not kept."""
        return self.total - len(self.head) - len(self.tail)

    @property
    def data(self) -> bytes:
        """Head and tail; where the middle is missing, a line that says so stands for it."""
        if not self.omitted:
            return self.head + self.tail
        return self.head + b"\n... %d bytes left out ...\n" % self.omitted + self.tail


@dataclass(frozen=True, slots=True)
class Measured:
    """What the guest measured of a run.

    Attributes:
        peak_memory: bytes, sampled.
        cpu_user: seconds of processor time in the programs, all processes together.
        cpu_system: seconds of processor time in the kernel for them.
        unlisted: files that it changed beyond those that are listed.
        collecting: seconds that it took to take in what it changed and to put it back.
    """

    peak_memory: int
    cpu_user: float
    cpu_system: float
    unlisted: int
    collecting: float


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended.

    Attributes:
        status: `passed` is exit code 0, `failed` any other end of its own; a limit's name
            when that limit ended it; `engine` when what environments run on was gone, `image`
            when the runtime's image, or its tools on this machine, are missing; `error` when the
            sandbox could not run it for another reason.
        message: a sentence: what ended it and, where there is something to do, what.
        exit_code: None when a signal ended it, or when it never ran.
        signal: the signal's name, such as `SIGKILL`.
        started_at: seconds since the epoch.
        duration: seconds, from the start to the last process gone.
        stdout: its standard output.
        stderr: its standard error.
        reports: structured reports of the guest, see ARCHITECTURE.md; written by the code
            that ran, so not to be trusted.
        files: what it changed in its copy of the tree.
        peak_memory: bytes, sampled; None when nothing was measured.
        backend: where it ran.
        image: the container's image, where there is one.
        cpu_user: seconds of processor time in its programs; None when nothing was measured.
        cpu_system: seconds of processor time in the kernel for them, likewise.
        bytes_in: what was sent for it: the files that differed, its input, the order itself.
        bytes_out: what came of it: output, reports, files.
        unlisted: files that it changed beyond those in `files`.
        files_sent: files of its tree that the environment did not have yet.
        kept: what it changed is in the tree of its workspace now, because that was asked for.
    """

    status: Status
    message: str
    exit_code: int | None
    signal: str | None
    started_at: float
    duration: float
    stdout: Captured
    stderr: Captured
    reports: tuple[Mapping[str, object], ...]
    files: tuple[ChangedFile, ...]
    peak_memory: int | None
    backend: str
    image: str | None
    cpu_user: float | None = None
    cpu_system: float | None = None
    bytes_in: int = 0
    bytes_out: int = 0
    unlisted: int = 0
    files_sent: int = 0
    kept: bool = False


@dataclass(frozen=True, slots=True)
class Event:
    """One moment of a run.

    Attributes:
        kind: `start` and `end` come once, first and last.
        t: seconds since the start.
        data: the bytes of a `stdout` or `stderr` event.
        file: of a `file` event.
        report: of a `report` event: an exception, a test's end, a compiler's diagnostic, as it
            was reported. Written by the code that ran, so not to be trusted.
        result: of the `end` event.
        dropped: bytes of output between the previous event and this one that were kept out
            of the events because there was too much; `Result` has their head and tail.
    """

    kind: Literal["start", "stdout", "stderr", "report", "file", "end"]
    t: float
    data: bytes = b""
    file: ChangedFile | None = None
    result: Result | None = None
    dropped: int = 0
    report: Mapping[str, object] | None = None
