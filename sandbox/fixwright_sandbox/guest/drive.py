"""The runtimes of an environment: loaded once, and a driver run in the forked child of a run."""

from __future__ import annotations

import base64
import contextlib
import fcntl
import importlib
import os
import signal
import sys
import traceback
from dataclasses import dataclass
from types import ModuleType
from typing import Any, NoReturn

from .child import HIGH, hear_interrupts
from .guard import Guard
from .stage import Stage
from .tree_copy import empty_folder

_IN_PLACE = {"python": "job", "bash": "job"}
"""Runtimes that need no driver: the child is the program, or becomes it."""
_BROKEN = 70
_DATA = ".data"
_NEARLY_FULL = 4
"""The cache is emptied when less than this part of it is free: the next build needs room."""


class Cache:
    """What an environment keeps between runs: a folder for each runtime, and their data.

    Args:
        config: what the host said of the place.
        data: the runtimes' files that are no modules, in base64, by `runtime/name`.
    """

    def __init__(self, config: dict[str, Any], data: dict[str, str]) -> None:
        self._root: str = config["cache"]
        self._own_file_system: bool = config["contained"]
        self._runtimes: list[str] = config["runtimes"]
        self._data = data
        self.guard = Guard(self._root)
        empty_folder(self._root)
        self._lay_out()

    def folder(self, runtime: str) -> str:
        """The cache of one runtime."""
        return os.path.join(self._root, runtime)

    def data(self, runtime: str) -> str:
        """The folder with a runtime's data."""
        return os.path.join(self._root, _DATA, runtime)

    def settle(self, *, watched: bool) -> bool:
        """After a run: throw away what it may have changed; true where that was so.

        Call when its processes are gone. Raises OSError where something can't be removed.
        """
        touched = watched and self.guard.touched()
        if touched or self._nearly_full():
            self.guard.discard()
            self._lay_out()
        return touched

    def _nearly_full(self) -> bool:
        if not self._own_file_system:
            return False
        info = os.statvfs(self._root)
        return (
            info.f_bavail * _NEARLY_FULL < info.f_blocks
            or info.f_favail * _NEARLY_FULL < info.f_files
        )

    def _lay_out(self) -> None:
        for runtime in self._runtimes:
            os.makedirs(self.folder(runtime), exist_ok=True)
            os.makedirs(self.data(runtime), exist_ok=True)
        for name, text in self._data.items():
            path = os.path.join(self._root, _DATA, name)
            with open(path, "wb") as file:
                file.write(base64.b64decode(text))
            os.chmod(path, 0o444)


@dataclass(frozen=True)
class Gate:
    """The line over which a driver says that a program starts now, and waits until it may.

    It is believed once a run: after that, the program may be who says it.
    """

    asked: int
    ask: int
    answered: int
    answer: int

    @classmethod
    def open(cls) -> Gate:
        """Make the line, before the fork."""
        return cls(*map(_out_of_the_way, (*os.pipe(), *os.pipe())))

    def close_drivers(self) -> None:
        """In the runner: leave the driver's ends to it."""
        os.close(self.ask)
        os.close(self.answered)

    def let_pass(self) -> None:
        """In the runner: the cache is watched now."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.answer, b".")

    def wait(self) -> None:
        """In the driver: before the first program starts."""
        os.write(self.ask, b".")
        os.read(self.answered, 1)


def _out_of_the_way(handle: int) -> int:
    """Move a descriptor to where a job's own are not."""
    moved = fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, HIGH)
    os.close(handle)
    return moved


def preload(runtimes: list[str]) -> None:
    """Import what runs these runtimes, so that a fork has it."""
    for name in runtimes:
        _module(name)


def is_driven(runtime: str) -> bool:
    """Whether a runtime has a driver."""
    return runtime not in _IN_PLACE


def run_driver(runtime: str, job: dict[str, Any] | None, stage: Stage) -> NoReturn:
    """Run a job, or without one the warm-up, in this process; it ends as the program did."""
    hear_interrupts()
    os.environ.clear()
    os.environ.update(stage.environment)
    status = _BROKEN
    try:
        module = _module(runtime)
        if job is not None:
            status = int(module.main(job, stage))
        else:
            module.warm(stage)
            status = 0
    except KeyboardInterrupt:
        status = -signal.SIGINT
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else _BROKEN
    except BaseException:  # noqa: BLE001 (a broken driver is told as that, whatever it raised)
        stage.say(f"fixwright: the driver of the runtime {runtime} broke.\n")
        traceback.print_exc()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    _end(status)


def has_warm_up(runtime: str) -> bool:
    """Whether a runtime's driver can fill its cache before a run asks."""
    return is_driven(runtime) and hasattr(_module(runtime), "warm")


def _module(runtime: str) -> ModuleType:
    package = __package__ or ""
    return importlib.import_module(f"{package}.{runtime}.{_IN_PLACE.get(runtime, 'driver')}")


def _end(status: int) -> NoReturn:
    if status < 0:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-status, signal.SIG_DFL)
        with contextlib.suppress(OSError):
            os.kill(os.getpid(), -status)
        os._exit(128 - status)
    os._exit(status & 0xFF)
