"""The byte stream to the editor: standard input and output, kept clear of everything else."""

from __future__ import annotations

import collections
import os
import sys
import threading
from dataclasses import dataclass
from typing import BinaryIO, Protocol

_QUEUE_LIMIT = 256 << 20
"""Bytes that may wait for an editor that does not read. Beyond it, the editor is gone."""


@dataclass(frozen=True)
class Wire:
    """The protocol's own file objects; descriptors 0 and 1 no longer lead to the editor."""

    reader: BinaryIO
    writer: BinaryIO


def claim_stdio() -> Wire:
    """Move the protocol away from descriptors 0 and 1.

    Whatever prints, or starts a child process that does, then reaches standard error and
    can not corrupt the stream of messages. Called before anything else is imported.
    """
    reader, writer = os.dup(0), os.dup(1)
    for end in (reader, writer):
        os.set_blocking(end, True)  # an editor may have left its own pipes otherwise
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return Wire(os.fdopen(reader, "rb"), os.fdopen(writer, "wb", 0))


class Sink(Protocol):
    """Something that takes bytes, maybe only some of them, and may block."""

    def write(self, data: memoryview, /) -> int | None:
        """Write from the start of `data`; the number of bytes taken."""
        ...


class OutQueue:
    """A writer that never blocks its caller: one thread writes what waits, in order."""

    def __init__(self, raw: Sink, limit: int = _QUEUE_LIMIT) -> None:
        self._raw = raw
        self._limit = limit
        self._size = 0
        self._waiting: collections.deque[bytes] = collections.deque()
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="lsp-writer", daemon=True)
        self._thread.start()

    def write(self, data: bytes) -> None:
        """Queue `data`. After close, or when the editor has gone, it is dropped quietly."""
        with self._changed:
            if self._closed:
                return
            self._size += len(data)
            if self._size > self._limit:
                self._closed = True
                self._waiting.clear()
            else:
                self._waiting.append(data)
            self._changed.notify()

    @property
    def broken(self) -> bool:
        """Whether nothing written from now on can reach the editor."""
        return self._closed

    def close(self, timeout: float = 1.0) -> None:
        """Write what waits, for at most `timeout` seconds, and accept nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join(timeout)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._waiting and not self._closed:
                    self._changed.wait()
                if not self._waiting:
                    return
                data = self._waiting.popleft()
                self._size -= len(data)
            try:
                _write_all(self._raw, data)
            except (OSError, ValueError):  # the editor closed its end
                with self._changed:
                    self._closed = True
                    self._waiting.clear()
                return


def _write_all(raw: Sink, data: bytes) -> None:
    """An unbuffered file may take a part only."""
    view = memoryview(data)
    while view:
        view = view[raw.write(view) or 0 :]
