"""Where the index of a workspace lies on disk, and which version of it is ours."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from fixwright.index.languages import GROUP

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from importlib.resources.abc import Traversable

FORMAT = 1
"""Raised with every change of what is stored; older ones are made again."""

_OLD = 7 * 86_400


def default_cache() -> Path:
    """The folder of all workspaces' indexes."""
    return Path(platformdirs.user_cache_dir("fixwright", appauthor=False)) / "index"


@dataclass(frozen=True)
class Place:
    """One workspace's folder on disk."""

    folder: Path
    version: str

    @classmethod
    def of(cls, roots: Sequence[Path], cache: Path | None = None) -> Place:
        """That of a workspace with these roots. I/O."""
        real = sorted(os.path.realpath(root) for root in roots)
        name = hashlib.blake2b(json.dumps(real).encode(), digest_size=10).hexdigest()
        return cls((cache or default_cache()) / name, version())

    @property
    def database(self) -> Path:
        """The store's file."""
        return self.folder / f"{self.version}.sqlite"

    @property
    def empty_repository(self) -> Path:
        """An empty git repository, for `discovery`."""
        return self.folder / "empty.git"

    def new_segment(self) -> Path:
        """A name that no segment has had."""
        return self.folder / f"{self.version}-{time.time_ns():x}.segment"

    def tidy(self, segment: str) -> None:
        """Removes other segments of this version, and what no version has touched for a week. I/O.

        Another process keeps what it has mapped.
        """
        limit = time.time() - _OLD
        for path in self.folder.iterdir():
            ours = path.name.startswith(f"{self.version}-") and path.name != segment
            if (ours and path.suffix == ".segment") or _is_old(path, self.version, limit):
                path.unlink(missing_ok=True)

    def clear(self) -> bool:
        """Removes all of it; whether there was anything. I/O."""
        there = self.folder.is_dir()
        shutil.rmtree(self.folder, ignore_errors=True)
        return there

    def take_lead(self) -> int | None:
        """Becomes the process that publishes segments; None while another is. I/O.

        Returns:
            A descriptor; closing it, or the process's end, gives the lead back.
        """
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.folder / "leader", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return None
        return descriptor


def _is_old(path: Path, version_now: str, limit: float) -> bool:
    if path.name.startswith(version_now) or path.name == "leader" or path.is_dir():
        return False
    with contextlib.suppress(FileNotFoundError):
        return path.stat().st_mtime < limit
    return False


def version() -> str:
    """A name for everything that facts depend on: the grammars, the queries and our own code. I/O.

    Facts are only as good as what made them, so a change of any of these makes them all anew.
    """
    digest = hashlib.blake2b(f"{FORMAT}".encode(), digest_size=8)
    for item in sorted(_grammars()):
        digest.update(item.encode())
    for name, data in sorted(_sources(files("fixwright.index"), "")):
        digest.update(name.encode())
        digest.update(data)
    return digest.hexdigest()


def _grammars() -> Iterator[str]:
    # Their folders' names have the versions. To read what every package says of itself takes longer
    # than the whole look at the disk of a warm start.
    for folder in dict.fromkeys(sys.path):
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):  # noqa: PTH208  no object for each of hundreds
                is_grammar = name.lower().replace("_", "-").startswith("tree-sitter")
                if is_grammar and name.endswith((".dist-info", ".egg-info")):
                    yield name
    for point in entry_points(group=GROUP):
        yield f"{point.value} {point.dist.version if point.dist else ''}"


def _sources(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for child in folder.iterdir():
        name = f"{prefix}/{child.name}"
        if child.is_dir():
            if child.name not in {"__pycache__", "catalog"}:
                yield from _sources(child, name)
        elif child.name.endswith((".py", ".scm", ".toml")):
            yield name, child.read_bytes()
