"""What would be installed, from which line of which file, and what stands in the way."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Files = Mapping[str, Callable[[], bytes]]
"""Path in the tree -> how to read the file. Reading may raise OSError: then it is not there."""


@dataclass(frozen=True, slots=True)
class Package:
    """One package that the code asks for.

    Attributes:
        name: its name in the registry.
        constraint: which versions will do, as the ecosystem writes it; empty for any.
        origin: the file that asks, with a one-based line where there is one: `app.py:3`.
        by_import: nobody wrote the name down; an `import` of the code tells it.
        hashes: the archives that it may come from, as pip writes them: `sha256:…`.
    """

    name: str
    constraint: str
    origin: str
    by_import: bool = False
    hashes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """As a person reads it: `requests>=2 (requirements.txt:1)`."""
        return f"{self.name}{self.constraint} ({self.origin})"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two places ask for versions that no version can be; `message` says which and where."""

    name: str
    message: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """An import that neither the tree, the runtime nor a known package provides."""

    name: str
    origin: str


@dataclass(frozen=True)
class Wanted:
    """All that a workspace asks for in one runtime.

    Attributes:
        runtime: the runtime's name.
        packages: what is to be installed, by name.
        manifests: the files that decide it, path -> content; they alone go to the installation.
        locked: whether a lock file says the exact versions.
        conflicts: what can't be installed together.
        limits: versions that are asked for only if something else asks for the package.
        unknown: imports of which nobody knows where they come from. They are not guessed: anyone
            can publish a package under a name that others import.
        problems: sentences about manifests that can't be read.
    """

    runtime: str
    packages: tuple[Package, ...] = ()
    manifests: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    locked: bool = False
    conflicts: tuple[Conflict, ...] = ()
    limits: tuple[Package, ...] = ()
    unknown: tuple[Unknown, ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to install."""
        return not self.packages

    @property
    def key(self) -> str:
        """The same for what installs the same: 16 hexadecimal digits."""
        told = hashlib.sha256(self.runtime.encode())
        for package in self.packages:
            told.update(f"\0{package.name}\1{package.constraint}".encode())
        for path, content in sorted(self.manifests.items()):
            told.update(f"\2{path}\3".encode("utf-8", "surrogateescape"))
            told.update(hashlib.sha256(content).digest())
        return told.hexdigest()[:16]
