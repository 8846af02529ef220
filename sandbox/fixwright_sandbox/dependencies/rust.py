"""Rust: `Cargo.toml` and `Cargo.lock`."""

from __future__ import annotations

from . import reading
from .model import Files, Package, Wanted
from .reading import ManifestError

_NO_LOCK = "There is no Cargo.lock; the newest versions that fit are taken."
_PLACES = ("dependencies", "dev-dependencies", "build-dependencies")


def wanted(files: Files) -> Wanted:
    """What the tree's Cargo.toml files ask for; what is vendored or in the tree is there."""
    if any(path.startswith("vendor/") for path in files):
        return Wanted("rust")
    paths = sorted(path for path in files if path.rpartition("/")[2] == "Cargo.toml")
    packages: dict[str, Package] = {}
    problems: list[str] = []
    manifests: dict[str, bytes] = {}
    for path in paths:
        try:
            data = reading.toml(files, path)
            manifests.update(reading.among(files, [path]))
            source = reading.text(files, path) or ""
        except ManifestError as error:
            problems.append(str(error))
            continue
        for name, told in _asked(data or {}):
            constraint = told if isinstance(told, str) else reading.table(told).get("version")
            if isinstance(told, str) or not _local(reading.table(told)):
                version = f" {constraint}" if isinstance(constraint, str) else ""
                origin = f"{path}:{reading.line_of(source, name)}"
                packages.setdefault(name, Package(name, version, origin))
    locks = reading.among(files, [path.replace("Cargo.toml", "Cargo.lock") for path in paths])
    if packages and not locks:
        problems.append(_NO_LOCK)
    return Wanted(
        runtime="rust",
        packages=tuple(sorted(packages.values(), key=lambda each: each.name)),
        manifests={**manifests, **locks} if packages else {},
        locked=bool(locks),
        problems=tuple(problems),
    )


def _asked(data: reading.Table) -> list[tuple[str, object]]:
    tables = [data, reading.table(data.get("workspace"))]
    tables += [reading.table(each) for each in reading.table(data.get("target")).values()]
    return [
        (name, told)
        for table in tables
        for place in _PLACES
        for name, told in reading.table(table.get(place)).items()
    ]


def _local(told: reading.Table) -> bool:
    """A path in the tree, or what the workspace's own Cargo.toml says."""
    return "path" in told or told.get("workspace") is True
