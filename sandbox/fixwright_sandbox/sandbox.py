"""The door: open a sandbox, start runs in it."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from .backends.base import Backend, BackendError, Shape
from .backends.bubblewrap import Bubblewrap
from .backends.docker import Docker
from .backends.unconfined import Unconfined
from .environment import CancelledRunError, Environment, unless_cancelled
from .execution import Execution, Recording
from .pool import Pool
from .settings import Request, SandboxSettings, SandboxUnavailable


class Sandbox:
    """Environments that run untrusted code; an async context manager.

    Use it from the event loop that opened it.
    """

    def __init__(self, backend: Backend, settings: SandboxSettings) -> None:
        self.backend = backend.name
        self.image = backend.image
        self._backend = backend
        self._settings = settings
        self._pool = Pool(backend, settings)
        self._running: dict[Execution, tuple[str, asyncio.Task[None]]] = {}

    async def prepare(self, workspace: str) -> None:
        """Start an environment for the workspace before it is needed.

        Raises `SandboxUnavailable` where it can't be started.
        """
        try:
            await self._pool.prepare(workspace)
        except BackendError as error:
            raise SandboxUnavailable(str(error)) from error

    def start(self, workspace: str, request: Request) -> Execution:
        """Start a run. `workspace` is an opaque key; environments are never shared."""
        recording = Recording(self._settings, backend=self.backend, image=self.image)
        execution = Execution(recording, interactive=request.interactive)
        task = asyncio.create_task(self._drive(workspace, execution, request))
        self._running[execution] = (workspace, task)
        task.add_done_callback(lambda _: self._running.pop(execution, None))
        return execution

    async def release(self, workspace: str) -> None:
        """Cancel what runs for the workspace, stop its environments, forget its files."""
        await self._cancel([run for run, (owner, _) in self._running.items() if owner == workspace])
        await self._pool.drop(workspace)

    async def close(self) -> None:
        """Cancel and stop everything; leaves no container, process or file."""
        await self._cancel(list(self._running))
        await self._pool.close()
        await self._backend.close()

    async def _cancel(self, executions: list[Execution]) -> None:
        tasks = [self._running[execution][1] for execution in executions]
        await asyncio.gather(*(execution.cancel() for execution in executions))
        if tasks:
            await asyncio.wait(tasks)

    async def _drive(self, workspace: str, execution: Execution, request: Request) -> None:
        """See a run through. However it goes, the execution gets its result."""
        recording = execution.recording
        environment: Environment | None = None
        try:
            shape = Shape.of(request.limits, self._settings.tree_bytes)
            acquiring = self._pool.acquire(workspace, shape)
            environment = await unless_cancelled(execution.cancel_requested, acquiring)
            await environment.run(execution, request)
        except CancelledRunError:
            recording.finish("cancelled", "Cancelled before it started.")
        except BackendError as error:
            recording.finish("error", str(error))
        finally:
            if recording.result is None:
                recording.finish("error", "The run broke off inside the sandbox; see the log.")
            if environment is not None:
                await self._pool.release(environment)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()


async def open_sandbox(settings: SandboxSettings | None = None) -> Sandbox:
    """Open the backend that the settings name.

    `auto` takes the first that works of docker and bubblewrap, never `unconfined`. Raises
    `SandboxUnavailable` with a sentence for each backend that was tried.
    """
    settings = settings or SandboxSettings()
    names = ("docker", "bubblewrap") if settings.backend == "auto" else (settings.backend,)
    reasons: list[str] = []
    for name in names:
        try:
            return Sandbox(await _open(name, settings), settings)
        except BackendError as error:
            reasons.append(str(error))
    raise SandboxUnavailable(" ".join(reasons))


async def _open(name: str, settings: SandboxSettings) -> Backend:
    if name == "docker":
        return await Docker.open(settings.docker_host, settings.image, settings.cpus)
    if name == "bubblewrap":
        return await Bubblewrap.open(settings.python)
    if name == "unconfined":
        return await Unconfined.open(settings.python)
    message = f"There is no sandbox backend named {name!r}."
    raise BackendError(message)
