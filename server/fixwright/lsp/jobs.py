"""Long jobs: each is a task with progress, a way to cancel it, and an end that is always shown."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeVar

from fixwright.lsp.editor import Editor, Progress

T = TypeVar("T")


class JobCancelled(Exception):
    """The user stopped the job; its request is answered with a report that says so."""


@dataclass(eq=False)
class Job:
    """One long job under way. `key` is what `fixwright.cancel` names it by."""

    title: str
    progress: Progress
    task: asyncio.Task[object] | None = None
    key: str = ""
    stopped: bool = False
    """Whether the user asked for its end."""

    def report(self, message: str) -> None:
        """Say what is being done now."""
        self.progress.report(message)

    def stop(self) -> None:
        """Cancel it on the user's behalf."""
        self.stopped = True
        if self.task is not None:
            self.task.cancel()


@dataclass
class Jobs:
    """All jobs under way."""

    editor: Editor
    changed: Callable[[], None] = lambda: None
    _jobs: set[Job] = field(default_factory=set[Job])
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def running(self) -> tuple[Job, ...]:
        """The jobs under way, in no particular order."""
        return tuple(self._jobs)

    async def run(
        self,
        title: str,
        work: Callable[[Job], Awaitable[T]],
        *,
        token: str | int | None = None,
        ended: Callable[[T], str] = lambda _: "done",
    ) -> T:
        """Run `work` as a job, with progress under the client's `token` or one of our own.

        Raises:
            JobCancelled: the user stopped it, by progress or by `fixwright.cancel`.
            CancelledError: the request was cancelled; the work has ended by then.
        """
        job = Job(title, await self.editor.begin_progress(title, token))
        task = asyncio.ensure_future(work(job))
        job.task = task  # pyright: ignore[reportAttributeAccessIssue]  # Task is invariant; only cancelled here
        self._jobs.add(job)
        self.changed()
        message = "cancelled"
        try:
            await _outcome(task)
            if task.cancelled() and job.stopped:
                raise JobCancelled(title)
            result = task.result()
            message = ended(result)
            return result
        except Exception as error:
            message = message if isinstance(error, JobCancelled) else "failed"
            raise
        finally:
            self._jobs.discard(job)
            job.progress.end(message)
            self.changed()

    def cancel(self, key: str | None = None) -> int:
        """Stop the job with this key, or all; returns how many."""
        chosen = [job for job in self._jobs if key is None or job.key == key]
        for job in chosen:
            job.stop()
        return len(chosen)

    def cancel_progress(self, token: str | int) -> None:
        """Stop the job that is shown under a progress token."""
        for job in self._jobs:
            if job.progress.token == token:
                job.stop()

    async def idle(self) -> None:
        """Wait until the jobs now under way have ended."""
        tasks = [job.task for job in self._jobs if job.task is not None]
        if tasks:
            await asyncio.wait(tasks)

    async def close(self) -> None:
        """Cancel all and wait until they are quiet."""
        tasks = [job.task for job in self._jobs if job.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def to_its_end(work: Awaitable[T], patience: float) -> T:
    """Finish what can't be stopped halfway: a cancel that comes meanwhile comes too late for it.

    Raises:
        CancelledError: it did not end within `patience` seconds after the cancel, and was stopped.
    """
    task = asyncio.ensure_future(work)
    loop = asyncio.get_running_loop()
    deadline: float | None = None
    while not task.done():
        left = None if deadline is None else max(deadline - loop.time(), 0)
        try:
            await asyncio.wait({task}, timeout=left)
        except asyncio.CancelledError:
            deadline = deadline or loop.time() + patience
        if deadline is not None and loop.time() >= deadline:
            task.cancel()
            deadline += patience
    return task.result()


async def _outcome(task: asyncio.Future[T]) -> None:
    """Wait for a task to end; when the waiter is cancelled, end the task first."""
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        await asyncio.wait({task})
        raise
