"""How a sandbox is set up."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from .backends.base import Layer
from .jobs import Job
from .limits import MIB, MOST_FILES, Limits
from .tree import Tree

_LISTED = 2000
"""Changed files that a result has at most, unless it is to have all."""
_PAYLOAD = 64 * MIB
"""As much as one file may have that comes from a guest in one piece."""

BackendName = Literal["docker", "podman", "kubernetes", "swarm", "bubblewrap", "unconfined"]


class SandboxUnavailable(Exception):
    """No backend can be used. The message has a sentence for each that was tried."""


@dataclass(frozen=True)
class Request:
    """One run: what, over which files, within which limits.

    Attributes:
        runtime: the name of one, see `runtimes`.
        job: what to execute.
        tree: every file that the run sees.
        limits: its bounds.
        stdin: what it reads from standard input.
        env: environment variables over the sandbox's minimal own.
        interactive: standard input stays open after `stdin`, for `Execution.write`.
        collect_all: take every file that it changed whole, up to `tree_bytes` together and
            64 MiB each, whatever the sandbox's settings for collection say.
        layer: installed packages that it can use, see `Sandbox.layer`.
    """

    runtime: str
    job: Job
    tree: Tree
    limits: Limits = field(default_factory=Limits)
    stdin: bytes = b""
    env: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    interactive: bool = False
    collect_all: bool = False
    layer: Layer | None = None


@dataclass(frozen=True)
class SandboxSettings:
    """How to open a sandbox.

    Attributes:
        backend: `auto` takes docker where an engine answers and has the image, else podman
            where its service does, else bubblewrap. It never takes `unconfined`, which isolates
            nothing, nor `kubernetes`: the cluster of the user's kubeconfig, nor `swarm`: the
            Docker Swarm whose manager `docker_host` is.
        image: Python's container image.
        images: container images by runtime, over the runtimes' own; Python's is over `image`.
        pool: environments kept ready that belong to no workspace yet.
        docker_host: the engine's address (unix, tcp or ssh); None is the environment's or the
            context's. It is Podman's where `backend` is podman.
        isolation: what holds containers: `default` is what the engine uses by itself, `runsc`
            gVisor and `kata` virtual machines. Where it is missing, no sandbox opens.
        python: the interpreter for bubblewrap and unconfined; None is the running one.
        cpus: processors that a container may use; no more than the engine has. Bubblewrap and
            unconfined have no means to hold a run to a share.
        limits: what an environment that is started ahead of its first run is made for.
        environments: most environments of one workspace and runtime at once; further runs wait.
        idle_seconds: an environment that nobody used for so long is stopped.
        tree_bytes: the largest tree that is sent.
        capture_bytes: output kept of each stream at its head, and again at its tail.
        event_bytes: output that a run's events hold; more is dropped from them.
        collect_file_bytes: the largest changed file whose data is collected.
        collect_bytes: data collected of a run's changed files together.
        install_network: the engine's network for installing packages; runs have none.
        layers: the folder where installed packages are kept or told of; None is the user's.
        layer_bytes: the largest set of packages that is installed.
        trace: make spans with OpenTelemetry (`pip install 'fixwright[otel]'`).
    """

    backend: Literal["auto"] | BackendName = "auto"
    image: str = "fixwright/python:1"
    images: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    pool: int = 1
    docker_host: str | None = None
    isolation: Literal["default", "runsc", "kata"] = "default"
    python: str | None = None
    cpus: float = 2.0
    limits: Limits = field(default_factory=Limits)
    environments: int = 2
    idle_seconds: float = 900.0
    tree_bytes: int = 256 * MIB
    capture_bytes: int = 256 * 1024
    event_bytes: int = 8 * MIB
    collect_file_bytes: int = 1 * MIB
    collect_bytes: int = 8 * MIB
    trace: bool = False
    install_network: str = "bridge"
    layers: Path | None = None
    layer_bytes: int = 8 << 30


def collection(request: Request, settings: SandboxSettings) -> dict[str, object]:
    """What is collected of the files that a run changed, as the guest receives it."""
    if request.collect_all:
        file, everything, listed = _PAYLOAD, settings.tree_bytes, MOST_FILES
    else:
        file, everything, listed = settings.collect_file_bytes, settings.collect_bytes, _LISTED
    return {"collect_file_bytes": file, "collect_bytes": everything, "collect_files": listed}
