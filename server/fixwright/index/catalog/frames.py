"""What the index's processes send each other: a JSON object and some pieces of bytes.

No pickles: a worker has read files that nobody trusts.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence
    from typing import BinaryIO

_SIZES = struct.Struct("<II")
LARGEST = 256 << 20
"""Bytes; what is larger is not a frame of ours."""

Header = dict[str, object]
Frame = tuple[Header, tuple[bytes, ...]]


class BrokenFrame(Exception):
    """What came is no frame: the other side is not well."""


def encoded(header: Header, pieces: Sequence[bytes] = ()) -> bytes:
    """One frame."""
    text = json.dumps([header, [len(piece) for piece in pieces]], separators=(",", ":")).encode()
    body = b"".join(pieces)
    return _SIZES.pack(len(text), len(body)) + text + body


async def receive(reader: asyncio.StreamReader) -> Frame:
    """The next frame.

    Raises:
        EOFError: the other side has ended; `asyncio.IncompleteReadError` is one.
        BrokenFrame: what comes is no frame.
    """
    text_size, body_size = _sizes(await reader.readexactly(_SIZES.size))
    text = await reader.readexactly(text_size)
    return _decoded(text, await reader.readexactly(body_size))


def read(stream: BinaryIO) -> Frame | None:
    """The next frame from a plain stream; None at its end.

    Raises:
        BrokenFrame: what comes is no frame, or ends in the middle of one.
    """
    head = stream.read(_SIZES.size)
    if len(head) < _SIZES.size:
        return None
    text_size, body_size = _sizes(head)
    return _decoded(stream.read(text_size), stream.read(body_size))


def _sizes(head: bytes) -> tuple[int, int]:
    text, body = cast("tuple[int, int]", _SIZES.unpack(head))
    if text > LARGEST or body > LARGEST:
        raise BrokenFrame(f"a frame of {text} and {body} bytes")
    return text, body


def _decoded(text: bytes, body: bytes) -> Frame:
    try:
        header, sizes = cast("tuple[Header, list[int]]", json.loads(text))
    except (ValueError, TypeError) as error:
        raise BrokenFrame(str(error)) from error
    if sum(sizes) != len(body):
        raise BrokenFrame(f"{len(body)} bytes in place of {sum(sizes)}")
    pieces: list[bytes] = []
    start = 0
    for size in sizes:
        pieces.append(body[start : start + size])
        start += size
    return header, tuple(pieces)
