"""A session: an interpreter that is kept, so that what one piece of code makes the next can use."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType, TracebackType
from typing import TYPE_CHECKING, Literal, Self

from .backends.base import Layer, Shape
from .environment import Environment, unless_cancelled
from .events import Result
from .execution import Execution
from .jobs import RunCell
from .limits import Limits
from .observing import step
from .runtimes import catalogue
from .settings import Request
from .tree import Tree

if TYPE_CHECKING:
    from .pool import Pool

IDLE_SECONDS = 1800.0
"""How long a session is kept that nobody uses."""
State = Literal["new", "alive", "lost", "closed"]
Through = Callable[[Execution, Request, Shape], Awaitable[None]]
"""Sees an execution through, in an environment of such a shape."""
_LOST = "The session's state is lost."
_KEPT = "The session's state is kept."
_EMPTY: Tree = MappingProxyType({})


class SessionRefused(ValueError):
    """There is no session of that kind, or it has ended; the message says why, and what to do."""


def sessions_of(runtime: str) -> str:
    """The name of a runtime of which an interpreter can be kept.

    Raises `SessionRefused` for another, `UnknownRuntimeError` for one that there is not.
    """
    wanted = catalogue.runtime(runtime)
    if wanted.sessions:
        return wanted.name
    able = ", ".join(each.title for each in catalogue.runtimes().values() if each.sessions)
    message = (
        f"{wanted.title} keeps no state between pieces of code here; sessions are for {able}. "
        "Run the file or the selection instead."
    )
    raise SessionRefused(message)


class Session:
    """Executes code piece by piece in one interpreter, one piece after the other.

    It has an environment of its own. Before each piece the tree is brought up to date: files
    that were changed in the tree since are sent. What the session writes stays there, is told
    in the result of the piece that wrote it, and goes with the session; a file that the tree
    then changes, too, is as the tree has it.

    A piece that meets a limit on its time, or is cancelled or interrupted, is interrupted as by
    Ctrl-C, and the state is kept; if it goes on for all that, or meets any other limit, the
    interpreter is ended, `state` is `lost`, and the result says so. `restart` makes a new one.

    Attributes:
        id: of the session, in its sandbox.
        workspace: whose it is.
        runtime: what its pieces are written in.
        limits: of each piece: `wall_seconds`, `cpu_seconds` (of all its processes together),
            `output_bytes`; of the session: the others.
        used_at: when a piece was started or ended last; seconds since the epoch.
    """

    def __init__(
        self,
        pool: Pool,
        start: Callable[..., Execution],
        *,
        number: int,
        workspace: str,
        runtime: str,
        limits: Limits,
        env: Mapping[str, str],
        tree: Callable[[], Tree] | None = None,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self.id = f"{workspace}#{number}"
        self.workspace = workspace
        self.runtime = runtime
        self.limits = limits
        self.used_at = time.time()
        self._pool = pool
        self._start = start
        self._env = dict(env)
        self._tree = tree or (lambda: _EMPTY)
        self._idle_seconds = idle_seconds
        self._state: State = "new"
        self._why = ""
        self.ended = asyncio.Event()
        """Set while there is no interpreter any more: the state is lost, or it is closed."""
        self._current: object = None
        self._environment: Environment | None = None
        self._turn = asyncio.Lock()
        self._running: set[Execution] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None

    @property
    def state(self) -> State:
        """Whether there is anything to lose."""
        return self._state

    @property
    def why(self) -> str:
        """A sentence on why the state is lost; empty while it is not."""
        return self._why

    @property
    def running(self) -> bool:
        """A piece is at work, or waits for its turn."""
        return bool(self._running)

    def run(
        self,
        code: str,
        *,
        path: str | None = None,
        line: int = 0,
        column: int = 0,
        tree: Tree | None = None,
        stdin: bytes | str = b"",
        interactive: bool = False,
        timeout: float | None = None,
        layer: Layer | None = None,
    ) -> Execution:
        """Execute a piece of code, behind those that were started before.

        Args:
            code: the piece. What its last expression gives is shown, where the language has
                such a thing: a `report` of the type `result` with `data` by MIME type, as is
                what it gives to `display`.
            path: the file of the tree that it stands in; tracebacks then point into it.
            line: where in that file it begins, zero-based.
            column: likewise, in code points.
            tree: the files as they are now, in place of the workspace's.
            stdin: what it reads from standard input.
            interactive: standard input stays open behind that, for `Execution.write`.
            timeout: seconds by the clock, in place of what the limits say.
            layer: installed packages, see `Sandbox.layers`; what the first piece brings counts.

        Raises `SessionRefused` where the state is lost and nobody has restarted it, or it is
        closed.
        """
        if self._state in ("lost", "closed"):
            message = f"{self._why or 'The session is closed.'} Restart it to go on."
            raise SessionRefused(message)
        limits = self.limits
        request = Request(
            self.runtime,
            RunCell(code, path, line, column),
            self._tree() if tree is None else tree,
            limits if timeout is None else replace(limits, wall_seconds=timeout),
            stdin.encode() if isinstance(stdin, str) else stdin,
            self._env,
            interactive=interactive,
            layer=layer,
        )
        self._touch()
        execution = self._start(
            self.workspace,
            request,
            functools.partial(self._told, turn := object()),
            functools.partial(self._drive, turn),
        )
        self._running.add(execution)
        return execution

    def interrupt(self) -> None:
        """Interrupt the piece that runs, if one does, as Ctrl-C would; the state is kept.

        One that goes on for some seconds after that is ended, and the state with it.
        """
        for execution in self._running:
            if execution.recording.events:
                execution.interrupt()

    async def restart(self) -> None:
        """End the interpreter and what it runs; the next piece gets a new one."""
        await self._end("new", "")

    async def close(self) -> None:
        """End the interpreter and what it runs. Nothing is left of what it wrote."""
        await self._end("closed", "The session is closed.")

    # ---- inside

    async def _drive(
        self, turn: object, execution: Execution, request: Request, shape: Shape
    ) -> None:
        """See a piece through; its result is recorded here, or by whoever called."""
        async with contextlib.AsyncExitStack() as stack:
            stack.callback(self._running.discard, execution)
            stack.callback(self._touch)
            await unless_cancelled(execution.cancel_requested, self._turn.acquire())
            stack.callback(self._turn.release)
            if self._state in ("lost", "closed"):
                execution.recording.finish("error", f"{self._why} Restart it to go on.")
                return
            environment = await self._ready(execution, shape)
            if environment is None:
                return
            with environment.at_work(), step("cell", workspace=self.workspace, run=execution.id):
                self._current = turn
                await environment.run(execution, request)
            if not environment.alive:
                await self._give_back()

    async def _ready(self, execution: Execution, shape: Shape) -> Environment | None:
        if self._environment is not None:
            if await self._environment.awake():
                return self._environment
            self._become("lost", f"The session's sandbox has ended. {_LOST}")
            await self._give_back()
            execution.recording.finish("engine", self._why)
            return None
        acquiring = self._pool.acquire(self.id, shape)
        self._environment = await unless_cancelled(execution.cancel_requested, acquiring)
        self._become("alive", "")
        return self._environment

    def _told(self, turn: object, result: Result) -> Result:
        """The result, with what has become of the state."""
        environment = self._environment
        if environment is None or turn is not self._current:
            return result
        if environment.alive:
            kept = result.status in ("timeout", "cancelled")
            return replace(result, message=f"{result.message} {_KEPT}") if kept else result
        message = f"{result.message} {_LOST}"
        if result.status in ("passed", "failed"):
            message = f"{result.message} The code ended the session itself. {_LOST}"
        if self._state == "alive":
            self._become("lost", message)
        return replace(result, message=message)

    async def _end(self, state: State, why: str) -> None:
        self._become("closed", why or "The session was restarted.")
        if self._timer is not None:
            self._timer.cancel()
        await asyncio.gather(*(execution.cancel() for execution in list(self._running)))
        async with self._turn:
            await self._give_back()
            self._become(state, why)

    def _become(self, state: State, why: str) -> None:
        self._state, self._why = state, why
        if state in ("lost", "closed"):
            self.ended.set()
        else:
            self.ended.clear()

    async def _give_back(self) -> None:
        environment, self._environment = self._environment, None
        if environment is not None:
            environment.usable = False
            await self._pool.release(environment)
            await self._pool.drop(self.id)

    def _touch(self) -> None:
        self.used_at = time.time()
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._idle_seconds, self._let_go)

    def _let_go(self) -> None:
        if self._running or self._environment is None:
            return
        why = f"The session was ended because nobody used it for {self._idle_seconds:g} s. {_LOST}"
        self._ending = asyncio.ensure_future(self._end("lost", why))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()
