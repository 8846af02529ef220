"""Which file a script sources."""

from __future__ import annotations

import posixpath
import re
from typing import TYPE_CHECKING

from fixwright.index.filetree import joined

if TYPE_CHECKING:
    from fixwright.index.facts import Import
    from fixwright.index.filetree import FileTree

# `"$DIR/…"`, `"$(dirname "$0")/…"`: by the usual idioms the script's own folder.
_FOLDER = re.compile(r"^(?:\$\{[^}]*\}|\$\w+|\$\(.*\)|`.*`)/")


def resolve(imported: Import, path: str, files: FileTree) -> list[str]:
    """The sourced file, beside the script or in the workspace's root."""
    module = _FOLDER.sub("", imported.module.replace('"', ""))
    if not module or "$" in module:
        return []
    folder = posixpath.dirname(path)
    candidates = [joined(folder, module), joined("", module)]
    found = files.first(each for each in candidates if each is not None)
    return found or files.ending(posixpath.normpath(module))[:1]
