"""End a forked interpreter as if it ended by itself, without what only costs time.

A fork shares its memory with the runner. Taking down the whole interpreter writes to nearly
every page of it, which would have to be copied first: half of a short run's time. So only what
the program made is taken down, which is all that it can notice.
"""

from __future__ import annotations

import atexit
import gc
import os
import sys
import threading
import types
import weakref
from typing import NoReturn

_FLUSH_FAILED = 120
"""The exit code of an interpreter that can't write its last output."""


def leave(code: int, known: frozenset[str]) -> NoReturn:
    """Wait for threads, run exit functions and finalizers, flush, and end.

    Args:
        code: the exit code.
        known: the modules that are not the program's.
    """
    try:
        getattr(threading, "_shutdown")()  # noqa: B009 (private, but what the interpreter calls)
        getattr(atexit, "_run_exitfuncs")()  # noqa: B009 (as above)
    except BaseException:  # noqa: BLE001 (as the interpreter: shown, and the end goes on)
        kind, error, trace = sys.exc_info()
        if kind is not None and error is not None:
            sys.excepthook(kind, error, trace)
    flushed = _flush()
    _finalize(known)
    os._exit(code & 0xFF if flushed and _flush() else _FLUSH_FAILED)


def _finalize(known: frozenset[str]) -> None:
    """Let go of the program's modules, so that its objects are finalized."""
    names = [name for name in sys.modules if name not in known or name == "__main__"]
    # A program may put anything there.
    modules: list[object] = [sys.modules.pop(name) for name in names]
    alive = [weakref.ref(module) for module in modules if isinstance(module, types.ModuleType)]
    modules.clear()
    gc.collect()
    # What something else still holds is emptied name by name, as the interpreter does.
    for reference in reversed(alive):
        module = reference()
        if module is not None:
            for name in list(vars(module)):
                if name != "__builtins__":
                    vars(module)[name] = None
    gc.collect()


def _flush() -> bool:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (AttributeError, ValueError):
            continue  # The program put nothing, or something closed, there.
        except OSError:
            return False
    return True
