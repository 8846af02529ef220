"""Java: `pom.xml`."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator

from . import reading
from .model import Conflict, Files, Package, Wanted
from .reading import ManifestError

_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_PROPERTY = re.compile(r"\$\{([^}]+)\}")


def wanted(files: Files) -> Wanted:
    """What the tree's pom.xml files ask for."""
    paths = sorted(path for path in files if path.rpartition("/")[2] == "pom.xml")
    packages: list[Package] = []
    problems: list[str] = []
    manifests: dict[str, bytes] = {}
    for path in paths:
        try:
            data = reading.content(files, path)
            if data is None:
                continue
            root = _parsed(path, data)
        except ManifestError as error:
            problems.append(str(error))
            continue
        manifests[path] = data
        packages += _packages(path, data.decode("utf-8", "replace"), root)
    gradle = [path for path in files if path.rpartition("/")[2].startswith("build.gradle")]
    if gradle and not paths:
        problems.append(f"{gradle[0]}: packages of Gradle builds can't be installed; Maven's can.")
    return Wanted(
        runtime="java",
        packages=tuple(sorted(packages, key=lambda each: (each.name, each.origin))),
        manifests=manifests if packages else {},
        conflicts=tuple(_conflicts(packages)),
        problems=tuple(problems),
    )


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


def _packages(path: str, source: str, root: ET.Element) -> Iterator[Package]:
    properties = {
        _local(each.tag): (each.text or "").strip()
        for block in _children(root, "properties")
        for each in block
    }
    for block in _children(root, "dependencies"):
        for dependency in _children(block, "dependency"):
            told = {_local(each.tag): (each.text or "").strip() for each in dependency}
            artifact = told.get("artifactId", "")
            version = _PROPERTY.sub(
                lambda match: properties.get(match[1], match[0]), told.get("version", "")
            )
            if artifact and told.get("scope") != "system":
                name = f"{told.get('groupId', '?')}:{artifact}"
                line = reading.line_of(source, f"<artifactId>{artifact}<")
                yield Package(name, f":{version}" if version else "", f"{path}:{line}")


def _conflicts(packages: list[Package]) -> Iterator[Conflict]:
    first: dict[str, Package] = {}
    for each in packages:
        before = first.setdefault(each.name, each)
        if before.constraint != each.constraint and before.constraint and each.constraint:
            message = (
                f"{before.origin} asks for {before.name}{before.constraint} and {each.origin} for "
                f"{each.name}{each.constraint}. Change one of them."
            )
            yield Conflict(each.name, message)


def _children(parent: ET.Element, name: str) -> Iterator[ET.Element]:
    return (each for each in parent if _local(each.tag) == name)


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]
