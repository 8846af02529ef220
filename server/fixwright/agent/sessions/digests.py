"""Requests in a canonical form: what their digests and the figures about their prefixes are of.

One line of JSON for each part, in the order in which providers cache: tools, system, messages. A
request that continues another begins with the bytes of that one, but for the limit of its output,
which stands last.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING

from fixwright.agent.sessions.messages import message_to_json
from fixwright.agent.sessions.records import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from fixwright.models.types import Request

_PART_DIGITS = 12
"""Of a part's digest: it only has to tell two parts of one session apart."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a request that can differ: its name for people, and its digest."""

    name: str
    digest: str


@dataclass(frozen=True, slots=True)
class Canonical:
    """A request in canonical form: its bytes, their SHA-256 in hexadecimal, and its pieces."""

    whole: bytes
    digest: str
    parts: tuple[Part, ...]


def canonical(request: Request) -> Canonical:
    """All three at once: a long conversation is written out a single time."""
    lines = list(_lines(request))
    whole = b"".join(line for _, line in lines)
    return Canonical(whole, hashlib.sha256(whole).hexdigest(), _parts(lines))


def request_bytes(request: Request) -> bytes:
    """A request in canonical form, independent of any provider's wire format."""
    return b"".join(line for _, line in _lines(request))


def request_digest(request: Request) -> str:
    """SHA-256 of the canonical form, in hexadecimal."""
    return hashlib.sha256(request_bytes(request)).hexdigest()


def request_parts(request: Request) -> tuple[Part, ...]:
    """The pieces of a request, each with a digest of its own."""
    return _parts(_lines(request))


def _parts(lines: Iterable[tuple[str, bytes]]) -> tuple[Part, ...]:
    return tuple(
        Part(name, hashlib.sha256(line).hexdigest()[:_PART_DIGITS]) for name, line in lines
    )


def parts_record(parts: Sequence[Part], before: Sequence[Part] = ()) -> dict[str, object]:
    """What an event `request` says of its parts: `parts`.

    That is how many it has in common with the request before, and the others with their digests: a
    long session would otherwise repeat all of them with each request.
    """
    same = takewhile(lambda pair: pair[0] == pair[1], zip(before, parts, strict=False))
    kept = sum(1 for _ in same)
    return {"kept": kept, "then": [[part.name, part.digest] for part in parts[kept:]]}


def shared_prefix(before: bytes, now: bytes) -> int:
    """How many bytes two canonical forms begin with in common."""
    short, long = 0, min(len(before), len(now))
    while short < long:  # halving: comparing slices is done in C, comparing bytes is not
        middle = (short + long + 1) // 2
        if before[:middle] == now[:middle]:
            short = middle
        else:
            long = middle - 1
    return short


def _lines(request: Request) -> Iterator[tuple[str, bytes]]:
    for tool in request.tools:
        described = {"description": tool.description, "schema": plain(tool.schema)}
        yield f"the tool {tool.name}", _line({"tool": tool.name, **described})
    for number, part in enumerate(request.system, 1):
        yield f"part {number} of the system prompt", _line({"system": part})
    for number, message in enumerate(request.messages, 1):
        what = "results" if message.results else "message"
        yield f"message {number} ({message.role}'s {what})", _line(message_to_json(message))
    if request.max_tokens is not None:
        yield "the limit of the output", _line({"maxTokens": request.max_tokens})


def _line(data: Mapping[str, object]) -> bytes:
    """Fields keep their order: providers see it, and caches miss when it changes."""
    return json.dumps(data, separators=(",", ":")).encode("ascii") + b"\n"
