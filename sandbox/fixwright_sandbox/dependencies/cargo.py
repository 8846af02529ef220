"""What Cargo needs beside manifests: files where targets are, and the user's registries."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from . import reading
from .reading import Table

_TARGETS = {"bin": "src/bin", "example": "examples", "test": "tests", "bench": "benches"}
_KEPT = ("registry", "replace-with")
"""What of a source goes into a layer. Folders of the machine would not be there in a run."""


@dataclass(frozen=True)
class Registries:
    """The user's own settings of Cargo.

    Attributes:
        config: a configuration with registries alone, without what is secret.
        tokens: variables with what is secret, for the installation.
        certificates: a file of this machine; empty for the system's.
    """

    config: str = ""
    tokens: Mapping[str, str] = field(default_factory=dict[str, str])
    certificates: str = ""


def main_manifest(manifests: Iterable[str]) -> str:
    """The manifest that is nearest to the tree's root."""
    found = (path for path in manifests if path.rpartition("/")[2] == "Cargo.toml")
    return min(found, key=lambda path: (path.count("/"), path))


def stubs(manifests: Mapping[str, bytes]) -> dict[str, bytes]:
    """Empty files where Cargo looks for targets: without any it does not read a package."""
    found: dict[str, bytes] = {}
    for path, data in manifests.items():
        folder, _, name = path.rpartition("/")
        if name == "Cargo.toml":
            told = tomllib.loads(data.decode("utf-8-sig"))
            inside = (each for each in _targets(told) if ".." not in each and each[0] != "/")
            found |= {f"{folder}/{each}".lstrip("/"): b"" for each in inside}
    return found


def _targets(told: Table) -> Iterator[str]:
    package = reading.table(told.get("package"))
    if not package:
        return
    yield from ("src/lib.rs", "src/main.rs")
    if build := reading.string(package.get("build")):
        yield build
    for kind, folder in _TARGETS.items():
        for each in map(reading.table, reading.items(told.get(kind))):
            name = reading.string(each.get("name"))
            if "path" not in each and name and (kind, name) != ("bin", package.get("name")):
                yield f"{folder}/{name}.rs"


def registries(home: Path) -> Registries:
    """What the user's `CARGO_HOME` says of registries. Reads files."""
    config = _toml(home / "config.toml") or _toml(home / "config")
    lines: list[str] = []
    for kind, keys in (("source", _KEPT), ("registries", ("index",))):
        for name, told in reading.table(config.get(kind)).items():
            values = {key: reading.string(reading.table(told).get(key)) for key in keys}
            lines.append(f"[{kind}.{json.dumps(name)}]")
            lines += [f"{key} = {json.dumps(value)}" for key, value in values.items() if value]
    secret = _toml(home / "credentials.toml") or _toml(home / "credentials")
    tokens = {
        f"CARGO_REGISTRIES_{name.upper().replace('-', '_')}_TOKEN": token
        for told in (config, secret)
        for name, each in reading.table(told.get("registries")).items()
        if (token := reading.string(reading.table(each).get("token")))
    }
    certificates = reading.string(reading.table(config.get("http")).get("cainfo"))
    return Registries("".join(f"{line}\n" for line in lines), tokens, certificates)


def _toml(path: Path) -> Table:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
