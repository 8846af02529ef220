"""Which files a Java import means: by the package's folders below any source root."""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fixwright.index.facts import Import
    from fixwright.index.filetree import FileTree


def resolve(imported: Import, path: str, files: FileTree) -> list[str]:
    """The file of the class; for `a.b.*` all files of the package, or the class `a.b`.

    A static import names a member, and an import can name a class inside of another: then the
    longest part of the name that is a file counts. Where several source roots have the file, that
    of the importing file's own module comes first.
    """
    if imported.kind == "package":
        own = files.folders.get(posixpath.dirname(path), ())
        return [each for each in own if each.endswith(".java") and each != path]
    parts = imported.module.split(".")
    if imported.name == "*":
        folder = "/".join(parts)
        package = [
            each
            for name, paths in files.folders.items()
            if name == folder or name.endswith(f"/{folder}")
            for each in paths
            if each.endswith(".java")
        ]
        if package:
            return sorted(package, key=lambda each: _distance(each, path))
    for length in range(len(parts), 0, -1):
        found = files.ending("/".join(parts[:length]) + ".java") if length > 1 else []
        if found:
            return sorted(found, key=lambda each: _distance(each, path))
    return files.first([f"{parts[0]}.java"])


def _distance(path: str, other: str) -> int:
    return -len(posixpath.commonprefix([path, other]))
