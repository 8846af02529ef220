"""JavaScript and TypeScript: `package.json` and its lock file."""

from __future__ import annotations

from . import reading
from .model import Conflict, Files, Package, Unknown, Wanted
from .node_imports import imported_packages
from .reading import ManifestError

_LOCKS = ("package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml")
_PLACES = ("dependencies", "devDependencies", "optionalDependencies", "peerDependencies")
_SETTINGS = (".npmrc",)
"""Not sent: it may hold a token, and may name another registry."""


def wanted(files: Files) -> Wanted:
    """What a tree's package.json asks for, and imports that it does not name."""
    try:
        data = reading.json_object(files, "package.json")
        manifests = reading.among(files, ["package.json", *_LOCKS]) if data is not None else {}
    except ManifestError as error:
        return Wanted("node", problems=(str(error),))
    if "node_modules" in {path.partition("/")[0] for path in files}:
        return Wanted("node")  # installed already, and part of the tree
    packages = _packages(files, data or {})
    problems = tuple(
        f"{name} is left out of the installation, because it may hold secrets or name another "
        "registry; set the registry in your own settings."
        for name in _SETTINGS
        if name in files and packages
    )
    known = {each.name for each in packages} | {reading.string((data or {}).get("name"))}
    unknown = tuple(
        Unknown(name, origin)
        for name, origin in imported_packages(files).items()
        if name not in known
    )
    return Wanted(
        runtime="node",
        packages=tuple(packages),
        manifests=manifests if packages else {},
        locked=any(name in manifests for name in _LOCKS),
        conflicts=tuple(_conflicts(data or {})),
        unknown=unknown,
        problems=problems,
    )


def _packages(files: Files, data: reading.Table) -> list[Package]:
    source = reading.text(files, "package.json") or ""
    found: dict[str, Package] = {}
    for place in _PLACES:
        for name, constraint in sorted(reading.table(data.get(place)).items()):
            line = reading.line_of(source, f'"{name}"')
            told = reading.string(constraint)
            version = "" if told in ("", "*", "latest") else f"@{told}"
            found.setdefault(name, Package(name, version, f"package.json:{line}"))
    return sorted(found.values(), key=lambda each: each.name)


def _conflicts(data: reading.Table) -> list[Conflict]:
    """A package that is asked for twice, in different versions."""
    found: list[Conflict] = []
    first: dict[str, tuple[str, str]] = {}
    for place in _PLACES[:3]:
        for name, constraint in reading.table(data.get(place)).items():
            told = reading.string(constraint)
            before = first.setdefault(name, (place, told))
            if before[1] != told:
                message = (
                    f"package.json asks for {name} {before[1]} in {before[0]} and for {told} in "
                    f"{place}. Change one of them."
                )
                found.append(Conflict(name, message))
    return found
