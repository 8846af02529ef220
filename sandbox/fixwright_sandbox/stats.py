"""What a sandbox holds and has done."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from .backends.base import BackendError, Measurable, Users
from .metrics import Metrics
from .roster import Entry, Roster, State


@dataclass(frozen=True, slots=True)
class EnvironmentStats:
    """One environment.

    Attributes:
        id: ours.
        identity: what the machine or the engine knows it by, `container:…` or `process:…`.
        workspace: whom it serves; None while it is a spare.
        state: `spare` belongs to no workspace yet, `idle` waits for the next run.
        started_at: seconds since the epoch.
        runs: how many it has served.
        memory: bytes that it uses, the files of its tree included; None where that can't be told.
        cpu_seconds: processor time since it started; None likewise.
    """

    id: str
    identity: str | None
    workspace: str | None
    state: State
    started_at: float
    runs: int
    memory: int | None
    cpu_seconds: float | None


@dataclass(frozen=True, slots=True)
class Stats:
    """A sandbox at one moment.

    Attributes:
        backend: where it runs.
        environments: those that are there now.
        running: runs at work.
        queued: runs that wait for an environment, or for it to start.
        runs: how many ended, by status.
        memory: bytes of all environments together, as far as that can be told.
        cpu_seconds: processor time of the runs that ended.
        files_sent: files of runs' trees that had to be sent.
        files_there: files of runs' trees that the environments had from before.
        users: who root of an environment would be outside, where the engine tells: `host` is root
            itself, `remapped` somebody made up for it, `rootless` who runs the engine.
        shortage: why no environments are kept ready, a sentence; None while memory is not short.
    """

    backend: str
    environments: tuple[EnvironmentStats, ...]
    running: int
    queued: int
    runs: Mapping[str, int]
    memory: int
    cpu_seconds: float
    files_sent: int
    files_there: int
    shortage: str | None = None
    users: Users | None = None


async def stats_of(
    roster: Roster,
    metrics: Metrics,
    *,
    running: int,
    queued: int,
    shortage: str | None = None,
    users: Users | None = None,
) -> Stats:
    """Measure; takes as long as the engine does to answer, some milliseconds for each."""
    environments = await asyncio.gather(*(_stats(entry, channel) for entry, channel in roster))
    runs: dict[str, int] = {}
    for (_, status), count in metrics.runs.items():
        runs[status] = runs.get(status, 0) + int(count)
    return Stats(
        backend=roster.backend,
        environments=tuple(environments),
        running=running,
        queued=queued,
        runs=runs,
        memory=sum(each.memory or 0 for each in environments),
        cpu_seconds=metrics.cpu_seconds.value("user") + metrics.cpu_seconds.value("system"),
        files_sent=int(metrics.tree_files.value("sent")),
        files_there=int(metrics.tree_files.value("there")),
        shortage=shortage,
        users=users,
    )


async def _stats(entry: Entry, channel: object) -> EnvironmentStats:
    usage = None
    if isinstance(channel, Measurable):
        try:
            usage = await channel.usage()
        except BackendError:
            usage = None  # it has just ended, or its engine has; both are told elsewhere
    return EnvironmentStats(
        id=entry.id,
        identity=entry.identity,
        workspace=entry.workspace,
        state=entry.state,
        started_at=entry.started_at,
        runs=entry.runs,
        memory=None if usage is None else usage.memory,
        cpu_seconds=None if usage is None else usage.cpu_seconds,
    )
