"""A Docker Swarm of a test's own: two daemons, each in a network namespace, joined by a cable.

The manager takes no tasks, so that everything runs on a node that is reached another way.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixwright_sandbox.backends.labels import LABEL
from fixwright_sandbox.backends.swarm import ENGINE_LABEL
from support.engines import Dockerd, copy_image, required, run

_ADDRESSES = ("10.213.7.1", "10.213.7.2")


class Member(Dockerd):
    """A daemon with a network of its own; what it does to its network nobody else sees."""

    def __init__(self, folder: Path, namespace: str) -> None:
        # Not `ip netns exec`: it would mount another /sys, without the control groups.
        super().__init__(folder, within=("nsenter", f"--net=/run/netns/{namespace}"))


@dataclass
class OwnSwarm:
    """A Swarm: who manages it, and who runs its tasks."""

    manager: Dockerd
    worker: Dockerd
    node: str
    """The worker's id in the Swarm."""

    def services(self) -> list[str]:
        """Those of ours."""
        return self.manager.docker("service", "ls", "-q", "--filter", f"label={LABEL}").split()

    def networks(self) -> list[str]:
        """Those of ours."""
        return self.manager.docker("network", "ls", "-q", "--filter", f"label={LABEL}").split()

    def containers(self) -> list[str]:
        """Those of ours, on the node."""
        told = self.worker.docker("ps", "-aq", "--no-trunc", "--filter", f"label={LABEL}")
        return told.split()

    def volumes(self) -> list[str]:
        """Those of ours, on the node."""
        return self.worker.docker("volume", "ls", "-q", "--filter", f"label={LABEL}").split()

    def inspect(self, container: str) -> dict[str, object]:
        """A container on the node."""
        told: list[dict[str, object]] = json.loads(self.worker.docker("inspect", container))
        return told[0]

    def everything(self) -> list[str]:
        """What is left of ours anywhere."""
        return [*self.services(), *self.networks(), *self.containers(), *self.volumes()]


@contextmanager
def own_swarm() -> Generator[OwnSwarm]:
    """A Swarm of two nodes with Python's image; skips where the machine can't have one."""
    required("dockerd", "docker", "ip", "nsenter")
    tag = f"fw{os.getpid()}"
    folder = Path(tempfile.mkdtemp(prefix="fw-swarm-"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        names = [stack.enter_context(_namespace(f"{tag}{end}")) for end in "ab"]
        _join(names)
        manager, worker = (
            stack.enter_context(_running(Member(folder / name, name))) for name in names
        )
        own = ("--advertise-addr", _ADDRESSES[0], "--listen-addr", f"{_ADDRESSES[0]}:2377")
        manager.docker("swarm", "init", *own, "--dispatcher-heartbeat=1s")
        token = manager.docker("swarm", "join-token", "-q", "worker").strip()
        there = ("--advertise-addr", _ADDRESSES[1], f"{_ADDRESSES[0]}:2377")
        worker.docker("swarm", "join", "--token", token, *there)
        manager.docker("node", "update", "--availability=drain", _node(manager))
        node = _node(worker)
        manager.docker("node", "update", f"--label-add={ENGINE_LABEL}={worker.host}", node)
        yield OwnSwarm(manager, worker, node)


def _node(member: Dockerd) -> str:
    return member.docker("info", "-f", "{{.Swarm.NodeID}}").strip()


@contextmanager
def _namespace(name: str) -> Generator[str]:
    done = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"no network namespaces here: {done.stderr.decode()}")
    try:
        run("ip", "-n", name, "link", "set", "lo", "up")
        yield name
    finally:
        run("ip", "netns", "delete", name)


def _join(names: list[str]) -> None:
    first, second = names
    cable = ("type", "veth", "peer", "name", "cable", "netns", second)
    run("ip", "-n", first, "link", "add", "cable", *cable)
    for name, address in zip(names, _ADDRESSES, strict=True):
        run("ip", "-n", name, "address", "add", f"{address}/24", "dev", "cable")
        run("ip", "-n", name, "link", "set", "cable", "up")


@contextmanager
def _running(member: Member) -> Generator[Dockerd]:
    member.folder.mkdir()
    try:
        member.start()
        copy_image(member.host)
        yield member
    finally:
        member.discard()
