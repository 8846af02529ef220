"""A runtime's tools on this machine, for the backends that use them."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from fixwright_sandbox.runtimes import Runtime

from .base import MissingImageError

T = TypeVar("T")
_SYSTEM = (Path("/usr"), Path("/bin"), Path("/sbin"))
"""What a backend shows anyway."""


@dataclass(frozen=True)
class Toolchain:
    """Where a runtime's tools are.

    Attributes:
        folders: what they need outside the system's own folders.
        path: folders to look for programs in, before the usual.
        variables: what tells the tools where their parts are.
    """

    folders: tuple[Path, ...]
    path: tuple[str, ...]
    variables: Mapping[str, str]


def find_toolchain(runtime: Runtime, environment: Mapping[str, str]) -> Toolchain:
    """Find a runtime's tools. Raises `MissingImageError` that names those that are not there.

    Args:
        runtime: whose tools.
        environment: variables of the host, for the PATH and for where tools were put.
    """
    folders: list[Path] = []
    path: list[str] = []
    variables: dict[str, str] = {}
    for home in runtime.homes:
        variable, found, parts = _expanded(home, environment)
        for folder in found:
            if variable:
                variables[variable] = str(folder)
            for shown in [folder / part for part in parts] or [folder]:
                if shown.is_dir():
                    _add(folders, shown)
            programs = folder if folder.name == "bin" else folder / "bin"
            if programs.is_dir():
                _add(path, str(programs))
    search = os.pathsep.join((*path, environment.get("PATH", os.defpath)))
    missing: list[str] = []
    for tool in runtime.tools:
        file = shutil.which(tool, path=search)
        if file is None:
            missing.append(tool)
        else:
            _add_tool(Path(file), folders, path)
    if missing:
        raise _missing(runtime, missing)
    return Toolchain(tuple(folders), tuple(path), variables)


def _expanded(home: str, environment: Mapping[str, str]) -> tuple[str, list[Path], list[str]]:
    """The variable that a home is told by, the folders it stands for, and which parts of them.

    `$NAME` is a variable's folder, `NAME=PATH` the same with what it is where nobody says, and
    `NAME=PATH:part,part` is that of which only these parts are shown; no part means all.
    """
    name, equals, default = home.partition("=")
    variable = name if equals else home[1:] if home.startswith("$") else ""
    default, _, parts = default.partition(":")
    pattern = environment.get(variable, default) if variable else home
    found = glob.glob(os.path.expanduser(pattern)) if pattern else []  # noqa: PTH111, PTH207 (text)
    folders = [Path(each) for each in sorted(found) if Path(each).is_dir()]
    return variable, folders, [part for part in parts.split(",") if part]


def _add_tool(file: Path, folders: list[Path], path: list[str]) -> None:
    """Add what a program outside of it all needs: the folder above `bin`, links followed."""
    for each in (file, file.resolve()):
        if any(each.is_relative_to(folder) for folder in (*_SYSTEM, *folders)):
            continue
        home = each.parent.parent if each.parent.name == "bin" else each.parent
        if home in (Path.home(), Path("/")):
            home = each.parent
        _add(folders, home)
    if not any(file.is_relative_to(folder) for folder in _SYSTEM):
        _add(path, str(file.parent))


def _add(items: list[T], item: T) -> None:
    if item not in items:
        items.append(item)


def _missing(runtime: Runtime, tools: list[str]) -> MissingImageError:
    verb = "is" if len(tools) == 1 else "are"
    how = f" ({runtime.install})" if runtime.install else ""
    return MissingImageError(
        f"{runtime.title} needs {' and '.join(tools)}, which {verb} not installed on this "
        f"machine{how}. Or use Docker, with an image that has it: `fixwright sandbox build "
        f"{runtime.within}`."
    )
