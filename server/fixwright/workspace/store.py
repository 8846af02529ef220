"""The one mutable cell of the workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from fixwright.workspace.snapshot import Snapshot


@dataclass(frozen=True, eq=False)
class _Waiter:
    predicate: Callable[[Snapshot], bool]
    found: asyncio.Future[Snapshot]


class SnapshotStore:
    """Holds the current snapshot. Belongs to one event loop: update and wait there."""

    def __init__(self, first: Snapshot | None = None) -> None:
        self._now = first or Snapshot()
        self._waiting = list[_Waiter]()

    @property
    def now(self) -> Snapshot:
        """The current snapshot; may be read from any thread."""
        return self._now

    def update(self, change: Callable[[Snapshot], Snapshot]) -> Snapshot:
        """Replace the snapshot by what `change` makes of it, and wake who waits for that.

        If `change` raises, nothing has changed.
        """
        self._now = after = change(self._now)
        for waiter in self._waiting:
            if not waiter.found.done() and waiter.predicate(after):
                waiter.found.set_result(after)
        return after

    async def wait(self, predicate: Callable[[Snapshot], bool], seconds: float) -> Snapshot | None:
        """The first snapshot from now on that `predicate` accepts; None after `seconds`."""
        if predicate(self._now):
            return self._now
        waiter = _Waiter(predicate, asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            async with asyncio.timeout(seconds):
                return await waiter.found
        except TimeoutError:
            return None
        finally:
            self._waiting.remove(waiter)
