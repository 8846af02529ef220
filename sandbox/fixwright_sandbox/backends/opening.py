"""The backends by name, and how each is opened."""

from __future__ import annotations

from fixwright_sandbox.settings import SandboxSettings

from .base import Backend, BackendError
from .bubblewrap import Bubblewrap
from .docker import Docker
from .kubernetes import Kubernetes
from .podman import Podman
from .swarm import Swarm
from .unconfined import Unconfined

AUTOMATIC = ("docker", "podman", "bubblewrap")
"""What is tried in turn where nothing is asked for; never what isolates nothing."""


async def open_backend(name: str, settings: SandboxSettings) -> Backend:
    """Open one. Raises `BackendError` with what is missing."""
    images = {"python": settings.image, **settings.images}
    isolation = settings.isolation
    if name == "docker":
        return await Docker.open(settings.docker_host, images, settings.cpus, isolation=isolation)
    if name == "podman":
        host = settings.docker_host if settings.backend == "podman" else None
        return await Podman.open(host, images, settings.cpus, isolation=isolation)
    if isolation != "default":
        message = f"{name} has no isolation {isolation}: that takes Docker or Podman."
        raise BackendError(message)
    if name == "kubernetes":
        return await Kubernetes.open(images, settings.cpus)
    if name == "swarm":
        return await Swarm.open(settings.docker_host, images, settings.cpus)
    if name == "bubblewrap":
        return await Bubblewrap.open(settings.python)
    if name == "unconfined":
        return await Unconfined.open(settings.python)
    message = f"There is no sandbox backend named {name!r}."
    raise BackendError(message)
