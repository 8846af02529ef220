"""The installed packages that a run is given, and whether they are those that are asked for now."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from fixwright.failures.model import Failure
from fixwright_sandbox import Blob, HostFile, Tree
from fixwright_sandbox.backends.base import Layer
from fixwright_sandbox.dependencies.asked import asked
from fixwright_sandbox.dependencies.model import Files
from fixwright_sandbox.runtimes import runtime as find_runtime

STALE = "StalePackages"
"""What the warning is called that a run had other packages than are asked for."""
_ENDINGS = (".txt", ".toml", ".json", ".lock", ".lockfile", ".yaml", ".mod", ".sum", ".xml")
"""How the names of manifests end; what else ends so costs a comparison and no reading."""
_AGAIN = "Install again: `fixwright.installDependencies`, or `fixwright sandbox deps --install`."


@dataclass(frozen=True)
class Supply:
    """What a run is given.

    Attributes:
        layer: installed packages.
        stale: that they are not those which are asked for now.
    """

    layer: Layer | None = None
    stale: Failure | None = None


def files_of(tree: Tree) -> Files:
    """A tree's files, to be read when they are needed."""
    return {path: functools.partial(_content, item) for path, item in tree.items()}


def changed(paths: tuple[str, ...], tree: Tree) -> Failure:
    """The warning that manifests ask for something else than what was installed."""
    named = ", ".join(paths[:3]) + (f" and {len(paths) - 3} more" if len(paths) > 3 else "")  # noqa: PLR2004 (shown above)
    verb = "has" if len(paths) == 1 else "have"
    message = (
        f"{named} {verb} changed since packages were installed into the sandbox; the run had the "
        f"old ones. {_AGAIN}"
    )
    return Failure(STALE, message, path=next((path for path in paths if path in tree), None))


def gone(runtime: str) -> Failure:
    """The warning that what was installed is not there any more."""
    message = (
        f"The packages that were installed into the sandbox for {find_runtime(runtime).title} are "
        "not there any more: they were removed, or the image is another now. The run had none of "
        f"them. {_AGAIN}"
    )
    return Failure(STALE, message)


class Manifests:
    """What the manifests of workspaces ask for; read again when one of them is another."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Path, str], tuple[Tree, dict[str, str]]] = {}

    def changed(
        self, directory: Path, runtime: str, tree: Tree, before: Mapping[str, str]
    ) -> tuple[str, ...]:
        """The paths of those that asked for something else before. Reads files."""
        now = self._asked(directory, runtime, tree)
        return tuple(
            path for path in sorted(now.keys() | before.keys()) if now.get(path) != before.get(path)
        )

    def _asked(self, directory: Path, runtime: str, tree: Tree) -> dict[str, str]:
        small = {path: item for path, item in tree.items() if path.endswith(_ENDINGS)}
        seen = self._seen.get((directory, runtime))
        if seen is None or seen[0] != small:
            seen = (small, asked(runtime, files_of(tree)))
            self._seen[directory, runtime] = seen
        return seen[1]


def _content(item: Blob | HostFile) -> bytes:
    return item.data if isinstance(item, Blob) else Path(item.path).read_bytes()
