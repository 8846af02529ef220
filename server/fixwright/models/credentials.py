"""Where an API key comes from: the environment, or a command of the user's own settings."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.models.types import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

COMMAND_SECONDS = 30.0
"""How long the command may take; a password manager may want to be unlocked first."""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, and where it came from in the user's words. Its repr does not show it."""

    secret: str
    source: str

    def __repr__(self) -> str:
        return f"ApiKey(source={self.source!r})"


async def find_key(
    variable: str, command: tuple[str, ...], environ: Mapping[str, str]
) -> ApiKey | None:
    """The key that `command` prints if there is a command, else the variable's, else None.

    Args:
        variable: the environment variable's name.
        command: program and arguments, run without a shell; never from a workspace's settings.
        environ: the environment.

    Raises:
        ModelError: the command fails, says nothing, or takes longer than `COMMAND_SECONDS`.
    """
    if command:
        return ApiKey(await _printed_key(command), "model.apiKeyCommand")
    value = environ.get(variable, "").strip()
    return ApiKey(value, variable) if value else None


async def _printed_key(command: tuple[str, ...]) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
    except OSError as error:
        raise _failed(command, f"cannot be started: {error.strerror or error}") from error
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            output, complaint = await process.communicate()
    except TimeoutError as error:
        raise _failed(command, f"took longer than {COMMAND_SECONDS:.0f} seconds") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode != 0:
        last = complaint.decode(errors="replace").strip().rpartition("\n")[2][:200]
        raise _failed(command, f"failed with exit code {process.returncode}: {last}")
    key = output.decode(errors="replace").strip()
    if not key or any(c.isspace() or not c.isprintable() for c in key):
        raise _failed(command, "printed no key: its output has to be one word")
    return key


def _failed(command: tuple[str, ...], what: str) -> ModelError:
    return ModelError(
        "settings",
        f"The command of model.apiKeyCommand, '{command[0]}', {what.rstrip('.')}. "
        "Run it in a terminal to see why, or correct it in your user settings.",
    )
