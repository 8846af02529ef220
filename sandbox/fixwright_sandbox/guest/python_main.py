"""The surroundings of a program as `python FILE` makes them, and its orderly end."""

from __future__ import annotations

import atexit
import contextlib
import gc
import io
import os
import sys
import threading
from types import ModuleType
from typing import Any, TextIO, cast

_STARTUP = {"abc", "codecs", "encodings", "genericpath", "io", "os", "posixpath", "site", "stat"}
"""Modules, the built-in ones apart, that any interpreter has imported before its program."""


def open_standard_streams() -> None:
    """Give the program fresh `sys.stdin`, `stdout` and `stderr` on the descriptors 0 to 2.

    Output leaves at each end of a line, so that whoever watches the run sees it grow.
    """
    sys.stdin = sys.__stdin__ = _stream(0, "r", "strict")  # type: ignore[misc] # Final in typeshed
    sys.stdout = sys.__stdout__ = _stream(1, "w", "strict")  # type: ignore[misc] # as above
    sys.stderr = sys.__stderr__ = _stream(2, "w", "backslashreplace")  # type: ignore[misc] # as above


def _stream(descriptor: int, mode: str, errors: str) -> TextIO:
    raw = io.FileIO(descriptor, mode, closefd=False)
    raw.name = ("<stdin>", "<stdout>", "<stderr>")[descriptor]
    buffer = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    text = io.TextIOWrapper(buffer, "utf-8", errors, line_buffering=mode == "w")
    cast("Any", text).mode = mode
    return text


def new_main(path: str, args: list[str], *, package: str | None = None) -> ModuleType:
    """Make the `__main__` module of a program and what it finds in `sys`.

    Args:
        path: the program's file, relative to the current directory.
        args: what follows it in `sys.argv`.
        package: its `__package__`; None for a program, as the interpreter does.
    """
    absolute = os.path.abspath(path)
    main = ModuleType("__main__")
    main.__dict__.update(
        {"__file__": absolute, "__builtins__": sys.modules["builtins"], "__package__": package}
    )
    main.__dict__.setdefault("__annotations__", {})
    main.__dict__["__cached__"] = None
    sys.modules["__main__"] = main
    sys.argv = [path, *args]
    make_importable(os.path.dirname(absolute))
    return main


def package_of(path: str) -> str | None:
    """Return the package that a file lies in, and make it importable; None outside of one."""
    folder = os.path.dirname(os.path.abspath(path))
    names: list[str] = []
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, _, name = folder.rpartition(os.sep)
        names.insert(0, name)
    if not names:
        return None
    make_importable(folder)
    return ".".join(names)


def make_importable(folder: str) -> None:
    """Put a folder in front of `sys.path`, its modules before the standard library's.

    A module that this process has imported already, but a fresh interpreter would not have,
    makes room for one of the same name in the folder: that is what `python FILE` would import.
    """
    extra = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    rest = [entry for entry in sys.path if entry and entry not in (folder, *extra)]
    sys.path[:] = [folder, *extra, *rest]
    with contextlib.suppress(OSError):
        for name in {entry.partition(".")[0] for entry in os.listdir(folder)}:
            if name in sys.modules and not _is_startup(name):
                _forget(name, folder)


def _is_startup(name: str) -> bool:
    return name in _STARTUP or name in sys.builtin_module_names or name == "__main__"


def _forget(name: str, folder: str) -> None:
    if os.path.isfile(os.path.join(folder, f"{name}.py")) or os.path.isfile(
        os.path.join(folder, name, "__init__.py")
    ):
        for loaded in [m for m in sys.modules if m == name or m.startswith(f"{name}.")]:
            del sys.modules[loaded]


def finish(root: str, status: int) -> int:
    """End the program as the interpreter would and return its exit status.

    Waits for its threads, calls what it registered with `atexit`, lets go of its objects, so
    that files are flushed and `__del__` is called, and flushes the standard streams.
    """
    with contextlib.suppress(BaseException):
        cast("Any", threading)._shutdown()  # noqa: SLF001 - the interpreter's own first step
    with contextlib.suppress(BaseException):
        cast("Any", atexit)._run_exitfuncs()  # noqa: SLF001 - the second
    _let_go(root)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except BaseException:  # noqa: BLE001 - whatever the program put there
            status = status or 120  # the interpreter's own
    return status


def _let_go(root: str) -> None:
    modules = [sys.modules.get("__main__")]
    for module in list(sys.modules.values()):
        file = getattr(module, "__file__", None)
        if type(file) is str and file.startswith(root + os.sep):
            modules.append(module)
    with contextlib.suppress(BaseException):
        for module in modules:
            names = vars(module) if module is not None else {}
            for name in [n for n in names if n != "__builtins__"]:
                names[name] = None
        modules.clear()
        gc.collect()
