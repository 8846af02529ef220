"""What the runner and a runtime's session program say to each other.

A runtime with `sessions = true` has the module `session` in its guest. It is started in the
forked child of a session's first cell, under the session's limits, and never returns:

    def main(line: Line, place: Place) -> NoReturn

It takes cell after cell from the line and answers each with its exit status. An interrupt is
SIGINT to its process group: it ends the cell, with the status 130, and nothing else. Where the
code ends the session itself, the program ends as the code did.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .child import Setting
    from .stage import Stage  # for what has a cache only: it imports much

INTERRUPTED = 130
"""The exit status of a cell that was interrupted."""
_ORDER, _HANDLES = 16, 2


@dataclass(frozen=True)
class Cell:
    """A piece of code.

    Attributes:
        text: the code.
        path: the file that it stands in; None where it stands in none.
        line: the zero-based line where it begins there.
        column: likewise, in code points.
        stdin: the descriptor of what it reads from standard input; the taker's to close.
    """

    text: str
    path: str | None
    line: int
    column: int
    stdin: int


@dataclass(frozen=True)
class Place:
    """Where a session program works.

    Attributes:
        setting: its streams, variables, limits and root, on already.
        scratch: a folder of the session's own.
        reports: the descriptor that reports are written to.
        usual: a bare interpreter's modules.
        sites: folders with installed packages.
        stage: what a driver of the runtime works with; None where it has none.
    """

    setting: Setting
    scratch: str
    reports: int
    usual: frozenset[str]
    sites: tuple[str, ...]
    stage: Stage | None


class Line:
    """The session program's end of the socket over which cells come and answers go."""

    def __init__(self, handle: int) -> None:
        self._source = socket.socket(fileno=handle)

    def take(self) -> Cell | None:
        """Wait for the next cell; None when there is to be none any more."""
        message, handles, _, _ = socket.recv_fds(self._source, _ORDER, _HANDLES)
        if not message:
            return None
        stdin, order = handles
        with os.fdopen(order, "rb") as file:
            job: dict[str, Any] = json.load(file)
        path = job["path"]
        return Cell(
            str(job["text"]),
            None if path is None else str(path),
            int(job["line"]),
            int(job["column"]),
            stdin,
        )

    def answer(self, status: int) -> None:
        """Say that the cell has ended, and how."""
        self._source.send(str(status & 0xFF).encode())
