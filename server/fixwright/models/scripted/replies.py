"""What a server's answer is made of, whichever protocol it speaks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from fixwright.models.scripted.script import Turn


@dataclass(frozen=True, slots=True)
class Reply:
    """One turn, given as the answer to one request."""

    turn: Turn
    model: str
    number: int
    """Counts the requests; ids are made of it."""
    with_usage: bool = True
    """Whether an OpenAI client asked for usage in the stream."""


class Wire(Protocol):
    """One protocol: how it says things."""

    def events(self, reply: Reply) -> list[bytes]:
        """The streamed answer, one item an event."""
        ...

    def whole(self, reply: Reply) -> Mapping[str, object]:
        """The answer at once."""
        ...

    def error(self, status: int, kind: str | None, message: str) -> Mapping[str, object]:
        """The body of an error."""
        ...

    def error_event(self, kind: str | None, message: str) -> bytes:
        """An error inside a stream."""
        ...

    def garbage_event(self) -> bytes:
        """An event that is not JSON."""
        ...

    def request_id(self, number: int) -> tuple[str, str]:
        """The header that names the request."""
        ...


def compact(value: object) -> bytes:
    """JSON as the real servers send it: no spaces, UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
