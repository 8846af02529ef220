"""Isolation by pods of a Kubernetes cluster, which does the scheduling, the quotas and the rest."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import logging
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from fixwright_sandbox import bundle
from fixwright_sandbox.owner import Owner
from fixwright_sandbox.runtimes import home_of

from . import inside
from .base import BackendError, Channel, MissingImageError, Shape
from .cluster import Cluster
from .pods import pod, policy

_PIECE = 1 << 15
_STDIN, _STDOUT, _STDERR = 0, 1, 2
_STDERR_KEPT = 8192
_LOOK_SECONDS = 1.0
_log = logging.getLogger(__name__)


class Kubernetes:
    """A hardened pod for each environment, see `pods`.

    It is attached to over the API server, so the cluster may be anywhere. How many processes it
    may have the cluster decides for all pods; the runner watches the run's own limit. That it has
    no network takes a cluster whose network heeds policies.
    """

    name = "kubernetes"
    elsewhere = True

    def __init__(self, cluster: Cluster, images: Mapping[str, str], cpus: float) -> None:
        self._cluster = cluster
        self._images = images
        self._cpus = cpus
        self._owner = Owner.current()

    @classmethod
    async def open(cls, images: Mapping[str, str], cpus: float) -> Kubernetes:
        """Find the cluster, forbid the network, clear what dead owners left."""
        return await asyncio.to_thread(cls._open, images, cpus)

    @classmethod
    def _open(cls, images: Mapping[str, str], cpus: float) -> Kubernetes:
        backend = cls(Cluster(), images, cpus)
        backend._cluster.forbid_network(policy())
        backend.reap()
        return backend

    def image(self, runtime: str) -> str:
        """The image of a runtime's environments; the cluster's nodes have to be able to get it."""
        home = home_of(runtime)
        return self._images.get(home.name) or home.image

    async def start(self, shape: Shape) -> tuple[Channel, dict[str, object]]:
        """Start an environment."""
        work = asyncio.ensure_future(asyncio.to_thread(self._start, shape))
        try:
            channel = await asyncio.shield(work)
        except asyncio.CancelledError:
            with contextlib.suppress(BackendError):  # a thread can't be stopped
                await (await work).kill()
            raise
        return channel, inside.describe(
            limit_data=False,
            limit_processes=False,
            limit_files=True,
            refusals_counted=False,
            calls=None,
            cache=shape.cache > 0,
        )

    async def close(self) -> None:
        """Nothing is held."""

    def reap(self) -> None:
        """Remove the pods of owners that died on this machine. Blocks. Raises `BackendError`."""
        for each in self._cluster.pods():
            owner = Owner.parse(each.owner)
            if owner is not None and owner.is_dead():
                _log.info("Removing the pod %s, left by process %d", each.name, owner.pid)
                self._cluster.remove(each.name)

    def _start(self, shape: Shape) -> PodChannel:
        name = f"fixwright-{uuid.uuid4().hex[:12]}"
        image, argv = self.image(shape.runtime), bundle.arguments("python3")
        manifest = pod(name, image, argv, shape, cpus=self._cpus, owner=str(self._owner))
        self._cluster.create(manifest)
        try:
            self._cluster.await_running(name)
            return PodChannel(self._cluster, name, self._cluster.attach(name))
        except MissingImageError as error:
            self._cluster.remove(name)
            message = (
                f"The cluster can't get the image {image} ({error}); push it to a registry that "
                "it reads, and name it in sandbox.images."
            )
            raise MissingImageError(message) from error
        except BackendError:
            self._cluster.remove(name)
            raise


class PodChannel:
    """An attached pod: its streams are channels of a web socket."""

    def __init__(self, cluster: Cluster, name: str, stream: Any) -> None:
        self.pod = name
        self._cluster = cluster
        self._stream = stream
        self._said = bytearray()
        self._closed = False
        # A read waits, and would otherwise take a thread that others need.
        self._thread = ThreadPoolExecutor(1, "fixwright-pod")

    @property
    def identity(self) -> str:
        """The pod."""
        return f"pod:{self._cluster.namespace}/{self.pod}"

    async def read(self) -> bytes:
        """Bytes from the runner; none at the end."""
        while not self._closed:
            loop = asyncio.get_running_loop()
            data = await loop.run_in_executor(self._thread, self._look)
            if data is None:
                break
            if data:
                return data
        return b""

    async def write(self, data: bytes) -> None:
        """Send bytes; returns when they are on their way."""
        await asyncio.to_thread(self._send, data)

    async def kill(self) -> None:
        """Remove the pod."""
        self._closed = True
        with contextlib.suppress(OSError):
            await asyncio.to_thread(self._stream.close)
        self._thread.shutdown(wait=False)
        try:
            await asyncio.to_thread(self._cluster.remove, self.pod)
        except BackendError as error:
            _log.warning("A pod may be left until the next start: %s", error)

    async def why_ended(self) -> BackendError:
        """What the cluster says of it."""
        try:
            reason = await asyncio.to_thread(self._cluster.why_ended, self.pod)
        except BackendError as error:
            return error
        said = self._said.decode("utf-8", "replace").strip().splitlines()
        detail = f"; it said: {said[-1]}" if said else ""
        return BackendError(f"The pod ended before the run did ({reason}{detail}). Run it again.")

    def _look(self) -> bytes | None:
        """What has come, b"" for nothing yet, None at the end."""
        stream = self._stream
        try:
            data = stream.read_channel(_STDOUT, timeout=_LOOK_SECONDS)
            self._said += stream.read_channel(_STDERR)
        except Exception as error:
            if not _is_broken(error):
                raise
            return None
        del self._said[:-_STDERR_KEPT]
        if data or stream.is_open():
            return bytes(data)
        return None

    def _send(self, data: bytes) -> None:
        try:
            for begin in range(0, len(data), _PIECE):
                self._stream.write_channel(_STDIN, data[begin : begin + _PIECE])
        except Exception as error:
            if not _is_broken(error):
                raise
            raise ConnectionResetError(str(error)) from error


def _is_broken(error: Exception) -> bool:
    """Whether it says that the connection is gone; the client has no one type for that."""
    broken: Any = importlib.import_module("websocket").WebSocketException
    return isinstance(error, (OSError, ValueError, AttributeError, broken))
