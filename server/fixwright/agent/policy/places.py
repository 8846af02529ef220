"""Which files a name stands for: what a rule must look at besides the name itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fixwright.agent.policy.globs import clean
from fixwright.agent.tools.spec import Refused
from fixwright.workspace.paths import relative_path, uri_to_path

if TYPE_CHECKING:
    from pathlib import Path

    from fixwright.agent.naming import Names


@dataclass(frozen=True, slots=True)
class Place:
    """What a name stands for.

    Attributes:
        names: spellings of the name: as the model gave it, and relative to its folder.
        real: spellings of the file that a link leads to; empty when no link is on the way.
        outside: whether a link leads out of the workspace.
    """

    names: tuple[str, ...]
    real: tuple[str, ...] = ()
    outside: bool = False

    @property
    def all(self) -> tuple[str, ...]:
        """Every spelling."""
        return self.names + self.real

    @property
    def ways(self) -> tuple[tuple[str, ...], ...]:
        """The spellings of the name and, apart, those of the file behind a link."""
        return (self.names, self.real) if self.real else (self.names,)


Places = Callable[[str], Place]
"""Finds it; may look at the disk."""


def plain_place(name: str) -> Place:
    """Where there is no disk to look at."""
    return Place((clean(name),))


def places_of(names: Names) -> Places:
    """For the names of a snapshot. I/O."""
    return lambda name: _place(names, name)


def _place(names: Names, name: str) -> Place:
    try:
        path = uri_to_path(names.uri(name))
    except (Refused, ValueError):  # it lies outside, or no file can have it; the tool will say so
        return plain_place(name)
    if path is None:
        return plain_place(name)
    folders = {each.path: each.name for each in names.snapshot.folders}
    spelled = tuple(dict.fromkeys((clean(name), *_spellings(folders, path))))
    try:
        real = path.resolve()
        roots = {folder.resolve(): told for folder, told in folders.items()}
    except (OSError, ValueError, RuntimeError):  # RuntimeError: a loop of links, up to Python 3.12
        return Place(spelled, outside=True)
    same = {found for root in roots for found in [relative_path(root, real)] if found is not None}
    inside = {found for root in folders for found in [relative_path(root, path)] if found}
    if same & inside or (not inside and real == path):
        return Place(spelled)
    return Place(
        spelled, _spellings(roots, real) or (str(real),), outside=bool(inside and not same)
    )


def _spellings(folders: dict[Path, str], path: Path) -> tuple[str, ...]:
    """Relative to each folder that it lies in, without and (for several) with the folder's name."""
    found = [(told, relative_path(folder, path)) for folder, told in folders.items()]
    spelled = [each for _, each in found if each is not None]
    if len(folders) > 1:
        spelled += [f"{told}/{each}" for told, each in found if each is not None]
    return tuple(spelled)
