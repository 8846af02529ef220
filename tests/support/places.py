"""Every backend that the conformance suite runs on, each from nothing to an open sandbox."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from fixwright_sandbox import Sandbox
from support.engines import IMAGE, certificates, dockerd, podman, required, secure_proxy
from support.fake_cluster import fake_cluster, kubeconfig
from support.sandboxes import open_or_skip
from support.swarms import own_swarm

Way = Callable[[], AbstractContextManager[dict[str, Any]]]


@contextmanager
def _plain(**settings: Any) -> Generator[dict[str, Any]]:
    yield settings


@contextmanager
def _podman() -> Generator[dict[str, Any]]:
    with podman() as host:
        yield {"backend": "podman", "docker_host": host}


@contextmanager
def _gvisor() -> Generator[dict[str, Any]]:
    required("runsc")
    with tempfile.TemporaryDirectory() as folder:
        wrapper = Path(folder, "runsc")  # which wants to be told that there is no network
        wrapper.write_text(f'#!/bin/sh\nexec {shutil.which("runsc")} --network=none "$@"\n')
        wrapper.chmod(0o755)
        with dockerd("--add-runtime", f"runsc={wrapper}") as engine:
            try:
                engine.docker("run", "--rm", "--network=none", "--runtime=runsc", IMAGE, "true")
            except AssertionError as error:
                reason = str(error).partition("daemon: ")[2].partition("\n")[0]
                pytest.skip(f"gVisor is installed and starts no container here: {reason}")
            yield {"backend": "docker", "docker_host": engine.host, "isolation": "runsc"}


@contextmanager
def _tls() -> Generator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        certificates(Path(folder))
        with secure_proxy(Path(folder)) as port:
            patch.setenv("DOCKER_TLS_VERIFY", "1")
            patch.setenv("DOCKER_CERT_PATH", folder)
            yield {"backend": "docker", "docker_host": f"tcp://127.0.0.1:{port}"}


@contextmanager
def _kubernetes() -> Generator[dict[str, Any]]:
    required("docker", root=False)
    with (
        fake_cluster() as cluster,
        tempfile.TemporaryDirectory() as folder,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setenv("KUBECONFIG", str(kubeconfig(Path(folder), cluster.port)))
        yield {"backend": "kubernetes"}
        assert cluster.pods == {}


@contextmanager
def _swarm() -> Generator[dict[str, Any]]:
    with own_swarm() as swarm:
        yield {"backend": "swarm", "docker_host": swarm.manager.host}
        assert swarm.everything() == []


PLACES: dict[str, Way] = {
    "docker": lambda: _plain(backend="docker"),
    "bubblewrap": lambda: _plain(backend="bubblewrap"),
    "unconfined": lambda: _plain(backend="unconfined"),
    "docker-tls": _tls,
    "podman": _podman,
    "kubernetes-fake": _kubernetes,
    "docker-gvisor": _gvisor,
    "swarm": _swarm,
}
SLOW = {"podman", "docker-gvisor", "swarm"}
"""Those that start an engine first."""


def places() -> list[Any]:
    """Parameters of a fixture."""
    marks: dict[str, list[pytest.MarkDecorator]] = {"bubblewrap": [pytest.mark.bubblewrap]}
    found: list[Any] = []
    for name in PLACES:
        own = marks.get(name, [] if name == "unconfined" else [pytest.mark.docker])
        slow = [pytest.mark.slow] if name in SLOW else []
        found.append(pytest.param(name, id=name, marks=[*own, *slow]))
    return found


@asynccontextmanager
async def opened(name: str) -> AsyncGenerator[Sandbox, None]:
    """A sandbox there; skips the test where the machine can't have it."""
    way = PLACES[name]()
    settings = await asyncio.to_thread(way.__enter__)
    try:
        async with await open_or_skip(settings.pop("backend"), **settings) as sandbox:
            yield sandbox
    finally:
        await asyncio.to_thread(way.__exit__, None, None, None)
