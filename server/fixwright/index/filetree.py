"""The files of a workspace as import resolution sees them: which paths there are."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from collections.abc import Set as AbstractSet

    from fixwright.index.facts import Import
    from fixwright.index.languages import Language

_T = TypeVar("_T")


@dataclass(frozen=True)
class FileTree:
    """The paths of a workspace's files: POSIX, relative to its root, no `..`.

    Make a new one when files come or go; what resolution reads of build files is kept with it.

    Attributes:
        paths: all of them.
        read: the bytes of one of them, None where it cannot be read. Asked for build files alone
            (`package.json`, `tsconfig.json`, `go.mod`, `Cargo.toml`).
    """

    paths: AbstractSet[str]
    read: Callable[[str], bytes | None]
    _kept: dict[tuple[str, str], object] = field(default_factory=dict[tuple[str, str], object])

    def __contains__(self, path: str) -> bool:
        return path in self.paths

    @cached_property
    def folders(self) -> Mapping[str, tuple[str, ...]]:
        """The files of each folder that holds any, by its path; "" is the root."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.paths):
            found.setdefault(posixpath.dirname(path), []).append(path)
        return {folder: tuple(paths) for folder, paths in found.items()}

    @cached_property
    def named(self) -> Mapping[str, tuple[str, ...]]:
        """The files by the last part of their path."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.paths):
            found.setdefault(posixpath.basename(path), []).append(path)
        return {name: tuple(paths) for name, paths in found.items()}

    def ending(self, tail: str) -> list[str]:
        """The files whose paths end with these whole parts, the shortest first."""
        found = self.named.get(posixpath.basename(tail), ())
        ending = [path for path in found if path == tail or path.endswith(f"/{tail}")]
        return sorted(ending, key=lambda path: (path.count("/"), path))

    def first(self, candidates: Iterable[str]) -> list[str]:
        """The first of the candidates that exists, in a list; empty where none does."""
        for candidate in candidates:
            if candidate in self.paths:
                return [candidate]
        return []

    def above(self, path: str, name: str) -> str | None:
        """The nearest file of that name in the folders around a path."""
        folder: str = posixpath.dirname(path)
        while True:
            candidate = posixpath.join(folder, name)
            if candidate in self.paths:
                return candidate
            if not folder:
                return None
            folder = posixpath.dirname(folder)

    def kept(self, what: str, path: str, make: Callable[[bytes], _T]) -> _T:
        """What `make` reads in a file, made once; it is given b"" for an unreadable file."""
        key = (what, path)
        if key not in self._kept:
            self._kept[key] = make(self.read(path) or b"")
        return self._kept[key]  # pyright: ignore[reportReturnType]  `what` stands for the type


def joined(folder: str, relative: str) -> str | None:
    """A relative path seen from a folder; None where it leaves the workspace."""
    path = posixpath.normpath(posixpath.join(folder, relative))
    if path == ".":
        return ""
    return None if path.startswith(("..", "/")) else path


class Resolver(Protocol):
    """What a language's resolver module provides."""

    def resolve(self, imported: Import, path: str, files: FileTree) -> list[str]:
        """The files that an import in the file `path` means, the likeliest first."""
        ...


def resolve(language: Language, imported: Import, path: str, files: FileTree) -> list[str]:
    """The files of the workspace that an import means, the likeliest first.

    Args:
        language: that of the importing file.
        imported: what it imports.
        path: the importing file.
        files: the workspace.

    Returns:
        None of them where the import means a library outside, or where nothing tells.
    """
    resolver = language.resolver
    return [] if resolver is None else resolver.resolve(imported, path, files)
