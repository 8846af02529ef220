"""What is said to a run while it goes: its standard input, and signals."""

from __future__ import annotations

import asyncio

_WINDOW = 256 * 1024
"""Bytes of input on their way at most; the rest waits with whoever writes it."""
_PIECE = 64 * 1024

Order = tuple[dict[str, object], bytes]
"""Header and payload of a frame."""


class Outbox:
    """Orders for the runner, in the order in which they were given."""

    def __init__(self) -> None:
        self._orders: asyncio.Queue[Order] = asyncio.Queue()
        self._ahead = 0
        self._sent: int = 0
        self._open = True
        self._ended = False
        self._moved = asyncio.Condition()

    async def write(self, data: bytes) -> None:
        """Send input; returns when it is on its way. BrokenPipeError when nobody will read it."""
        for start in range(0, len(data), _PIECE):
            piece = data[start : start + _PIECE]
            async with self._moved:
                await self._moved.wait_for(lambda: self._ahead < _WINDOW or not self._reading)
                if not self._reading:
                    message = "The run reads no more: it has ended, or its input is closed."
                    raise BrokenPipeError(message)
                self._ahead += len(piece)
            self._orders.put_nowait(({"op": "input", "last": False}, piece))

    def close_input(self) -> None:
        """Let the run find the end of its input behind what was written."""
        if self._open:
            self._open = False
            self._orders.put_nowait(({"op": "input", "last": True}, b""))

    def signal(self, name: str) -> None:
        """Send a signal to the run's foreground, once it has started."""
        if not self._ended:
            self._orders.put_nowait(({"op": "signal", "name": name}, b""))

    async def next(self) -> Order:
        """The next order to send."""
        order = await self._orders.get()
        self._sent += len(order[1])
        return order

    async def taken(self, size: int, *, is_open: bool) -> None:
        """The run has taken so much of its input, and may want more."""
        size = min(max(size, 0), self._sent)  # whatever a runner says that was taken over
        async with self._moved:
            self._sent -= size
            self._ahead -= size
            self._open = self._open and is_open
            self._moved.notify_all()

    async def end(self) -> None:
        """The run has ended."""
        async with self._moved:
            self._ended = True
            self._moved.notify_all()

    @property
    def _reading(self) -> bool:
        return self._open and not self._ended
