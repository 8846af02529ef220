"""The one mutable cell of the workspace."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fixwright.workspace.snapshot import Snapshot


class SnapshotStore:
    """Holds the current snapshot. Belongs to one event loop: update and wait there."""

    def __init__(self, first: Snapshot | None = None) -> None:
        self._now = first or Snapshot()
        self._waiting = list[asyncio.Queue[Snapshot]]()

    @property
    def now(self) -> Snapshot:
        """The current snapshot; may be read from any thread."""
        return self._now

    def update(self, change: Callable[[Snapshot], Snapshot]) -> Snapshot:
        """Replace the snapshot by what `change` makes of it; if that raises, nothing changes."""
        self._now = change(self._now)
        for snapshots in self._waiting:
            snapshots.put_nowait(self._now)
        return self._now

    async def wait(self, predicate: Callable[[Snapshot], bool], seconds: float) -> Snapshot | None:
        """The first snapshot from now on that `predicate` accepts; None after `seconds`.

        None is skipped, not even one that is replaced before this task runs again.
        """
        snapshots = asyncio.Queue[Snapshot]()
        snapshots.put_nowait(self._now)
        self._waiting.append(snapshots)
        try:
            async with asyncio.timeout(seconds):
                while not predicate(snapshot := await snapshots.get()):
                    pass
                return snapshot
        except TimeoutError:
            return None
        finally:
            self._waiting.remove(snapshots)
