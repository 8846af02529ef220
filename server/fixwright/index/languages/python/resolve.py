"""Which files a Python import means: packages, relative imports, `src` layouts."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from fixwright.index.filetree import joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fixwright.index.facts import Import
    from fixwright.index.filetree import FileTree

_BUILD_FILES = ("pyproject.toml", "setup.py", "setup.cfg")


def resolve(imported: Import, path: str, files: FileTree) -> list[str]:
    """The module, and first the submodule that the imported name may be."""
    parts = imported.module.split(".") if imported.module else []
    if imported.level:
        base = joined(posixpath.dirname(path), "../" * (imported.level - 1) or ".")
        return [] if base is None else _modules(base, parts, imported.name, files)
    for root in _roots(path, files):
        found = _modules(root, parts, imported.name, files)
        if found:
            return found
    # A source root that nothing declares: the shortest path that ends so.
    module = "/".join(parts)
    return [*files.ending(f"{module}.py"), *files.ending(f"{module}/__init__.py")][:1]


def _roots(path: str, files: FileTree) -> Iterator[str]:
    """Where absolute imports are looked for: the script's folder, source roots, the workspace."""
    folder = posixpath.dirname(path)
    yield folder
    # The folder above the outermost package around the file.
    while folder and posixpath.join(folder, "__init__.py") in files:
        folder = posixpath.dirname(folder)
    yield folder
    while True:
        if not folder or any(posixpath.join(folder, name) in files for name in _BUILD_FILES):
            yield posixpath.join(folder, "src")
            yield folder
            yield posixpath.join(folder, "lib")
        if not folder:
            return
        folder = posixpath.dirname(folder)


def _modules(root: str, parts: list[str], name: str, files: FileTree) -> list[str]:
    base = posixpath.join(root, *parts)
    found: list[str] = []
    if name and name != "*":
        found += _module(posixpath.join(base, name), files)
    if parts or name:
        found += _module(base, files)
    return found


def _module(base: str, files: FileTree) -> list[str]:
    init = posixpath.join(base, "__init__.py")
    return files.first([f"{base}.py", init, f"{base}.pyi", f"{init}i"])
