"""A named pipe by which our classes report while the program's streams stay its own."""

from __future__ import annotations

import json
import os
import select
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self, cast

_LONGEST = 8 << 20
_READ = 1 << 16


class Pipe:
    """Gives each JSON object that is written into the pipe to a function, in a thread.

    Args:
        folder: where the pipe is made.
        take: what is given each object.

    Attributes:
        path: of the pipe.
    """

    def __init__(self, folder: str, take: Callable[[dict[str, Any]], None]) -> None:
        self.path = os.path.join(folder, "reports")
        self._take = take

    def __enter__(self) -> Self:
        os.mkfifo(self.path, 0o600)
        # Open for writing, too: so it does not end when one writer has gone.
        self._handle = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        self._stop, self._stopping = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        os.close(self._stopping)
        self._thread.join()
        os.close(self._handle)
        os.close(self._stop)
        os.unlink(self.path)

    def _read(self) -> None:
        begun = b""
        while True:
            ready, _, _ = select.select([self._handle, self._stop], [], [])
            if self._handle in ready:
                try:
                    begun += os.read(self._handle, _READ)
                except BlockingIOError:
                    continue
                *lines, begun = begun.split(b"\n")
                for line in lines:
                    self._give(line)
                begun = begun[-_LONGEST:]
            elif self._stop in ready:
                return  # What was written has been read.

    def _give(self, line: bytes) -> None:
        try:
            value: Any = json.loads(line)
        except ValueError:
            return  # The program wrote into it.
        if isinstance(value, dict):
            try:
                self._take(cast("dict[str, Any]", value))
            except (KeyError, TypeError, ValueError):
                return  # Likewise.
