"""Java: `pom.xml`, and of Gradle's builds, which are programs, the `gradle.lockfile`."""

from __future__ import annotations

import posixpath
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass

from . import reading
from .model import Conflict, Files, Package, Wanted
from .reading import ManifestError

GRADLE_LOCK = "gradle.lockfile"
_GRADLE = ("build.gradle", "build.gradle.kts")
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_PROPERTY = re.compile(r"\$\{([^}]+)\}")
_LOCKED = re.compile(r"^([\w.-]+):([\w.-]+):([\w.+-]+)=", re.ASCII)


@dataclass(frozen=True)
class _Pom:
    path: str
    data: bytes
    root: ET.Element

    @property
    def folder(self) -> str:
        return posixpath.dirname(self.path)

    @property
    def name(self) -> str:
        """Group and artifact."""
        group = self.text("groupId") or self.text("parent", "groupId")
        return f"{group}:{self.text('artifactId')}"

    @property
    def near(self) -> Iterator[str]:
        """The POMs that it names by their paths: its parent, its modules, those of profiles."""
        for parent in _children(self.root, "parent"):
            told = next((each.text or "" for each in _children(parent, "relativePath")), "..")
            yield from self._pom(told) if told.strip() else ()
        profiles = [one for each in _children(self.root, "profiles") for one in each]
        for place in (self.root, *profiles):
            for modules in _children(place, "modules"):
                for module in modules:
                    yield from self._pom(module.text or "")

    def text(self, *names: str) -> str:
        """The text below these elements, in the first of each."""
        at: ET.Element | None = self.root
        for name in names:
            at = None if at is None else next(_children(at, name), None)
        return "" if at is None else (at.text or "").strip()

    def _pom(self, told: str) -> Iterator[str]:
        path = posixpath.normpath(posixpath.join(self.folder, told.strip()))
        yield path if path.endswith(".xml") else posixpath.join(path, "pom.xml").removeprefix("./")


def wanted(files: Files) -> Wanted:
    """What the tree's build files ask for."""
    problems: list[str] = []
    poms = _project(files, problems)
    locks = _locks(files, problems)
    own = {pom.name for pom in poms}
    packages = [each for pom in poms for each in _packages(pom) if each.name not in own]
    for path, source in locks.items():
        packages += _locked(path, source)
    unread = sorted(_unread_gradle(files, {pom.folder for pom in poms}))
    if unread:
        problems.append(_gradle_problem(unread[0]))
    manifests = {pom.path: pom.data for pom in poms}
    manifests |= reading.among(files, locks)
    return Wanted(
        runtime="java",
        packages=tuple(sorted(packages, key=lambda each: (each.name, each.origin))),
        manifests=manifests if packages else {},
        locked=bool(locks) and not poms,
        conflicts=tuple(conflict for pom in poms for conflict in _conflicts(pom)),
        problems=tuple(problems),
    )


# ---- Maven


def _project(files: Files, problems: list[str]) -> list[_Pom]:
    """The POM at the tree's root with what it leads to; where there is none there, all of them."""
    names = sorted(path for path in files if path.rpartition("/")[2] == "pom.xml")
    waiting = ["pom.xml"] if "pom.xml" in names else names
    found: dict[str, _Pom | None] = {}
    while waiting:
        path = waiting.pop(0)
        if path in found or path not in files:
            continue
        found[path] = None
        try:
            data = reading.content(files, path)
            if data is not None:
                found[path] = pom = _Pom(path, data, _parsed(path, data))
                waiting += pom.near
        except ManifestError as error:
            problems.append(str(error))
    return [pom for path in sorted(found) if (pom := found[path]) is not None]


def _parsed(path: str, data: bytes) -> ET.Element:
    """Parse a POM. One that defines entities is refused: they can be made to take all memory."""
    if _DOCTYPE.search(data):
        message = f"{path} has a DOCTYPE, which no POM needs; it was not read."
        raise ManifestError(message)
    try:
        return ET.fromstring(data)  # noqa: S314  without entities there is nothing to expand
    except ET.ParseError as error:
        message = f"{path} is not XML: {error}."
        raise ManifestError(message) from error


def _packages(pom: _Pom) -> Iterator[Package]:
    properties = {
        "project.groupId": pom.text("groupId") or pom.text("parent", "groupId"),
        "project.version": pom.text("version") or pom.text("parent", "version"),
    }
    for block in _children(pom.root, "properties"):
        properties |= {_local(each.tag): (each.text or "").strip() for each in block}

    def filled(text: str) -> str:
        return _PROPERTY.sub(lambda match: properties.get(match[1], match[0]), text)

    source = pom.data.decode("utf-8", "replace")
    for told in _dependencies(pom):
        artifact = told.get("artifactId", "")
        if artifact and told.get("scope") != "system":
            name = f"{filled(told.get('groupId', '?'))}:{artifact}"
            version = filled(told.get("version", ""))
            line = reading.line_of(source, f"<artifactId>{artifact}<")
            yield Package(name, f":{version}" if version else "", f"{pom.path}:{line}")


def _dependencies(pom: _Pom) -> Iterator[dict[str, str]]:
    for block in _children(pom.root, "dependencies"):
        for dependency in _children(block, "dependency"):
            yield {_local(each.tag): (each.text or "").strip() for each in dependency}


def _conflicts(pom: _Pom) -> Iterator[Conflict]:
    """A dependency that one POM names twice, in different versions. Two modules may differ."""
    first: dict[tuple[str, ...], str] = {}
    for told in _dependencies(pom):
        key = tuple(told.get(name, "") for name in ("groupId", "artifactId", "type", "classifier"))
        version = told.get("version", "")
        before = first.setdefault(key, version)
        if before != version:
            name = ":".join(key[:2])
            message = f"{pom.path} asks for {name} {before or 'without a version'} and for "
            message += f"{version or 'it without a version'}. Leave one of them."
            yield Conflict(name, message)


def _children(parent: ET.Element, name: str) -> Iterator[ET.Element]:
    return (each for each in parent if _local(each.tag) == name)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


# ---- Gradle


def _locks(files: Files, problems: list[str]) -> dict[str, str]:
    """The lock files that Gradle writes where a build turns dependency locking on."""
    found: dict[str, str] = {}
    for path in sorted(each for each in files if each.rpartition("/")[2] == GRADLE_LOCK):
        try:
            source = reading.text(files, path)
        except ManifestError as error:
            problems.append(str(error))
        else:
            found |= {path: source} if source is not None else {}
    return found


def locked(source: str) -> Iterator[tuple[int, str, str, str]]:
    """One-based line, group, artifact and version of all that a `gradle.lockfile` names."""
    for number, line in enumerate(source.splitlines(), 1):
        match = _LOCKED.match(line)
        if match is not None:
            yield number, match[1], match[2], match[3]


def _locked(path: str, source: str) -> Iterator[Package]:
    for number, group, artifact, version in locked(source):
        yield Package(f"{group}:{artifact}", f":{version}", f"{path}:{number}")


def _unread_gradle(files: Files, maven: set[str]) -> Iterator[str]:
    """Build scripts of which nobody has written down what they resolve to.

    A script above others that have lock files is taken for one that only holds them together.
    """
    locks = [path for path in files if path.rpartition("/")[2] == GRADLE_LOCK]
    for path in files:
        folder, slash, name = path.rpartition("/")
        known = folder in maven or any(lock.startswith(f"{folder}{slash}") for lock in locks)
        if name in _GRADLE and not known:
            yield path


def _gradle_problem(path: str) -> str:
    return (
        f"{path} is a program, which is not run to find out what it depends on, so none of that is "
        "installed. Turn on dependency locking (`dependencyLocking { lockAllConfigurations() }`) "
        "and write the lock file with `gradle dependencies --write-locks`; what gradle.lockfile "
        "names is installed. Or put the jars into a folder lib or libs."
    )
