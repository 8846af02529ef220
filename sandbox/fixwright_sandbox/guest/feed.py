"""Standard input that is written while the run reads it."""

from __future__ import annotations

import contextlib
import os
import selectors

from .wire import Outlet


class Feed:
    """What the host has sent and the run has not taken yet.

    The host is told what was taken and sends no more than a window ahead of that, so little waits
    here. Once the run reads no more, the rest is taken too, to be thrown away.
    """

    def __init__(self, handle: int, link: Outlet, selector: selectors.BaseSelector) -> None:
        os.set_blocking(handle, False)
        self._handle: int | None = handle
        self._link = link
        self._selector = selector
        self._waiting = bytearray()
        self._last = False

    def add(self, data: bytes, *, last: bool) -> None:
        """Take what the host sent; nothing follows the last."""
        if self._handle is None:
            self._tell(len(data))
            return
        if data and not self._waiting:
            self._selector.register(self._handle, selectors.EVENT_WRITE, self._move)
        self._waiting += data
        self._last = self._last or last
        if not self._waiting and self._last:
            self.close()

    def close(self) -> None:
        """Let the run find the end of its input."""
        if self._handle is None:
            return
        with contextlib.suppress(KeyError):
            self._selector.unregister(self._handle)
        os.close(self._handle)
        self._handle = None

    def _move(self, handle: int) -> None:
        taken = len(self._waiting)
        try:
            taken = os.write(handle, self._waiting)
        except BlockingIOError:
            return
        except BrokenPipeError:
            self.close()
        del self._waiting[:taken]
        if not self._waiting and self._handle is not None:
            self._selector.unregister(handle)
            if self._last:
                self.close()
        self._tell(taken)

    def _tell(self, taken: int) -> None:
        self._link.send({"op": "taken", "size": taken, "open": self._handle is not None})
