"""The installation: a run of its own, with network, with the manifests and nothing else.

It has the walls of any other run but two: there is a network, and the layer can be written. It is
given no file of the workspace but the manifests, no variable of the workspace's runs, and no
environment that a run had or will have. Whatever a package does while it is installed, it can
reach nothing but its own layer and the network.
"""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fixwright_sandbox.backends.base import Backend, BackendError, Layer, Layering, Shape
from fixwright_sandbox.environment import CancelledRunError, Environment, unless_cancelled
from fixwright_sandbox.events import Result
from fixwright_sandbox.execution import Execution, Recording
from fixwright_sandbox.jobs import RunCommand
from fixwright_sandbox.limits import MIB, Limits
from fixwright_sandbox.runtimes import home_of
from fixwright_sandbox.settings import Request, SandboxSettings
from fixwright_sandbox.tree import Blob

from .model import Wanted
from .recipes import REPORT, USES, CannotInstall, recipe
from .records import Record, Records, Release, releases_of
from .sources import Sources, sources

LIMITS = Limits(
    wall_seconds=900.0,
    memory_bytes=2048 * MIB,
    processes=256,
    output_bytes=32 * MIB,
    file_bytes=4096 * MIB,
    disk_bytes=1024 * MIB,
    open_files=4096,
)
"""What an installation may use."""
_HIDDEN = b"****"
_WRONG = re.compile(r"go: (?!downloading )|verifying |error: ")
"""How the first line of what is wrong begins."""


@dataclass(frozen=True)
class Installed:
    """What became of an installation.

    Attributes:
        record: the layer that there is now; None where it failed.
        result: of the run; None where there was a layer already.
        message: how it went, a sentence.
    """

    record: Record | None
    result: Result | None
    message: str


class Installation:
    """An installation under way."""

    def __init__(self, execution: Execution, task: asyncio.Task[Installed]) -> None:
        self.execution = execution
        self._task = task

    async def wait(self) -> Installed:
        """How it went. Cancelling this wait stops the installation; nothing of it is left."""
        try:
            return await asyncio.shield(self._task)
        except asyncio.CancelledError:
            await self.cancel()
            raise

    async def cancel(self) -> Installed:
        """Stop it; nothing of it is left when this returns."""
        self.execution.cancel_requested.set()
        return await asyncio.shield(self._task)


class Layers:
    """The layers that a backend can give to runs."""

    def __init__(
        self, backend: Backend, settings: SandboxSettings, records: Records | None = None
    ) -> None:
        self._backend = backend
        self._settings = settings
        self.records = records or Records(settings.layers)
        self._filling: dict[Path, asyncio.Lock] = {}

    async def find(self, runtime: str, key: str) -> Record | None:
        """The layer with what was wanted, if it is there. Raises `BackendError`."""
        if not isinstance(self._backend, Layering) or runtime not in USES:
            return None
        file = await self._file(self._backend, runtime, key)
        record = await asyncio.to_thread(self.records.find, file)
        if record is not None:
            await asyncio.to_thread(self.records.touch, record)
        return record

    def start(self, wanted: Wanted, *, given: Sources | None = None) -> Installation:
        """Install what is wanted, unless that is there already.

        Args:
            wanted: what, see `dependencies.wanted`.
            given: the user's settings of the package manager; None reads them.
        """
        image = self._backend.image(wanted.runtime)
        given = sources(wanted.runtime) if given is None else given
        recording = Redacting(self._settings, self._backend.name, image, given.secrets)
        execution = Execution(recording)
        return Installation(execution, asyncio.create_task(self._install(wanted, given, execution)))

    async def remove(self, record: Record) -> None:
        """Remove a layer. Raises `BackendError` where an environment uses it."""
        await asyncio.to_thread(self.records.forget, record)
        if isinstance(self._backend, Layering):
            await self._backend.remove_layer(record.place)

    async def _install(self, wanted: Wanted, given: Sources, execution: Execution) -> Installed:
        recording = execution.recording
        try:
            return await self._install_apart(wanted, given, execution)
        except CancelledRunError:
            recording.finish("cancelled", "Cancelled before it started.")
        except (BackendError, CannotInstall) as error:
            status = error.status if isinstance(error, BackendError) else "error"
            recording.finish(status, str(error))
        finally:
            if recording.result is None:
                recording.finish("error", "The installation broke off; see the log.")
        assert recording.result is not None
        return Installed(None, recording.result, recording.result.message)

    async def _install_apart(
        self, wanted: Wanted, given: Sources, execution: Execution
    ) -> Installed:
        if not isinstance(self._backend, Layering):
            raise CannotInstall(_without_layers(self._backend, wanted.runtime))
        if wanted.conflicts:
            raise CannotInstall(" ".join(each.message for each in wanted.conflicts))
        file = await self._file(self._backend, wanted.runtime, wanted.key)
        async with self._filling.setdefault(file, asyncio.Lock()):
            record = await asyncio.to_thread(self.records.find, file)
            if record is not None:
                execution.recording.start()
                execution.recording.finish("passed", "It is installed already.")
                return Installed(record, None, "It is installed already.")
            return await self._fill(self._backend, file, wanted, given, execution)

    async def _fill(
        self, backend: Layering, file: Path, wanted: Wanted, given: Sources, execution: Execution
    ) -> Installed:
        how = await asyncio.to_thread(recipe, wanted, given)
        place = await backend.new_layer(wanted.runtime, str(file))
        kept = False
        try:
            request = Request(
                wanted.runtime,
                RunCommand(how.argv),
                {path: Blob(data) for path, data in how.files.items()},
                home_of(wanted.runtime).at_least(LIMITS),
                env=how.environment,
                collect_all=True,
                layer=Layer(
                    place,
                    USES[wanted.runtime].at,
                    filling=True,
                    shown=given.shown,
                    network=self._settings.install_network,
                    most=self._settings.layer_bytes,
                ),
            )
            size = await self._run(request, execution)
            result = await execution.wait()
            if result.status != "passed":
                return Installed(None, result, _why(result))
            record = Record(
                self._backend.name, wanted.runtime, place, wanted.key, _releases(result), size,
                time.time(), file,
            )  # fmt: skip
            kept = await asyncio.to_thread(self.records.publish, record)
            record = record if kept else await asyncio.to_thread(self.records.find, file)
            return Installed(record, result, "Installed.")
        finally:
            if not kept:
                await backend.remove_layer(place)

    async def _run(self, request: Request, execution: Execution) -> int:
        """Run it in an environment that serves nothing else; returns the layer's bytes."""
        home = home_of(request.runtime)
        shape = Shape.of(home, request.limits, self._settings.tree_bytes, request.layer)
        starting = Environment.start(self._backend, shape, self._settings)
        environment = await unless_cancelled(execution.cancel_requested, starting)
        try:
            if not await environment.awake():
                raise BackendError("The sandbox ended as soon as it had started. Try again.")
            with environment.at_work():
                await environment.run(execution, request)
        finally:
            await environment.close()
        sizes = [
            size
            for each in (await execution.wait()).reports
            if each.get("type") == "layer" and isinstance(size := each.get("bytes"), int)
        ]
        return sizes[-1] if sizes else 0

    async def _file(self, backend: Layering, runtime: str, key: str) -> Path:
        ground = await backend.ground(runtime)
        return self.records.file(self._backend.name, runtime, ground, key)


class Redacting(Recording):
    """A recording that does not hold what must not be shown."""

    def __init__(
        self, settings: SandboxSettings, backend: str, image: str | None, secrets: tuple[str, ...]
    ) -> None:
        super().__init__(settings, backend=backend, image=image)
        self._secrets = [each.encode() for each in secrets if each]

    def output(self, stream: Literal["stdout", "stderr"], data: bytes) -> None:
        """Take what it wrote, with every secret hidden."""
        for secret in self._secrets:
            data = data.replace(secret, _HIDDEN)
        super().output(stream, data)


def _without_layers(backend: Backend, runtime: str) -> str:
    """What to do where packages can't be given to environments."""
    image = backend.image(runtime)
    if image is None:
        how = "it runs with the packages of your machine. Install them there."
    else:
        how = (
            f"build an image from {image} that has them and name it in sandbox.images.{runtime}, "
            "or use the backend docker, podman or bubblewrap."
        )
    return f"The sandbox backend {backend.name} can't install packages: {how}"


def _releases(result: Result) -> tuple[Release, ...]:
    found = next((file.data for file in result.files if file.path == REPORT), None)
    return releases_of(found or b"")


def _why(result: Result) -> str:
    """What the package manager said last, or where it starts with what is wrong, that."""
    said = (result.stderr.data or result.stdout.data).decode("utf-8", "replace").splitlines()
    lines = [line.strip() for line in said if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR:", "npm error"))]
    first = next((number for number, line in enumerate(lines) if _WRONG.match(line)), None)
    if errors:
        detail = errors[-1]
    elif first is not None:
        detail = " ".join(lines[first : first + (2 if lines[first].endswith(":") else 1)])
        causes = [number for number, line in enumerate(lines) if line == "Caused by:"]
        detail = " ".join([detail, *(lines[number + 1] for number in causes[-1:])])
    else:
        detail = lines[-1] if lines else ""
    if result.status == "failed" and detail:
        return f"The installation failed: {detail}"
    return f"The installation failed. {result.message}"
