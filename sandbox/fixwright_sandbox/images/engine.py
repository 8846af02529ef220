"""The Docker Engine's calls about images, typed and with errors in sentences. Everything blocks."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self, TypeVar, cast

from fixwright_sandbox.backends.base import BackendError
from fixwright_sandbox.backends.endpoint import Endpoint

from .events import ImageError
from .halt import Halt

_TIMEOUT = 60
_STEP_TIMEOUT = 3600
"""Seconds without a word from a step of a build."""
_STEP = re.compile(r"^Step (\d+)/(\d+) : (.*)$", re.DOTALL)
_LAYER = re.compile(r"^ ---> ([0-9a-f]{12,64})$")
_RUNNING = re.compile(r"^ ---> Running in ([0-9a-f]{12,64})$")
_NOISE = (" ---> ", "Removing intermediate container ", "Successfully ")
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
T = TypeVar("T")

Told = Callable[[str, int, int], None]
"""Called with what a build says: a step's text with its number and their count, or a line with
0 and 0."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an engine knows of an image.

    Attributes:
        id: its digest.
        tags: its names.
        size: bytes of all its layers.
        labels: its labels.
        environment: variables of its processes.
        user: who its processes are by default.
        volumes: paths that a container of it gets a volume at.
    """

    id: str
    tags: tuple[str, ...]
    size: int
    labels: Mapping[str, str]
    environment: tuple[str, ...]
    user: str
    volumes: tuple[str, ...]


class ImageEngine:
    """One engine. Every method raises `ImageError` where the engine fails or is gone."""

    def __init__(self, host: str | None = None) -> None:
        # Imported here: it takes 0.2 s, for which only those who use it should wait.
        import docker
        import docker.errors
        import requests

        self._failures = (docker.errors.DockerException, requests.RequestException, OSError)
        self._missing = docker.errors.NotFound
        self._refused = docker.errors.APIError

        def connect() -> Any:
            return docker.DockerClient(**self._endpoint.client_options(), timeout=_TIMEOUT)

        try:
            self._endpoint = Endpoint.find(host)
            self._client = self._call("No Docker Engine answers", connect)
        except BackendError as error:
            raise ImageError(str(error)) from error
        self._api = self._client.api
        self._architecture = str(self._call("No Docker Engine answers", self._api.version)["Arch"])

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
        self._endpoint.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def architecture(self) -> str:
        """The processors that its images are for, as Debian calls them: `amd64`, `arm64`."""
        return self._architecture

    def facts(self, image: str) -> Facts | None:
        """What it knows of an image; None where it has none of that name."""

        def look() -> Any:
            with contextlib.suppress(self._missing):
                return self._api.inspect_image(image)
            return None

        found = self._call(f"The Docker Engine can't look at {image}", look)
        if found is None:
            return None
        config = cast("dict[str, Any]", found["Config"] or {})
        labels = cast("dict[str, str]", config.get("Labels") or {})
        return Facts(
            id=str(found["Id"]),
            tags=tuple(map(str, found["RepoTags"] or ())),
            size=int(found["Size"]),
            labels=labels,
            environment=tuple(map(str, config.get("Env") or ())),
            user=str(config.get("User") or ""),
            volumes=tuple(map(str, config.get("Volumes") or ())),
        )

    def pull(self, image: str) -> None:
        """Fetch an image from its registry, where the engine does not have it yet."""
        if self.facts(image) is not None:
            return
        name, at, digest = image.partition("@")
        repository, colon, tag = name.rpartition(":")
        if not colon or "/" in tag:
            repository, tag = name, "latest"
        version = digest if at else tag

        def pull() -> None:
            for line in self._api.pull(repository, tag=version, stream=True, decode=True):
                if "error" in line:
                    raise ImageError(str(line["error"]))

        self._call(f"{image} can't be pulled", pull)

    def build(
        self,
        context: IO[bytes],
        tag: str,
        *,
        halt: Halt,
        told: Told,
        args: Mapping[str, str],
        labels: Mapping[str, str],
        fresh: bool = False,
        dockerfile: str = "Dockerfile",
        target: str | None = None,
        memory: int | None = None,
    ) -> None:
        """Build an image from a context and name it; nothing is left of a build that fails.

        Args:
            context: an archive (tar).
            tag: the image's name.
            halt: ends the build.
            told: hears what the build says.
            args: build arguments.
            labels: labels of the image.
            fresh: repeat the steps that the engine remembers.
            dockerfile: the Dockerfile's path in the context.
            target: the stage to stop at.
            memory: bytes that the container of each step may use.
        """
        before = self.facts(tag)
        stream = self._call(
            f"The Docker Engine can't build {tag}",
            lambda: self._api.build(
                fileobj=context,
                custom_context=True,
                dockerfile=dockerfile,
                tag=tag,
                rm=True,
                forcerm=True,
                nocache=fresh,
                decode=True,
                timeout=_STEP_TIMEOUT,
                # A sandbox has no network; where the engine has a bridge is not certain.
                network_mode="host",
                buildargs=dict(args),
                labels=dict(labels),
                target=target,
                container_limits={"memory": memory} if memory else None,
            ),
        )
        build = _Build(tag, told)
        try:
            with halt.ended_by(lambda: self._end_step(build.container)):
                self._call(f"{tag} can't be built", lambda: build.follow(stream, halt))
        finally:
            stream.close()
            self._clear(build.layers)
            if before is not None:
                self._clear([before.id])

    def import_root(self, archive: Path, tag: str, labels: Mapping[str, str], arch: str) -> None:
        """Make an image of a root file system (tar.gz)."""
        repository, _, version = tag.rpartition(":")
        changes = [f"LABEL {key}={value}" for key, value in labels.items()]

        def bring() -> None:
            with archive.open("rb") as data:
                said = self._api.import_image_from_data(
                    data, repository=repository, tag=version, changes=changes
                )
            if '"error"' in str(said):
                raise ImageError(str(said))

        before = self.facts(tag)
        self._call(f"{archive.name} can't be imported for {arch}", bring)
        if before is not None:
            self._clear([before.id])

    def save(self, tag: str) -> Iterator[bytes]:
        """An image as an archive, in pieces."""
        what = f"{tag} can't be saved"
        pieces = self._call(what, lambda: self._api.get_image(tag, chunk_size=1 << 20))
        while (piece := self._call(what, lambda: next(pieces, None))) is not None:
            yield piece

    def load(self, archive: IO[bytes]) -> None:
        """Take over what `save` gave."""
        self._call("A saved image can't be loaded", lambda: self._drain(archive))

    def _drain(self, archive: IO[bytes]) -> None:
        for line in self._api.load_image(archive):
            if "error" in line:
                raise ImageError(str(line["error"]))

    def name(self, image: str, tag: str) -> None:
        """Give an image another name."""
        repository, _, version = tag.rpartition(":")
        self._call(
            f"{image} can't be named {tag}", lambda: self._api.tag(image, repository, version)
        )

    def remove(self, image: str) -> None:
        """Remove an image, or that name of it. Nothing happens where there is none."""

        def remove() -> None:
            with contextlib.suppress(self._missing):
                self._api.remove_image(image)

        self._call(f"{image} can't be removed", remove)

    def sweep(self, label: str) -> None:
        """Remove the images with that label that have lost their name and that nothing uses."""
        filters = {"dangling": True, "label": label}
        found = self._call("Images can't be listed", lambda: self._api.images(filters=filters))
        self._clear([str(each["Id"]) for each in found])

    def history(self, image: str) -> list[str]:
        """The commands that made an image, newest first."""
        steps = self._call(f"{image} has no history", lambda: self._api.history(image))
        return [str(step["CreatedBy"]) for step in steps]

    @contextlib.contextmanager
    def files(self, image: str) -> Generator[Iterator[bytes]]:
        """All files of an image as an archive (tar), in pieces."""
        what = f"The files of {image} can't be read"
        made = self._call(what, lambda: self._api.create_container(image, command=["true"]))
        container = str(made["Id"])
        try:
            yield self._call(what, lambda: self._api.export(container, chunk_size=1 << 20))
        finally:
            self._call(what, lambda: self._api.remove_container(container, force=True, v=True))

    def try_out(self, image: str, argv: list[str]) -> tuple[int, str]:
        """Run a program of an image, without network; its exit status and what it wrote."""
        what = f"{image} can't be tried out"
        limits = self._api.create_host_config(
            cap_drop=["ALL"],
            security_opt=["no-new-privileges:true"],
            read_only=True,
            tmpfs={"/tmp": "rw,nosuid,nodev,size=64m"},  # noqa: S108 (in the container)
            mem_limit=512 << 20,
            pids_limit=64,
        )
        made = self._call(
            what,
            lambda: self._api.create_container(
                image,
                command=argv,
                entrypoint=[],
                user="10001:10001",
                working_dir="/",
                network_disabled=True,
                host_config=limits,
                healthcheck={"test": ["NONE"]},
            ),
        )
        container = str(made["Id"])
        try:
            # An image without that program fails to start, which is an answer, too.
            with contextlib.suppress(self._refused):
                self._api.start(container)
                ended = self._call(what, lambda: self._api.wait(container, timeout=_TIMEOUT))
                said = self._call(what, lambda: self._api.logs(container))
                return int(ended["StatusCode"]), bytes(said).decode("utf-8", "replace")
            return 127, ""
        finally:
            self._call(what, lambda: self._api.remove_container(container, force=True, v=True))

    def _end_step(self, container: str | None) -> None:
        if container is not None:
            with contextlib.suppress(*self._failures):
                self._api.kill(container)

    def _clear(self, layers: list[str]) -> None:
        """Remove layers that nothing needs; the others are refused, which is as it should be."""
        for layer in reversed(layers):
            with contextlib.suppress(*self._failures):
                if not self._api.inspect_image(layer)["RepoTags"]:
                    self._api.remove_image(layer)

    def _call(self, what: str, call: Callable[[], T]) -> T:
        try:
            return call()
        except self._failures as error:
            reason = str(getattr(error, "explanation", None) or error).strip().rstrip(".")
            message = f"{what}: {reason}."
            raise ImageError(message) from error


class _Build:
    """One build as its engine tells of it."""

    def __init__(self, tag: str, told: Told) -> None:
        self.container: str | None = None
        self.layers: list[str] = []
        self._tag = tag
        self._told = told
        self._step = ""

    def follow(self, stream: Any, halt: Halt) -> None:
        for message in cast("Iterator[dict[str, Any]]", stream):
            halt.check()
            if "error" in message:
                where = f" in the step {self._step}" if self._step else ""
                reason = str(message["error"]).strip()
                text = f"{self._tag} can't be built: it failed{where}: {reason}"
                raise ImageError(text)
            for line in str(message.get("stream", "")).splitlines():
                self._hear(_COLOUR.sub("", line))
        halt.check()

    def _hear(self, line: str) -> None:
        if found := _STEP.match(line):
            self._step = found[3]
            self._told(found[3], int(found[1]), int(found[2]))
        elif found := _LAYER.match(line):
            self.container = None
            self.layers.append(found[1])
        elif found := _RUNNING.match(line):
            self.container = found[1]
        elif line.strip() and not line.startswith(_NOISE):
            self._told(line, 0, 0)
