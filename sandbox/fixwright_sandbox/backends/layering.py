"""Layers of installed packages: a volume of an engine, or a folder of this machine."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import Any

from fixwright_sandbox.owner import Owner

from . import inside
from .base import Layer
from .engine import Engine
from .labels import LABEL, LAYER, OWNER_LABEL, RECORD_LABEL, STARTED_LABEL

_NAMES = ("resolv.conf", "hosts", "nsswitch.conf", "host.conf", "gai.conf")
_TRUST = ("ssl", "pki", "ca-certificates", "ca-certificates.conf", "crypto-policies")
"""What of /etc a program needs to find other machines, and to know that it is them."""


# ---- Docker


def host_config(layer: Layer | None) -> dict[str, Any]:
    """What a container's host configuration says of its layer."""
    if layer is None:
        return {}
    mode = "rw" if layer.filling else "ro"
    binds = {layer.place: {"bind": layer.at, "mode": mode}}
    if not layer.filling:
        return {"binds": binds}
    binds |= {path: {"bind": path, "mode": "ro"} for path in layer.shown}
    return {"binds": binds, "network_mode": layer.network}


def new_volume(engine: Engine, image: str, owner: Owner, record: str) -> str:
    """Make an empty volume that the image's unprivileged user owns. Blocks.

    An engine gives a new volume the owner of the image's folder over which it is mounted first;
    /workspace is that user's. So no container has to run as root for it.
    """
    name = f"{LAYER}{uuid.uuid4().hex[:16]}"
    started = f"{time.time():.3f}"
    labels = {LABEL: "1", OWNER_LABEL: str(owner), RECORD_LABEL: record, STARTED_LABEL: started}
    engine.create_volume(name, labels)
    try:
        first = engine.create(
            image,
            ["true"],
            {
                "labels": {LABEL: "1", OWNER_LABEL: str(owner), STARTED_LABEL: started},
                "network_disabled": True,
                "host_config": {"binds": {name: {"bind": inside.WORKSPACE, "mode": "rw"}}},
            },
        )
        engine.remove(first)
    except BaseException:
        engine.remove_volume(name)
        raise
    return name


# ---- bubblewrap


def given(layer: Layer | None) -> tuple[Path, ...]:
    """Folders and files of this machine that are shown for filling a layer."""
    return tuple(Path(path) for path in layer.shown) if layer and layer.filling else ()


def network(layer: Layer | None) -> list[str]:
    """The arguments that give a network for filling a layer, and nothing else does."""
    if layer is None or not layer.filling:
        return []
    argv = ["--share-net"]
    for name in (*_NAMES, *_TRUST):
        argv += ["--ro-bind-try", f"/etc/{name}", f"/etc/{name}"]
    return argv


def new_folder(record: Path, user: int) -> str:
    """Make a folder beside the record, named for its owner. Blocks."""
    folder = record.parent / f"{LAYER}{Owner.current().tag}-{uuid.uuid4().hex[:8]}"
    folder.mkdir(parents=True, mode=0o755)
    if os.getuid() == 0:  # root gives up being root before it starts a sandbox, see `become`
        os.chown(folder, user, user)
    return str(folder)


def identity(programs: tuple[str, ...]) -> str:
    """Programs, told so that another version of one is another answer. Blocks."""
    told: list[str] = []
    for each in programs:
        path = Path(each).resolve()
        told.append(f"{path} {path.stat().st_mtime_ns}" if path.exists() else str(path))
    return "; ".join(told)
