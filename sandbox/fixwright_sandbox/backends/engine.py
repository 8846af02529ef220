"""The control calls of an engine, Docker's or one with its API: typed, errors in sentences.

Everything blocks but `Engine.attach`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from .attach import Streams, attach
from .base import BackendError, EngineGoneError, MissingImageError, Usage, Users
from .endpoint import Endpoint
from .labels import PYTHON_LABEL

_TIMEOUT = 30
_REMOVAL_SECONDS = 15.0
_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}
"""As Podman names them, by `uname -m`."""
T = TypeVar("T")


@dataclass(frozen=True)
class Container:
    """A container of ours, as a listing tells; or a volume, or a network."""

    id: str
    labels: Mapping[str, str]
    stopped: bool = False
    image: str | None = None


@dataclass(frozen=True)
class Machine:
    """Where an engine runs, and what it offers.

    Attributes:
        cpus: how many processors.
        architecture: of which kind, as `uname -m` has it.
        runtimes: the OCI runtimes that containers can be given, by name.
        users: who a container's are outside.
    """

    cpus: float
    architecture: str
    runtimes: tuple[str, ...] = ()
    users: Users = "host"


class Engine:
    """One engine. Every method raises `BackendError` where the engine fails or is gone."""

    def __init__(self, host: str | None, *, called: str = "Docker Engine") -> None:
        """Connect.

        Args:
            host: its address; None is the environment's.
            called: what messages call it.
        """
        # Imported here: it takes 0.2 s, for which only those who use it should wait.
        import docker
        import docker.errors
        import requests

        self._failures = (docker.errors.DockerException, requests.RequestException, OSError)
        self._not_found = docker.errors.NotFound
        self._conflict = self._answer = docker.errors.APIError
        self.host = host
        self.called = called
        self.endpoint = Endpoint.find(host)

        def connect() -> Any:
            return docker.DockerClient(**self.endpoint.client_options(), timeout=_TIMEOUT)

        try:
            self._client = self._call(f"No {called} answers", connect)
        except BackendError:
            self.endpoint.close()
            raise
        self._api = self._client.api

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self.endpoint.close()

    @property
    def elsewhere(self) -> bool:
        """Whether the engine may be another machine's; known without asking it."""
        return self.endpoint.elsewhere

    def ping(self) -> None:
        """Ask whether the engine is there."""
        self._ask("does not answer", self._client.ping)

    def machine(self) -> Machine:
        """What the engine runs on."""
        info = self._ask("does not answer", self._client.info)
        kind = str(info.get("Architecture", ""))
        options = " ".join(info.get("SecurityOptions") or ())
        rootless, remapped = "name=rootless" in options, "name=userns" in options
        return Machine(
            float(info.get("NCPU", 1)),
            _ARCHITECTURES.get(kind, kind),
            tuple(sorted(info.get("Runtimes") or ())),
            "rootless" if rootless else "remapped" if remapped else "host",
        )

    def has_image(self, image: str) -> bool:
        """Whether the image is there; nothing is pulled."""

        def look() -> bool:
            try:
                self._api.inspect_image(image)
            except self._not_found:
                return False
            return True

        return self._ask(f"can't look at {image}", look)

    def image_id(self, image: str) -> str:
        """The digest of what an image is now. Raises `MissingImageError`."""

        def look() -> str:
            try:
                return str(self._api.inspect_image(image)["Id"])
            except self._not_found as error:
                message = f"The {self.called} has no image {image}."
                raise MissingImageError(message) from error

        return self._ask(f"can't look at {image}", look)

    def interpreter(self, image: str) -> str:
        """The Python that starts a runner in an image, by its label `fixwright.python`.

        Raises `MissingImageError`.
        """

        def look() -> str:
            try:
                found: Any = self._api.inspect_image(image)
            except self._not_found as error:
                message = f"The {self.called} has no image {image}."
                raise MissingImageError(message) from error
            labels: Any = found["Config"]["Labels"]
            return str(labels.get(PYTHON_LABEL, "python3")) if labels else "python3"

        return self._ask(f"can't look at {image}", look)

    def create_volume(self, name: str, labels: Mapping[str, str]) -> None:
        """Create a volume."""
        self._ask(
            "can't create a volume", lambda: self._api.create_volume(name, labels=dict(labels))
        )

    def create(self, image: str, argv: list[str], options: dict[str, Any]) -> str:
        """Create a container that reads from its first client only; returns its id.

        Raises `MissingImageError` where there is no such image.
        """
        host_config = options.pop("host_config")

        def create() -> str:
            try:
                created = self._api.create_container(
                    image,
                    command=argv,
                    entrypoint=[],
                    # Not detached with an open stdin makes it end with its one client.
                    detach=False,
                    stdin_open=True,
                    healthcheck={"test": ["NONE"]},  # the image's own would start processes
                    host_config=self._api.create_host_config(**host_config),
                    **options,
                )
            except self._not_found as error:
                message = f"The {self.called} has no image {image}."
                raise MissingImageError(message) from error
            return str(created["Id"])

        return self._ask("can't create a container", create)

    async def attach(self, container: str) -> Streams:
        """The container's streams, before it starts."""
        return await attach(self.endpoint, str(self._api.api_version), container)

    def start(self, container: str) -> None:
        """Start a created container."""
        self._ask("can't start a container", lambda: self._api.start(container))

    def remove(self, container: str) -> None:
        """Kill and remove a container; returns when it is gone."""

        def remove() -> None:
            end = time.monotonic() + _REMOVAL_SECONDS
            while time.monotonic() < end:
                try:
                    with contextlib.suppress(self._conflict):  # it is being removed already
                        self._api.remove_container(container, force=True, v=True)
                    self._api.inspect_container(container)
                except self._not_found:
                    return
                time.sleep(0.02)  # in a thread; waiting for a removal is no call of the engine's

        self._ask("can't remove a container", remove)

    def labelled(self, label: str) -> list[Container]:
        """Every container with the label, running or not."""

        def containers() -> list[Container]:
            listed = self._api.containers(all=True, filters={"label": label})
            return [
                Container(
                    str(each["Id"]),
                    dict(each["Labels"]),
                    each["State"] not in {"running", "paused", "restarting"},
                    str(each["Image"]),
                )
                for each in listed
            ]

        return self._ask("can't list containers", containers)

    def labelled_volumes(self, label: str) -> list[Container]:
        """Every volume with the label."""

        def volumes() -> list[Container]:
            told = self._api.volumes(filters={"label": label})
            listed: list[dict[str, Any]] = told["Volumes"] or []
            return [Container(str(each["Name"]), each["Labels"] or {}) for each in listed]

        return self._ask("can't list volumes", volumes)

    def labelled_networks(self, label: str) -> list[Container]:
        """Every network with the label."""

        def networks() -> list[Container]:
            listed = self._api.networks(filters={"label": label})
            return [Container(str(each["Id"]), dict(each["Labels"] or {})) for each in listed]

        return self._ask("can't list networks", networks)

    def remove_volume(self, name: str) -> None:
        """Remove a volume, if it is there."""

        def remove() -> None:
            with contextlib.suppress(self._not_found):
                self._api.remove_volume(name, force=True)

        self._ask("can't remove a volume", remove)

    def remove_network(self, name: str) -> None:
        """Remove a network, if it is there."""

        def remove() -> None:
            with contextlib.suppress(self._not_found):
                self._api.remove_network(name)

        self._ask("can't remove a network", remove)

    def rename(self, container: str, name: str) -> None:
        """Give a container another name."""
        self._ask("can't name a container", lambda: self._api.rename(container, name))

    def usage(self, container: str) -> Usage:
        """What a container uses now."""

        def look() -> Usage:
            told = self._api.stats(container, stream=False, one_shot=True)
            memory = told.get("memory_stats", {}).get("usage", 0)
            cpu = told.get("cpu_stats", {}).get("cpu_usage", {}).get("total_usage", 0)
            return Usage(int(memory), int(cpu) / 1_000_000_000)

        return self._ask("can't measure a container", look)

    def _ask(self, what: str, call: Callable[[], T]) -> T:
        self.endpoint.local()  # where that is a tunnel that broke, a new one is made
        return self._call(f"The {self.called} {what}", call)

    def _call(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except self._failures as error:
            message = f"{what}: {_reason(error)}"
            kind = BackendError if isinstance(error, self._answer) else EngineGoneError
            raise kind(message) from error


def _reason(error: Exception) -> str:
    """The last words of an error: docker-py and requests nest theirs."""
    explanation = getattr(error, "explanation", None) or _of_the_system(error)
    text = str(explanation or error).strip().rstrip(".")
    return (text if len(text) < 300 else text[:300] + "…") + "."  # noqa: PLR2004 (a line or two)


def _of_the_system(error: BaseException | None) -> str | None:
    """What the operating system said, at the bottom of it all: "Permission denied"."""
    said: str | None = None
    while error is not None:
        said = (error.strerror if isinstance(error, OSError) else None) or said
        error = error.__cause__ or error.__context__
    return said
