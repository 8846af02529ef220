"""Where a Java file's sources and libraries lie."""

from __future__ import annotations

import glob
import os
import re
from typing import NamedTuple

from .installed import jars_installed
from .maven import Pom, jars_of

_PACKAGE = re.compile(
    r"\A(?:\s|//[^\n]*\n|/\*.*?\*/|@\w+(?:\([^)]*\))?)*package\s+(?P<name>[\w.]+)\s*;", re.DOTALL
)
_FAMILY = ("src/main/java", "src/test/java", "src/main/kotlin")
_LIBRARIES = ("lib", "libs")
_JUNIT = ("junit-platform-launcher", "junit-platform-engine", "opentest4j")
_GRADLE = ("build.gradle", "build.gradle.kts")
_PARTS = ("junit-platform", "junit-jupiter")
_RESOURCES = ("src/main/resources", "src/test/resources")


class Project(NamedTuple):
    """What belongs to one file or folder of sources.

    Attributes:
        roots: source folders, absolute, the file's own first.
        libraries: jars, absolute.
        resources: folders of resources, absolute.
        missing: dependencies that the local repository does not have.
        manifest: its `pom.xml`; None without one.
    """

    roots: tuple[str, ...]
    libraries: tuple[str, ...]
    resources: tuple[str, ...]
    missing: tuple[str, ...]
    manifest: str | None

    def class_path(self, junit: tuple[str, ...]) -> tuple[str, ...]:
        """Return the libraries with a JUnit: their own if that is whole, else the one given."""
        names = {os.path.basename(jar).rpartition("-")[0] for jar in self.libraries}
        if names.issuperset(_JUNIT):
            return self.libraries
        if any(name.startswith(_PARTS) for name in names):  # they would not fit to each other
            return (*junit, *self.libraries)
        return (*self.libraries, *junit)


def package_of(text: str) -> str:
    """Return the package that a source file says it is in; "" for none."""
    match = _PACKAGE.match(text)
    return match["name"] if match else ""


def project_of(root: str, path: str, text: str, environment: dict[str, str]) -> Project:
    """Return what a source file needs.

    Args:
        root: the tree.
        path: the file, relative to it.
        text: its text.
        environment: variables; `MAVEN_REPOSITORY` is Maven's, else it lies in `HOME`.
    """
    folder = os.path.dirname(os.path.join(root, path))
    own = _source_root(folder, package_of(text))
    roots = [own]
    base = own
    for family in _FAMILY:
        if own.endswith(os.sep + family) or own == os.path.join(root, family):
            base = own[: -len(family)].rstrip(os.sep)
            roots += [os.path.join(base, other) for other in _FAMILY[:2]]
    manifest = _above(root, base, "pom.xml")
    repository = environment.get("MAVEN_REPOSITORY") or os.path.join(
        environment.get("HOME", "/"), ".m2", "repository"
    )
    libraries, missing = _libraries(root, base, manifest, repository, environment)
    modules = _modules(root, manifest) if manifest else []
    local = [
        jar
        for place in dict.fromkeys((base, root))
        for name in _LIBRARIES
        for jar in sorted(glob.glob(os.path.join(glob.escape(place), name, "*.jar")))
    ]
    existing = [one for one in dict.fromkeys([*roots, *modules]) if os.path.isdir(one)]
    resources = [os.path.join(base, name) for name in _RESOURCES]
    return Project(
        tuple(existing),
        (*local, *libraries),
        tuple(filter(os.path.isdir, resources)),
        tuple(one for one in missing if not one.startswith(("org.junit", "junit:"))),
        manifest,
    )


def _libraries(
    root: str, base: str, manifest: str | None, repository: str, environment: dict[str, str]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the jars that the build asks for, and what of it is not there."""
    told = manifest or _lock_file(root, base)
    installed = jars_installed(root, told, environment) if told else None
    if installed is not None:
        return installed, ()
    return jars_of(Pom.read(manifest), repository) if manifest else ((), ())


def _lock_file(root: str, base: str) -> str | None:
    """Return where the nearest Gradle project has its lock file, if it has one."""
    scripts = [_above(root, base, name) for name in _GRADLE]
    nearest = max(filter(None, scripts), key=len, default=None)
    return os.path.join(os.path.dirname(nearest), "gradle.lockfile") if nearest else None


def _source_root(folder: str, package: str) -> str:
    """Return the folder below which the package's folders begin; the file's own if they don't."""
    tail = package.replace(".", os.sep)
    if tail and (folder + os.sep).endswith(os.sep + tail + os.sep):
        return folder[: -len(tail)].rstrip(os.sep) or os.sep
    return folder


def _above(root: str, folder: str, name: str) -> str | None:
    while folder == root or folder.startswith(root + os.sep):
        candidate = os.path.join(folder, name)
        if os.path.isfile(candidate):
            return candidate
        folder = os.path.dirname(folder)
    return None


def _modules(root: str, manifest: str) -> list[str]:
    """Return the main sources of the other modules of a build of several."""
    parent = _above(root, os.path.dirname(os.path.dirname(manifest)), "pom.xml")
    if parent is None:
        return []
    folder = os.path.dirname(parent)
    return [os.path.join(folder, module, "src/main/java") for module in Pom.read(parent).modules]
