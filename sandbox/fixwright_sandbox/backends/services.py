"""What a Swarm is told of an environment: a service that has one task and nothing to gain."""

from __future__ import annotations

import time
from collections.abc import Sequence

from fixwright_sandbox.limits import MOST_FILES

from . import inside
from .base import Shape
from .isolation import OPEN_FILES
from .labels import LABEL, OWNER_LABEL, STARTED_LABEL

_RUNNER_BYTES = 64 << 20
_BILLION = 1_000_000_000
NEWER = (1, 46)
"""The API since which a service can be without new privileges."""


PLACE_LABEL = f"{LABEL}.place"


def service_labels(name: str, owner: str) -> dict[str, str]:
    """Of the service and of its container, volumes and network."""
    return {
        LABEL: "1",
        PLACE_LABEL: name,
        OWNER_LABEL: owner,
        STARTED_LABEL: f"{time.time():.3f}",
        f"{LABEL}.kind": "runner",
    }


def task_template(
    image: str,
    argv: Sequence[str],
    shape: Shape,
    labels: dict[str, str],
    *,
    network: str,
    cpus: float,
    constraints: Sequence[str],
    api: tuple[int, ...],
) -> dict[str, object]:
    """The task: what it runs, what holds it, and where it may be put.

    Args:
        image: pinned, see `Manager.pinned`.
        argv: the interpreter and its arguments.
        shape: what the environment is made for.
        labels: the container's and the volumes'.
        network: the id of its own one, see `Manager.create_network`.
        cpus: processors that it may use.
        constraints: as `docker service create --constraint` has them.
        api: the version of the manager's API.
    """
    # The files of a tmpfs count as memory; the runner watches what the processes use.
    files = shape.tree + 2 * shape.disk + shape.cache + inside.SHM_BYTES
    container: dict[str, object] = {
        "Image": image,
        "Command": list(argv),
        "Labels": labels,
        "Hostname": "sandbox",
        "Dir": "/",
        "User": f"{inside.UID}:{inside.UID}",
        "OpenStdin": True,
        "ReadOnly": True,
        "Init": False,
        "StopGracePeriod": 0,
        "CapabilityDrop": ["ALL"],
        # Whom its network's resolver asks for what it does not know: nobody.
        "DNSConfig": {"Nameservers": ["127.0.0.1"], "Options": ["attempts:1", "timeout:1"]},
        "Healthcheck": {"Test": ["NONE"]},
        "Mounts": _mounts(shape, labels),
        "Ulimits": [{"Name": "nofile", "Soft": OPEN_FILES, "Hard": OPEN_FILES}],
    }
    if api >= NEWER:
        container["Privileges"] = {"NoNewPrivileges": True}
    return {
        "ContainerSpec": container,
        "Resources": {
            "Limits": {
                "MemoryBytes": shape.memory + files + _RUNNER_BYTES,
                "NanoCPUs": int(cpus * _BILLION),
                "Pids": shape.processes + 2,
            },
            "Reservations": {"MemoryBytes": _RUNNER_BYTES, "NanoCPUs": _BILLION // 20},
        },
        "RestartPolicy": {"Condition": "none", "MaxAttempts": 0},
        "Placement": {"Constraints": list(constraints)},
        "Networks": [{"Target": network}],
        # The node would otherwise write every byte of the stream to disk, too.
        "LogDriver": {"Name": "none"},
    }


def _mounts(shape: Shape, labels: dict[str, str]) -> list[dict[str, object]]:
    """What can be written: volumes of the task's own, each a tmpfs that ends with it.

    A mount of the type `tmpfs` could be given no owner, no number of files, and nothing in it
    could be executed.
    """
    places = {
        inside.WORKSPACE: ("0700", shape.tree + shape.disk),
        inside.TMP: ("1777", shape.disk),
    }
    if shape.cache:
        places[inside.CACHE] = ("0700", shape.cache)
    return [_mount(path, mode, size, labels) for path, (mode, size) in places.items()]


def _mount(path: str, mode: str, size: int, labels: dict[str, str]) -> dict[str, object]:
    owner = f"uid={inside.UID},gid={inside.UID},nr_inodes={MOST_FILES}"
    options = f"nosuid,nodev,{owner},mode={mode},size={size}"
    driver = {"Name": "local", "Options": {"type": "tmpfs", "device": "tmpfs", "o": options}}
    return {
        "Type": "volume",
        "Target": path,
        "VolumeOptions": {"NoCopy": True, "DriverConfig": driver, "Labels": labels},
    }
