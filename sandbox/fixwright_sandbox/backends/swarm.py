"""Isolation by services of a Docker Swarm, which does the scheduling, the quotas and the rest."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fixwright_sandbox import bundle
from fixwright_sandbox.owner import Owner
from fixwright_sandbox.runtimes import home_of

from . import inside
from .attach import Streams, close
from .base import BackendError, Channel, EngineGoneError, MissingImageError, Shape, Usage
from .docker import ContainerChannel
from .engine import Container, Engine
from .labels import LABEL, OWNER_LABEL
from .manager import ENGINE_LABEL, Manager, Node, Task
from .seccomp import filter_for
from .services import NEWER, PLACE_LABEL, service_labels, task_template

TEMPLATE_VARIABLE = "FIXWRIGHT_SWARM_ENGINE"
"""The address of a node's engine, with `{addr}` and `{hostname}` for the node's."""
CONSTRAINTS_VARIABLE = "FIXWRIGHT_SWARM_CONSTRAINTS"
"""Where environments may be put, by commas: `node.labels.fixwright==yes`."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """What an environment is in the Swarm: its name, and the ids of its service and network."""

    name: str
    service: str
    network: str


class Swarm:
    """A service of one task for each environment, on a Swarm whose manager the settings name.

    The task's container has what `Docker`'s has, as far as a service can say it: a read-only
    root, no capabilities, an unprivileged user, the node's default seccomp profile, and limits on
    memory, processes, open files and processors; only tmpfs can be written. It is reached on the
    engine of the node that runs it, see `engine_address`.

    What a service can't have:

    - no network at all. It gets an internal overlay of its own, on which there is nobody else,
      without a way out and with a resolver that asks nobody.
    - no new privileges before API 1.46, nor a seccomp profile of its own. Our runner's filter
      stands in for these two: it is put on before the first run's code, and the kernel takes it
      from an unprivileged process only where that gives up new privileges. Before API 1.46 a
      node whose architecture has no filter is refused.
    - memory without swap beside it, on nodes that have swap.
    - an end with its client: the container of an owner that was killed stays until the next
      sandbox opens, which removes it.
    """

    name = "swarm"
    elsewhere = True

    def __init__(self, manager: Manager, images: Mapping[str, str], cpus: float) -> None:
        self._manager = manager
        self._images = images
        most = [node.cpus for node in manager.nodes() if node.cpus]
        self._cpus = min([cpus, *most])
        self._owner = Owner.current()
        self._engines: dict[str, Engine] = {}
        self._lock = threading.Lock()

    @classmethod
    async def open(cls, host: str | None, images: Mapping[str, str], cpus: float) -> Swarm:
        """Connect to the manager, look for Python's image, clear what dead owners left."""
        return await asyncio.to_thread(cls._open, host, images, cpus)

    @classmethod
    def _open(cls, host: str | None, images: Mapping[str, str], cpus: float) -> Swarm:
        manager = Manager(host)
        try:
            backend = cls(manager, images, cpus)
            backend._pinned("python")
            backend.reap()
        except BackendError:
            manager.close()
            raise
        return backend

    def image(self, runtime: str) -> str:
        """The image of a runtime's environments."""
        home = home_of(runtime)
        return self._images.get(home.name) or home.image

    async def start(self, shape: Shape) -> tuple[Channel, dict[str, object]]:
        """Start an environment."""
        work = asyncio.ensure_future(self._start(shape))
        try:
            channel, told = await asyncio.shield(work)
        except asyncio.CancelledError:
            with contextlib.suppress(BackendError):  # a thread can't be stopped
                await (await work)[0].kill()
            raise
        return channel, told

    async def close(self) -> None:
        """Let go of the engines."""
        engines, self._engines = list(self._engines.values()), {}
        for engine in (*engines, self._manager):
            await asyncio.to_thread(engine.close)

    def reap(self) -> None:
        """Remove the services of owners that died on this machine, and what they have. Blocks."""
        left = [each for each in self._manager.services(LABEL) if _is_left(each)]
        for each in left:
            _log.info("Removing the service %s, whose owner is dead", each.id)
            self._manager.remove_service(each.id)
        for engine in self._reached() if left else ():
            for each in filter(_is_left, engine.labelled(LABEL)):
                engine.remove(each.id)
            for each in filter(_is_left, engine.labelled_volumes(LABEL)):
                engine.remove_volume(each.id)
        for each in filter(_is_left, self._manager.labelled_networks(LABEL)):
            self._manager.remove_all(None, each.id)

    def _reached(self) -> Iterator[Engine]:
        """The engines of the nodes that are ready, where they can be reached."""
        for node in self._manager.nodes():
            if node.state == "ready":
                try:
                    yield self._engine_of(node)
                except BackendError as error:
                    _log.warning("Something may be left on a node of the Swarm: %s", error)

    def _clear(self, place: Place) -> None:
        """Remove what a start that failed made, wherever that was. Raises `BackendError`."""
        self._manager.remove_all(place.service, place.network)
        for engine in self._reached():
            _clear_node(engine, place)

    async def _start(self, shape: Shape) -> tuple[SwarmChannel, dict[str, object]]:
        place = await asyncio.to_thread(self._create, shape)
        try:
            task, node, engine = await asyncio.to_thread(self._await, place.service, shape)
            streams = await engine.attach(task.container)
        except BackendError:
            await asyncio.to_thread(self._clear, place)
            raise
        channel = SwarmChannel(self._manager, engine, place, task, streams)
        return channel, self._describe(shape, node)

    def _create(self, shape: Shape) -> Place:
        image, name = self._pinned(shape.runtime), f"fixwright-{uuid.uuid4().hex[:12]}"
        labels = service_labels(name, str(self._owner))
        argv = bundle.arguments(self._manager.interpreter(image))
        network = self._manager.create_network(name, labels)
        task = task_template(
            image,
            argv,
            shape,
            labels,
            network=network,
            cpus=self._cpus,
            constraints=_constraints(os.environ),
            api=self._manager.api,
        )
        try:
            return Place(name, self._manager.create_service(name, labels, task), network)
        except BackendError:
            self._manager.remove_all(None, network)
            raise

    def _await(self, service: str, shape: Shape) -> tuple[Task, Node, Engine]:
        try:
            task = self._manager.await_running(service)
        except MissingImageError as error:
            image = self.image(shape.runtime)
            message = (
                f"A node of the Swarm has not the image {image} ({error}). Push it to a registry "
                "that the nodes read, pull it from there on the manager, and name it in "
                "sandbox.images; or load it on every node."
            )
            raise MissingImageError(message) from error
        node = self._manager.node(task.node)
        if self._manager.api < NEWER and filter_for(node.architecture) is None:
            message = (
                f"The Swarm's node {node.hostname} ({node.id}) is a machine of the kind "
                f"{node.architecture or 'unknown'}, which there is no filter for; that takes "
                "Docker 27 on the manager, or a constraint that leaves the node out."
            )
            raise BackendError(message)
        return task, node, self._engine_of(node)

    def _engine_of(self, node: Node) -> Engine:
        """The engine of a node, connected. Raises `BackendError`."""
        address = engine_address(node, os.environ)
        if address is None:
            return self._manager
        with self._lock:
            engine = self._engines.get(address)
            if engine is None:
                called = f"engine of the Swarm's node {node.hostname} ({address})"
                engine = self._engines[address] = Engine(address, called=called)
            return engine

    def _pinned(self, runtime: str) -> str:
        image = self.image(runtime)
        try:
            return self._manager.pinned(image)
        except MissingImageError as error:
            message = (
                f"The Swarm's manager has no image {image}; build it there with `fixwright "
                f"sandbox build {runtime}`, or name another in sandbox.images.{runtime}."
            )
            raise MissingImageError(message) from error

    def _describe(self, shape: Shape, node: Node) -> dict[str, object]:
        return inside.describe(
            limit_data=False,
            limit_processes=False,
            limit_files=False,
            refusals_counted=True,
            calls=filter_for(node.architecture),
            cache=shape.cache > 0,
        )


def engine_address(node: Node, environment: Mapping[str, str]) -> str | None:
    """Where a node's engine is reached; None is the manager's own connection.

    By the node's label `fixwright.engine`, else by the variable `FIXWRIGHT_SWARM_ENGINE`. Raises
    `BackendError` where neither is set and the node is not the manager.
    """
    if node.engine:
        return node.engine
    template = environment.get(TEMPLATE_VARIABLE)
    if template:
        return template.replace("{addr}", node.addr).replace("{hostname}", node.hostname)
    if node.manager:
        return None
    message = (
        f"The Swarm put the environment on the node {node.hostname} ({node.id}), and nothing tells "
        "where its engine is reached: `docker node update --label-add "
        f"{ENGINE_LABEL}=ssh://USER@{node.addr} {node.id}` does, or {TEMPLATE_VARIABLE}="
        "'ssh://{addr}' for all nodes."
    )
    raise BackendError(message)


def _clear_node(engine: Engine, place: Place) -> None:
    """Remove what an environment has on a node; the node's agent leaves volumes at times."""
    label = f"{PLACE_LABEL}={place.name}"
    for each in engine.labelled(label):
        engine.remove(each.id)
    for each in engine.labelled_volumes(label):
        engine.remove_volume(each.id)


def _is_left(thing: Container) -> bool:
    owner = Owner.parse(thing.labels.get(OWNER_LABEL, ""))
    return owner is not None and owner.is_dead()


def _constraints(environment: Mapping[str, str]) -> list[str]:
    told = environment.get(CONSTRAINTS_VARIABLE, "")
    return [each.strip() for each in told.split(",") if each.strip()]


class SwarmChannel:
    """A service's container, attached to on its node."""

    def __init__(
        self,
        manager: Manager,
        engine: Engine,
        place: Place,
        task: Task,
        streams: Streams,
    ) -> None:
        self.service = place.service
        self._place = place
        self._manager = manager
        self._engine = engine
        self._task = task
        self._streams = streams
        self._container = ContainerChannel(engine, task.container, streams)

    @property
    def identity(self) -> str:
        """The container."""
        return self._container.identity

    async def usage(self) -> Usage:
        """What the container uses, its tmpfs included. Raises `BackendError`."""
        return await self._container.usage()

    async def read(self) -> bytes:
        """Bytes from the runner; none at the end."""
        return await self._container.read()

    async def write(self, data: bytes) -> None:
        """Send bytes; returns when there is room for more."""
        await self._container.write(data)

    async def kill(self) -> None:
        """Remove the service; returns when its container is gone from its node.

        Where the node is down, the Swarm removes the container when the node is back.
        """
        await close(self._streams)
        try:
            await asyncio.to_thread(self._remove)
        except BackendError as error:
            _log.warning("A service or its container may be left: %s", error)

    def _remove(self) -> None:
        self._manager.remove_service(self._place.service)
        try:
            self._engine.remove(self._task.container)
            _clear_node(self._engine, self._place)
        finally:
            self._manager.remove_all(None, self._place.network)

    async def why_ended(self) -> BackendError:
        """Tell a node that is down and an engine that is gone from a task that ended."""
        try:
            told = await asyncio.to_thread(self._manager.why_ended, self.service)
            if told is None or not isinstance(told, EngineGoneError):
                await asyncio.to_thread(self._engine.ping)
        except BackendError as error:
            told = error
        if isinstance(told, EngineGoneError):
            return EngineGoneError(f"{told} The run was lost; run it again.")
        if told is None:
            return await self._container.why_ended()
        return BackendError(f"{told} Run it again.")
