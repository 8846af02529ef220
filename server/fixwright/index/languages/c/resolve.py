"""Which files a C or C++ include means."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

from fixwright.index.filetree import joined

if TYPE_CHECKING:
    from fixwright.index.facts import Import
    from fixwright.index.filetree import FileTree

# Folders that compilers are usually told of.
_INCLUDE_FOLDERS = ("", "include", "src", "inc", "lib")


def resolve(imported: Import, path: str, files: FileTree) -> list[str]:
    """The header: beside the file, then in the usual folders around it, then anywhere.

    The folders that a build passes to the compiler are not read. Where only the end of the path
    fits, the file that shares most of its path with the including one comes first. An include in
    angle brackets that no usual folder has is the system's.
    """
    folder: str = posixpath.dirname(path)
    if imported.kind != "system":
        beside = joined(folder, imported.module)
        if beside is not None and beside in files:
            return [beside]
    while True:
        for name in _INCLUDE_FOLDERS:
            candidate = joined(posixpath.join(folder, name), imported.module)
            if candidate is not None and candidate in files:
                return [candidate]
        if not folder:
            break
        folder = posixpath.dirname(folder)
    tail = posixpath.normpath(imported.module)
    if tail.startswith("..") or (imported.kind == "system" and "/" not in tail):
        return []
    found = files.ending(tail)
    return sorted(found, key=lambda each: -len(posixpath.commonprefix([each, path])))
