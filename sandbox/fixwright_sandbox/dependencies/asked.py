"""What manifests ask for, in a form that can be kept and compared with what they ask for later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from fixwright_sandbox.runtimes import runtime as find_runtime

from .model import Files, Wanted
from .wanted import wanted

_LISTED = ("requirements", "pyproject.toml", "package.json")
"""Manifests that say much else: of them only the packages count. Of others every byte does."""


def asked(runtime: str, files: Files) -> dict[str, str]:
    """A digest for each manifest of a tree. Reads the manifests, and no source file.

    What only imports ask for is not in it: that a run lacks it, the run says.
    """
    sources = find_runtime(runtime).extensions
    told = wanted(
        runtime, {path: read for path, read in files.items() if not path.endswith(sources)}
    )
    return {path: _digest(told, path) for path in told.manifests}


def _digest(told: Wanted, path: str) -> str:
    parts = list(_packages(told, path)) if _is_list(path) else [told.manifests[path]]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


def _is_list(path: str) -> bool:
    return any(name in path for name in _LISTED)


def _packages(told: Wanted, path: str) -> Iterator[bytes]:
    for each in (*told.packages, *told.limits):
        if each.origin.partition(":")[0] == path:
            yield f"{each.name}{each.constraint} {' '.join(each.hashes)}".encode()
