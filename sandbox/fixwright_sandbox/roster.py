"""The environments of one sandbox, written down where other processes of the user can read it.

The place is a file in memory that only this process holds: it can be read below /proc while the
process lives, and nothing is left of it however the process ends. Where there is no such thing
(outside Linux) only this process can tell.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, cast

from .backends.base import Known, Nameable
from .owner import Owner

_FILE = "fixwright-sandbox"

State = Literal["spare", "idle", "running"]


@dataclass
class Entry:
    """One environment.

    Attributes:
        id: ours.
        identity: what the machine or the engine knows it by, `container:…` or `process:…`.
        started_at: seconds since the epoch.
        workspace: whom it serves; None while it is a spare.
        image: of its container.
        runs: how many it has served.
        running: it is at work now.
    """

    id: str
    identity: str | None
    started_at: float
    image: str | None
    workspace: str | None = None
    runs: int = 0
    running: bool = False

    @property
    def state(self) -> State:
        """`spare` belongs to no workspace yet, `idle` waits for its next run."""
        if self.running:
            return "running"
        return "spare" if self.workspace is None else "idle"


@dataclass(frozen=True, slots=True)
class Registered:
    """What a process has written down of one environment."""

    owner: Owner
    backend: str
    id: str
    identity: str | None
    workspace: str | None
    image: str | None
    started_at: float


class Roster:
    """Every environment from its start to its end."""

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self._entries: dict[str, Entry] = {}
        self._channels: dict[str, object] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._file: int | None = None
        with contextlib.suppress(AttributeError, OSError):  # not Linux, or no more descriptors
            self._file = os.memfd_create(_FILE)

    def __iter__(self) -> Iterator[tuple[Entry, object]]:
        """Every environment with its channel."""
        return iter([(entry, self._channels[key]) for key, entry in self._entries.items()])

    def add(self, channel: object, image: str | None) -> Entry:
        """An environment has started."""
        identity = channel.identity if isinstance(channel, Known) else None
        entry = Entry(uuid.uuid4().hex[:12], identity, time.time(), image)
        self._entries[entry.id] = entry
        self._channels[entry.id] = channel
        self._write()
        return entry

    def assign(self, entry: Entry, workspace: str) -> None:
        """It serves a workspace from now on."""
        if entry.workspace == workspace or entry.id not in self._entries:
            return
        entry.workspace = workspace
        self._write()
        channel = self._channels[entry.id]
        if isinstance(channel, Nameable):
            task = asyncio.get_running_loop().create_task(channel.name(workspace))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def remove(self, entry: Entry) -> None:
        """It is gone."""
        if self._entries.pop(entry.id, None) is not None:
            del self._channels[entry.id]
            self._write()

    async def close(self) -> None:
        """Finish, and take back what was written down."""
        if self._tasks:
            await asyncio.wait(self._tasks)
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def _write(self) -> None:
        if self._file is None:
            return
        entries = [asdict(entry) for entry in self._entries.values()]
        text = json.dumps(
            {"owner": str(Owner.current()), "backend": self.backend, "environments": entries}
        ).encode()
        # The length first and all in one write: who reads meanwhile sees that it does not fit.
        os.pwrite(self._file, len(text).to_bytes(8, "big") + text, 0)
        os.ftruncate(self._file, 8 + len(text))


def registered() -> tuple[Registered, ...]:
    """What every process that we may look into has written down. Blocks for some milliseconds."""
    found: dict[tuple[str, str], Registered] = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            handles = list((process / "fd").iterdir())
        except OSError:  # somebody else's, or gone
            continue
        for handle in handles:
            for each in _read(handle):
                found[str(each.owner), each.id] = each
    return tuple(sorted(found.values(), key=lambda each: each.started_at))


def _read(handle: Path) -> list[Registered]:
    try:
        if not str(handle.readlink()).startswith(f"/memfd:{_FILE} "):
            return []
        data = handle.read_bytes()
        if len(data) - 8 != int.from_bytes(data[:8], "big"):
            data = handle.read_bytes()
        told = cast("dict[str, object]", json.loads(data[8:]))
        owner = Owner.parse(str(told["owner"]))
        entries = cast("list[dict[str, object]]", told["environments"])
        if owner is None:
            return []
        return [_registered(owner, str(told["backend"]), entry) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError):  # gone meanwhile, or not ours after all
        return []


def _registered(owner: Owner, backend: str, entry: dict[str, object]) -> Registered:
    def text(name: str) -> str | None:
        return None if entry[name] is None else str(entry[name])

    started = cast("float", entry["started_at"])
    return Registered(
        owner, backend, str(entry["id"]), text("identity"), text("workspace"), text("image"),
        float(started),
    )  # fmt: skip
