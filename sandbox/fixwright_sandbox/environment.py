"""A warm environment: one runner, reached over one stream, and what its copy holds."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Mapping
from dataclasses import asdict
from typing import Literal, TypeVar

from . import bundle
from .backends.base import Backend, Channel, Shape
from .delta import Delta, Manifest, difference, frames, prelude
from .dependencies.recipes import environment_of, sites_of, weighed
from .events import ChangedFile
from .execution import Execution, Recording
from .jobs import to_wire
from .observing import Listing, past_step, step, written_down
from .outcome import outcome_of
from .runtimes import catalogue
from .settings import Request, SandboxSettings, collection
from .tree import InvalidTreeError, check_path
from .wire import FrameReader, Header, ProtocolError, encode, parse_object

_START_SECONDS = 30.0
_READY_SECONDS = 30.0
_QUIET_SECONDS = 0.7
"""How long a cancelled run may take to go before its environment goes with it."""
_LATE_SECONDS = 5.0
"""How long after the time limit the runner may take to say that it was met."""
T = TypeVar("T")


class EnvironmentLostError(Exception):
    """The runner is gone, or is no runner any more; the message is a sentence for the user."""


class CancelledRunError(Exception):
    """The user wants the run no longer."""


class Environment:
    """Runs one thing at a time. After `run` returns false it must be closed."""

    def __init__(
        self,
        channel: Channel,
        shape: Shape,
        settings: SandboxSettings,
        listing: Listing | None = None,
    ) -> None:
        self.listing = listing
        self.shape = shape
        self.usable = True
        self.alive = False
        """A session's interpreter waits there for the next cell."""
        self._channel = channel
        self._settings = settings
        self._frames = FrameReader(channel.read)
        self._manifest = Manifest()

    @classmethod
    async def start(cls, backend: Backend, shape: Shape, settings: SandboxSettings) -> Environment:
        """Start a runner and wait until it answers. Raises `BackendError`."""
        with step("start", backend=backend.name):
            return await cls._start(backend, shape, settings)

    @classmethod
    async def _start(cls, backend: Backend, shape: Shape, settings: SandboxSettings) -> Environment:
        channel, config = await backend.start(shape)
        listing = written_down(channel, backend.image(shape.runtime))
        environment = cls(channel, shape, settings, listing)
        try:
            async with asyncio.timeout(_START_SECONDS):
                residents = catalogue.within(shape.runtime)
                config["runtimes"] = [each.name for each in residents]
                config["environments"] = {each.name: dict(each.environment) for each in residents}
                config["limits"] = asdict(residents[0].at_least(settings.limits))
                guest = await asyncio.to_thread(bundle.load, shape.runtime)
                await channel.write(guest + encode(config))
                await environment._expect("hello")
        except (EnvironmentLostError, ProtocolError, ConnectionError, TimeoutError) as error:
            reason = await channel.why_ended()
            await environment.close()
            message = f"The sandbox did not start: {reason}"
            raise type(reason)(message) from error
        except BaseException:
            await environment.close()
            raise
        return environment

    async def close(self) -> None:
        """End it; nothing of it is left afterwards."""
        self.usable = False
        if self.listing is not None:
            self.listing.remove()
        await self._channel.kill()

    def at_work(self) -> contextlib.AbstractContextManager[None]:
        """Tell, meanwhile, that it is at work."""
        return contextlib.nullcontext() if self.listing is None else self.listing.running()

    async def awake(self) -> bool:
        """Ask the runner to get ready for a run; false when it is gone."""
        try:
            async with asyncio.timeout(_READY_SECONDS):
                await self._channel.write(encode({"op": "begin"}))
                await self._expect("ready")
        except (ConnectionError, TimeoutError, ProtocolError, EnvironmentLostError):
            self.usable = False
        return self.usable

    async def run(self, execution: Execution, request: Request) -> None:
        """Run the request and finish the execution's recording, whatever happens.

        Call after `awake`. Afterwards `usable` says whether another run may follow.
        """
        recording, cancel = execution.recording, execution.cancel_requested
        was_alive = self.alive
        self.usable = self.alive = False
        try:
            with step("sync"):
                await unless_cancelled(cancel, self._synchronise(recording, request))
            await self._order(recording, request)
            done = await self._follow(execution, request)
            if done is None:
                return
            outcome = outcome_of(done, request.limits)
            past_step("collect", outcome.measured.collecting)
            self._manifest.forget(done.texts("missing"))
            self.usable = done.flag("clean")
            self.alive = done.flag("alive")
            recording.finish(
                outcome.status,
                outcome.message,
                exit_code=outcome.exit_code,
                signal=outcome.signal,
                duration=outcome.duration,
                measured=outcome.measured,
            )
        except CancelledRunError:
            recording.finish("cancelled", "Cancelled before it started.")
        except InvalidTreeError as error:
            self.usable, self.alive = True, was_alive
            recording.finish("error", str(error))
        except ValueError as error:
            recording.finish("error", str(error))
        except (ConnectionError, EnvironmentLostError):
            lost = await self._channel.why_ended()
            recording.finish(lost.status, str(lost))
        except ProtocolError:
            message = "The sandbox sent something that can't be understood and was replaced."
            recording.finish("error", message)

    # ---- the parts of a run

    async def _synchronise(self, recording: Recording, request: Request) -> None:
        tree, bound = request.tree, self._settings.tree_bytes
        delta = await asyncio.to_thread(difference, tree, self._manifest, bound)
        recording.files_sent = len(delta.wanted)
        if delta == Delta([], []):
            return
        if delta.removed:
            await self._send(recording, prelude(delta, self._manifest))
        source = frames(tree, delta, self._manifest, bound)
        while (frame := await asyncio.to_thread(next, source, None)) is not None:
            await self._send(recording, frame)

    async def _order(self, recording: Recording, request: Request) -> None:
        order: dict[str, object] = {
            "op": "run",
            "runtime": request.runtime,
            "job": to_wire(request.job),
            "limits": asdict(request.limits),
            "env": {**environment_of(request.layer, request.runtime), **request.env},
            "interactive": request.interactive,
            "sites": sites_of(request.layer, request.runtime),
            "weighed": weighed(request.layer),
            **collection(request, self._settings),
        }
        await self._send(recording, encode(order, request.stdin))

    async def _send(self, recording: Recording, frame: bytes) -> None:
        recording.bytes_in += len(frame)
        await self._channel.write(frame)

    async def _follow(self, execution: Execution, request: Request) -> Header | None:
        """Take what the runner says until the end; None when the run was finished here."""
        recording = execution.recording
        pump = asyncio.create_task(self._pump(execution))
        orders = asyncio.create_task(self._pass_on(execution))
        cancel = asyncio.create_task(execution.cancel_requested.wait())
        try:
            patience = request.limits.wall_seconds + _LATE_SECONDS
            await asyncio.wait({pump, cancel}, timeout=patience, return_when="FIRST_COMPLETED")
            if pump.done():
                return pump.result()
            if cancel.done():
                with contextlib.suppress(ConnectionError):
                    await self._channel.write(encode({"op": "cancel"}))
                await asyncio.wait({pump}, timeout=_QUIET_SECONDS)
                if pump.done() and pump.exception() is None:
                    return pump.result()
                recording.finish("cancelled", "Cancelled; the sandbox was replaced.")
                return None
            limit = request.limits.wall_seconds
            message = f"Ended after {limit:g} s, its time limit; the sandbox no longer answered."
            recording.finish("timeout", message)
            return None
        finally:
            for task in (pump, cancel, orders):
                task.cancel()
            await asyncio.wait({pump, cancel, orders})
            await execution.outbox.end()

    async def _pass_on(self, execution: Execution) -> None:
        """Send what is said to the run. Where the stream ends, the pump says so."""
        with contextlib.suppress(ConnectionError):
            while True:
                await self._send(execution.recording, encode(*await execution.outbox.next()))

    async def _pump(self, execution: Execution) -> Header | None:
        recording = execution.recording
        while True:
            header, payload = await self._next()
            recording.bytes_out += len(payload)
            match header.text("op"):
                case "started":
                    recording.start()
                case "output":
                    recording.output(_stream(header), payload)
                case "report":
                    _take_report(recording, payload)
                case "file":
                    _take_file(recording, header, payload)
                case "taken":
                    await execution.outbox.taken(
                        header.integer("size"), is_open=header.flag("open")
                    )
                case "refused":
                    recording.finish("error", header.text("message"))
                    return None
                case "done":
                    return header
                case operation:
                    raise ProtocolError(operation)

    async def _next(self) -> tuple[Header, bytes]:
        frame = await self._frames.next()
        if frame is None:
            raise EnvironmentLostError
        return frame

    async def _expect(self, operation: str) -> Header:
        while True:
            header, _ = await self._next()
            if header.text("op") == "missing":
                self._manifest.forget(header.texts("paths"))
            elif header.text("op") == operation:
                return header
            else:
                raise ProtocolError(header.text("op"))


def _stream(header: Header) -> Literal["stdout", "stderr"]:
    name = header.text("stream")
    if name not in ("stdout", "stderr"):
        raise ProtocolError(name)
    return name


def _take_report(recording: Recording, payload: bytes) -> None:
    """Keep a report. The code that ran can write what it likes there: nonsense is left out."""
    with contextlib.suppress(ProtocolError):
        report: Mapping[str, object] = parse_object(payload)
        recording.report(report)


def _take_file(recording: Recording, header: Header, payload: bytes) -> None:
    change = header.text("change")
    if change not in ("created", "modified", "deleted"):
        raise ProtocolError(change)
    name = header.text("path")
    data = payload if header.flag("whole") else None
    try:
        check_path(name)
    except InvalidTreeError as error:
        raise ProtocolError(name) from error
    path = name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if path != name:
        data = None  # No editor can have a file of that name.
    size, executable = header.integer("size"), header.flag("executable")
    recording.file(ChangedFile(path, change, size, data, executable))


async def unless_cancelled(cancel: asyncio.Event, work: Coroutine[object, object, T]) -> T:
    """Do the work, unless cancelling comes first: then stop it and raise."""
    task = asyncio.ensure_future(work)
    waiting = asyncio.create_task(cancel.wait())
    try:
        await asyncio.wait({task, waiting}, return_when="FIRST_COMPLETED")
        if not task.done():
            raise CancelledRunError
        return task.result()
    finally:
        for each in (task, waiting):
            each.cancel()
        await asyncio.wait({task, waiting})
