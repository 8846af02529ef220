"""The runtimes of an environment: loaded once, and a driver run in the forked child of a run."""

from __future__ import annotations

import contextlib
import fcntl
import importlib
import os
import signal
import sys
import traceback
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn

from .child import HIGH, hear_interrupts

if TYPE_CHECKING:
    from .cells import Line, Place
    from .stage import Stage  # for what has a cache only: it imports much

_IN_PLACE = {"python": "job", "bash": "job"}
"""Runtimes that need no driver: the child is the program, or becomes it."""
_BROKEN = 70


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
    except SystemExit as left:
        status = left.code if isinstance(left.code, int) else _BROKEN
    except BaseException:  # noqa: BLE001 (a broken driver is told as that, whatever it raised)
        stage.say(f"fixwright: the driver of the runtime {runtime} broke.\n")
        traceback.print_exc()
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    end(status)


def keep(runtime: str, line: Line, place: Place) -> NoReturn:
    """Be what keeps a session of this runtime, see `cells`."""
    program = importlib.import_module(f"{__package__ or ''}.{runtime}.session")
    program.main(line, place)
    raise AssertionError("a session's program does not return")


def has_warm_up(runtime: str) -> bool:
    """Whether a runtime's driver can fill its cache before a run asks."""
    return is_driven(runtime) and hasattr(_module(runtime), "warm")


def _module(runtime: str) -> ModuleType:
    package = __package__ or ""
    return importlib.import_module(f"{package}.{runtime}.{_IN_PLACE.get(runtime, 'driver')}")


def end(status: int) -> NoReturn:
    """End this process as a program has ended: with a status, or by the signal N where it is -N."""
    if status < 0:
        with contextlib.suppress(OSError, ValueError):
            signal.signal(-status, signal.SIG_DFL)
        with contextlib.suppress(OSError):
            os.kill(os.getpid(), -status)
        os._exit(128 - status)
    os._exit(status & 0xFF)
