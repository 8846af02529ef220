"""Compile Java sources, unless the classes of exactly these are there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from typing import TYPE_CHECKING, Any, NamedTuple

from fixwright_sandbox.guest.freshness import Tree

from .project import Project
from .spans import Index
from .toolbox import Toolbox, compile_argv

if TYPE_CHECKING:
    from fixwright_sandbox.guest.stage import Stage

_KEPT = 8
"""How many sets of classes stay in the cache."""


class Compiled(NamedTuple):
    """Classes and what is known of their sources.

    Attributes:
        ok: whether there are any.
        classes: the folder of the classes.
        spans: where expressions stand.
        diagnostics: the compiler's, as it reported them; paths absolute.
        said: what else it said.
    """

    ok: bool
    classes: str
    spans: Index
    diagnostics: tuple[dict[str, Any], ...]
    said: str


def compile_sources(
    stage: Stage, tools: Toolbox, project: Project, files: list[str], extra: tuple[str, ...] = ()
) -> Compiled:
    """Compile files with what they need of their source folders.

    Args:
        stage: the run's.
        tools: ours.
        project: their folders and libraries.
        files: absolute paths.
        extra: more of javac's options.
    """
    trees = [
        Tree(root, _record(stage, root), ".java") for root in project.roots if os.path.isdir(root)
    ]
    for tree in trees:
        tree.save()
    known = [tree.digest for tree in trees]
    total = hashlib.sha256(
        repr((known, [_content(file) for file in files], files, project, extra)).encode()
    ).hexdigest()[:32]
    sets = os.path.join(stage.cache, "classes")
    folder = os.path.join(sets, total)
    record = os.path.join(folder, "record.json")
    if os.path.isfile(record):
        os.utime(folder)
        with open(record, encoding="utf-8") as file:
            return _compiled(folder, json.load(file), "", ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    classes = os.path.join(folder, "classes")
    os.makedirs(classes)
    _forget_old(sets, total)
    arguments = os.path.join(stage.scratch, "javac.txt")
    with open(arguments, "w", encoding="utf-8") as file:
        file.write("\n".join([*_options(tools, project, classes), *extra, "--", *files]))
    done = stage.tool(compile_argv(tools, arguments), cwd=stage.root, env=stage.environment)
    lines = _read(done.stdout)
    said = done.stderr.decode("utf-8", "replace")
    if done.exit == 0:
        with open(record, "w", encoding="utf-8") as file:
            json.dump(lines, file)
    return _compiled(folder, lines, said, ok=done.exit == 0)


def _options(tools: Toolbox, project: Project, classes: str) -> list[str]:
    libraries = [*tools.junit, *project.libraries]
    return [
        "-d",
        classes,
        "-g",
        *(("-proc:none",) if not project.libraries else ()),
        "-sourcepath",
        os.pathsep.join(project.roots),
        "-cp",
        os.pathsep.join(libraries) or classes,
    ]


def _compiled(folder: str, lines: list[dict[str, Any]], said: str, *, ok: bool) -> Compiled:
    return Compiled(
        ok,
        os.path.join(folder, "classes"),
        Index([line for line in lines if line["type"] == "unit"]),
        tuple(line for line in lines if line["type"] == "diagnostic"),
        said,
    )


def _read(data: bytes) -> list[dict[str, Any]]:
    lines = data.decode("utf-8", "replace").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def _record(stage: Stage, root: str) -> str:
    name = hashlib.sha256(root.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return os.path.join(stage.cache, "trees", f"{name}.json")


def _content(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return ""


def _forget_old(sets: str, kept: str) -> None:
    others = [os.path.join(sets, name) for name in os.listdir(sets) if name != kept]
    for folder in sorted(others, key=os.path.getmtime)[: -(_KEPT - 1)]:
        shutil.rmtree(folder, ignore_errors=True)
