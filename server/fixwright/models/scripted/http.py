"""As much of HTTP/1.1 as a model's client needs, with the socket at hand for faults.

A framework would hide the transport, and faults (a reset, a body without its end) need it.
Every connection serves one request.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST_BODY = 64 << 20
_END_OF_HEAD = b"\r\n\r\n"


class BadRequestError(ValueError):
    """A request that this server cannot read; the text says why."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request; names of headers are in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes


async def read_request(reader: asyncio.StreamReader) -> HttpRequest | None:
    """The connection's request, or None when the client left without one.

    Raises:
        BadRequestError: it is not HTTP, or its body has no length or too much of it.
    """
    try:
        head = await reader.readuntil(_END_OF_HEAD)
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError as error:
        raise BadRequestError("the request's head is too long") from error
    first, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
    try:
        method, target, _version = first.split(" ")
    except ValueError as error:
        raise BadRequestError("the request line is not HTTP") from error
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = headers.get("content-length", "0")
    if "transfer-encoding" in headers or not length.isdecimal() or int(length) > LARGEST_BODY:
        raise BadRequestError(f"the body needs a content-length of at most {LARGEST_BODY} bytes")
    body = await reader.readexactly(int(length))
    return HttpRequest(method, target.partition("?")[0], headers, body)


def head(status: int, headers: Mapping[str, str]) -> bytes:
    """The head of an answer; the connection is closed after it."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"  # 529 and the like, which HTTP has no words for
    lines = [f"HTTP/1.1 {status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines += ["connection: close", "", ""]
    return "\r\n".join(lines).encode("latin-1")


def chunk(data: bytes) -> bytes:
    """A piece of a body in chunked encoding."""
    return b"%x\r\n%b\r\n" % (len(data), data)


LAST_CHUNK = b"0\r\n\r\n"


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset instead of a goodbye."""
    sock = writer.get_extra_info("socket")
    linger_not_at_all = struct.pack("ii", 1, 0)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_not_at_all)
    writer.transport.abort()
