"""Run the examples in a library's documentation, by rustdoc itself.

`cargo test --doc` would do, but it builds and runs in one: what runs must not be able to reach
what is built.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from fixwright_sandbox.guest.freshness import Tree

from . import build, project
from .listener import LIBTEST, Report
from .modules import Crate
from .places import Places
from .wanted import Wanted

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

_FENCE = re.compile(r"^\s*//[/!].*```", re.MULTILINE)


class Examples:
    """The examples of one package's library."""

    def __init__(self, stage: Stage, package: project.Package, places: Places, tree: Tree) -> None:
        self._stage = stage
        self._package = package
        self._places = places
        self._tree = tree
        libraries = (t for t in package.targets if t.doctest and t.kind in project.LIBRARIES)
        self._target = next(libraries, None)

    def wanted(self, ones: list[Wanted]) -> list[str]:
        """Return what to run, as rustdoc names it: names, paths, or `[""]` for all."""
        if self._target is None:
            return []
        crate = Crate(self._places.sources.path(self._target.src), self._places)
        root = self._stage.root
        documented = [path for path in crate.files if self._has_examples(path)]
        filters: list[str] = []
        for one in ones:
            folder = os.path.join(root, one.path) if one.path else root
            if os.path.isdir(folder) and self._target.src.startswith(folder + os.sep):
                return [""] if documented else []
            if one.path in documented and (not one.name or "(line " in one.name):
                start = os.path.relpath(os.path.join(root, one.path), self._package.folder)
                filters.append(f"{start} - {one.name}" if one.name else start)
        return filters

    def build(self, filters: list[str]) -> list[str] | None:
        """Build the library; return how rustdoc is started, None where it can't be built."""
        target = self._target
        assert target is not None, "there are examples only of a library"
        libraries: dict[str, str] = {}
        features: tuple[str, ...] = ()
        for arguments in (["test", "--no-run"], ["build"]):
            chosen = [*arguments, "--package", self._package.name, "--lib"]
            manifest = self._package.manifest
            built = build.cargo(self._stage, manifest, chosen, self._places, self._tree)
            if not built.ok:
                return None
            libraries.update(built.libraries)
            features = built.features
        # rustdoc splits its arguments at spaces: a name is no filter there, only its file is.
        files = dict.fromkeys(name.partition(" ")[0] for name in filters if name)
        return [
            "rustdoc",
            "--test",
            f"--edition={target.edition}",
            f"--crate-name={target.name.replace('-', '_')}",
            f"-Ldependency={os.path.join(self._stage.cache, 'target', 'debug', 'deps')}",
            *(f"--extern={name}={path}" for name, path in libraries.items()),
            *(f'--cfg=feature="{name}"' for name in features),
            f"--test-args={' '.join([*LIBTEST, *files])}",
            os.path.relpath(target.src, self._package.folder),
        ]

    def run(self, argv: list[str], filters: list[str]) -> Report:
        """Run the examples."""
        assert self._target is not None, "there are examples only of a library"
        crate = Crate(self._places.sources.path(self._target.src), self._places)
        only = tuple(name for name in filters if " - " in name)
        report = Report(self._stage, crate, self._places, only=only)
        environment = {
            **build.environment(self._stage),
            "RUSTC_BOOTSTRAP": "1",
            "CARGO_MANIFEST_DIR": self._package.folder,
        }
        ended = self._stage.stream(argv, report.event, cwd=self._package.folder, env=environment)
        if ended.exit and report.silent:
            report.failed = True
        return report

    def _has_examples(self, path: str) -> bool:
        text = self._places.source(os.path.join(self._stage.root, path)).text
        return bool(_FENCE.search(text))
