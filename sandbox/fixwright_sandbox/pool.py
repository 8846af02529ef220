"""Which environment a run gets: the workspace's own, a spare, a new one, or a wait."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field

from .backends.base import Backend, BackendError, Layer, Shape
from .environment import Environment
from .limits import Limits
from .pressure import Gauge, read_memory
from .runtimes import home_of
from .settings import SandboxSettings

_LOOK_EVERY = 5.0
"""Seconds between two looks at the machine's memory."""
_log = logging.getLogger(__name__)


@dataclass
class _Workspace:
    """The environments of one workspace and runtime. `live` counts those that start or run, too."""

    idle: list[Environment] = field(default_factory=list[Environment])
    live: int = 0
    dropped: bool = False
    freed: asyncio.Condition = field(default_factory=asyncio.Condition)
    idle_timer: asyncio.TimerHandle | None = None


class Pool:
    """Environments by workspace. One that served a workspace never serves another."""

    def __init__(
        self, backend: Backend, settings: SandboxSettings, gauge: Gauge = read_memory
    ) -> None:
        self.shortage: str | None = None
        """Why no environments are kept ready; None while memory is not short."""
        self._gauge = gauge
        self._turns = itertools.count()
        self._used: dict[Environment, int] = {}
        self._closing = asyncio.Event()
        self._relieving = asyncio.Lock()
        self._starting: asyncio.Task[None] | None = None
        self._looking: asyncio.Task[None] | None = None
        self._backend = backend
        self._settings = settings
        self._shape = self.shape("python", settings.limits)
        self._workspaces: dict[str, dict[str, _Workspace]] = {}
        self._homes: dict[Environment, _Workspace] = {}
        self._spares: list[Environment] = []
        self._closed = False
        self._filling = False
        self._tasks: set[asyncio.Task[None]] = set()

    def shape(self, name: str, limits: Limits, layer: Layer | None = None) -> Shape:
        """What a run of this runtime needs. Raises `UnknownRuntimeError`."""
        home = home_of(name)
        return Shape.of(home, home.at_least(limits), self._settings.tree_bytes, layer)

    async def acquire(self, workspace: str, shape: Shape) -> Environment:
        """An environment that answers, for this workspace alone. Raises `BackendError`.

        Waits while the workspace has as many of the runtime at work as it may have.
        """
        homes = self._workspaces.setdefault(workspace, {})
        home = homes.setdefault(shape.runtime, _Workspace())
        async with home.freed:
            await home.freed.wait_for(lambda: home.idle or home.live < self._settings.environments)
            kept = [each for each in home.idle if each.shape == shape]
            unfit = None
            if kept:
                environment = kept[-1]
                home.idle.remove(environment)
                self._used.pop(environment, None)
            else:
                environment = None
                if home.live >= self._settings.environments:
                    unfit = home.idle.pop(0)
                    self._used.pop(unfit, None)
                else:
                    home.live += 1
        try:
            if unfit is not None:
                await unfit.close()
            environment = await self._make_ready(environment, shape)
        except BaseException:
            await self._gone(home)
            raise
        if environment.listing is not None:
            environment.listing.serve(workspace)
        self._homes[environment] = home
        return environment

    async def release(self, environment: Environment) -> None:
        """Give an environment back; one that is not usable, or not wanted, is closed."""
        home = self._homes.pop(environment)
        if home.dropped or self._closed or not environment.usable:
            await environment.close()
            await self._gone(home)
            return
        async with home.freed:
            home.idle.append(environment)
            self._used[environment] = next(self._turns)
            home.freed.notify()
        self._watch_idleness(home)
        self._watch_memory()

    async def prepare(self, workspace: str, name: str, limits: Limits | None = None) -> None:
        """See to it that one waits for the workspace's next run of a runtime.

        Raises `BackendError` and `UnknownRuntimeError`.
        """
        environment = await self.acquire(
            workspace, self.shape(name, limits or self._settings.limits)
        )
        await self.release(environment)

    async def drop(self, workspace: str) -> None:
        """Stop the workspace's idle environments; those at work stop when they are given back."""
        for home in self._workspaces.pop(workspace, {}).values():
            home.dropped = True
            if home.idle_timer is not None:
                home.idle_timer.cancel()
            for environment in home.idle:
                self._used.pop(environment, None)
            await _close_all(home.idle)

    async def close(self) -> None:
        """Stop every environment that is not at work."""
        self._closed = True
        self._closing.set()
        if self._starting is not None:
            self._starting.cancel()
        if self._tasks:  # what stops something is left to finish it
            await asyncio.wait(self._tasks)
        for workspace in list(self._workspaces):
            await self.drop(workspace)
        await _close_all(self._spares)

    async def _make_ready(self, environment: Environment | None, shape: Shape) -> Environment:
        if environment is not None and await _awake(environment):
            return environment
        while self._spares and shape == self._shape:
            spare = self._spares.pop()
            self._fill()
            if await _awake(spare):
                return spare
        self._fill()
        fresh = await Environment.start(self._backend, shape, self._settings)
        if not await _awake(fresh):
            message = "The sandbox ended as soon as it had started. Run it again."
            raise BackendError(message)
        return fresh

    async def _gone(self, home: _Workspace) -> None:
        async with home.freed:
            home.live -= 1
            home.freed.notify()

    def _fill(self) -> None:
        """Start a spare in the background, one at a time, where there are too few."""
        wanted = 0 if self._closed or self.shortage else self._settings.pool
        if not self._filling and len(self._spares) < wanted:
            self._filling = True
            self._starting = self._spawn(self._add_spare())

    async def _add_spare(self) -> None:
        try:
            spare = await Environment.start(self._backend, self._shape, self._settings)
        except BackendError as error:
            _log.warning("No spare sandbox: %s", error)
        else:
            if self.shortage is not None:
                await spare.close()
                return
            self._spares.append(spare)
            self._watch_memory()
        finally:
            self._filling = False

    # ---- memory

    def _watch_memory(self) -> None:
        """Look at the machine's memory for as long as there is anything to be given back."""
        if self._looking is None or self._looking.done():
            self._looking = self._spawn(self._keep_looking())

    async def _keep_looking(self) -> None:
        while await self.relieve() and not self._closed:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), _LOOK_EVERY)

    async def relieve(self) -> bool:
        """Stop what nobody uses while memory is short: spares, then what was idle longest.

        Returns whether there is anything left that could be stopped.
        """
        async with self._relieving:  # two at once would stop more than needs be
            while True:
                memory = await asyncio.to_thread(self._gauge)
                self.shortage = None if memory is None else memory.shortage
                if self.shortage is None:
                    self._fill()
                    return bool(self._spares or self._idle())
                if not await self._stop_one():
                    return False

    async def _stop_one(self) -> bool:
        if self._spares:
            await self._spares.pop().close()
            return True
        idle = self._idle()
        if not idle:
            return False
        environment = min(idle, key=lambda each: self._used.get(each, 0))
        home = idle[environment]
        async with home.freed:
            if environment not in home.idle:  # somebody took it meanwhile
                return True
            home.idle.remove(environment)
            home.live -= 1
            home.freed.notify()
        self._used.pop(environment, None)
        await environment.close()
        return True

    def _idle(self) -> dict[Environment, _Workspace]:
        homes = [home for each in self._workspaces.values() for home in each.values()]
        return {environment: home for home in homes for environment in home.idle}

    def _watch_idleness(self, home: _Workspace) -> None:
        if home.idle_timer is not None:
            home.idle_timer.cancel()
        loop = asyncio.get_running_loop()
        home.idle_timer = loop.call_later(
            self._settings.idle_seconds, lambda: self._spawn(self._stop_idle(home))
        )

    async def _stop_idle(self, home: _Workspace) -> None:
        async with home.freed:
            idle, home.idle = home.idle, []
            home.live -= len(idle)
            for environment in idle:
                self._used.pop(environment, None)
        await _close_all(idle)

    def _spawn(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task


async def _awake(environment: Environment) -> bool:
    """Whether it answers; one that does not, or is not waited for, is closed."""
    try:
        if await environment.awake():
            return True
    except BaseException:
        await environment.close()
        raise
    await environment.close()
    return False


async def _close_all(environments: list[Environment]) -> None:
    """Close every one, at once, also where one fails to."""
    closing = [environment.close() for environment in environments]
    environments.clear()
    with contextlib.suppress(OSError):
        await asyncio.gather(*closing)
