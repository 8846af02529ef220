"""What can be imported here, told without importing it."""

from __future__ import annotations

import sys
import sysconfig
from functools import cache
from importlib.machinery import PathFinder
from pathlib import Path


@cache
def has_submodule(package: str, name: str) -> bool:
    """Whether a package of the standard library has such a module."""
    if package.partition(".")[0] not in sys.stdlib_module_names or not name.isidentifier():
        return False
    folder = Path(sysconfig.get_path("stdlib"), *package.split("."))
    return (folder / f"{name}.py").is_file() or (folder / name / "__init__.py").is_file()


@cache
def is_importable(module: str) -> bool:
    """Whether a module's top package is of the standard library or installed beside Fixwright."""
    top = module.partition(".")[0]
    if top in sys.stdlib_module_names:
        return True
    try:
        return PathFinder.find_spec(top) is not None
    except (ImportError, ValueError):
        return False
