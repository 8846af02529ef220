"""The door: open a sandbox, start runs in it."""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections.abc import Callable, Coroutine, Generator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, Self

from .backends.base import Backend, BackendError, Mapped, Placed
from .backends.opening import AUTOMATIC, open_backend
from .dependencies.install import Layers
from .environment import CancelledRunError, Environment, unless_cancelled
from .events import Result
from .execution import Execution, Recording
from .leftovers import prune_local
from .limits import Limits
from .observing import Observer, TracingUnavailable, step
from .pool import Pool
from .pressure import Gauge, Memory, read_memory
from .runtimes import UnknownRuntimeError, home_of
from .session import IDLE_SECONDS, Session, Through, sessions_of
from .settings import BackendName, Request, SandboxSettings, SandboxUnavailable
from .stats import Stats, stats_of
from .transfer import Content, tree_of
from .tree import Tree
from .workspace import Workspace


class Sandbox:
    """Environments that run untrusted code; an async context manager.

    Use it from the event loop that opened it.
    """

    def __init__(
        self,
        backend: Backend,
        settings: SandboxSettings,
        observer: Observer | None = None,
        gauge: Gauge | None = None,
    ) -> None:
        self.backend = backend.name
        self.image = backend.image("python")
        self._backend = backend
        self._settings = settings
        self._observer = observer or Observer(backend.name, trace=settings.trace)
        self._pool = Pool(backend, settings, gauge or _gauge_of(backend))
        self._layers = Layers(backend, settings)
        self._created: set[str] = set()
        self._sessions: set[Session] = set()
        self._numbers = itertools.count(1)
        self._running: dict[Execution, tuple[str, asyncio.Task[None]]] = {}

    async def prepare(
        self, workspace: str, runtime: str = "python", limits: Limits | None = None
    ) -> None:
        """Start an environment for the workspace before it is needed, for runs within the limits.

        Raises `SandboxUnavailable` where it can't be started.
        """
        try:
            with self._observer.active():
                await self._pool.prepare(workspace, runtime, limits)
        except (BackendError, UnknownRuntimeError) as error:
            raise SandboxUnavailable(str(error)) from error

    async def create(
        self,
        workspace: str | None = None,
        *,
        files: Mapping[str, Content] | None = None,
        runtime: str = "python",
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Workspace:
        """Make a workspace with these files and start its first environment.

        Args:
            workspace: its name, one that no other workspace here has; made up where none is told.
            files: by path: text, bytes, or the `Path` of a file of this machine to read now.
            runtime: what its runs are for that don't say otherwise.
            limits: bounds of runs that don't say otherwise; None is as the settings have them.
            env: environment variables of its runs.

        Raises `SandboxUnavailable` where no environment can be started, `InvalidTreeError` for
        files that no tree can hold, `LookupError` for an unknown runtime, `ValueError` for a name
        that is taken.
        """
        contents = await asyncio.to_thread(tree_of, files or {})
        limits = limits or self._settings.limits
        name = workspace or uuid.uuid4().hex[:8]
        if name in self._created:
            message = f"There is a workspace named {name!r} already; close it first."
            raise ValueError(message)
        made = Workspace(self, name, tree=contents, runtime=runtime, limits=limits, env=env)
        self._created.add(name)
        try:
            await made.prepare()
        except BaseException:
            await made.close()
            raise
        return made

    def start(
        self,
        workspace: str,
        request: Request,
        at_end: Callable[[Result], Result] | None = None,
        through: Through | None = None,
    ) -> Execution:
        """Start a run.

        Args:
            workspace: an opaque key; environments are never shared between two.
            request: what to run.
            at_end: is given the result before anybody else and returns the one to tell.
            through: what sees it through, in place of an environment that the pool chooses.
        """
        asked = time.time()

        def ended(result: Result) -> Result:
            self._observer.ended(request, result, result.started_at - asked)
            return result if at_end is None else at_end(result)

        image = self._image(request.runtime)
        recording = Recording(self._settings, backend=self.backend, image=image, at_end=ended)
        execution = Execution(recording, interactive=request.interactive)
        task = asyncio.create_task(self._drive(workspace, execution, request, through))
        self._running[execution] = (workspace, task)
        task.add_done_callback(lambda _: self._running.pop(execution, None))
        return execution

    def session(
        self,
        workspace: str,
        runtime: str = "python",
        *,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        tree: Callable[[], Tree] | None = None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> Session:
        """Make a session; its interpreter starts with the first piece of code.

        Args:
            workspace: an opaque key; `release` of it ends the session, too.
            runtime: the interpreter.
            limits: see `Session`.
            env: environment variables.
            tree: gives the files as they are now, before each piece that brings none.
            idle_seconds: how long it is kept when nobody uses it.

        Raises `SessionRefused` for a runtime of which none can be kept, `LookupError` for an
        unknown one.
        """
        self._sessions = {each for each in self._sessions if each.state != "closed"}
        session = Session(
            self._pool, self.start, number=next(self._numbers), workspace=workspace,
            runtime=sessions_of(runtime), limits=limits or self._settings.limits, env=env or {},
            tree=tree, idle_seconds=idle_seconds,
        )  # fmt: skip
        self._sessions.add(session)
        return session

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Those whose interpreter lives."""
        return tuple(each for each in self._sessions if each.state == "alive")

    async def _close_sessions(self, sessions: list[Session]) -> None:
        await asyncio.gather(*(each.close() for each in sessions))
        self._sessions.difference_update(sessions)

    async def release(self, workspace: str) -> None:
        """Cancel what runs for the workspace, stop its environments, forget its files."""
        await self._close_sessions([each for each in self._sessions if each.workspace == workspace])
        await self._cancel([run for run, (owner, _) in self._running.items() if owner == workspace])
        await self._pool.drop(workspace)
        self._created.discard(workspace)

    async def close(self) -> None:
        """Cancel and stop everything; leaves no container, process or file."""
        await self._close_sessions(list(self._sessions))
        await self._cancel(list(self._running))
        await self._pool.close()
        await self._observer.roster.close()
        await self._backend.close()

    async def stats(self) -> Stats:
        """What it holds now and has done so far. Asks the engine, where there is one."""
        started = sum(bool(each.recording.events) for each in self._running)
        return await stats_of(
            self._observer.roster,
            self._observer.metrics,
            running=started,
            queued=len(self._running) - started,
            shortage=self._pool.shortage,
            users=self._backend.users if isinstance(self._backend, Mapped) else None,
        )

    def layers(self) -> Layers:
        """Installed packages that runs can be given, and how to install them."""
        return self._layers

    def metrics(self) -> str:
        """Counters, gauges and histograms as Prometheus reads them."""
        metrics = self._observer.metrics
        states = [entry.state for entry, _ in self._observer.roster]
        for state in ("spare", "idle", "running"):
            metrics.environments.set(state, to=states.count(state))
        started = sum(bool(each.recording.events) for each in self._running)
        metrics.queued.set(to=len(self._running) - started)
        return metrics.text()

    async def _cancel(self, executions: list[Execution]) -> None:
        tasks = [self._running[execution][1] for execution in executions]
        await asyncio.gather(*(execution.cancel() for execution in executions))
        if tasks:
            await asyncio.wait(tasks)

    def _image(self, runtime: str) -> str | None:
        try:
            return self._backend.image(runtime)
        except UnknownRuntimeError:
            return None

    async def _drive(
        self, workspace: str, execution: Execution, request: Request, through: Through | None
    ) -> None:
        """See a run through, and tell the steps of it."""
        with (
            self._observer.active(),
            step("run", workspace=workspace, runtime=request.runtime, run=execution.id),
        ):
            await self._see_through(workspace, execution, request, through)

    async def _see_through(
        self, workspace: str, execution: Execution, request: Request, through: Through | None
    ) -> None:
        """However it goes, the execution gets its result."""
        recording = execution.recording
        environment: Environment | None = None
        try:
            shape = self._pool.shape(request.runtime, request.limits, request.layer)
            limits = home_of(request.runtime).at_least(request.limits)
            request = replace(request, limits=limits)
            if through is not None:
                await through(execution, request, shape)
                return
            acquiring = self._pool.acquire(workspace, shape)
            environment = await unless_cancelled(execution.cancel_requested, acquiring)
            with environment.at_work():
                await environment.run(execution, request)
        except CancelledRunError:
            recording.finish("cancelled", "Cancelled before it started.")
        except BackendError as error:
            recording.finish(error.status, str(error))
        except UnknownRuntimeError as error:
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


class Opening(Coroutine[object, None, Sandbox]):
    """A sandbox that is about to open: `await` it, or use it in `async with`."""

    def __init__(self, opening: Coroutine[object, None, Sandbox]) -> None:
        self._opening = opening
        self._sandbox: Sandbox | None = None

    def send(self, value: None, /) -> object:
        """As of any coroutine."""
        return self._opening.send(value)

    def throw(self, *error: Any) -> object:
        """As of any coroutine."""
        return self._opening.throw(*error)

    def close(self) -> None:
        """As of any coroutine."""
        self._opening.close()

    def __await__(self) -> Generator[object, None, Sandbox]:
        return self._opening.__await__()

    async def __aenter__(self) -> Sandbox:
        self._sandbox = await self._opening
        return self._sandbox

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._sandbox is not None
        await self._sandbox.close()


def _gauge_of(backend: Backend) -> Gauge:
    return _unknown if isinstance(backend, Placed) and backend.elsewhere else read_memory


def _unknown() -> Memory | None:
    return None


def open_sandbox(
    settings: SandboxSettings | BackendName | Literal["auto"] | None = None,
) -> Opening:
    """Open a sandbox; use what this returns in `async with`, or `await` it.

    Settings may be a backend's name alone. `auto`, the default, takes the first that works of
    docker, podman and bubblewrap, never `unconfined`. Raises, when awaited, `SandboxUnavailable`
    with a sentence for each backend that was tried.
    """
    if isinstance(settings, str):
        settings = SandboxSettings(backend=settings)
    return Opening(_open_first(settings or SandboxSettings()))


async def _open_first(settings: SandboxSettings) -> Sandbox:
    names = AUTOMATIC if settings.backend == "auto" else (settings.backend,)
    reasons: list[str] = []
    for name in names:
        try:
            observer = Observer(name, trace=settings.trace)
            with observer.active(), step("open", backend=name):
                await asyncio.to_thread(prune_local)
                backend = await open_backend(name, settings)
            return Sandbox(backend, settings, observer)
        except (BackendError, TracingUnavailable) as error:
            reasons.append(str(error))
    raise SandboxUnavailable(" ".join(reasons))
