"""What to execute. Every job is plain data, so that it can travel into the sandbox."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class RunFile:
    """Run one file of the tree as `python FILE ARGS` or `bash FILE ARGS` would."""

    path: str
    args: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file, with the zero-based place where its text begins in that file."""

    text: str
    line: int
    column: int = 0


@dataclass(frozen=True, slots=True)
class RunChunks:
    """Run pieces of one file in order; tracebacks point at the file's own lines."""

    path: str
    chunks: tuple[Chunk, ...]


@dataclass(frozen=True, slots=True)
class RunTests:
    """Run tests. `targets` are test ids or paths; none means every test of the tree."""

    targets: tuple[str, ...] = ()
    framework: Literal["auto", "pytest", "unittest"] = "auto"


@dataclass(frozen=True, slots=True)
class RunCommand:
    """Run a program by its argument vector, from the tree's root."""

    argv: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RunCell:
    """Run a piece of code in the interpreter that a session keeps.

    Attributes:
        text: the code.
        path: the file that it stands in; None where it stands in none.
        line: the zero-based line where it begins there.
        column: likewise, in code points.
    """

    text: str
    path: str | None = None
    line: int = 0
    column: int = 0


Job = RunFile | RunChunks | RunTests | RunCommand | RunCell

_KINDS: dict[type[Job], str] = {
    RunFile: "file",
    RunChunks: "chunks",
    RunTests: "tests",
    RunCommand: "command",
    RunCell: "cell",
}


def to_wire(job: Job) -> dict[str, object]:
    """The job as the guest receives it: its fields, and `kind`.

    `kind` is `file`, `chunks`, `tests`, `command` or `cell`.
    """
    return {"kind": _KINDS[type(job)], **asdict(job)}
