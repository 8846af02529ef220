"""What each token has, and what it may still have."""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
import uuid
from collections.abc import Generator
from http import HTTPStatus

from fixwright_sandbox import Blob, Execution, Session, Tree, Workspace

from .buckets import Bucket
from .problems import Problem, invalid, not_found, too_many
from .settings import Allowance

_BURST_SECONDS = 10.0
_HOUR = 3600.0
_KEPT_RUNS = 50
_KEPT_BYTES = 64 << 20
"""What ended runs of one sandbox may hold together; the oldest are forgotten."""
_BODIES = 4
"""Of the largest size: as much is held of bodies that come at once."""
MOST_FILES = 20_000
MOST_SNAPSHOTS = 20


class Run:
    """A run and when it was asked for."""

    def __init__(self, execution: Execution) -> None:
        self.execution = execution
        self.asked_at = time.time()

    @property
    def id(self) -> str:
        """As addressed."""
        return self.execution.id

    @property
    def has_ended(self) -> bool:
        """Its result is there."""
        return self.execution.recording.result is not None

    @property
    def size(self) -> int:
        """Bytes that its recording holds, about."""
        recording = self.execution.recording
        events = sum(len(event.data) for event in recording.events)
        result = recording.result
        if result is None:
            return events
        streams = (result.stdout, result.stderr)
        kept = sum(len(stream.head) + len(stream.tail) for stream in streams)
        return events + kept + sum(len(file.data or b"") for file in result.files)


class Kept:
    """A session of a sandbox."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.id = uuid.uuid4().hex
        self.created_at = time.time()


class Held:
    """A sandbox of a token: its workspace and the runs that are remembered."""

    def __init__(self, workspace: Workspace, label: str | None) -> None:
        self.workspace = workspace
        self.label = label
        self.created_at = time.time()
        self.used_at = time.monotonic()
        self.runs: dict[str, Run] = {}
        self.sessions: dict[str, Kept] = {}

    @property
    def id(self) -> str:
        """As addressed; it can't be guessed."""
        return self.workspace.name

    @property
    def running(self) -> int:
        """Runs that have not ended."""
        return sum(not run.has_ended for run in self.runs.values())

    def use(self) -> None:
        """Somebody asked for it."""
        self.used_at = time.monotonic()

    def run(self, key: str) -> Run:
        """One that is remembered. Raises `Problem`."""
        if key not in self.runs:
            raise not_found("run", "run")
        return self.runs[key]

    def session(self, key: str) -> Kept:
        """One that was not closed. Raises `Problem`."""
        if key not in self.sessions:
            raise not_found("session", "session")
        return self.sessions[key]

    def forget_old(self) -> None:
        """Let go of the oldest runs that have ended, until the rest is within bounds."""
        ended = [run for run in self.runs.values() if run.has_ended]
        room, places = _KEPT_BYTES, _KEPT_RUNS
        for run in reversed(ended):
            room -= run.size
            places -= 1
            if room < 0 or places < 0:
                del self.runs[run.id]

    def trees(self) -> list[Tree]:
        """What it holds: its tree as it is, and every snapshot's."""
        return [self.workspace.tree, *(each.tree for each in self.workspace.snapshots)]


class Account:
    """What one token has."""

    def __init__(self, name: str, allowance: Allowance) -> None:
        self.name = name
        self.allowance = allowance
        self.sandboxes: dict[str, Held] = {}
        self._requests = Bucket(allowance.requests * _BURST_SECONDS, allowance.requests)
        hourly = allowance.hourly_run_seconds
        self._seconds = Bucket(hourly, hourly / _HOUR)
        self._creating = 0
        self._streams = 0
        self._receiving = 0
        self._watching: set[asyncio.Task[None]] = set()

    def held(self, key: str) -> Held:
        """A sandbox of this token. Raises `Problem`."""
        if key not in self.sandboxes:
            raise not_found("sandbox", "sandbox")
        held = self.sandboxes[key]
        held.use()
        return held

    # ---- limits; all raise `Problem`

    def request(self) -> None:
        """A request has come."""
        wait = self._requests.wait_for(1)
        if wait:
            detail = f"More than {self.allowance.requests:g} requests a second; wait a moment."
            raise too_many(detail, "header.Authorization", wait)
        self._requests.spend(1)

    def receive(self, size: int) -> None:
        """So many more bytes of bodies are held, or where it is negative, no more."""
        self._receiving += size
        if size > 0 and self._receiving > _BODIES * self.allowance.upload_bytes:
            raise too_many("Too many large bodies come at once; send one by one.", "body")

    async def pace(self) -> None:
        """Wait until one more message may be taken."""
        await asyncio.sleep(self._requests.wait_for(1))
        self._requests.spend(1)

    @contextlib.contextmanager
    def creating(self) -> Generator[None]:
        """While a sandbox is made it counts."""
        most = self.allowance.sandboxes
        if len(self.sandboxes) + self._creating >= most:
            detail = f"This token may have {most} sandboxes at once; terminate one first."
            raise too_many(detail, "header.Authorization")
        self._creating += 1
        try:
            yield
        finally:
            self._creating -= 1

    def check_streams(self) -> None:
        """One more stream may be read."""
        most = self.allowance.streams
        if self._streams >= most:
            raise too_many(f"This token may read {most} streams at once.", "header.Authorization")

    @contextlib.contextmanager
    def streaming(self) -> Generator[None]:
        """While a stream is read it counts."""
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    def check_run(self) -> None:
        """One more run may start."""
        most = self.allowance.runs
        if sum(held.running for held in self.sandboxes.values()) >= most:
            detail = f"This token may have {most} runs at once; wait for one to end."
            raise too_many(detail, "header.Authorization")
        wait = self._seconds.wait_for(1)
        if wait:
            detail = f"This token's runs may take {self.allowance.hourly_run_seconds:g} s an hour."
            raise too_many(detail, "header.Authorization", math.ceil(wait))

    def check_timeout(self, seconds: float | None) -> None:
        """A run may take so long."""
        most = self.allowance.run_seconds
        if seconds is not None and seconds > most:
            raise invalid(f"This token's runs may take {most:g} s at most.", "timeout")

    def check_session(self) -> None:
        """One more session may be opened."""
        most = self.allowance.sessions
        if sum(len(held.sessions) for held in self.sandboxes.values()) >= most:
            detail = f"This token may have {most} sessions at once; close one first."
            raise too_many(detail, "header.Authorization")

    def check_room(self, wanted: int) -> None:
        """So many more bytes of files may be held."""
        blobs = {
            id(item): len(item.data)
            for held in self.sandboxes.values()
            for tree in {id(each): each for each in held.trees()}.values()
            for item in tree.values()
            if isinstance(item, Blob)
        }
        most = self.allowance.held_bytes
        if sum(blobs.values()) + wanted > most:
            detail = f"This token's sandboxes may hold {most} bytes of files; remove some first."
            raise too_many(detail, "header.Authorization")

    # ---- runs

    def started(self, held: Held, execution: Execution) -> Run:
        """Remember a run, and charge for it when it ends."""
        run = Run(execution)
        held.runs[run.id] = run
        task = asyncio.create_task(self._charge(held, run))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)
        return run

    async def _charge(self, held: Held, run: Run) -> None:
        result = await run.execution.wait()
        self._seconds.spend(result.duration)
        held.use()
        held.forget_old()


def check_files(count: int) -> None:
    """Raise `Problem` for more files than a sandbox may have."""
    if count > MOST_FILES:
        detail = f"A sandbox may have {MOST_FILES} files."
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, "files")
