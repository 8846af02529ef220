"""Why something that a program looked for was not there: what its sandbox was not given.

A run gets the files that belong to the project and an interpreter of its own. To the program a
data file that git ignores, or an installed package, is simply missing; a note on the failure says
so, where the workspace shows that this is the reason.
"""

from __future__ import annotations

import ast
import os
import posixpath
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from fixwright.failures.model import Failure
from fixwright.runs.tree import Root
from fixwright.workspace.paths import relative_path, stays_inside
from fixwright_sandbox import Tree

_FILE_KINDS = ("FileNotFoundError", "NotADirectoryError")
_NAMED_FILE = re.compile(r": ('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")")
_WORKSPACE = "/workspace/"
"""Where the copy of the tree lies in every sandbox."""
_INSTALLED = (
    "{env}/lib/python3.*/site-packages/{name}",
    "{env}/lib/python3.*/site-packages/{name}.*",
    "{env}/Lib/site-packages/{name}",
    "{env}/Lib/site-packages/{name}.*",
)
_ENVIRONMENTS = (".venv", "venv")
_LONGEST_NAME = 100


def explained(failures: tuple[Failure, ...], root: Root, tree: Tree) -> tuple[Failure, ...]:
    """Add a note to each failure that comes from what the run was not given. Reads the disk."""
    if root.directory is None:
        return failures
    return tuple(_explained(failure, root.directory, tree) for failure in failures)


def _explained(failure: Failure, directory: Path, tree: Tree) -> Failure:
    if failure.kind in _FILE_KINDS:
        notes = tuple(_left_out(directory, tree, _file_named_in(failure.message)))
    elif failure.kind == "ModuleNotFoundError":
        notes = tuple(_missing_module(directory, tree, str(failure.facts.get("name", ""))))
    else:
        notes = ()
    return replace(failure, notes=(*failure.notes, *notes)) if notes else failure


def _file_named_in(message: str) -> str:
    """The path in the words of the operating system's errors, relative to the tree; or ""."""
    found = _NAMED_FILE.search(message)
    try:
        name = ast.literal_eval(found[1]) if found else ""
    except (ValueError, SyntaxError):
        return ""
    return posixpath.normpath(name.removeprefix(_WORKSPACE)) if name else ""


def _left_out(directory: Path, tree: Tree, path: str) -> Iterator[str]:
    if not path or path.startswith(("/", "..")) or "\0" in path:
        return
    if any(known == path or known.startswith(f"{path}/") for known in tree):
        return
    place = directory / path
    if relative_path(directory, place) is None or not os.path.lexists(place):
        return
    why = (
        "a run gets no ignored files"
        if stays_inside(place, [directory.resolve()])
        else "it leads out of the folder"
    )
    yield f"{path} is in your folder, but not in the sandbox: {why}."


def _missing_module(directory: Path, tree: Tree, name: str) -> Iterator[str]:
    if len(name) > _LONGEST_NAME or not all(part.isidentifier() for part in name.split(".")):
        return
    inside = name.replace(".", "/")
    for path in (f"{inside}.py", inside, f"src/{inside}.py", f"src/{inside}"):
        if note := next(_left_out(directory, tree, path), None):
            yield note
            return
    top = name.partition(".")[0]
    for environment in _ENVIRONMENTS:
        for pattern in _INSTALLED:
            if next(directory.glob(pattern.format(env=environment, name=top)), None) is not None:
                yield (
                    f"{top} is installed in your {environment}, but a run sees only the packages "
                    "of the sandbox."
                )
                return
