"""What sandboxes of this user have on the machine: what lives, and what a dead owner left.

Everything that an environment is made of carries its owner: the process that started it, told so
that another can see whether it still lives. What has a dead owner serves nobody. Every sandbox
clears that when it opens and, with an engine, every ten minutes; here it can be listed and cleared
by hand. Everything here blocks.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from .backends.base import BackendError
from .backends.descendants import descendants, usage_below
from .backends.docker import Docker
from .backends.engine import Engine
from .backends.labels import FOLDER, LAYER, OWNER_VARIABLE
from .backends.owned import Found, in_engine, remove_in_engine
from .backends.podman import Podman
from .dependencies.records import Keep, Records, surplus
from .owner import Owner
from .roster import Registered, registered

_ENGINES: Mapping[str, type[Docker]] = MappingProxyType({"docker": Docker, "podman": Podman})
"""The backends whose engines are asked."""


@dataclass(frozen=True, slots=True)
class Used:
    """What one environment uses: bytes of memory, seconds of processor time since its start."""

    found: Found
    memory: int
    cpu_seconds: float


def found(docker_host: str | None = None, *, engine: bool = True) -> tuple[Found, ...]:
    """Everything that sandboxes of this user have, on this machine and in engines.

    Args:
        docker_host: Docker's address; None is the environment's or the context's. Podman's is
            the environment's (`CONTAINER_HOST`), else where its service listens.
        engine: look there too; where none answers, what it has is missing.
    """
    known = {each.identity: each for each in registered()}
    everything = [*_processes(known), *_folders(), *_unfinished_layers()]
    in_engines: dict[str, Found] = {}
    for name in _ENGINES if engine else ():
        with contextlib.suppress(BackendError), _engine(name, docker_host) as opened:
            for each in in_engine(opened, name):  # one engine may answer at both addresses
                in_engines.setdefault(each.id, _named(each, known))
    everything += in_engines.values()
    return tuple(sorted(everything, key=lambda each: each.started_at or 0.0))


def leftovers(docker_host: str | None = None) -> tuple[Found, ...]:
    """What dead owners left, and layers that nobody has used for long."""
    left = [each for each in found(docker_host) if each.left]
    return (*left, *_unused_layers())


def prune(docker_host: str | None = None) -> tuple[Found, ...]:
    """Remove what dead owners left; return what was removed. Raises `BackendError`."""
    left = leftovers(docker_host)
    remove(left, docker_host)
    return left


def remove(things: tuple[Found, ...], docker_host: str | None = None) -> None:
    """End and remove these, whoever owns them; a run in one is lost.

    Raises `BackendError` where an engine does not answer, after all else is removed.
    """
    _forget_layers({each.id for each in things})
    for each in things:
        if each.kind == "process":
            _kill(int(each.id))
        elif each.kind == "folder":
            shutil.rmtree(each.id, ignore_errors=True)
    failed: BackendError | None = None
    for name, theirs in _by_engine(things):
        try:
            with _engine(name, docker_host) as engine:
                for each in theirs:
                    remove_in_engine(engine, each)
        except BackendError as error:
            failed = failed or error
    if failed is not None:
        raise failed


def usage(things: tuple[Found, ...], docker_host: str | None = None) -> tuple[Used, ...]:
    """What the environments among these use; those that end meanwhile are left out."""
    used: list[Used] = []
    for each in things:
        with contextlib.suppress(BackendError):
            if each.kind == "process":
                told = usage_below(int(each.id))
                used.append(Used(each, told.memory, told.cpu_seconds))
    for name, theirs in _by_engine(things):
        with contextlib.suppress(BackendError), _engine(name, docker_host) as engine:
            for each in theirs:
                with contextlib.suppress(BackendError):
                    if each.kind == "container":
                        told = engine.usage(each.id)
                        used.append(Used(each, told.memory, told.cpu_seconds))
    return tuple(used)


# ---- in engines


def _named(thing: Found, known: dict[str | None, Registered]) -> Found:
    told = known.get(f"container:{thing.id}")
    if told is None:
        return thing
    return replace(thing, environment=told.id, workspace=told.workspace)


def _by_engine(things: tuple[Found, ...]) -> Iterator[tuple[str, list[Found]]]:
    """Those that an engine has, by the backend that uses it."""
    for name in _ENGINES:
        theirs = [
            each
            for each in things
            if each.backend == name and each.kind in {"container", "volume", "network"}
        ]
        if theirs:
            yield name, theirs


@contextlib.contextmanager
def _engine(name: str, docker_host: str | None) -> Generator[Engine]:
    engine = _ENGINES[name].connect(docker_host if name == "docker" else None)
    try:
        yield engine
    finally:
        engine.close()


# ---- on this machine


def prune_local() -> None:
    """Remove what dead owners left on this machine, without asking an engine."""
    remove(
        tuple(each for each in [*_processes({}), *_folders(), *_unfinished_layers()] if each.left)
    )


def _processes(known: dict[str | None, Registered]) -> list[Found]:
    """The outermost process of each environment: what it forked carries its owner, too."""
    owners = dict(_owned_processes())
    things: list[Found] = []
    for pid, (parent, owner, started) in owners.items():
        if parent in owners:
            continue
        told = known.get(f"process:{pid}")
        backend = "process" if told is None else told.backend
        thing = Found("process", str(pid), backend, owner, owner.is_dead(), started_at=started)
        if told is not None:
            thing = replace(thing, environment=told.id, workspace=told.workspace)
        things.append(thing)
    return things


def _owned_processes() -> Iterator[tuple[int, tuple[int, Owner, float]]]:
    """Processes that carry an owner: with their parents, owners and times of start."""
    mark = f"{OWNER_VARIABLE}=".encode()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            variables = (process / "environ").read_bytes().split(b"\0")
            parent = int((process / "stat").read_bytes().rpartition(b")")[2].split()[1])
            started = process.stat().st_mtime
        except OSError:  # somebody else's, or gone
            continue
        for each in variables:
            owner = Owner.parse(each[len(mark) :].decode("ascii", "replace"))
            if each.startswith(mark) and owner is not None:
                yield int(process.name), (parent, owner, started)


def _folders() -> list[Found]:
    things: list[Found] = []
    for folder in Path(tempfile.gettempdir()).glob(f"{FOLDER}*"):
        with contextlib.suppress(OSError):
            info = folder.lstat()
            owner = Owner.of_tag(folder.name.removeprefix(FOLDER).rpartition("-")[0])
            if folder.is_symlink() or info.st_uid != os.getuid() or owner is None:
                continue
            things.append(
                Found(
                    "folder", str(folder), "unconfined", owner, owner.is_dead(),
                    started_at=info.st_mtime,
                )
            )  # fmt: skip
    return things


def _unfinished_layers() -> list[Found]:
    """Folders of layers that no record tells of: they are being filled, or were not filled."""
    records = Records()
    complete = {record.place for record in records}
    things: list[Found] = []
    for folder in records.folder.glob(f"{LAYER}*"):
        with contextlib.suppress(OSError):
            owner = Owner.of_tag(folder.name.removeprefix(LAYER).rpartition("-")[0])
            if owner is None or str(folder) in complete or folder.is_symlink():
                continue
            started = folder.lstat().st_mtime
            things.append(
                Found(
                    "folder", str(folder), "bubblewrap", owner, owner.is_dead(), started_at=started
                )
            )
    return things


def _unused_layers() -> list[Found]:
    """Complete layers that are not worth their room any more, see `Keep`."""
    return [
        Found(
            "folder" if each.backend == "bubblewrap" else "volume", each.place, each.backend, None,
            left=True, started_at=each.made_at,
        )
        for each in surplus(list(Records()), Keep())
    ]  # fmt: skip


def _forget_layers(places: set[str]) -> None:
    """Let nobody take what is about to be removed."""
    records = Records()
    for record in records:
        if record.place in places:
            records.forget(record)


def _kill(pid: int) -> None:
    for each in (pid, *descendants(pid)):
        with contextlib.suppress(ProcessLookupError):
            os.kill(each, signal.SIGKILL)
