"""What belongs to a sandbox, and which of it an engine has. Everything here blocks."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fixwright_sandbox.owner import Owner

from .engine import Container, Engine
from .labels import LABEL, OWNER_LABEL, RECORD_LABEL, STARTED_LABEL

Kind = Literal["container", "volume", "network", "process", "folder"]
_STOPPED_SECONDS = 600.0
"""How old a container is that stands still before it is left, whoever owns it: one that is not
started yet is younger, and one that has ended removes itself."""


@dataclass(frozen=True, slots=True)
class Found:
    """One thing that belongs to a sandbox.

    Attributes:
        kind: what it is.
        id: what the engine, the kernel or the file system knows it by.
        backend: what made it.
        owner: the process that started it; None where that can't be told.
        left: nobody will use it any more; it can be pruned.
        environment: our id of the environment, where its owner has written that down.
        workspace: whom it serves, likewise.
        started_at: seconds since the epoch, where that is told.
        image: of a container.
    """

    kind: Kind
    id: str
    backend: str
    owner: Owner | None
    left: bool
    environment: str | None = None
    workspace: str | None = None
    started_at: float | None = None
    image: str | None = None


def in_engine(engine: Engine, backend: str) -> list[Found]:
    """What the engine has of ours. Raises `BackendError`.

    Args:
        engine: which.
        backend: the name of the backend that uses it.
    """
    kinds: dict[Kind, Callable[[str], list[Container]]] = {
        "container": engine.labelled,
        "volume": engine.labelled_volumes,
        "network": engine.labelled_networks,
    }
    return [_of_engine(backend, kind, each) for kind, look in kinds.items() for each in look(LABEL)]


def remove_in_engine(engine: Engine, thing: Found) -> None:
    """Remove it, if it is the engine's. Raises `BackendError`."""
    if thing.kind == "container":
        engine.remove(thing.id)
    elif thing.kind == "volume":
        engine.remove_volume(thing.id)
    elif thing.kind == "network":
        engine.remove_network(thing.id)


def _of_engine(backend: str, kind: Kind, item: Container) -> Found:
    owner = Owner.parse(item.labels.get(OWNER_LABEL, ""))
    started = _number(item.labels.get(STARTED_LABEL))
    stopped = item.stopped and started is not None and time.time() - started > _STOPPED_SECONDS
    left = owner is not None and (owner.is_dead() or (kind == "container" and stopped))
    left = left and not _complete(item.labels.get(RECORD_LABEL))
    return Found(kind, item.id, backend, owner, left, started_at=started, image=item.image)


def _complete(record: str | None) -> bool:
    """Whether this is a layer that outlives its maker; one that we can't look at is kept.

    The record may be another user's, whose files we can't see.
    """
    try:
        return record is not None and Path(record).stat().st_size > 0
    except PermissionError:
        return True
    except OSError:
        return False


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
