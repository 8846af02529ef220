"""The surroundings of a program as `python FILE` makes them."""

from __future__ import annotations

import os
import sys
from types import ModuleType


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
    """Put a folder in front of `sys.path`, and what `PYTHONPATH` names after it.

    A folder `src` of the tree comes next: a project of that layout is tested and run installed,
    which it is not here.
    """
    extra = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    if os.path.isdir("src") and not os.path.isfile("src/__init__.py"):
        extra.append(os.path.abspath("src"))
    rest = [entry for entry in sys.path if entry and entry not in (folder, *extra)]
    sys.path[:] = [folder, *extra, *rest]
