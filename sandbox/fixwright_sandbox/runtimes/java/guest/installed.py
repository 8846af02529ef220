"""The class paths that an installation has written down, as Maven resolved them.

A JSON object: by the path of a `pom.xml` or a `gradle.lockfile`, `of` are the files of the tree
that it was made from, with their SHA-256, and `jars` its libraries, relative to the repository.
"""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any


def jars_installed(root: str, manifest: str, environment: dict[str, str]) -> tuple[str, ...] | None:
    """Return the libraries of a manifest; None where nobody has resolved it as it is now.

    Args:
        root: the tree.
        manifest: the path of the manifest, absolute.
        environment: variables; `FIXWRIGHT_CLASSPATHS` is the file, `MAVEN_REPOSITORY` the folder.
    """
    try:
        with open(environment["FIXWRIGHT_CLASSPATHS"], encoding="utf-8") as file:
            known: dict[str, Any] = json.load(file)
    except (KeyError, OSError):
        return None
    entry = known.get(os.path.relpath(manifest, root))
    if entry is None or any(_digest(root, path) != sum_ for path, sum_ in entry["of"].items()):
        return None
    return tuple(os.path.join(environment["MAVEN_REPOSITORY"], jar) for jar in entry["jars"])


def _digest(root: str, path: str) -> str:
    try:
        with open(os.path.join(root, path), "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""
