"""A runner that is a child process of ours."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence

from fixwright_sandbox.owner import Owner

from .base import BackendError, Usage
from .descendants import usage_below
from .labels import OWNER_VARIABLE

_STREAM = 1 << 20
_STDERR_KEPT = 8192
_PATIENCE = 5.0


class ProcessChannel:
    """A child process and its three pipes."""

    def __init__(
        self, process: asyncio.subprocess.Process, after: Callable[[], Awaitable[None]] | None
    ) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        self._process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._after = after
        self._said = bytearray()
        self._listener = asyncio.create_task(self._listen(process.stderr))

    @property
    def identity(self) -> str:
        """Its process here, above everything inside."""
        return f"process:{self._process.pid}"

    async def usage(self) -> Usage:
        """What it and all its descendants use."""
        return await asyncio.to_thread(usage_below, self._process.pid)

    async def read(self) -> bytes:
        """Bytes from the runner; none at the end."""
        return await self._stdout.read(1 << 18)

    async def write(self, data: bytes) -> None:
        """Send bytes; returns when there is room for more."""
        self._stdin.write(data)
        await self._stdin.drain()

    async def kill(self) -> None:
        """Kill the process, and by that what is in its namespace."""
        if self._after is not None:
            # Nothing else kills what it started: let the runner do it, who knows them.
            self._stdin.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), _PATIENCE)
        # The whole group, because bubblewrap has a moment in which its child would outlive it;
        # and the end of its input, for whatever is left to notice.
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
        if not self._stdin.is_closing():
            self._stdin.transport.abort()
        await self._process.wait()
        self._listener.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._listener
        if self._after is not None:
            await self._after()

    async def why_ended(self) -> BackendError:
        """What the process said last, and how it ended."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._listener), 1.0)
            await asyncio.wait_for(self._process.wait(), 1.0)
        said = self._said.decode("utf-8", "replace").strip().splitlines()
        code = self._process.returncode
        how = "it went silent" if code is None else f"exit code {code}"
        message = f"The sandbox's process ended ({said[-1] if said else how}). Run it again."
        return BackendError(message)

    async def _listen(self, stderr: asyncio.StreamReader) -> None:
        while data := await stderr.read(4096):
            self._said += data
            del self._said[:-_STDERR_KEPT]


async def start_process(
    argv: Sequence[str],
    *,
    env: Mapping[str, str],
    cwd: str = "/",
    pass_fds: Sequence[int] = (),
    after: Callable[[], Awaitable[None]] | None = None,
) -> ProcessChannel:
    """Start a process; `after` is what to do when it has gone. Raises `BackendError`."""
    creating = asyncio.ensure_future(_create(argv, env, cwd, pass_fds))
    try:
        return ProcessChannel(await asyncio.shield(creating), after)
    except OSError as error:
        if after is not None:
            await after()
        message = f"{argv[0]} can't be started: {error.strerror}."
        raise BackendError(message) from error
    except asyncio.CancelledError:
        # What asyncio would do by itself kills the process, but not its child.
        await ProcessChannel(await creating, after).kill()
        raise


async def _create(
    argv: Sequence[str], env: Mapping[str, str], cwd: str, pass_fds: Sequence[int]
) -> asyncio.subprocess.Process:
    owner = await asyncio.to_thread(Owner.current)  # reads files
    return await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**env, OWNER_VARIABLE: str(owner)},
        cwd=cwd,
        pass_fds=tuple(pass_fds),
        start_new_session=True,
        limit=_STREAM,
    )
