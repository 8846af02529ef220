"""The control calls of a Swarm's manager: its nodes, services and tasks, typed."""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Any

from .base import BackendError, EngineGoneError, MissingImageError
from .engine import Container, Engine

ENGINE_LABEL = "fixwright.engine"
"""Of a node: its engine's address."""
_PENDING_SECONDS = 15.0
"""How long no node may fit before that is told."""
_START_SECONDS = 300.0
"""How long a task may take to start, getting its image included."""
_LOOK_SECONDS = 0.05
_REMOVAL_SECONDS = 15.0
_ENDED = {"complete", "failed", "rejected", "shutdown", "orphaned", "remove"}
_NO_IMAGE = "no such image"


@dataclass(frozen=True, slots=True)
class Node:
    """A machine of the Swarm.

    Attributes:
        id: the Swarm's name for it.
        hostname: its own.
        addr: where the manager sees it.
        state: `ready`, `down` or what else the Swarm says.
        architecture: as `uname -m` has it.
        cpus: how many processors.
        engine: its engine's address by its label; None where it has none.
        manager: it is the manager that was asked.
    """

    id: str
    hostname: str
    addr: str
    state: str
    architecture: str
    cpus: float
    engine: str | None
    manager: bool


@dataclass(frozen=True, slots=True)
class Task:
    """A service's task that runs: where, and as which container."""

    id: str
    node: str
    container: str


class Manager(Engine):
    """A manager's engine. Every method raises `BackendError`."""

    def __init__(self, host: str | None) -> None:
        super().__init__(host, called="Swarm's manager")
        try:
            self.node_id = self._own_node()
        except BackendError:
            self.close()
            raise

    def _own_node(self) -> str:
        info: dict[str, Any] = self._ask("does not answer", self._client.info)
        swarm: dict[str, Any] = info.get("Swarm") or {}
        if not swarm.get("ControlAvailable"):
            message = (
                f"The engine at {self.endpoint.url} is no manager of a Swarm (it is "
                f"{swarm.get('LocalNodeState') or 'inactive'} there); name a manager in "
                "DOCKER_HOST, or run `docker swarm init`."
            )
            raise BackendError(message)
        return str(swarm["NodeID"])

    @property
    def api(self) -> tuple[int, ...]:
        """The version of the API that it is spoken to by."""
        return tuple(int(part) for part in str(self._api.api_version).split("."))

    def pinned(self, image: str) -> str:
        """An image by what it is now, so that no node takes another one of that name.

        By its digest in its registry, where nodes can get it, or by its id, where they have to
        have it. Raises `MissingImageError`.
        """

        def look() -> str:
            try:
                told: Any = self._api.inspect_image(image)
            except self._not_found as error:
                message = f"The {self.called} has no image {image}."
                raise MissingImageError(message) from error
            name = image.partition("@")[0]
            name = name if "/" in name.rpartition(":")[2] else name.rpartition(":")[0] or name
            digests: list[str] = told.get("RepoDigests") or []
            known = (each for each in digests if each.partition("@")[0] == name)
            return next(known, str(told["Id"]))

        return self._ask(f"can't look at {image}", look)

    def nodes(self) -> list[Node]:
        """Every node."""
        return self._ask(
            "can't list nodes", lambda: [self._node(each) for each in self._api.nodes()]
        )

    def node(self, identity: str) -> Node:
        """One node."""
        return self._ask(
            f"knows no node {identity}", lambda: self._node(self._api.inspect_node(identity))
        )

    def _node(self, told: dict[str, Any]) -> Node:
        description: dict[str, Any] = told["Description"]
        resources: dict[str, Any] = description.get("Resources") or {}
        platform: dict[str, Any] = description.get("Platform") or {}
        labels: dict[str, str] = told["Spec"].get("Labels") or {}
        status: dict[str, Any] = told["Status"]
        return Node(
            id=str(told["ID"]),
            hostname=str(description.get("Hostname", "")),
            addr=str(status.get("Addr", "")),
            state=str(status.get("State", "unknown")),
            architecture=str(platform.get("Architecture", "")),
            cpus=int(resources.get("NanoCPUs", 0)) / 1_000_000_000,
            engine=labels.get(ENGINE_LABEL),
            manager=str(told["ID"]) == self.node_id,
        )

    def create_network(self, name: str, labels: dict[str, str]) -> str:
        """Create a network that leads nowhere, for one service; returns its id.

        A service can't be without one: the Swarm has no `none`, and a service that names no
        network gets the node's own.
        """

        def create() -> str:
            made = self._api.create_network(
                name, driver="overlay", scope="swarm", internal=True, labels=labels
            )
            return str(made["Id"])

        return self._ask("can't create a network", create)

    def create_service(self, name: str, labels: dict[str, str], task: dict[str, object]) -> str:
        """Create a service with one task; returns its id."""
        mode = {"Replicated": {"Replicas": 1}}
        endpoint = {"Mode": "dnsrr"}  # no address of the service's beside the container's

        def create() -> str:
            made = self._api.create_service(
                task, name=name, labels=labels, mode=mode, endpoint_spec=endpoint
            )
            return str(made["ID"])

        return self._ask("can't create a service", create)

    def services(self, label: str) -> list[Container]:
        """Every service with the label."""

        def look() -> list[Container]:
            listed: list[Any] = self._api.services(filters={"label": label})
            return [
                Container(str(each["ID"]), dict(each["Spec"].get("Labels") or {}))
                for each in listed
            ]

        return self._ask("can't list services", look)

    def remove_service(self, service: str) -> None:
        """Remove a service, if it is there; its container goes after it."""

        def remove() -> None:
            with contextlib.suppress(self._not_found):
                self._api.remove_service(service)

        self._ask("can't remove a service", remove)

    def remove_all(self, service: str | None, network: str) -> None:
        """Remove a service and its network, which the Swarm may hold until the task is gone."""
        if service is not None:
            self.remove_service(service)
        end = time.monotonic() + _REMOVAL_SECONDS
        while True:
            try:
                self.remove_network(network)
            except EngineGoneError:
                raise
            except BackendError:
                if time.monotonic() > end:
                    raise
                time.sleep(_LOOK_SECONDS)
            else:
                return

    def await_running(self, service: str) -> Task:
        """Wait until a service's task runs.

        Raises `MissingImageError` where its node has not the image, `EngineGoneError` where the
        node goes down meanwhile, and `BackendError` with the Swarm's words where no node fits.
        """
        begin = time.monotonic()
        while True:
            waited = time.monotonic() - begin
            told = self._task(service)
            status: Any = {} if told is None else told["Status"]
            state, said = str(status.get("State", "new")), _said(status)
            if told is not None and state == "running":
                container = str(status["ContainerStatus"]["ContainerID"])
                return Task(str(told["ID"]), str(told["NodeID"]), container)
            if told is not None and state in _ENDED:
                raise self._ended(told, state, said)
            if state in {"new", "pending"} and waited > _PENDING_SECONDS:
                message = (
                    f"No node of the Swarm takes the environment within {_PENDING_SECONDS:.0f} s: "
                    f"{said}. `docker node ls` tells of its nodes."
                )
                raise BackendError(message)
            if told is not None and told.get("NodeID"):
                self._require_up(str(told["NodeID"]))
            if waited > _START_SECONDS:
                message = f"The Swarm's task does not start in time (it is {state}: {said})."
                raise BackendError(message)
            time.sleep(_LOOK_SECONDS)  # the API has no event for a task

    def why_ended(self, service: str) -> BackendError | None:
        """What the Swarm says of a task that ended; None where it says that it runs."""
        told = self._task(service)
        if told is None:
            return BackendError("Its service was removed.")
        status: Any = told["Status"]
        try:
            self._require_up(str(told.get("NodeID", "")))
        except BackendError as error:
            return error
        if status["State"] not in _ENDED:
            return None
        return self._ended(told, str(status["State"]), _said(status))

    def _task(self, service: str) -> Any:
        def look() -> Any:
            tasks: list[Any] = self._api.tasks(filters={"service": service})
            return max(tasks, key=lambda each: each["CreatedAt"], default=None)

        return self._ask("can't list tasks", look)

    def _require_up(self, identity: str) -> None:
        node = self.node(identity)
        if node.state == "down":
            raise node_down(node)

    def _ended(self, told: Any, state: str, said: str) -> BackendError:
        identity = str(told.get("NodeID") or "")
        where = f" on the node {self.node(identity).hostname} ({identity})" if identity else ""
        if _NO_IMAGE in said.lower():
            return MissingImageError(f"{said}{where}")
        return BackendError(f"The Swarm's task is {state}{where}: {said}.")


def node_down(node: Node) -> EngineGoneError:
    """What to say of a node that does not answer the Swarm."""
    message = f"The Swarm's node {node.hostname} ({node.id}, {node.addr}) is down."
    return EngineGoneError(message)


def _said(status: Any) -> str:
    return str(status.get("Err") or status.get("Message") or "it says nothing").rstrip(".")
