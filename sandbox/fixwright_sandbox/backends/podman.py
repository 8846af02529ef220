"""Isolation by containers of Podman, through the part of Docker's API that it has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from . import inside
from .base import EngineGoneError, Shape
from .docker import Docker, cache_options
from .engine import Engine

_ROOTS = Path("/run/podman/podman.sock")
_ITS_OWN = ("/run", "/var/tmp")  # noqa: S108 (the container's)
"""Where Podman would put a tmpfs that can be written, in a root that is read-only."""
_PROCESSES = 16_384
"""Of all containers' user together; each container has its own, smaller limit beside it."""
_CALLED = "Podman service"


class Podman(Docker):
    """As `Docker`, where Podman differs: in how its tmpfs are mounted, and where it listens.

    Its tmpfs can't be given an owner or a number of files. Anybody in the container may write to
    them, who is the sandbox's user alone, and the runner counts the files. Some of its runtimes
    give a tmpfs the mode of the image's folder below it, so they are mounted below where an image
    has none.
    """

    name = "podman"
    called: ClassVar[str] = "Podman"

    @classmethod
    def connect(cls, host: str | None) -> Engine:
        """Find the service and connect."""
        found = host or find_service(os.environ)
        if found is None:
            message = (
                "No Podman service answers: there is no socket of one (start it with `systemctl "
                "--user start podman.socket` or `podman system service`, or set CONTAINER_HOST)."
            )
            raise EngineGoneError(message)
        return Engine(found, called=_CALLED)

    def _describe(self, shape: Shape) -> dict[str, object]:
        tree, cache = _below(inside.WORKSPACE), _below(inside.CACHE)
        bounded = [tree, inside.TMP, *([cache] if shape.cache else [])]
        told = inside.describe(
            limit_data=False,
            limit_processes=False,
            limit_files=True,
            refusals_counted=True,
            calls=self._calls,
            cache=shape.cache > 0,
        )
        return {**told, "root": tree, "bounded": bounded, "cache": cache if shape.cache else None}

    def _places(self, shape: Shape) -> dict[str, str]:
        tmpfs = "rw,exec,nosuid,nodev,notmpcopyup,mode=1777"
        small = "ro,nosuid,nodev,notmpcopyup,size=65536"
        places = {
            **dict.fromkeys(_ITS_OWN, small),
            inside.WORKSPACE: small,
            _below(inside.WORKSPACE): f"{tmpfs},size={shape.tree + shape.disk}",
            inside.TMP: f"{tmpfs},size={shape.disk}",
        }
        if shape.cache:
            places[inside.CACHE] = small
            cache = cache_options(tmpfs, shape)
            places[_below(inside.CACHE)] = f"{cache},size={shape.cache}"
        return places

    def _options(self, shape: Shape) -> dict[str, Any]:
        options = super()._options(shape)
        del options["network_disabled"]  # which Podman does not heed
        host = options["host_config"]
        if not (shape.layer and shape.layer.filling):
            host["network_mode"] = "none"
        # Without this it asks for more than a service with fewer rights than root may give.
        host["ulimits"].append({"Name": "nproc", "Soft": _PROCESSES, "Hard": _PROCESSES})
        return options


def find_service(environment: Mapping[str, str]) -> str | None:
    """The address of Podman's service: told by the environment, the user's own, or root's."""
    told = environment.get("CONTAINER_HOST")
    if told:
        return told
    own = environment.get("XDG_RUNTIME_DIR")
    sockets = ([Path(own, "podman", "podman.sock")] if own else []) + [_ROOTS]
    return next((f"unix://{each}" for each in sockets if _usable(each)), None)


def _usable(socket: Path) -> bool:
    try:
        return socket.is_socket()
    except OSError:  # in a folder that is not ours
        return False


def _below(place: str) -> str:
    return f"{place}/tree"
