"""What was made from files is kept while those files, and what lies beside them, are the same."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from typing import Any

_MOST = 200


class Keeper:
    """Keeps results in the cache, each with the hash of every file that went into it."""

    def __init__(self, cache: str, root: str) -> None:
        self.folder = os.path.join(cache, "kept")
        self._root = root
        self._hashes: dict[str, str] = {}

    def key(self, *parts: str) -> str:
        """Return the name under which the result of these parts is kept."""
        return hashlib.sha256("\0".join((self._root, *parts)).encode()).hexdigest()

    def path(self, key: str, ending: str) -> str:
        """Return where a file of that result lies."""
        return os.path.join(self.folder, key + ending)

    def get(self, key: str) -> dict[str, Any] | None:
        """Return what was kept, if everything that it was made from is as it was then."""
        try:
            with open(self.path(key, ".json"), encoding="utf-8") as file:
                kept: dict[str, Any] = json.load(file)
        except (OSError, ValueError):
            return None
        if any(self._hash(path) != known for path, known in kept["files"].items()):
            return None
        if any(self._listing(path) != known for path, known in kept["folders"].items()):
            return None
        os.utime(self.path(key, ".json"))
        return kept["value"]

    def put(
        self, key: str, value: dict[str, Any], files: Iterable[str], folders: Iterable[str]
    ) -> None:
        """Keep a result.

        Args:
            key: its name.
            value: the result, as JSON has it.
            files: what it was made from.
            folders: where headers are looked for; a new one there could be found before another.
        """
        kept = {
            "files": {path: self._hash(path) for path in files},
            "folders": {path: self._listing(path) for path in folders},
            "value": value,
        }
        os.makedirs(self.folder, exist_ok=True)
        half = self.path(key, f".{os.getpid()}")
        with open(half, "w", encoding="utf-8") as file:
            json.dump(kept, file)
        os.replace(half, self.path(key, ".json"))
        self._forget_old()

    def _hash(self, path: str) -> str:
        known = self._hashes.get(path)
        if known is None:
            try:
                with open(os.path.join(self._root, path), "rb") as file:
                    known = hashlib.sha256(file.read()).hexdigest()
            except OSError:
                known = ""
            self._hashes[path] = known
        return known

    def _listing(self, path: str) -> str:
        try:
            names = sorted(os.listdir(os.path.join(self._root, path)))
        except OSError:
            return ""
        # What the compiler writes beside its sources is no header.
        relevant = [name for name in names if not name.endswith((".o", ".d", ".a", ".so"))]
        return hashlib.sha256("\0".join(relevant).encode("utf-8", "surrogateescape")).hexdigest()

    def _forget_old(self) -> None:
        found = [entry for entry in os.scandir(self.folder) if entry.name.endswith(".json")]
        found.sort(key=lambda entry: entry.stat().st_mtime, reverse=True)
        for entry in found[_MOST:]:
            stem = entry.path[: -len(".json")]
            for ending in (".json", ".o", ".d", ""):
                if os.path.exists(stem + ending):
                    os.unlink(stem + ending)
