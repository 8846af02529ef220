"""A budget that fills up again evenly with time."""

from __future__ import annotations

import time
from collections.abc import Callable


class Bucket:
    """A token bucket: `size` at most, `rate` of it comes back each second."""

    def __init__(
        self, size: float, rate: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._size = size
        self._rate = rate
        self._clock = clock
        self._level = size
        self._at = clock()

    def spend(self, amount: float) -> None:
        """Take it, also where it is not there: then the level is below nothing for a while."""
        self._fill()
        self._level -= amount

    def wait_for(self, amount: float) -> float:
        """Seconds until so much is there; 0 when it is."""
        self._fill()
        return max(0.0, (min(amount, self._size) - self._level) / self._rate)

    def _fill(self) -> None:
        now = self._clock()
        self._level = min(self._size, self._level + (now - self._at) * self._rate)
        self._at = now
