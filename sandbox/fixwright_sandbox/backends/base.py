"""What a backend has to offer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from fixwright_sandbox.limits import Limits


@dataclass(frozen=True, slots=True)
class Shape:
    """What an environment is made for, and can't change while it lives.

    Bytes, but for `processes`.
    """

    memory: int
    processes: int
    disk: int
    tree: int

    @classmethod
    def of(cls, limits: Limits, tree_bytes: int) -> Shape:
        """The shape that a run with these limits needs."""
        return cls(limits.memory_bytes, limits.processes, limits.disk_bytes, tree_bytes)


class BackendError(Exception):
    """An environment could not be started; the message is a sentence for the user."""


class Channel(Protocol):
    """One isolated runner: a stream of bytes each way, and its end."""

    async def read(self) -> bytes:
        """Bytes from the runner; none at the end."""
        ...

    async def write(self, data: bytes) -> None:
        """Send bytes; returns when there is room for more. ConnectionError when it is gone."""
        ...

    async def kill(self) -> None:
        """End everything in it; returns when nothing of it is left."""
        ...

    async def why_ended(self) -> str:
        """A sentence for the user about why the stream ended unasked."""
        ...


class Backend(Protocol):
    """Starts runners in isolation."""

    @property
    def name(self) -> str:
        """What the user calls it."""
        ...

    @property
    def image(self) -> str | None:
        """The container image."""
        ...

    async def start(self, shape: Shape) -> tuple[Channel, dict[str, object]]:
        """Start an interpreter that waits for the guest's code.

        Returns its channel and what the runner has to know about the place. Raises
        `BackendError`.
        """
        ...

    async def close(self) -> None:
        """Let go of what the backend itself holds."""
        ...
