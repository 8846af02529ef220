"""Fill the cache while nobody waits: what a runtime's driver does before a run asks."""

from __future__ import annotations

import selectors
import shutil
from typing import TYPE_CHECKING, Any

from .collect import mounts_below
from .drive import has_warm_up
from .processes import Processes
from .run import Run
from .tree_copy import empty_folder
from .wire import Outlet

if TYPE_CHECKING:
    from .cache import Cache  # as in run.py

QUIET_SECONDS = 0.1
"""How long nothing may have come from the host before a warm-up starts."""


class _Deaf:
    """A link for what nobody listens to."""

    full = False

    def __init__(self, link: Outlet) -> None:
        self.close_in_child = link.close_in_child

    def send(self, header: dict[str, Any], payload: bytes = b"") -> None:
        """Leave it."""


class WarmUp:
    """The warm-ups of an environment's runtimes, one after the other.

    One that is overtaken by a run is killed, since that run would wait for it, and does what it
    has to itself; it comes again afterwards. What a tool wrote by then is in the cache.
    """

    def __init__(
        self,
        config: dict[str, Any],
        cache: Cache,
        link: Outlet,
        selector: selectors.BaseSelector,
        processes: Processes,
    ) -> None:
        self._config = config
        self._kept = mounts_below(config["cleaned"])
        self._cache = cache
        self._link = _Deaf(link)
        self._selector = selector
        self._processes = processes
        self._run: Run | None = None
        self._due: list[str] = []
        self.ask()

    def ask(self) -> None:
        """The cache is empty: it has to be filled."""
        self._due = [name for name in self._config["runtimes"] if has_warm_up(name)]

    @property
    def patience(self) -> float | None:
        """Seconds after which the loop should look here; None where nothing is to be done."""
        if self._run is not None:
            return self._run.patience
        return QUIET_SECONDS if self._due else None

    def look(self, *, quiet: bool) -> None:
        """Start one where it is quiet, or see whether the one that runs has ended."""
        if self._run is not None:
            if self._run.ended():
                self._finish(self._run)
        elif quiet and self._due:
            self._start(self._due.pop())

    def stop(self) -> None:
        """End the one that runs."""
        if self._run is not None:
            self._due.append(self._run.order["runtime"])
            self._finish(self._run)

    def _start(self, runtime: str) -> None:
        order: dict[str, Any] = {
            "runtime": runtime,
            "job": {"kind": "warm"},
            "limits": self._config["limits"],
            "env": {},
            "interactive": False,
        }
        self._run = Run(
            order,
            b"",
            config={**self._config, "root": self._config["tmp"]},
            link=self._link,
            selector=self._selector,
            processes=self._processes,
            cache=self._cache,
            usual=frozenset(),
        )

    def _finish(self, run: Run) -> None:
        self._run = None
        run.finish()
        shutil.rmtree(run.scratch, ignore_errors=True)
        for folder in self._config["cleaned"]:
            empty_folder(folder, self._kept)
        if self._cache.settle(watched=run.watched):
            self._due.clear()  # It does what no warm-up may, and would again.
