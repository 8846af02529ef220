"""One run as its starter sees it, and the recording that stands behind it."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Generator, Mapping
from signal import Signals
from types import TracebackType
from typing import Literal, Self

from .capture import Capture
from .events import ChangedFile, Event, Measured, Result, Status
from .outbox import Outbox
from .settings import SandboxSettings

_EVENT_SIZE = 128
"""What an event counts beside its data: many small ones take memory, too."""


class Recording:
    """What a run said so far. Its memory is bounded by the settings."""

    def __init__(
        self,
        settings: SandboxSettings,
        *,
        backend: str,
        image: str | None,
        at_end: Callable[[Result], Result] | None = None,
    ) -> None:
        self._at_end = at_end
        self._backend = backend
        self._image = image
        self._streams = {
            "stdout": Capture(settings.capture_bytes),
            "stderr": Capture(settings.capture_bytes),
        }
        self._reports: list[Mapping[str, object]] = []
        self._files: list[ChangedFile] = []
        self._event_room = settings.event_bytes
        self._dropped = 0
        self._started_at = time.time()
        self._clock = time.monotonic()
        self._changed = asyncio.Event()
        self.events: list[Event] = []
        self.result: Result | None = None
        self.bytes_in = 0
        self.bytes_out = 0
        self.files_sent = 0

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next event; take it anew after each."""
        return self._changed

    def start(self) -> None:
        """The program starts now."""
        self._started_at = time.time()
        self._clock = time.monotonic()
        self._append(Event("start", 0.0))

    def output(self, stream: Literal["stdout", "stderr"], data: bytes) -> None:
        """The program wrote `data`."""
        self._streams[stream].add(data)
        size = len(data) + _EVENT_SIZE
        if size > self._event_room:
            self._dropped += len(data)
            return
        self._event_room -= size
        self._append(Event(stream, self._elapsed(), data=data, dropped=self._take_dropped()))

    def report(self, report: Mapping[str, object]) -> None:
        """The guest reported something structured."""
        self._reports.append(report)
        self._append(Event("report", self._elapsed(), report=report, dropped=self._take_dropped()))

    def file(self, file: ChangedFile) -> None:
        """The program changed a file."""
        self._files.append(file)
        self._append(Event("file", self._elapsed(), file=file, dropped=self._take_dropped()))

    def finish(
        self,
        status: Status,
        message: str,
        *,
        exit_code: int | None = None,
        signal: str | None = None,
        duration: float | None = None,
        measured: Measured | None = None,
    ) -> Result:
        """The run has ended; nothing more will be recorded."""
        result = Result(
            status=status,
            message=message,
            exit_code=exit_code,
            signal=signal,
            started_at=self._started_at,
            duration=self._elapsed() if duration is None else duration,
            stdout=self._streams["stdout"].result(),
            stderr=self._streams["stderr"].result(),
            reports=tuple(self._reports),
            files=tuple(self._files),
            peak_memory=measured and measured.peak_memory,
            backend=self._backend,
            image=self._image,
            cpu_user=measured and measured.cpu_user,
            cpu_system=measured and measured.cpu_system,
            bytes_in=self.bytes_in,
            bytes_out=self.bytes_out,
            files_sent=self.files_sent,
            unlisted=measured.unlisted if measured else 0,
        )
        self.result = result if self._at_end is None else self._at_end(result)
        end = Event("end", self._elapsed(), result=self.result, dropped=self._take_dropped())
        self._append(end)
        return self.result

    def _elapsed(self) -> float:
        return time.monotonic() - self._clock

    def _take_dropped(self) -> int:
        dropped, self._dropped = self._dropped, 0
        return dropped

    def _append(self, event: Event) -> None:
        self.events.append(event)
        self._changed.set()
        self._changed = asyncio.Event()


class Execution:
    """A run that was started: listen to it, talk to it, wait for it, cancel it.

    `await` it for its result, or iterate over it (`async for`) for its events. As an async
    context manager it is cancelled at the end, unless it has ended by then.
    """

    def __init__(self, recording: Recording, *, interactive: bool = False) -> None:
        self.id = uuid.uuid4().hex[:12]
        self.recording = recording
        self.cancel_requested = asyncio.Event()
        self.outbox = Outbox()
        self._interactive = interactive

    async def events(self) -> AsyncIterator[Event]:
        """Every event from the start to `end`, as they come. Any number may listen."""
        position = 0
        while True:
            changed = self.recording.changed
            for event in self.recording.events[position:]:
                position += 1
                yield event
                if event.kind == "end":
                    return
            if position == len(self.recording.events):
                await changed.wait()

    async def wait(self) -> Result:
        """The result, once the run has ended. Cancelling this wait leaves the run alone."""
        while self.recording.result is None:
            await self.recording.changed.wait()
        return self.recording.result

    async def cancel(self) -> Result:
        """End the run; returns when it is quiet, within about a second."""
        self.cancel_requested.set()
        return await self.wait()

    # ---- talk to it

    async def write(self, data: bytes | str) -> None:
        """Write to the standard input of a run that was started `interactive`.

        Returns when the data is on its way; where the run does not read, that is when it has
        read enough of what came before. Raises BrokenPipeError once it reads no more.
        """
        self._check_interactive()
        await self.outbox.write(data.encode() if isinstance(data, str) else data)

    def close_stdin(self) -> None:
        """Let the run find the end of its input behind what was written."""
        self._check_interactive()
        self.outbox.close_input()

    def signal(self, name: str) -> None:
        """Send a signal, such as `SIGTERM`, to the run's first process and its group.

        It is delivered when the run starts, if it has not, and lost when it has ended. Raises
        ValueError for a name that no signal has.
        """
        if name not in Signals.__members__:
            message = f"There is no signal named {name!r}; names are like SIGTERM."
            raise ValueError(message)
        self.outbox.signal(name)

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does; Python code sees a KeyboardInterrupt."""
        self.signal("SIGINT")

    def kill(self) -> None:
        """Send SIGKILL. The run fails by that signal; to be rid of it use `cancel`."""
        self.signal("SIGKILL")

    def _check_interactive(self) -> None:
        if not self._interactive:
            message = "This run was not started interactive, so its standard input is fixed."
            raise ValueError(message)

    # ---- in short

    def __await__(self) -> Generator[object, None, Result]:
        return self.wait().__await__()

    def __aiter__(self) -> AsyncIterator[Event]:
        return self.events()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.cancel()
