"""Let cargo see by content what changed.

Cargo takes a file for unchanged when its time is not later than the last build. A tree that is
put back, or a draft that is taken back, has new content with an old time: cargo would run what
it built of the other text. So each file gets the time at which its content was first seen here
for as long as cargo builds, and its own again afterwards.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

_LEFT_OUT = frozenset({"target", ".git", "node_modules", ".venv", "__pycache__"})
_VERSION = 2


class Tree:
    """The files under a root, with what was known of them in the run before.

    Args:
        root: the tree.
        record: the file in which it is remembered; broken or absent, everything is new.
        suffix: only files with this ending count, "" for all.
    """

    def __init__(self, root: str, record: str, suffix: str = "") -> None:
        self._root = root
        self._record = record
        known = _load(record)
        self._files: dict[str, list[Any]] = {}
        now = time.time_ns()
        for path in _walk(root, suffix):
            status = os.stat(path)
            seen = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
            old = known.get(path)
            if old is not None and old[0] == seen:
                self._files[path] = old
                continue
            digest = _digest(path)
            first = old[2] if old is not None and old[1] == digest else now
            self._files[path] = [seen, digest, first]

    @property
    def digest(self) -> str:
        """A digest of all names and contents."""
        total = hashlib.sha256()
        for path, (_, digest, _) in sorted(self._files.items()):
            total.update(f"{path}\0{digest}\0".encode("utf-8", "surrogateescape"))
        return total.hexdigest()

    @property
    def paths(self) -> list[str]:
        """The files, absolute."""
        return list(self._files)

    @contextmanager
    def dated(self) -> Generator[None]:
        """Give the files the times of their contents for as long as this lasts."""
        for path, (_, _, first) in self._files.items():
            _set_time(path, first)
        try:
            yield
        finally:
            for path, (seen, _, _) in self._files.items():
                _set_time(path, seen[1])

    def save(self) -> None:
        """Remember the files for the next run."""
        for path, known in self._files.items():
            with suppress(OSError):
                status = os.stat(path)
                known[0] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
        os.makedirs(os.path.dirname(self._record), exist_ok=True)
        with open(self._record, "w", encoding="utf-8", errors="surrogateescape") as file:
            json.dump({"version": _VERSION, "files": self._files}, file)


def _load(record: str) -> dict[str, list[Any]]:
    try:
        with open(record, encoding="utf-8", errors="surrogateescape") as file:
            value = json.load(file)
    except (OSError, ValueError):
        return {}
    return dict(value["files"]) if value.get("version") == _VERSION else {}


def _walk(root: str, suffix: str) -> Iterator[str]:
    for folder, names, files in os.walk(root):
        names[:] = sorted(name for name in names if name not in _LEFT_OUT)
        for name in files:
            path = os.path.join(folder, name)
            if name.endswith(suffix) and os.path.isfile(path) and not os.path.islink(path):
                yield path


def _digest(path: str) -> str:
    total = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(1 << 20):
                total.update(piece)
    except OSError:
        return ""
    return total.hexdigest()


def _set_time(path: str, moment: int) -> None:
    with suppress(OSError):  # a file that can't be dated is one that cargo sees as it is
        os.utime(path, ns=(moment, moment))
