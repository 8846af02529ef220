"""The index's worker processes, as the process that owns them sees them."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import logging
import os
import sys
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fixwright.index.catalog import frames
from fixwright.index.catalog.frames import BrokenFrame, Frame, Header

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

log = logging.getLogger(__name__)

DEADLINE = 15.0
"""Seconds that one file may take; a parse gives itself up long before that."""

_DYING = 2.0
_LIMIT = 1 << 20
_LARGE = 400 << 20
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Failed:
    """What a worker could not do: it crashed, or took too long."""

    reason: str


@dataclass(frozen=True, slots=True)
class Question:
    """One question about one file; see `worker`."""

    header: Header
    pieces: tuple[bytes, ...] = ()

    @property
    def path(self) -> str:
        """Which file it is about."""
        return str(self.header["path"])


Answer = Frame | Failed
Deliver = "Callable[[Question, Answer], None]"


@dataclass(order=True, slots=True)
class _Job:
    priority: int
    number: int
    questions: deque[Question] = field(compare=False)
    deliver: Callable[[Question, Answer], None] = field(compare=False)
    done: asyncio.Future[None] = field(compare=False)


class Pool:
    """Workers that are started when there is work, and again when one dies. `close` it."""

    def __init__(self, size: int, deadline: float = DEADLINE) -> None:
        self.size = size
        self.deadline = deadline
        self._jobs: list[_Job] = []
        self._numbers = itertools.count()
        self._wake = asyncio.Condition()
        self._tasks = [asyncio.create_task(self._work(index)) for index in range(size)]
        self._processes: dict[int, asyncio.subprocess.Process] = {}

    @property
    def processes(self) -> tuple[int, ...]:
        """The ids of the running ones."""
        return tuple(each.pid for each in self._processes.values() if each.returncode is None)

    async def ask(
        self,
        questions: Sequence[Question],
        deliver: Callable[[Question, Answer], None],
        priority: int = 0,
    ) -> None:
        """Has questions answered, by one worker and in order; returns after the last.

        Args:
            questions: a few hundred kilobytes of files at most, since others wait meanwhile.
            deliver: called with each answer as it comes.
            priority: smaller comes first.
        """
        done = asyncio.get_running_loop().create_future()
        job = _Job(priority, next(self._numbers), deque(questions), deliver, done)
        async with self._wake:
            heapq.heappush(self._jobs, job)
            self._wake.notify()
        try:
            await done
        except asyncio.CancelledError:
            job.questions.clear()
            raise

    async def close(self) -> None:
        """Ends the workers, whatever they do."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for job in self._jobs:
            job.done.cancel()

    async def _work(self, index: int) -> None:
        try:
            while True:
                async with self._wake:
                    await self._wake.wait_for(lambda: self._jobs)
                    job = heapq.heappop(self._jobs)
                while job.questions:
                    await self._answer(index, job)
                if not job.done.done():
                    job.done.set_result(None)
        finally:
            await self._stop(index)

    async def _answer(self, index: int, job: _Job) -> None:
        """Asks all that is left of a job; ends early when the worker fails on a question."""
        process = await self._process(index)
        assert process.stdin is not None
        assert process.stdout is not None
        for question in job.questions:  # not drained: it answers while it still reads
            process.stdin.write(frames.encoded(question.header, question.pieces))
        for _ in range(len(job.questions)):
            try:
                async with asyncio.timeout(self.deadline):
                    answer: Answer = await frames.receive(process.stdout)
            except (TimeoutError, EOFError, BrokenFrame, OSError) as error:
                answer = await self._failure(index, error)
            if not job.questions:  # it was cancelled
                await self._stop(index)
                return
            question = job.questions.popleft()
            if isinstance(answer, Failed):
                log.warning("%s is left out of the index: %s", question.path, answer.reason)
            job.deliver(question, answer)
            if isinstance(answer, Failed):
                return
        await self._stop_if_large(index, process)

    async def _failure(self, index: int, error: Exception) -> Failed:
        if isinstance(error, TimeoutError):
            await self._stop(index)
            return Failed(f"It took the grammar longer than {self.deadline:g} seconds.")
        status = await ended(self._processes.pop(index), _DYING)
        return Failed(f"A grammar crashed on it (exit status {status}).")

    async def _process(self, index: int) -> asyncio.subprocess.Process:
        process = self._processes.get(index)
        if process is None or process.returncode is not None:
            process = self._processes[index] = await start("fixwright.index.catalog.worker")
        return process

    async def _stop_if_large(self, index: int, process: asyncio.subprocess.Process) -> None:
        """Memory that a large file needed is given back by nothing but a new process."""
        if memory_of(process.pid) > _LARGE:
            await self._stop(index)

    async def _stop(self, index: int) -> None:
        process = self._processes.pop(index, None)
        if process is not None:
            await ended(process)


async def start(module: str) -> asyncio.subprocess.Process:
    """Starts one of our modules as a process with pipes."""
    server = str(Path(__file__).parents[3])
    search = os.pathsep.join(filter(None, [server, os.environ.get("PYTHONPATH")]))
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # What numpy brings for matrices would start a thread for each processor; there are none.
        env={"OPENBLAS_NUM_THREADS": "1", **os.environ, "PYTHONPATH": search},
        limit=_LIMIT,
    )


async def ended(process: asyncio.subprocess.Process, patience: float = 0) -> int:
    """Waits for a process, and kills it when that takes too long.

    Args:
        process: one that is ending by itself, if `patience` is more than 0. It must not be killed
            then: the signal would take its exit status from those who wait for that.
        patience: in seconds.

    Returns:
        Its exit status; that of a signal is negative.
    """
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(patience):
            return await process.wait()
    except TimeoutError:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        return await process.wait()


def memory_of(process: int) -> int:
    """Bytes of memory that a process holds; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return int(fields[1]) * _PAGE
