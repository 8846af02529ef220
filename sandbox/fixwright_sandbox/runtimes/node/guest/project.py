"""What a project's own files say of how its JavaScript and TypeScript are meant."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass, field
from typing import Any, cast

_COMMENT = re.compile(r'"(?:\\.|[^"\\\n])*"|//[^\n]*|/\*.*?(?:\*/|\Z)', re.DOTALL)
_TRAILING = re.compile(r'"(?:\\.|[^"\\\n])*"|,(?=\s*[}\]])')
_DEEPEST = 8
_LARGEST = 1 << 20


@dataclass(frozen=True)
class Compiling:
    """What of a `tsconfig.json` matters to a run; empty where there is none.

    Attributes:
        path: the file.
        jsx: how JSX is written, empty where it does not say.
        module: the kind of modules, in small letters.
        paths: what other names modules have: `{prefix, suffix, targets}`.
        text: what identifies these settings.
    """

    path: str = ""
    jsx: str = ""
    module: str = ""
    paths: tuple[dict[str, Any], ...] = field(default=())
    text: str = ""


class Project:
    """The tree's manifests, each read once."""

    def __init__(self, root: str) -> None:
        self.root = os.path.realpath(root)
        self._folders: dict[tuple[str, str], str | None] = {}
        self._compiling: dict[str, Compiling] = {}

    def package(self, path: str) -> dict[str, Any]:
        """Return the `package.json` that a file belongs to; empty without one."""
        found = self._nearest(os.path.dirname(path), "package.json")
        return read_json(found) if found else {}

    def compiling(self, path: str) -> Compiling:
        """Return the settings of the `tsconfig.json` that a file belongs to."""
        found = self._nearest(os.path.dirname(path), "tsconfig.json")
        if found is None:
            return Compiling()
        if found not in self._compiling:
            self._compiling[found] = _compiling(found)
        return self._compiling[found]

    def installed(self, folder: str, name: str) -> str | None:
        """Return the folder of an installed package as seen from a folder of the tree."""
        while True:
            candidate = os.path.join(folder, "node_modules", *name.split("/"))
            if os.path.isdir(candidate):
                return candidate
            if folder in (self.root, os.path.dirname(folder)):
                return None
            folder = os.path.dirname(folder)

    def _nearest(self, folder: str, name: str) -> str | None:
        folder = os.path.realpath(folder)
        key = (folder, name)
        if key not in self._folders:
            candidate = os.path.join(folder, name)
            above = os.path.dirname(folder)
            if os.path.isfile(candidate):
                self._folders[key] = candidate
            elif folder == self.root or not folder.startswith(self.root + os.sep):
                self._folders[key] = None
            else:
                self._folders[key] = self._nearest(above, name)
        return self._folders[key]


def read_json(path: str) -> dict[str, Any]:
    """Return an object of JSON, comments and trailing commas allowed; empty where there is none."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            text = file.read(_LARGEST)
        text = _COMMENT.sub(lambda m: m[0] if m[0].startswith('"') else " ", text)
        text = _TRAILING.sub(lambda m: m[0] if m[0].startswith('"') else " ", text)
        value: object = json.loads(text)
    except (OSError, ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", value) if isinstance(value, dict) else {}


def _compiling(path: str) -> Compiling:
    options: dict[str, Any] = {}
    at: str | None = path
    for _ in range(_DEEPEST):
        if at is None:
            break
        config = read_json(at)
        own = config.get("compilerOptions")
        if isinstance(own, dict):
            settings = cast("dict[str, Any]", own)
            if "baseUrl" in settings or "paths" in settings:
                settings = {"": os.path.dirname(at), **settings}
            options = {**settings, **options}
        extended = config.get("extends")
        at = None
        if isinstance(extended, str) and extended.startswith("."):
            at = os.path.normpath(os.path.join(os.path.dirname(path), extended))
            at = at if at.endswith(".json") else f"{at}.json"
    return Compiling(
        path=path,
        jsx=str(options.get("jsx") or ""),
        module=str(options.get("module") or "").lower(),
        paths=tuple(_paths(options)),
        text=json.dumps(options, sort_keys=True),
    )


def _paths(options: dict[str, Any]) -> list[dict[str, Any]]:
    base = os.path.join(str(options.get("", ".")), str(options.get("baseUrl") or "."))
    found: list[dict[str, Any]] = []
    given = options.get("paths")
    for pattern, targets in cast(
        "dict[str, Any]", given if isinstance(given, dict) else {}
    ).items():
        prefix, _, suffix = pattern.partition("*")
        listed = cast("list[Any]", targets) if isinstance(targets, list) else []
        places = [os.path.normpath(os.path.join(base, str(target))) for target in listed]
        if "*" not in pattern:
            suffix = ""
        found.append({"prefix": prefix, "suffix": suffix, "targets": places})
    if options.get("baseUrl"):
        found.append(
            {"prefix": "", "suffix": "", "targets": [os.path.join(os.path.normpath(base), "*")]}
        )
    return found
