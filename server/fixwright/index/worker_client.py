"""The parent's side of the worker process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

from fixwright.index.extract import Extract, Import, Row

if TYPE_CHECKING:
    from collections.abc import Mapping

# Bytes; an answer of more than this is that of a generated file nobody searches.
_LONGEST_ANSWER = 32 << 20


class WorkerFailed(Exception):
    """The worker could not read one file: it crashed on it, or took too long."""


class Worker:
    """One worker process, started when it is first needed and again after a crash."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """The running process's id; None where none runs."""
        return None if self._process is None else self._process.pid

    async def extract(self, question: Mapping[str, str]) -> Extract:
        """What the worker finds in one file; nothing where it cannot be read as text.

        Raises:
            WorkerFailed: it crashed or took longer than the deadline; the next file gets a new one.
        """
        try:
            async with asyncio.timeout(self._deadline):
                line = await self._ask(json.dumps(question).encode())
        except (TimeoutError, OSError, ValueError, asyncio.CancelledError) as error:
            await self.stop()
            if isinstance(error, asyncio.CancelledError):
                raise
            raise WorkerFailed(f"{question.get('path', 'a buffer')}: {error!r}") from error
        if not line:
            await self.stop()
            raise WorkerFailed(f"the index's worker died on {question.get('path', 'a buffer')}")
        return _extract_of(line)

    async def _ask(self, question: bytes) -> bytes:
        process = self._process
        if process is None or process.returncode is not None:
            process = self._process = await self._start()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(question + b"\n")
        await process.stdin.drain()
        return await process.stdout.readline()

    @staticmethod
    async def _start() -> asyncio.subprocess.Process:
        server = str(Path(__file__).parent.parent.parent)
        search = os.pathsep.join(filter(None, [server, os.environ.get("PYTHONPATH")]))
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "fixwright.index.worker",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": search},
            limit=_LONGEST_ANSWER,
        )

    async def stop(self) -> None:
        """Ends the process."""
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


def _extract_of(line: bytes) -> Extract:
    answer = cast("dict[str, list[list[object]]]", json.loads(line))
    return Extract(
        tuple(cast("Row", tuple(row)) for row in answer.get("definitions", ())),
        tuple(cast("Import", tuple(row)) for row in answer.get("imports", ())),
    )
