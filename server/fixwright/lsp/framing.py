"""Where one message ends and the next begins, in the bytes that come from the editor."""

from __future__ import annotations

import re
from typing import Protocol

_LINE = 8 << 10
"""Bytes of one line of a header."""
_BODY = 1 << 30
"""Bytes of one message; more is no message."""
_NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""A header's name, as HTTP has it (RFC 9110, 5.6.2)."""
_NUMBER = re.compile(rb"\d{1,12}")


class UnreadableStream(Exception):
    """Nobody can tell any more where the next message begins; the text says what stood there."""


class Source(Protocol):
    """A blocking, buffered stream of bytes."""

    def readline(self, limit: int, /) -> bytes:
        """At most `limit` bytes of a line, its end included; nothing at the end."""
        ...

    def read(self, size: int, /) -> bytes:
        """`size` bytes; fewer only at the end."""
        ...


def read_frame(source: Source) -> bytes | None:
    """The next message's body; None at the end of the stream. Blocks.

    Raises:
        UnreadableStream: what comes is no header of a message, or of an impossible one.
    """
    length: int | None = None
    begun = False
    while line := source.readline(_LINE):
        if not line.endswith(b"\n"):
            if len(line) < _LINE:
                return None  # the stream ended in the middle of a header
            raise UnreadableStream(f"a line of more than {_LINE} bytes")
        header = line.strip(b"\r\n")
        if header:
            begun = True
            length = _length(header, length)
        elif begun:
            break
    else:
        return None
    if length is None:
        raise UnreadableStream("a header without Content-Length")
    body = source.read(length)
    return body if len(body) == length else None


def _length(header: bytes, length: int | None) -> int | None:
    """The body's length, so far as the header's lines up to this one say it."""
    name, colon, value = header.partition(b":")
    if not colon or not _NAME.fullmatch(name):
        raise UnreadableStream(f"no header: {header[:80]!r}")
    if name.lower() != b"content-length":
        return length
    value = value.strip()
    if not _NUMBER.fullmatch(value) or int(value) > _BODY or length not in {None, int(value)}:
        raise UnreadableStream(f"an impossible length: {header[:80]!r}")
    return int(value)
