"""Which cargo package and target a file belongs to."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from .build import cargo_failure, environment
from .modules import Crate
from .places import Places

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

LIBRARIES = ("lib", "rlib", "dylib", "cdylib", "staticlib", "proc-macro")
"""Kinds of a package's library."""


class Target(NamedTuple):
    """One target of a package, as cargo tells it."""

    kind: str
    name: str
    src: str
    doctest: bool
    edition: str


class Package(NamedTuple):
    """A package of the tree.

    Attributes:
        name: its name.
        manifest: absolute path of its `Cargo.toml`.
        workspace: the folder that cargo compiles from; its messages are relative to that.
        targets: what it makes.
        default_run: the binary that `cargo run` starts, where it says.
        crates: what its code may call its libraries.
    """

    name: str
    manifest: str
    workspace: str
    targets: tuple[Target, ...]
    default_run: str | None
    crates: frozenset[str]

    @property
    def folder(self) -> str:
        """The package's folder."""
        return os.path.dirname(self.manifest)


def manifest_above(root: str, path: str) -> str | None:
    """Return the nearest `Cargo.toml` at or above a path, not above the tree's root."""
    folder = os.path.join(root, path)
    if not os.path.isdir(folder):
        folder = os.path.dirname(folder)
    while folder == root or folder.startswith(root + os.sep):
        manifest = os.path.join(folder, "Cargo.toml")
        if os.path.isfile(manifest):
            return manifest
        folder = os.path.dirname(folder)
    return None


def packages(stage: Stage, manifest: str) -> list[Package] | None:
    """Return the packages of a workspace; None, and a report, where cargo can't read it."""
    argv = ["cargo", "metadata", "--no-deps", "--offline", "--format-version=1"]
    argv += ["--manifest-path", manifest]
    done = stage.tool(argv, cwd=stage.root, env=environment(stage))
    if done.exit:
        text = done.stderr.decode("utf-8", "replace")
        stage.say(text)
        places = Places(stage.root, os.path.dirname(manifest))
        stage.report(cargo_failure(text, manifest, places))
        return None
    value: dict[str, Any] = json.loads(done.stdout)
    return [_package(package, value["workspace_root"]) for package in value["packages"]]


def _package(value: dict[str, Any], workspace: str) -> Package:
    targets = tuple(
        Target(
            target["kind"][0],
            target["name"],
            target["src_path"],
            bool(target.get("doctest")),
            target["edition"],
        )
        for target in value["targets"]
    )
    names = [other.get("rename") or other["name"] for other in value["dependencies"]]
    names += [target.name for target in targets if target.kind in LIBRARIES]
    return Package(
        value["name"],
        value["manifest_path"],
        workspace,
        targets,
        value.get("default_run"),
        frozenset(name.replace("-", "_") for name in names),
    )


def owner(found: list[Package], path: str) -> Package | None:
    """Return the package that a file lies in: the one with the deepest folder."""
    inside = [p for p in found if path == p.manifest or path.startswith(p.folder + os.sep)]
    return max(inside, key=lambda package: len(package.folder), default=None)


def target_of(package: Package, path: str, places: Places) -> Target | None:
    """Return the target that a file belongs to, its own before those that have it as a module."""
    for target in package.targets:
        if target.src == path:
            return target
    relative = places.sources.path(path)
    for target in sorted(package.targets, key=lambda target: target.kind != "bin"):
        if relative in Crate(places.sources.path(target.src), places).files:
            return target
    return None


def binary_for(package: Package, target: Target) -> Target | None:
    """Return what to run for a target: itself, or the package's binary for its library."""
    if target.kind in ("bin", "example"):
        return target
    binaries = [other for other in package.targets if other.kind == "bin"]
    if len(binaries) > 1:
        binaries = [other for other in binaries if other.name == package.default_run]
    return binaries[0] if binaries and target.kind in LIBRARIES else None
