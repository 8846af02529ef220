"""Find a pom's libraries in the local Maven repository, without Maven.

Understood: properties, parents, `dependencyManagement` with imported BOMs, scopes, exclusions,
optional dependencies; of two versions the nearest wins, as Maven has it. Version ranges and
profiles are not: a dependency with one counts as missing, and is told.
"""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from xml.etree import ElementTree as ET

_PROPERTY = re.compile(r"\$\{([^}]+)\}")
_MOST = 2_000
_DEEPEST = 12


class Dependency(NamedTuple):
    """One dependency as a pom gives it; fields may still hold `${…}`."""

    group: str
    artifact: str
    version: str
    scope: str
    kind: str
    optional: bool
    excluded: frozenset[str]

    @property
    def key(self) -> str:
        """Group and artifact."""
        return f"{self.group}:{self.artifact}"


class Pom(NamedTuple):
    """What is read of one pom."""

    path: str
    group: str
    artifact: str
    version: str
    parent: tuple[str, str, str, str] | None
    properties: dict[str, str]
    dependencies: tuple[Dependency, ...]
    managed: tuple[Dependency, ...]
    modules: tuple[str, ...]

    @staticmethod
    def read(path: str) -> Pom:
        """Read a file; an absent or broken one is an empty pom."""
        try:
            root = _without_namespaces(ET.parse(path).getroot())  # noqa: S314 - a sandbox
        except (OSError, ET.ParseError):
            root = ET.Element("project")
        above = root.find("parent")
        parent = None
        if above is not None:
            where = above.find("relativePath")
            relative = "../pom.xml" if where is None else (where.text or "").strip()
            named = [_text(above, tag) for tag in ("groupId", "artifactId", "version")]
            parent = (named[0], named[1], named[2], relative)
        own = root.find("properties")
        return Pom(
            path,
            _text(root, "groupId") or (parent[0] if parent else ""),
            _text(root, "artifactId"),
            _text(root, "version") or (parent[2] if parent else ""),
            parent,
            {} if own is None else {child.tag: (child.text or "").strip() for child in own},
            _dependencies(root.find("dependencies")),
            _dependencies(root.find("dependencyManagement/dependencies")),
            tuple((module.text or "").strip() for module in root.findall("modules/module")),
        )


def jars_of(pom: Pom, repository: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the jars of a pom's dependencies of all scopes, and those that are not there.

    Args:
        pom: the project's.
        repository: the local repository, `~/.m2/repository`.
    """
    return _Resolver(repository).resolve(pom)


class _Effective(NamedTuple):
    properties: dict[str, str]
    managed: dict[str, Dependency]
    dependencies: list[Dependency]


class _Resolver:
    def __init__(self, repository: str) -> None:
        self._repository = repository
        self._managed: dict[str, Dependency] = {}

    def resolve(self, pom: Pom) -> tuple[tuple[str, ...], tuple[str, ...]]:
        top = self._effective(pom, _DEEPEST)
        self._managed = top.managed
        found: dict[str, str] = {}
        missing: list[str] = []
        waiting = [(one, frozenset[str](), True) for one in top.dependencies]
        while waiting and len(found) < _MOST:
            one, excluded, direct = waiting.pop(0)
            skipped = one.key in found or one.key in excluded or one.kind == "pom"
            if skipped or (not direct and (one.optional or one.scope in ("test", "provided"))):
                continue
            chosen = one if direct else self._managed.get(one.key, one)
            version = chosen.version or one.version
            jar = self._file(one.group, one.artifact, version, "jar")
            if not os.path.isfile(jar):
                missing.append(f"{one.key}:{version}")
                continue
            found[one.key] = jar
            inner = Pom.read(self._file(one.group, one.artifact, version, "pom"))
            below = excluded | one.excluded
            waiting += [
                (two, below, False) for two in self._effective(inner, _DEEPEST).dependencies
            ]
        return tuple(found.values()), tuple(dict.fromkeys(missing))

    def _effective(self, pom: Pom, depth: int) -> _Effective:
        above = _Effective({}, {}, [])
        parent = self._parent(pom)
        if parent is not None and depth > 0:
            above = self._effective(parent, depth - 1)
        properties = {**above.properties, **pom.properties}
        for prefix in ("project", "pom"):
            properties[f"{prefix}.version"] = pom.version
            properties[f"{prefix}.groupId"] = pom.group
            properties[f"{prefix}.artifactId"] = pom.artifact
            if pom.parent:
                properties[f"{prefix}.parent.version"] = pom.parent[2]
        managed = dict(above.managed)
        for one in pom.managed:
            filled = _filled(one, properties)
            if filled.scope == "import" and filled.kind == "pom" and depth > 0:
                bom = Pom.read(self._file(filled.group, filled.artifact, filled.version, "pom"))
                for key, other in self._effective(bom, depth - 1).managed.items():
                    managed.setdefault(key, other)
            else:
                managed[filled.key] = filled
        dependencies = list(above.dependencies)
        for one in pom.dependencies:
            filled = _filled(one, properties)
            known = managed.get(filled.key)
            if known is not None:
                filled = filled._replace(
                    version=filled.version or known.version,
                    scope=filled.scope or known.scope,
                    excluded=filled.excluded | known.excluded,
                )
            dependencies.append(filled)
        return _Effective(properties, managed, dependencies)

    def _parent(self, pom: Pom) -> Pom | None:
        if pom.parent is None:
            return None
        group, artifact, version, relative = pom.parent
        if relative:
            near = os.path.normpath(os.path.join(os.path.dirname(pom.path), relative))
            near = os.path.join(near, "pom.xml") if os.path.isdir(near) else near
            if os.path.isfile(near) and not pom.path.startswith(self._repository):
                return Pom.read(near)
        return Pom.read(self._file(group, artifact, version, "pom"))

    def _file(self, group: str, artifact: str, version: str, kind: str) -> str:
        folder = os.path.join(self._repository, *group.split("."), artifact, version)
        return os.path.join(folder, f"{artifact}-{version}.{kind}")


def _filled(one: Dependency, properties: dict[str, str]) -> Dependency:
    def fill(text: str) -> str:
        for _ in range(8):
            filled = _PROPERTY.sub(lambda match: properties.get(match[1], match[0]), text)
            if filled == text:
                break
            text = filled
        return text

    return one._replace(
        group=fill(one.group),
        artifact=fill(one.artifact),
        version=fill(one.version),
        scope=fill(one.scope),
    )


def _dependencies(parent: ET.Element | None) -> tuple[Dependency, ...]:
    if parent is None:
        return ()
    return tuple(
        Dependency(
            _text(one, "groupId"),
            _text(one, "artifactId"),
            _text(one, "version"),
            _text(one, "scope"),
            _text(one, "type") or "jar",
            _text(one, "optional") == "true",
            frozenset(
                f"{_text(other, 'groupId')}:{_text(other, 'artifactId')}"
                for other in one.findall("exclusions/exclusion")
            ),
        )
        for one in parent.findall("dependency")
    )


def _text(parent: ET.Element, tag: str) -> str:
    return (parent.findtext(tag) or "").strip()


def _without_namespaces(root: ET.Element) -> ET.Element:
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root
