"""Isolation by containers of a Docker Engine."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
import time
from collections.abc import Mapping
from typing import Any, ClassVar, Self

from fixwright_sandbox import bundle
from fixwright_sandbox.limits import MOST_FILES
from fixwright_sandbox.owner import Owner
from fixwright_sandbox.runtimes import home_of

from . import inside, layering
from .attach import Streams, close
from .base import BackendError, Channel, EngineGoneError, MissingImageError, Shape, Usage, Users
from .engine import Engine
from .isolation import OPEN_FILES, Isolation, oci_runtime
from .labels import LABEL, OWNER_LABEL, STARTED_LABEL
from .owned import in_engine, remove_in_engine
from .seccomp import filter_for

_FRAME = 8
_STDERR = 2
_STDERR_KEPT = 8192
_SHOWN = 40
"""Characters of a workspace's name that its containers' names have."""
_RUNNER_BYTES = 64 << 20
_REAP_EVERY = 600.0
"""Seconds between two looks for what dead owners left."""
_log = logging.getLogger(__name__)


class Docker:
    """A hardened container for each environment.

    No network, a read-only root, no capabilities, no new privileges, an unprivileged user, the
    engine's default seccomp profile and, where we know the machine, ours over it (see `seccomp`),
    and limits on memory, processes and processors. Only tmpfs can be written. The runner is
    process 1, so that nothing in there can kill it; the container ends when the runner loses its
    stream, and removes itself.
    """

    name = "docker"
    called: ClassVar[str] = "Docker"

    def __init__(
        self,
        engine: Engine,
        images: Mapping[str, str],
        cpus: float,
        isolation: Isolation = "default",
    ) -> None:
        self._images = images
        self._engine = engine
        self._owner = Owner.current()
        machine = engine.machine()
        self._users: Users = machine.users
        self._runtime = oci_runtime(isolation, machine.runtimes, self.called)
        self._cpus = min(cpus, machine.cpus)
        self._calls = filter_for(machine.architecture)
        self._reaper: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    @classmethod
    async def open(
        cls,
        host: str | None,
        images: Mapping[str, str],
        cpus: float,
        *,
        isolation: Isolation = "default",
        reap_every: float = _REAP_EVERY,
    ) -> Self:
        """Connect and look for Python's image; `BackendError` says what is missing.

        Args:
            host: the engine's address; None is the environment's.
            images: by runtime, over the runtimes' own.
            cpus: processors that a container may use.
            isolation: what holds the containers, see `oci_runtime`.
            reap_every: seconds between two looks for what dead owners left.
        """
        backend = await asyncio.to_thread(cls._open, host, images, cpus, isolation)
        backend.start_reaping(reap_every)
        return backend

    @classmethod
    def _open(
        cls, host: str | None, images: Mapping[str, str], cpus: float, isolation: Isolation
    ) -> Self:
        engine = cls.connect(host)
        try:
            backend = cls(engine, images, cpus, isolation)
            if not engine.has_image(backend.image("python")):
                raise backend.missing("python")
        except BackendError:
            engine.close()
            raise
        return backend

    @classmethod
    def connect(cls, host: str | None) -> Engine:
        """Find the engine. Raises `BackendError`."""
        return Engine(host)

    def image(self, runtime: str) -> str:
        """The image of a runtime's environments."""
        home = home_of(runtime)
        return self._images.get(home.name) or home.image

    @property
    def elsewhere(self) -> bool:
        """Whether the engine may be another machine's."""
        return self._engine.elsewhere

    @property
    def users(self) -> Users:
        """Who its containers' users are outside."""
        return self._users

    def missing(self, runtime: str) -> MissingImageError:
        """What to say where the engine has no such image."""
        return MissingImageError(
            f"{self.called} has no image {self.image(runtime)}; build it with "
            f"`fixwright sandbox build {runtime}`, or name another in sandbox.images.{runtime}."
        )

    async def start(self, shape: Shape) -> tuple[Channel, dict[str, object]]:
        """Start an environment."""
        work = asyncio.ensure_future(self._start(shape))
        try:
            container, streams = await asyncio.shield(work)
        except asyncio.CancelledError:
            # A thread can't be stopped; what it makes has to go all the same.
            with contextlib.suppress(BackendError):
                container, streams = await work
                streams[1].transport.abort()
                await asyncio.to_thread(self._engine.remove, container)
            raise
        channel = ContainerChannel(self._engine, container, streams)
        return channel, self._describe(shape)

    async def close(self) -> None:
        """Let go of the engine."""
        self._closing.set()
        if self._reaper is not None:
            await asyncio.wait({self._reaper})
        await asyncio.to_thread(self._engine.close)

    def start_reaping(self, every: float) -> None:
        """Look in the background, now and every so many seconds, for what dead owners left."""
        self._reaper = asyncio.create_task(self._keep_reaping(every))

    async def _keep_reaping(self, every: float) -> None:
        while not self._closing.is_set():
            await asyncio.to_thread(self.reap)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), every)

    def reap(self) -> None:
        """Remove what owners left that died without doing so themselves. Blocks."""
        try:
            for each in in_engine(self._engine, self.name):
                if each.left and each.owner is not None:
                    what = f"{each.kind} {each.id[:12]}"
                    _log.info("Removing the %s, left by process %d", what, each.owner.pid)
                    remove_in_engine(self._engine, each)
        except BackendError as error:
            _log.warning("Could not look for containers that were left: %s", error)

    async def ground(self, runtime: str) -> str:
        """The image that a runtime's environments have now."""
        image = self.image(runtime)
        return await asyncio.to_thread(self._engine.image_id, image)

    async def new_layer(self, runtime: str, record: str) -> str:
        """Make a volume that the unprivileged user can write."""
        image, owner = self.image(runtime), self._owner
        return await asyncio.to_thread(layering.new_volume, self._engine, image, owner, record)

    async def remove_layer(self, place: str) -> None:
        """Remove a volume."""
        await asyncio.to_thread(self._engine.remove_volume, place)

    async def _start(self, shape: Shape) -> tuple[str, Streams]:
        container = await asyncio.to_thread(self._create, shape)
        streams: Streams | None = None
        try:
            streams = await self._engine.attach(container)
            await asyncio.to_thread(self._engine.start, container)
        except BackendError:
            if streams is not None:
                streams[1].transport.abort()
            await asyncio.to_thread(self._engine.remove, container)
            raise
        return container, streams

    def _create(self, shape: Shape) -> str:
        image, options = self.image(shape.runtime), self._options(shape)
        try:
            python = self._engine.interpreter(image)
            return self._engine.create(image, bundle.arguments(python), options)
        except MissingImageError as error:
            raise self.missing(shape.runtime) from error

    def _describe(self, shape: Shape) -> dict[str, object]:
        return inside.describe(
            limit_data=False,
            limit_processes=False,
            limit_files=False,
            refusals_counted=True,
            calls=self._calls,
            cache=shape.cache > 0,
        )

    def _places(self, shape: Shape) -> dict[str, str]:
        """What can be written: paths and how a tmpfs is mounted there."""
        tmpfs = f"rw,exec,nosuid,nodev,uid={inside.UID},gid={inside.UID},nr_inodes={MOST_FILES}"
        places = {
            inside.WORKSPACE: f"{tmpfs},mode=0700,size={shape.tree + shape.disk}",
            inside.TMP: f"{tmpfs},mode=1777,size={shape.disk}",
        }
        if shape.cache:
            cache = cache_options(tmpfs, shape)
            places[inside.CACHE] = f"{cache},mode=0700,size={shape.cache}"
        return places

    def _options(self, shape: Shape) -> dict[str, Any]:
        # The files of a tmpfs count as memory. The runner watches what the processes use;
        # the container's limit is for what grows faster than it looks.
        files = shape.tree + 2 * shape.disk + shape.cache + inside.SHM_BYTES
        memory = shape.memory + files + _RUNNER_BYTES
        return {
            "user": f"{inside.UID}:{inside.UID}",
            "working_dir": "/",
            "hostname": "sandbox",
            "network_disabled": not (shape.layer and shape.layer.filling),
            "labels": {
                LABEL: "1",
                OWNER_LABEL: str(self._owner),
                STARTED_LABEL: f"{time.time():.3f}",
                f"{LABEL}.kind": "runner",
            },
            "host_config": {
                "auto_remove": True,
                "read_only": True,
                "cap_drop": ["ALL"],
                "security_opt": ["no-new-privileges:true"],
                "privileged": False,
                "ipc_mode": "private",
                **layering.host_config(shape.layer),
                "shm_size": inside.SHM_BYTES,
                "pids_limit": shape.processes + 2,
                "mem_limit": memory,
                "memswap_limit": memory,
                "nano_cpus": int(self._cpus * 1_000_000_000),
                # The engine would otherwise write every byte of the stream to disk, too.
                "log_config": {"type": "none", "config": {}},
                "tmpfs": self._places(shape),
                "ulimits": [{"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES}],
                "runtime": self._runtime,
            },
        }


def cache_options(tmpfs: str, shape: Shape) -> str:
    """How the cache's tmpfs is mounted, given how the others are."""
    noexec = home_of(shape.runtime).noexec_cache
    return tmpfs.replace(",exec,", ",noexec,") if noexec else tmpfs


class ContainerChannel:
    """An attached container: its streams come interleaved, each piece under a small header."""

    def __init__(self, engine: Engine, container: str, streams: Streams) -> None:
        self.container = container
        self._engine = engine
        self._streams = streams
        self._reader, self._writer = streams
        self._said = bytearray()

    @property
    def identity(self) -> str:
        """The container."""
        return f"container:{self.container}"

    async def usage(self) -> Usage:
        """What the container uses, its tmpfs included. Raises `BackendError`."""
        return await asyncio.to_thread(self._engine.usage, self.container)

    async def name(self, workspace: str) -> None:
        """Name the container `fixwright-WORKSPACE-ID`."""
        shown = re.sub(r"[^A-Za-z0-9_.-]+", "-", workspace)[-_SHOWN:].strip("-")
        name = f"fixwright-{shown or 'workspace'}-{self.container[:8]}"
        try:
            await asyncio.to_thread(self._engine.rename, self.container, name)
        except BackendError as error:
            _log.debug("A container keeps its name: %s", error)

    async def read(self) -> bytes:
        """Bytes from the runner; none at the end."""
        while True:
            try:
                header = await self._reader.readexactly(_FRAME)
                data = await self._reader.readexactly(int.from_bytes(header[4:], "big"))
            except (asyncio.IncompleteReadError, OSError):  # TLS that breaks off is no other
                return b""
            if header[0] != _STDERR:
                return data
            self._said += data
            del self._said[:-_STDERR_KEPT]

    async def write(self, data: bytes) -> None:
        """Send bytes; returns when there is room for more."""
        self._writer.write(data)
        await self._writer.drain()

    async def kill(self) -> None:
        """Remove the container. Where the engine is gone, it goes when the engine is back."""
        await close(self._streams)
        try:
            await asyncio.to_thread(self._engine.remove, self.container)
        except BackendError as error:
            _log.warning("A container may be left until the next start: %s", error)

    async def why_ended(self) -> BackendError:
        """Tell an engine that is gone from a container that is."""
        try:
            await asyncio.to_thread(self._engine.ping)
        except BackendError as error:
            return EngineGoneError(f"{error} The run was lost; start the engine and run it again.")
        said = self._said.decode("utf-8", "replace").strip().splitlines()
        detail = f" ({said[-1]})" if said else ""
        return BackendError(f"The container ended before the run did{detail}. Run it again.")
