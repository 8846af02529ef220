"""Which files a Go import means: all files of the package's folder, by `go.mod` and `go.work`."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from fixwright.index.filetree import joined

if TYPE_CHECKING:
    from fixwright.index.facts import Import
    from fixwright.index.filetree import FileTree

_MODULE = re.compile(r'^\s*module\s+"?([^\s"/][^\s"]*)"?', re.MULTILINE)
_REPLACE = re.compile(r"^\s*(?:replace\s+)?(\S+)(?:\s+v\S+)?\s+=>\s+(\.{1,2}/\S*)", re.MULTILINE)


def resolve(imported: Import, path: str, files: FileTree) -> list[str]:
    """The files of the imported package without its tests; for a file's own package its files."""
    if imported.kind == "package":
        own = files.folders.get(posixpath.dirname(path), ())
        return [each for each in own if each.endswith(".go") and each != path]
    module = imported.module
    if module.startswith("."):
        return _package(joined(posixpath.dirname(path), module), files)
    # Without a module (GOPATH, vendored code): a folder of that path.
    for folder in (*_folders(module, files), module, f"src/{module}", f"vendor/{module}"):
        found = _package(folder, files)
        if found:
            return found
    return []


def _folders(module: str, files: FileTree) -> list[str]:
    """The folders that the workspace's modules have for an import path, the likeliest first."""
    candidates: list[tuple[int, str]] = []
    for manifest in files.named.get("go.mod", ()):
        folder = posixpath.dirname(manifest)
        name, replaced = files.kept("go.mod", manifest, _read)
        for prefix, target in ((name, "."), *replaced):
            if prefix and (module == prefix or module.startswith(f"{prefix}/")):
                base = joined(folder, target)
                if base is not None:
                    inside = module[len(prefix) + 1 :]
                    candidates.append((len(prefix), posixpath.join(base, inside)))
    return [folder.rstrip("/") for _, folder in sorted(candidates, reverse=True)]


def _package(folder: str | None, files: FileTree) -> list[str]:
    if folder is None:
        return []
    return [
        path
        for path in files.folders.get(folder, ())
        if path.endswith(".go") and not path.endswith("_test.go")
    ]


def _read(data: bytes) -> tuple[str, tuple[tuple[str, str], ...]]:
    text = data.decode("utf-8", "replace")
    module = _MODULE.search(text)
    replaced = tuple((match[1], match[2]) for match in _REPLACE.finditer(text))
    return (module[1] if module else ""), replaced
