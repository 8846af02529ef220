"""Frames over the one stream to the host.

A frame is eight bytes (the lengths of its two parts, big-endian), a header in JSON, and a
payload of raw bytes.
"""

from __future__ import annotations

import fcntl
import json
import os
import struct
from collections import deque
from typing import Any, Protocol

_LENGTHS = struct.Struct(">II")
_READ = 1 << 18
_FULL = 1 << 20
"""Bytes waiting to be sent above which nothing more should be produced."""


class HostGoneError(Exception):
    """The stream's other end has closed: there is nobody left to run for."""


class Outlet(Protocol):
    """Where a run's frames go."""

    @property
    def full(self) -> bool:
        """The host reads more slowly than the job writes."""
        ...

    def send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        """Queue a frame."""
        ...

    def close_in_child(self) -> None:
        """Close the descriptors in a forked child; the runner keeps its own."""
        ...


class Link:
    """The runner's end of the stream. Never blocks; the loop tells it when to move bytes."""

    def __init__(self) -> None:
        # Jobs get descriptors 0 to 2 of their own, so these two move out of their way.
        self.input = fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, 100)
        self.output = fcntl.fcntl(1, fcntl.F_DUPFD_CLOEXEC, 100)
        null = os.open("/dev/null", os.O_RDWR)
        os.dup2(null, 0)
        os.dup2(null, 1)
        os.close(null)
        os.set_blocking(self.input, False)
        os.set_blocking(self.output, False)
        self._incoming = bytearray()
        self._outgoing: deque[memoryview] = deque()
        self._waiting = 0

    @property
    def wants_to_write(self) -> bool:
        """Bytes wait to be sent."""
        return bool(self._outgoing)

    @property
    def full(self) -> bool:
        """The host reads more slowly than the job writes."""
        return self._waiting >= _FULL

    def send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        """Queue a frame."""
        text = json.dumps(header, separators=(",", ":")).encode()
        for part in (_LENGTHS.pack(len(text), len(payload)) + text, payload):
            if part:
                self._outgoing.append(memoryview(part))
                self._waiting += len(part)

    def flush(self) -> None:
        """Send what the stream takes now."""
        while self._outgoing:
            try:
                sent = os.write(self.output, self._outgoing[0])
            except BlockingIOError:
                return
            except OSError as error:
                raise HostGoneError from error
            self._waiting -= sent
            if sent == len(self._outgoing[0]):
                self._outgoing.popleft()
            else:
                self._outgoing[0] = self._outgoing[0][sent:]

    def receive(self) -> list[tuple[dict[str, Any], bytes]]:
        """Take what has come and return the whole frames in it."""
        try:
            data = os.read(self.input, _READ)
        except BlockingIOError:
            return []
        except OSError as error:
            raise HostGoneError from error
        if not data:
            raise HostGoneError
        self._incoming += data
        frames: list[tuple[dict[str, Any], bytes]] = []
        position = 0
        while len(self._incoming) - position >= _LENGTHS.size:
            header, payload = _LENGTHS.unpack_from(self._incoming, position)
            begin = position + _LENGTHS.size
            end = begin + header + payload
            if len(self._incoming) < end:
                break
            text = bytes(self._incoming[begin : begin + header])
            frames.append((json.loads(text), bytes(self._incoming[begin + header : end])))
            position = end
        del self._incoming[:position]
        return frames

    def close_in_child(self) -> None:
        """Close the descriptors in a forked child; the runner keeps its own."""
        os.close(self.input)
        os.close(self.output)
