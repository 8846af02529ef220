"""The packages in an image, as their own databases tell them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import cast
from urllib.parse import quote

_DPKG = "var/lib/dpkg/status"
_GO = re.compile(r"^go(\d+\.\d+(\.\d+)?)")


@dataclass(frozen=True, slots=True, order=True)
class Package:
    """One package.

    Attributes:
        kind: `deb`, `pypi`, `npm` or `golang`.
        name: its name there.
        version: its version.
        architecture: of a `deb`.
    """

    kind: str
    name: str
    version: str
    architecture: str = ""

    @property
    def url(self) -> str:
        """The package in the notation of https://github.com/package-url/purl-spec."""
        name = quote(self.name, safe="/")
        place = f"deb/debian/{name}" if self.kind == "deb" else f"{self.kind}/{name}"
        arch = f"?arch={self.architecture}" if self.architecture else ""
        return f"pkg:{place}@{quote(self.version, safe='')}{arch}"


def is_database(path: str) -> bool:
    """Whether a file of an image tells of packages."""
    return path == _DPKG or _told_by(path) is not None


def packages(databases: Mapping[str, bytes]) -> list[Package]:
    """What these files of an image (by path) tell, sorted."""
    found: set[Package] = set()
    for path, content in databases.items():
        text = content.decode("utf-8", "replace")
        if path == _DPKG:
            found.update(_debian(text))
        elif (package := _package(path, text)) is not None:
            found.add(package)
    return sorted(found)


def _told_by(path: str) -> str | None:
    name = PurePosixPath(path)
    if name.name == "METADATA" and name.parent.suffix == ".dist-info":
        return "pypi"
    if path == "opt/fixwright/go/VERSION":
        return "golang"
    if name.name == "package.json" and (
        name.parents[1].name == "node_modules"
        or (name.parents[1].name.startswith("@") and name.parents[2].name == "node_modules")
    ):
        return "npm"
    return None


def _package(path: str, text: str) -> Package | None:
    kind = _told_by(path)
    if kind == "golang":
        version = _GO.match(text)
        return Package(kind, "std", version[1]) if version else None
    if kind == "npm":
        about = cast("dict[str, object]", json.loads(text))
        return Package(kind, str(about.get("name", "")), str(about.get("version", "")))
    if kind == "pypi":
        fields = _fields(text.partition("\n\n")[0])
        return Package(kind, fields["Name"].lower(), fields["Version"])
    return None


def _debian(status: str) -> Iterable[Package]:
    for paragraph in status.split("\n\n"):
        fields = _fields(paragraph)
        if fields.get("Status", "").endswith(" installed"):
            yield Package("deb", fields["Package"], fields["Version"], fields["Architecture"])


def _fields(paragraph: str) -> dict[str, str]:
    lines = (line for line in paragraph.splitlines() if line[:1] not in {" ", "\t", ""})
    return {key: value for key, _, value in (line.partition(": ") for line in lines)}
