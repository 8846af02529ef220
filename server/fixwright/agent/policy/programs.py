"""Running a program for its answer: bounded in time and output, and nothing of it left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fixwright.runs.target import RunRefused, Target
from fixwright.workspace.document import UnknownDocument
from fixwright_sandbox import SandboxUnavailable

if TYPE_CHECKING:
    from fixwright.runs.runner import Runner
    from fixwright.workspace.draft import Draft

LONGEST_OUTPUT = 64 << 10
"""Bytes of each stream."""


class ProgramFailed(Exception):
    """A program gave no answer; the message says why, in words that follow its name."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a program ended."""

    status: int
    stdout: str
    stderr: str


async def run_program(command: Sequence[str], stdin: str, timeout: float) -> Ended:  # noqa: ASYNC109 - it is told in the failure
    """Run a program of the user's, without a shell, in the user's home.

    Not in the workspace: there a program could be made to load what lies there.

    Raises:
        ProgramFailed: it can't be started, takes too long, or prints too much.
    """
    starting = asyncio.ensure_future(_started(command))
    try:
        process = await asyncio.shield(starting)
    except (OSError, ValueError) as error:
        raise ProgramFailed(f"it can't be started: {error}") from error
    except asyncio.CancelledError:  # asyncio by itself would kill the program, not what it started
        await _kill(await starting)
        raise
    try:
        async with asyncio.timeout(timeout):
            return await _answered(process, stdin.encode("utf-8", "replace"))
    except TimeoutError as error:
        raise ProgramFailed(f"it gave no answer within {timeout:g} seconds") from error
    finally:
        await _kill(process)


async def _started(command: Sequence[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=Path.home(),
        start_new_session=True,
    )


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End a program and all that it has started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    await asyncio.shield(process.wait())


async def _answered(process: asyncio.subprocess.Process, told: bytes) -> Ended:
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stderr is not None
    _, stdout, stderr = await asyncio.gather(
        _write(process.stdin, told), _read(process.stdout), _read(process.stderr)
    )
    return Ended(await process.wait(), stdout, stderr)


async def _write(stream: asyncio.StreamWriter, told: bytes) -> None:
    with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # it need not read
        stream.write(told)
        await stream.drain()
    stream.close()


async def _read(stream: asyncio.StreamReader) -> str:
    read = bytearray()
    while piece := await stream.read(8192):
        read += piece
        if len(read) > LONGEST_OUTPUT:
            raise ProgramFailed(f"it printed more than {LONGEST_OUTPUT >> 10} KiB")
    return _text(read)


def _text(data: bytes | bytearray) -> str:
    return data.decode("utf-8", "replace")


def in_sandbox(
    runner: Runner, draft: Callable[[], Draft], uri: str | None = None
) -> Callable[[Sequence[str], str, float], Awaitable[Ended]]:
    """Run programs of a repository in the sandbox, over the draft as it is then.

    Args:
        runner: of the sandbox.
        draft: gives the draft.
        uri: of the folder, or a document in it; None is the first folder.
    """

    async def run(command: Sequence[str], stdin: str, timeout: float) -> Ended:  # noqa: ASYNC109 - of `RunHook`
        limits = runner.limits
        bounded = replace(limits, wall_seconds=min(timeout, limits.wall_seconds))
        target = Target("command", uri, command=shlex.join(command), stdin=stdin)
        try:
            done = await runner.within(bounded).run(draft(), target)
        except (RunRefused, SandboxUnavailable, UnknownDocument) as error:
            raise ProgramFailed(f"it could not be run in the sandbox: {error}") from error
        result = done.result
        if result.exit_code is None or result.status not in ("passed", "failed"):
            raise ProgramFailed(f"its run in the sandbox ended with {result.status}")
        if result.stdout.total > LONGEST_OUTPUT:
            raise ProgramFailed(f"it printed more than {LONGEST_OUTPUT >> 10} KiB")
        return Ended(result.exit_code, _text(result.stdout.data), _text(result.stderr.data))

    return run
