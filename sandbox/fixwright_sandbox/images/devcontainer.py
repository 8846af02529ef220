"""What a project's own files say of the image that it wants to run in.

A Dockerfile, or a `devcontainer.json` (https://containers.dev/implementors/json_reference/) with an
image or a build. Both are a stranger's: paths that leave the project are refused, and variables of
this machine are not handed on.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from .events import ImageError

_PLACES = (".devcontainer/devcontainer.json", ".devcontainer.json", "Dockerfile")
_HEEDED = frozenset({"name", "image", "build", "dockerFile", "context", "$schema"})
_IMMATERIAL = frozenset({"customizations", "settings", "extensions", "remoteUser", "containerUser"})
"""What is of an editor, or of a user, which in a sandbox is always the same."""
_VARIABLE = re.compile(r"\$\{localEnv:[^:}]*(?::([^}]*))?\}")
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|//[^\n]*|/\*.*?\*/', re.DOTALL)
_LAST_COMMA = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])', re.DOTALL)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The image that a project wants.

    Attributes:
        source: the file that says so, relative to the project.
        image: an image that is there already, or in a registry; empty where one is built.
        context: the folder whose files the build sees.
        dockerfile: the Dockerfile.
        args: build arguments.
        target: the stage to stop at; None is the last.
        unheeded: keys of a devcontainer.json that have no effect in a sandbox.
    """

    source: str
    image: str = ""
    context: Path = Path()
    dockerfile: Path = Path()
    args: Mapping[str, str] = field(default_factory=dict[str, str])
    target: str | None = None
    unheeded: tuple[str, ...] = ()


def wanted(project: Path, source: str | None = None) -> Wanted:
    """Read what a project wants, from `source` or from where it is usual.

    Raises:
        ImageError: it says nothing, or nothing that can be followed.
    """
    root = project.resolve()
    names = _PLACES if source is None else (source,)
    file = next((path for name in names if (path := root / name).is_file()), None)
    if file is None:
        message = f"{project} has none of {', '.join(names)}, which would tell its image."
        raise ImageError(message)
    file = _inside(root, file, "the file that tells the image")
    if file.suffix != ".json":
        return Wanted(str(file.relative_to(root)), context=file.parent, dockerfile=file)
    return _of_devcontainer(root, file)


def _of_devcontainer(root: Path, file: Path) -> Wanted:
    name = str(file.relative_to(root))
    try:
        parsed: object = json.loads(plain_json(file.read_text(encoding="utf-8")))
    except ValueError as error:
        message = f"{name} is not JSON (with comments): {error}."
        raise ImageError(message) from error
    reader = _Reader(name, parsed)
    unheeded = tuple(sorted(reader.table.keys() - _HEEDED - _IMMATERIAL))
    build = _Reader(name, reader.table.get("build", {}))
    image = reader.text("image")
    dockerfile = build.text("dockerfile") or reader.text("dockerFile")
    if image and not dockerfile:
        return Wanted(name, image=image, unheeded=unheeded)
    if not dockerfile:
        more = " (docker-compose is not supported)" if "dockerComposeFile" in reader.table else ""
        message = f"{name} has neither `image` nor `build.dockerfile`{more}."
        raise ImageError(message)
    context = build.text("context") or reader.text("context") or "."
    args = _Reader(name, build.table.get("args", {}))
    return Wanted(
        name,
        context=_inside(root, file.parent / context, f"build.context of {name}"),
        dockerfile=_inside(root, file.parent / dockerfile, f"build.dockerfile of {name}"),
        args={key: args.text(key) for key in args.table},
        target=build.text("target") or None,
        unheeded=unheeded,
    )


class _Reader:
    """Takes texts out of a table, and says which of them is wrong."""

    def __init__(self, file: str, value: object) -> None:
        if not isinstance(value, dict):
            message = f"{file} has something else where an object has to be."
            raise ImageError(message)
        self.table = cast("dict[str, object]", value)
        self._file = file

    def text(self, key: str) -> str:
        value = self.table.get(key, "")
        if not isinstance(value, str):
            message = f"{key} of {self._file} has to be a text."
            raise ImageError(message)
        return _VARIABLE.sub(lambda found: found[1] or "", value)


def plain_json(text: str) -> str:
    """JSON with comments and last commas, as devcontainer.json is written, without these."""
    without = _TOKEN.sub(lambda found: found[0] if found[0].startswith('"') else " ", text)
    return _LAST_COMMA.sub(lambda found: found[1] or "", without)


def _inside(root: Path, path: Path, what: str) -> Path:
    resolved = path.resolve()
    if not resolved.is_relative_to(root):
        message = f"{what} leads out of the project; only what is in there can be used."
        raise ImageError(message)
    if not resolved.exists():
        message = f"{what} does not exist: {resolved.relative_to(root)}."
        raise ImageError(message)
    return resolved
