"""Which files hold tests, and what runs each of them."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from .project import Project
from .script import Script

FRAMEWORKS = ("vitest", "jest", "mocha")
_SKIPPED = {"node_modules", "dist", "build", "coverage", "out"}
_NAMED = re.compile(
    r"(?:^|.*[.\-_])(?:test|spec)s?\.[cm]?[jt]sx?$|^test-.*\.[cm]?[jt]sx?$", re.IGNORECASE
)
_SOURCE = re.compile(r".*(?<!\.d)\.[cm]?[jt]sx?$")
_OF_NODE = ("node:test", "test")


@dataclass(frozen=True)
class Target:
    """A file with tests, and the names that lead to one of them; none for all."""

    file: str
    names: tuple[str, ...] = ()


def targets_of(named: list[str], root: str) -> list[Target]:
    """Return the files that ids, files and folders name; every test file where nothing is named."""
    found: list[Target] = []
    for name in named or ["."]:
        path, *names = name.split("::")
        place = os.path.normpath(os.path.join(root, path))
        if os.path.isdir(place):
            found += [Target(file) for file in _files_below(place, root)]
        else:
            found.append(Target(place, tuple(names)))
    return list(dict.fromkeys(found))


def framework_of(file: str, asked: str, project: Project) -> str:
    """Return what runs a test file: `node`, or what the project has installed for it."""
    if asked in ("node", *FRAMEWORKS):
        return asked
    folder = os.path.dirname(file)
    try:
        with open(file, encoding="utf-8", errors="replace") as opened:
            imported = {one.specifier for one in Script(opened.read(1 << 20).split("\n")).imports()}
    except OSError:
        return "node"
    if imported & set(_OF_NODE):
        return "node"
    for name, modules in (
        ("vitest", ("vitest",)),
        ("jest", ("@jest/globals",)),
        ("mocha", ("mocha",)),
    ):
        if imported & set(modules):
            return name if project.installed(folder, name) else "node"
    scripts = project.package(file).get("scripts")
    command = (
        str(cast("dict[str, object]", scripts).get("test")) if isinstance(scripts, dict) else ""
    )
    there = [name for name in FRAMEWORKS if project.installed(folder, name)]
    said = [name for name in there if re.search(rf"\b{name}\b", command)]
    return (said or there or ["node"])[0]


def _files_below(folder: str, root: str) -> Iterator[str]:
    for current, folders, files in os.walk(folder):
        folders[:] = sorted(n for n in folders if not n.startswith(".") and n not in _SKIPPED)
        inside = os.path.relpath(current, root).split(os.sep)
        for name in sorted(files):
            in_tests = bool({"test", "__tests__"} & set(inside)) and _SOURCE.match(name)
            if _NAMED.match(name) or in_tests:
                yield os.path.join(current, name)
