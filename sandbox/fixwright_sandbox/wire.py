"""Frames to and from a guest. What comes from there is untrusted, so it is bounded and typed."""

from __future__ import annotations

import json
import struct
from collections.abc import Awaitable, Callable
from typing import cast

_LENGTHS = struct.Struct(">II")
_MOST_HEADER = 64 << 20
_MOST_PAYLOAD = 64 << 20


class ProtocolError(Exception):
    """The guest sent what no runner of ours sends."""


class Header:
    """The JSON part of a frame, read field by field."""

    def __init__(self, values: dict[str, object]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """A string."""
        value = self._values.get(name)
        if not isinstance(value, str):
            raise ProtocolError(name)
        return value

    def optional_text(self, name: str) -> str | None:
        """A string or null."""
        return None if self._values.get(name) is None else self.text(name)

    def integer(self, name: str) -> int:
        """A number without a fraction."""
        value = self._values.get(name)
        if not isinstance(value, int):
            raise ProtocolError(name)
        return value

    def optional_integer(self, name: str) -> int | None:
        """A number without a fraction, or null."""
        return None if self._values.get(name) is None else self.integer(name)

    def number(self, name: str) -> float:
        """Any number."""
        value = self._values.get(name)
        if not isinstance(value, int | float):
            raise ProtocolError(name)
        return float(value)

    def numbers(self, name: str, count: int) -> tuple[float, ...]:
        """A list of so many numbers."""
        value = self._values.get(name)
        if not isinstance(value, list):
            raise ProtocolError(name)
        items = cast("list[object]", value)
        if len(items) != count or not all(isinstance(item, int | float) for item in items):
            raise ProtocolError(name)
        return tuple(map(float, cast("list[float]", items)))

    def flag(self, name: str) -> bool:
        """True or false."""
        return self._values.get(name) is True

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings."""
        value = self._values.get(name)
        if not isinstance(value, list):
            raise ProtocolError(name)
        items = cast("list[object]", value)
        if not all(isinstance(item, str) for item in items):
            raise ProtocolError(name)
        return tuple(cast("list[str]", items))


def parse_object(data: bytes) -> dict[str, object]:
    """A JSON object; `ProtocolError` for anything else."""
    try:
        value: object = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise ProtocolError from error
    if not isinstance(value, dict):
        raise ProtocolError
    return cast("dict[str, object]", value)


def encode(header: dict[str, object], payload: bytes = b"") -> bytes:
    """A frame."""
    text = json.dumps(header, separators=(",", ":")).encode()
    return b"".join((_LENGTHS.pack(len(text), len(payload)), text, payload))


class FrameReader:
    """Frames out of a source of bytes."""

    def __init__(self, read: Callable[[], Awaitable[bytes]]) -> None:
        self._read = read
        self._buffer = bytearray()

    async def next(self) -> tuple[Header, bytes] | None:
        """The next frame; None at the stream's end."""
        while True:
            frame = self._take()
            if frame is not None:
                return frame
            data = await self._read()
            if not data:
                return None
            self._buffer += data

    def _take(self) -> tuple[Header, bytes] | None:
        if len(self._buffer) < _LENGTHS.size:
            return None
        header, payload = _LENGTHS.unpack_from(self._buffer)
        if header > _MOST_HEADER or payload > _MOST_PAYLOAD:
            raise ProtocolError
        begin = _LENGTHS.size + header
        end = begin + payload
        if len(self._buffer) < end:
            return None
        values = parse_object(bytes(self._buffer[_LENGTHS.size : begin]))
        data = bytes(self._buffer[begin:end])
        del self._buffer[:end]
        return Header(values), data
