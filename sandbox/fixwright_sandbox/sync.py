"""The same without `async`: for scripts and notebooks.

    with open_sandbox() as sandbox, sandbox.create(files={"a.py": "print(1)"}) as workspace:
        print(workspace.run(file="a.py").wait().stdout.data)

Everything has the name that it has in the package, and is documented there. What is awaited there
returns here when it is done; a run's result comes from `Execution.wait`. An event loop in a thread
of its own does the work, so it can be used where another loop runs already. Ctrl-C while a call
waits cancels what it waits for; while it waits for a run, the run. Closing the sandbox ends the
thread.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Literal, Self, TypeVar

from . import sandbox as _sandbox
from . import session as _session
from . import workspace as _workspace
from .backends.base import Layer
from .events import Event, Result
from .execution import Execution as _Execution
from .limits import Limits
from .settings import BackendName, Request, SandboxSettings
from .stats import Stats
from .transfer import IGNORED, Content
from .tree import Tree
from .workspace import FileInfo, Snapshot

__all__ = ["Execution", "Sandbox", "Session", "Workspace", "open_sandbox"]

T = TypeVar("T")


class _Loop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        # A daemon, so that an interpreter that ends without closing is not held up; what is
        # open then ends with its streams.
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="fixwright-sandbox", daemon=True
        )
        self._thread.start()

    @property
    def is_closed(self) -> bool:
        """Nothing can be called any more."""
        return self._loop.is_closed()

    def call(self, work: Coroutine[object, object, T]) -> T:
        """Do the work in the loop; when this wait is broken off, so is the work."""
        if self.is_closed:
            work.close()
            message = "The sandbox is closed."
            raise RuntimeError(message)
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            if future.cancel():
                _until_settled(self._loop)
            raise

    def do(self, function: Callable[[], T]) -> T:
        """Call a function in the loop."""

        async def work() -> T:
            return function()

        return self.call(work())

    def close(self) -> None:
        """End the loop and its thread."""
        self.call(self._loop.shutdown_asyncgens())
        self.call(self._loop.shutdown_default_executor())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


def _until_settled(loop: asyncio.AbstractEventLoop) -> None:
    """Wait until the loop has seen a cancellation that was asked for before."""
    seen = threading.Event()
    loop.call_soon_threadsafe(lambda: loop.call_soon(seen.set))
    seen.wait()


class Execution:
    """A run that was started, see `fixwright_sandbox.Execution`."""

    def __init__(self, loop: _Loop, execution: _Execution) -> None:
        self.id = execution.id
        self._loop = loop
        self._execution = execution

    def events(self) -> Iterator[Event]:
        """Every event from the start to `end`, as they come."""
        events = self._execution.events()

        async def following() -> Event:
            return await anext(events)

        while True:
            event = self._waiting(following())
            yield event
            if event.kind == "end":
                return

    def wait(self) -> Result:
        """The result, once the run has ended. Ctrl-C cancels the run."""
        return self._waiting(self._execution.wait())

    def cancel(self) -> Result:
        """End the run; returns when it is quiet, within about a second."""
        return self._loop.call(self._execution.cancel())

    def write(self, data: bytes | str) -> None:
        """Write to the standard input of a run that was started `interactive`."""
        self._waiting(self._execution.write(data))

    def close_stdin(self) -> None:
        """Let the run find the end of its input behind what was written."""
        self._loop.do(self._execution.close_stdin)

    def signal(self, name: str) -> None:
        """Send a signal, such as `SIGTERM`, to the run's first process and its group."""
        self._loop.do(lambda: self._execution.signal(name))

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does; Python code sees a KeyboardInterrupt."""
        self._loop.do(self._execution.interrupt)

    def kill(self) -> None:
        """Send SIGKILL."""
        self._loop.do(self._execution.kill)

    def _waiting(self, work: Coroutine[object, object, T]) -> T:
        try:
            return self._loop.call(work)
        except KeyboardInterrupt:
            self._loop.call(self._execution.cancel())
            raise

    def __iter__(self) -> Iterator[Event]:
        return self.events()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.cancel()


class Session:
    """An interpreter that is kept, see `fixwright_sandbox.Session`."""

    def __init__(self, loop: _Loop, session: _session.Session) -> None:
        self.id = session.id
        self._loop = loop
        self._session = session

    @property
    def state(self) -> _session.State:
        """Whether there is anything to lose."""
        return self._session.state

    @property
    def why(self) -> str:
        """A sentence on why the state is lost; empty while it is not."""
        return self._session.why

    @property
    def running(self) -> bool:
        """A piece is at work, or waits for its turn."""
        return self._session.running

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
        """Execute a piece of code, behind those that were started before."""
        place = {"path": path, "line": line, "column": column, "tree": tree, "layer": layer}
        given = {"stdin": stdin, "interactive": interactive, "timeout": timeout}
        run: Callable[..., _Execution] = self._session.run
        return Execution(self._loop, self._loop.do(lambda: run(code, **place, **given)))

    def interrupt(self) -> None:
        """Interrupt the piece that runs; the state stays."""
        self._loop.do(self._session.interrupt)

    def restart(self) -> None:
        """Forget the state; the next piece starts a new interpreter."""
        self._loop.call(self._session.restart())

    def close(self) -> None:
        """End the interpreter."""
        self._loop.call(self._session.close())


class Workspace:
    """A tree of its own and runs over it, see `fixwright_sandbox.Workspace`."""

    def __init__(self, loop: _Loop, workspace: _workspace.Workspace) -> None:
        self.name = workspace.name
        self.runtime = workspace.runtime
        self.limits = workspace.limits
        self.env = workspace.env
        self._loop = loop
        self._workspace = workspace

    def run(
        self,
        command: str | Sequence[str] | None = None,
        *,
        code: str | None = None,
        file: str | None = None,
        tests: Sequence[str] | None = None,
        args: Sequence[str] = (),
        runtime: str | None = None,
        stdin: bytes | str = b"",
        interactive: bool = False,
        timeout: float | None = None,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        keep: bool = False,
    ) -> Execution:
        """Start a run of exactly one of `command`, `code`, `file` and `tests`."""
        run = self._workspace.run
        started = self._loop.do(
            lambda: run(
                command, code=code, file=file, tests=tests, args=args, runtime=runtime,
                stdin=stdin, interactive=interactive, timeout=timeout, limits=limits, env=env,
                keep=keep,
            )
        )  # fmt: skip
        return Execution(self._loop, started)

    def session(
        self,
        *,
        runtime: str | None = None,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        idle_seconds: float = _session.IDLE_SECONDS,
    ) -> Session:
        """Make a session over the tree: an interpreter that is kept."""
        made = self._loop.do(
            lambda: self._workspace.session(
                runtime=runtime, limits=limits, env=env, idle_seconds=idle_seconds
            )
        )
        return Session(self._loop, made)

    def prepare(self) -> None:
        """Start an environment before it is needed."""
        self._loop.call(self._workspace.prepare())

    def close(self) -> None:
        """Cancel what runs here and stop its environments. Nothing is left of the tree."""
        self._loop.call(self._workspace.close())

    @property
    def tree(self) -> Tree:
        """The files as they are now."""
        return self._workspace.tree

    def files(self, under: str = "") -> tuple[FileInfo, ...]:
        """The files, or those below a folder, by path."""
        return self._loop.call(self._workspace.files(under))

    def read(self, path: str) -> bytes:
        """A file's content."""
        return self._loop.call(self._workspace.read(path))

    def read_text(self, path: str) -> str:
        """A file's content in UTF-8."""
        return self._loop.call(self._workspace.read_text(path))

    def write(self, path: str, content: Content, *, executable: bool | None = None) -> None:
        """Write a file, in place of one of that path."""
        self._loop.call(self._workspace.write(path, content, executable=executable))

    def remove(self, path: str) -> None:
        """Remove a file, or a folder with all in it."""
        self._loop.call(self._workspace.remove(path))

    def upload(
        self, source: Path | str, to: str = "", *, ignore: Sequence[str] = IGNORED
    ) -> tuple[str, ...]:
        """Copy a file of this machine, or what is in a folder of it, into the tree."""
        return self._loop.call(self._workspace.upload(source, to, ignore=ignore))

    def download(self, path: str, to: Path | str) -> tuple[Path, ...]:
        """Write a file of the tree to the file `to`, or a folder's files below the folder `to`."""
        return self._loop.call(self._workspace.download(path, to))

    def keep(self, result: Result) -> None:
        """Apply what a run changed to the tree."""
        self._loop.call(self._workspace.keep(result))

    def snapshot(self, name: str) -> Snapshot:
        """Remember the tree as it is now under a name."""
        return self._loop.call(self._workspace.snapshot(name))

    def reset(self, to: Snapshot | str | None = None) -> None:
        """Make the tree as it was at a snapshot, or as it was created."""
        self._loop.call(self._workspace.reset(to))

    @property
    def snapshots(self) -> tuple[Snapshot, ...]:
        """Every snapshot, in the order in which they were taken first."""
        return self._workspace.snapshots

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


class Sandbox:
    """Environments that run untrusted code, see `fixwright_sandbox.Sandbox`."""

    def __init__(self, settings: SandboxSettings | BackendName | Literal["auto"] | None) -> None:
        self._loop = _Loop()
        try:
            self._sandbox = self._loop.call(_opened(settings))
        except BaseException:
            self._loop.close()
            raise
        self.backend = self._sandbox.backend
        self.image = self._sandbox.image

    def create(
        self,
        workspace: str | None = None,
        *,
        files: Mapping[str, Content] | None = None,
        runtime: str = "python",
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Workspace:
        """Make a workspace with these files and start its first environment."""
        create = self._sandbox.create
        made = create(workspace, files=files, runtime=runtime, limits=limits, env=env)
        return Workspace(self._loop, self._loop.call(made))

    def prepare(
        self, workspace: str, runtime: str = "python", limits: Limits | None = None
    ) -> None:
        """Start an environment for the workspace before it is needed, for such runs."""
        self._loop.call(self._sandbox.prepare(workspace, runtime, limits))

    def session(
        self,
        workspace: str,
        runtime: str = "python",
        *,
        limits: Limits | None = None,
        env: Mapping[str, str] | None = None,
        tree: Callable[[], Tree] | None = None,
        idle_seconds: float = _session.IDLE_SECONDS,
    ) -> Session:
        """Make a session; its interpreter starts with the first piece of code."""
        made = self._loop.do(
            lambda: self._sandbox.session(
                workspace, runtime, limits=limits, env=env, tree=tree, idle_seconds=idle_seconds
            )
        )
        return Session(self._loop, made)

    @property
    def sessions(self) -> tuple[Session, ...]:
        """Those whose interpreter lives."""
        return tuple(Session(self._loop, each) for each in self._sandbox.sessions)

    def start(self, workspace: str, request: Request) -> Execution:
        """Start a run."""
        started = self._loop.do(lambda: self._sandbox.start(workspace, request))
        return Execution(self._loop, started)

    def release(self, workspace: str) -> None:
        """Cancel what runs for the workspace, stop its environments, forget its files."""
        self._loop.call(self._sandbox.release(workspace))

    def stats(self) -> Stats:
        """What it holds now and has done so far."""
        return self._loop.call(self._sandbox.stats())

    def metrics(self) -> str:
        """Counters, gauges and histograms as Prometheus reads them."""
        return self._loop.do(self._sandbox.metrics)

    def close(self) -> None:
        """Cancel and stop everything; leaves no container, process, file or thread."""
        if not self._loop.is_closed:
            try:
                self._loop.call(self._sandbox.close())
            finally:
                self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def open_sandbox(
    settings: SandboxSettings | BackendName | Literal["auto"] | None = None,
) -> Sandbox:
    """Open a sandbox, see `fixwright_sandbox.open_sandbox`; use it in `with`, or close it."""
    return Sandbox(settings)


async def _opened(
    settings: SandboxSettings | BackendName | Literal["auto"] | None,
) -> _sandbox.Sandbox:
    return await _sandbox.open_sandbox(settings)
