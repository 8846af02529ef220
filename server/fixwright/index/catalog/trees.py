"""The workspace as import resolution sees it."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING

from fixwright.index.filetree import FileTree, resolve
from fixwright.index.languages import language_for

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fixwright.index.catalog.indexer import Indexer
    from fixwright.index.facts import FileFacts, Import

_LARGEST_BUILD_FILE = 1 << 20


class Trees:
    """One tree of files for each root, made again when files come or go."""

    def __init__(self, indexer: Indexer, roots: Sequence[Path]) -> None:
        self._indexer = indexer
        self._roots = sorted(map(str, roots), key=len, reverse=True)  # the innermost first
        self._stamp = (-1, 0, 0)
        self._forest = Forest((), frozenset())

    def now(self) -> Forest:
        """The trees of this moment. On the loop, where the paths do not change meanwhile."""
        holdings = self._indexer.holdings
        stamp = (self._indexer.revision, len(holdings.files), len(holdings.buffers))
        if stamp != self._stamp:
            self._stamp = stamp
            self._forest = Forest(self._roots, self._indexer.paths())
        return self._forest


class Forest:
    """The trees of one moment. For any thread."""

    def __init__(self, roots: Sequence[str], paths: frozenset[str]) -> None:
        self._roots = roots
        self._paths = paths
        self._trees: dict[str, FileTree] = {}
        self._lock = threading.Lock()

    def resolved(self, path: str, facts: FileFacts) -> list[tuple[Import, list[str]]]:
        """The imports of a file, each with the files that it means. I/O: reads build files."""
        language = language_for(facts.language)
        root = next((root for root in self._roots if path.startswith(root + "/")), None)
        if language is None or root is None:
            return [(each, []) for each in facts.imports]
        inside = path[len(root) + 1 :]
        with self._lock:
            tree = self._tree(root)
            return [
                (each, [f"{root}/{found}" for found in resolve(language, each, inside, tree)])
                for each in facts.imports
            ]

    def _tree(self, root: str) -> FileTree:
        if root not in self._trees:
            start = len(root) + 1
            inside = frozenset(p[start:] for p in self._paths if p.startswith(root + "/"))
            self._trees[root] = FileTree(inside, lambda name: _read(Path(root, name)))
        return self._trees[root]


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.stat().st_size <= _LARGEST_BUILD_FILE else None
    except OSError:
        return None
